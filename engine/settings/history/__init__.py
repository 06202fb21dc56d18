"""The history of measured runs: one SQLite file in the user's data folder, and records as JSON files."""
