"""crossplyctl: the same engine without a window."""
