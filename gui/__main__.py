"""``crossply`` and ``python -m gui``: the window."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import PackageNotFoundError, version

from engine.errors import EngineError


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, open the session, show the window. Returns the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    _parser().parse_args(given)
    # Qt and the engine's adapters are imported only now: --help and --version answer at once, without a display.
    from engine.open_session import open_session  # noqa: PLC0415
    from gui.app import run  # noqa: PLC0415

    try:
        return run(open_session, [sys.argv[0]])
    except EngineError as error:
        sys.stderr.write(f"crossply: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crossply",
        description="Turn the machines of a lab into one llama.cpp host. This opens the window; crossplyctl does the same "
        "from the command line.",
    )
    parser.add_argument("--version", action="version", version=f"crossply {_version()}")
    return parser


def _version() -> str:
    try:
        return version("crossply")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
