"""All we know about llama.cpp, pure: GGUF facts, the wire protocol's messages, dialects (options each build takes), device
names, its layer assignment rule, the lines of its logs, its metrics. The one wing that changes when llama.cpp changes.

May import vocabulary and errors. Never does I/O (a GGUF reader is given a readable, seekable file object), keeps no clock.
"""
