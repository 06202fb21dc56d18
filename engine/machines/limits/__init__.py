"""Limits by cgroups: those that this machine sets us, and those that we set programs of ours."""
