"""``crossply`` and ``python -m gui``: the window."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from engine.errors import EngineError


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, open the session, show the window. Returns the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    to_open = parser().parse_args(given).file
    # Qt and the engine's adapters are imported only now: --help and --version answer at once, without a display.
    from engine.open_session import open_session  # noqa: PLC0415
    from gui.app import run  # noqa: PLC0415

    try:
        return run(open_session, [sys.argv[0]], to_open)
    except EngineError as error:
        sys.stderr.write(f"crossply: {error}\n")
        return 1


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crossply",
        description="Turn the machines of a lab into one llama.cpp host. This opens the window; crossplyctl does the same "
        "from the command line.",
    )
    parser.add_argument("--version", action="version", version=f"crossply {_version()}")
    parser.add_argument(
        "file", nargs="?", type=_file, metavar="FILE", help="a model (.gguf) or a cluster file (.crossply.toml) to open"
    )
    return parser


def _file(text: str) -> str:
    """An absolute path, as an argparse type."""
    path = Path(text).expanduser().absolute()
    if path.suffix.lower() not in (".gguf", ".toml"):
        raise argparse.ArgumentTypeError(f"{text} is neither a GGUF model nor a cluster file (.crossply.toml)")
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {path}")
    return str(path)


def _version() -> str:
    try:
        return version("crossply")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
