"""What takes time: jobs that look, prepare, start, watch, measure and ask, through ports. Each posts what it saw as events."""
