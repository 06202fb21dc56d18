"""Looks at machines, this one and others; gives them programs."""
