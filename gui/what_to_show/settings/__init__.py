"""What can be set, and what Crossply says about itself. Knows no Qt."""
