"""Asking ports what is on them, ours and those of a remote machine."""
