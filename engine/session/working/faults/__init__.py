"""What broke a run: who ended, fell silent or hangs, put into words and into a ``Fault``."""
