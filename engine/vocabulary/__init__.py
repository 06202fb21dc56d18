"""Frozen facts that everything else speaks in. Imports nothing but the standard library; holds no I/O and no policy.

Units are in the names (``_bytes``, ``_seconds``, ``_per_second``). ``None`` means *not known*, and the field beside it
(``why_...``) says why; never a magic number. Everything is frozen and hashable, so it may cross threads.
"""
