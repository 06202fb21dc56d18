"""What a placement takes of a worker's memory, and what may be taken."""
