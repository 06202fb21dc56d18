"""The two large pieces of the set-up, with the engine's own code: llama.cpp's programs, and the demo's model.

``prepare_pieces.py folder`` prints the data folder; ``runtime [--vulkan-headers FOLDER]``, ``portable`` (the same, always our
own build and without CUDA: what the packages carry) and ``model`` print one line of JSON per progress (``fraction``,
``detail``) and at the end ``result`` or ``error``. Run by path with the virtual environment's Python; ``set_up.py`` shows it.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from engine.errors import Cancelled, EngineError, RuntimeUnavailable
from engine.runtimes.building.build_from_source import BuildOptions, Wanted, build_runtime
from engine.runtimes.demo_model import fetch_demo_model
from engine.runtimes.runtime_finder import LocalRuntimeFinder
from engine.settings.folders import find_folders
from engine.vocabulary.runtime import Runtime, RuntimeSource


class _StopAsked:
    """A cancel token that a signal sets."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self, *_: object) -> None:
        self._asked.set()

    def check(self) -> None:
        if self._asked.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        self._asked.wait(seconds)
        self.check()


def main() -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("piece", choices=("folder", "runtime", "portable", "model"))
    parser.add_argument("--vulkan-headers", type=Path, help="the Vulkan backend is needed; build it with these")
    asked = parser.parse_args()
    if asked.piece == "folder":
        print(find_folders().data)
        return 0
    token = _StopAsked()
    signal.signal(signal.SIGINT, token.ask)
    signal.signal(signal.SIGTERM, token.ask)
    try:
        if asked.piece == "model":
            _say(result=_model(token))
        else:
            make = _portable if asked.piece == "portable" else _runtime
            _say(result=make(asked.vulkan_headers, token))
    except EngineError as error:
        _say(error=str(error), details=error.details)
        return 1
    except Cancelled:
        _say(error="Stopped, as asked. Nothing unfinished is left.", details="")
        return 130
    return 0


def _runtime(headers: Path | None, token: _StopAsked) -> str:
    if found := _usable(needs_vulkan=headers is not None):
        return f"{found.label} with {', '.join(found.backends)} in {found.folder}"
    vulkan = Wanted.YES if headers else Wanted.IF_POSSIBLE
    build_runtime(find_folders(), BuildOptions(vulkan=vulkan, vulkan_headers=headers), _show, token)
    if found := _usable(needs_vulkan=headers is not None):
        return f"built {found.label} with {', '.join(found.backends)} in {found.folder}"
    first = next((found for found in LocalRuntimeFinder().find(None)), None)
    said = (
        f"{first.folder} comes first: {', '.join(first.backends)}; {first.why_unusable or 'usable'}"
        if first
        else "none is found"
    )
    raise RuntimeUnavailable(f"llama.cpp was built, but is not what is used now ({said}).", advice="Unset CROSSPLY_RUNTIME.")


def _portable(headers: Path | None, token: _StopAsked) -> str:
    options = BuildOptions(cuda=Wanted.NO, vulkan=Wanted.YES if headers else Wanted.IF_POSSIBLE, vulkan_headers=headers)
    return str(build_runtime(find_folders(), options, _show, token))


def _usable(*, needs_vulkan: bool) -> Runtime | None:
    """The runtime that will be used, if it can do everything that is needed."""
    for runtime in LocalRuntimeFinder().find(None):
        if runtime.why_unusable is None and runtime.llama_bench and runtime.llama_fit_params:
            if not needs_vulkan or "Vulkan" in runtime.backends:
                return runtime
            if runtime.source is RuntimeSource.CHOSEN:
                raise RuntimeUnavailable(
                    f"The tests need the Vulkan backend, and {runtime.folder} has none.", advice="Unset CROSSPLY_RUNTIME."
                )
            return None
    return None


def _model(token: _StopAsked) -> str:
    return str(fetch_demo_model(find_folders(), _show, token))


def _show(fraction: float, detail: str) -> None:
    _say(fraction=fraction, detail=detail)


def _say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    sys.exit(main())
