"""Rim: llama.cpp's programs on other machines: found, copied there, checked, removed. Always over a ``RemoteShell``."""
