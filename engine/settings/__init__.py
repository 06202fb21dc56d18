"""Frozen settings, a versioned file, one migrator per version step; where our folders are."""
