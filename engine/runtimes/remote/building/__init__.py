"""Rim: llama.cpp built from source on another machine, where a copy cannot help or its GPU toolchain makes a better build."""
