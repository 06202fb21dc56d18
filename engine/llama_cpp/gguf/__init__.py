"""What a GGUF header says: bytes -> header -> facts of a model, layer by layer, and the KV cache that a run needs. Pure."""
