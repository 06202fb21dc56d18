"""Rim: finds, builds, downloads and checks llama.cpp builds, and keeps them in the user's data folder, one folder a build."""
