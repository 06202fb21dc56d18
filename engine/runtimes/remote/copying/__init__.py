"""Copies this machine's build to another machine."""
