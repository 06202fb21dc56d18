"""Where models are on this machine, and which files there are models."""
