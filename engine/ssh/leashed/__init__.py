"""Programs on another machine that end when we do, and tunnels to their ports. They know a ``RemoteShell``."""
