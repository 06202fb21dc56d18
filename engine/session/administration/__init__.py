"""What the administrator decided, held against what a person chose. Pure."""
