"""The truth about hybrid: other ways to split than the fastest one, side by side, and what every worker is worth. Pure."""
