"""The ways of searching, each by itself."""
