"""Which machine is it? Keys that servers show, that are known, that a person accepted."""
