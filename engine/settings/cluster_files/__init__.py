"""Cluster files: the TOML that describes machines and what was chosen."""
