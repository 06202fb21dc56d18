"""Programs on another machine that end when we do, or are kept running. They know a ``RemoteShell``."""
