"""Runs ``fault_session`` as a program of its own, and times what it says against what was done to it."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.end_to_end.crossply_programs import ROOT, wait_until

START_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Named:
    """The first fault after something was broken."""

    after_seconds: float
    cause: str
    machine: str | None
    workers: list[str]
    where: str
    happened: str


class FaultBench:
    """A session that runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.said: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.said.append(json.loads(line))

    def join(self) -> None:
        """After its end."""
        self._reader.join(10)

    def _last(self, key: str) -> dict[str, Any] | None:
        return next((one for one in reversed(self.said) if key in one), None)

    def wait_for(self, reached: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """The first thing it says that is so."""

        def found() -> dict[str, Any] | None:
            assert self._process.poll() is None, f"it ended: {self.said[-3:]}"
            return next((one for one in self.said if reached(one)), None)

        return wait_until(found, START_SECONDS, f"{what}: {self.said[-2:]}")

    def wait_until_serving(self) -> list[dict[str, Any]]:
        """Its processes then."""
        return list(self.wait_for(lambda one: one.get("phase") == "ready", "it serves")["processes"])

    def wait_until_loading(self) -> list[dict[str, Any]]:
        """Its processes when llama-server has begun to load."""
        return list(self.wait_for(lambda one: one.get("phase") == "loading model", "it loads")["processes"])

    def wait_until_decoding(self) -> list[dict[str, Any]]:
        """Its processes while an answer comes."""
        processes = self.wait_until_serving()
        self.wait_for(lambda one: "decoding" in one, "it decodes")
        return processes

    def named_after(self, break_it: Callable[[], object], within_seconds: float) -> Named:
        """Break something; what is named, and after how long."""
        assert not [one for one in self.said if "fault" in one]
        began = time.monotonic()
        break_it()
        said = wait_until(lambda: self._last("fault"), within_seconds, f"a fault is named: {self.said[-2:]}")
        first = next(one for one in self.said if "fault" in one)
        problem = first["fault"]
        return Named(
            after_seconds=first["at"] - began,
            cause=problem["fault"]["cause"],
            machine=problem["fault"]["machine"],
            workers=problem["fault"]["workers"],
            where=problem["where"],
            happened=problem["happened"] if said else "",
        )


@contextmanager
def fault_bench(argv: list[str], environment: Mapping[str, str]) -> Iterator[FaultBench]:
    """``argv``: how ``fault_session`` is started there, with its options."""
    process = subprocess.Popen(argv, cwd=ROOT, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    bench = FaultBench(process)
    try:
        yield bench
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        bench.join()
