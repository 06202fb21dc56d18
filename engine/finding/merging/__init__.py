"""From what the ways of searching saw to machines: pure."""
