"""A run over time: curves, moments on the time axis, the same as a table and as a file."""
