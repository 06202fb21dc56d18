"""Words about files: what is open, what a drop would do, what leaving would end."""
