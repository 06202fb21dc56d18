"""GPUs: asked of the vendor's library and the kernel, matched with what the runtime lists. ``pynvml`` only in ``nvidia``."""
