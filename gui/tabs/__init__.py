"""The tabs at the bottom: throughput, logs, try it, commands. Knows contents, never the engine's session."""
