"""The processor: what it is and can, from the system it runs under, one file per system."""
