"""The API key: one per user, in a file that only the user reads.

It is made here and shown once; after that only this file has it: no command line, log, report or cluster file. Rejected:
the system's key store (a machine that serves a lab has nobody logged in who could unlock it), and to keep only a hash (the
window could not copy it a second time, and who reads this file can read all else of the user's).
"""

from __future__ import annotations

import contextlib
import re
import secrets
from pathlib import Path

from engine.errors import BadInput
from engine.settings.on_disk.file_lock import hold_lock
from engine.settings.on_disk.whole_files import write_atomically

FILE_NAME = "api-key"
COORDINATOR_FILE_NAME = "llama-server-key"
"""Between us and our llama-server: nobody needs to see that one. Without it every page in a browser on this machine that tries
ports could use llama-server behind the API's back."""
_KEY = re.compile(r"[\x20-\x7e]+")
_BYTES = 32
_MOST_BYTES = 1024


class ApiKeyFile:
    """Read anew when the file changed: a key that was replaced counts at once."""

    def __init__(self, folder: Path, name: str = FILE_NAME) -> None:
        self.path = folder / name
        self._seen: tuple[int, int, int] | None = None
        self._key: str | None = None

    def load(self) -> str | None:
        """The key, or ``None`` when there is none. What cannot stand in a header is none: another is made then, nobody is let
        in meanwhile, and no request breaks of it."""
        try:
            found = self.path.stat()
            seen = (found.st_mtime_ns, found.st_ino, found.st_size)
            if seen != self._seen:
                with self.path.open("rb") as file:
                    key = file.read(_MOST_BYTES).decode("ascii", errors="replace").strip()
                self._key = key if _KEY.fullmatch(key) else None
                self._seen = seen
        except OSError:
            self._seen, self._key = None, None
        return self._key

    def make(self) -> str:
        """A new one, instead of the one there was. Raises ``BadInput`` when it cannot be kept."""
        key = f"sk-crossply-{secrets.token_urlsafe(_BYTES)}"
        try:
            write_atomically(self.path, key.encode() + b"\n")
        except OSError as error:
            raise self._not_written(error) from None
        return key

    def load_or_make(self) -> str:
        """The key, a new one where there is none: the same for two windows that ask at one instant. Raises ``BadInput``."""
        key = self.load()
        if key is not None:
            return key
        try:
            with hold_lock(self.path):
                return self.load() or self.make()
        except OSError as error:
            raise self._not_written(error) from None

    def _not_written(self, error: OSError) -> BadInput:
        return BadInput(
            f"The API key cannot be written to {self.path} ({error.strerror}).", advice="See whether the disk is full."
        )

    def forget(self) -> None:
        """There is none any more."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
