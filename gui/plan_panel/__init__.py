"""The plan: the comparison of variants and the choices that lead to them. Knows contents, never the engine's session."""
