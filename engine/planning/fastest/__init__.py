"""The policy ``fastest``: workers, order and layer counts with the least predicted seconds per token."""
