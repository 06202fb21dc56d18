"""What the planner says to people: why, why not, what would help."""
