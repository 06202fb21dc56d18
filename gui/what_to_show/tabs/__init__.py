"""What stands in the tabs."""
