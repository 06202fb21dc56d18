"""Cards: one per machine, one row per worker."""
