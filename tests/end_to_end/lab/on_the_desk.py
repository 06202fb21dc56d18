"""``crossplyctl`` on the lab's desk, as a person there has it: machines named on the command line, nothing prepared there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.vocabulary.runtime import Runtime
from tests.end_to_end.crossply_programs import ROOT, SERVING, wait_until
from tests.lab.lab import Lab

PROMPT = {"prompt": "The capital of France is", "n_predict": 4, "temperature": 0}

FROM_NOTHING_SECONDS = 120.0
"""Look, copy 51 MB to each machine, load: 16 s on a quiet machine with two cores."""


class Desk:
    """The lab's desk with this machine's llama.cpp."""

    def __init__(self, lab: Lab, runtime: Runtime, folder: Path, *own_environment: str) -> None:
        """``own_environment``: ``NAME=value``, for a second Crossply beside the first."""
        self.lab = lab
        self._folder = folder
        programs = Path(runtime.rpc_server).parent
        self._prefix = [*lab.command_prefix(cwd=ROOT), f"CROSSPLY_RUNTIME={programs}", *own_environment]

    def argv(self, *arguments: str) -> list[str]:
        """What runs there."""
        return [*self._prefix, sys.executable, "-m", "engine.cli.main", *arguments]

    def do(self, *arguments: str, seconds: float = 90.0) -> subprocess.CompletedProcess[str]:
        """One command to its end. The environment is ours without what names our own data folder."""
        return subprocess.run(
            self.argv(*arguments), env=self._environment(), capture_output=True, text=True, timeout=seconds, check=False
        )

    def json_of(self, *arguments: str) -> Any:
        """What a command prints under ``--json``."""
        done = self.do(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    @cached_property
    def own_gpus(self) -> tuple[str, ...]:
        """Workers of the desk that are no CPU (Mesa's software renderer, say): an unknown one cannot be left out."""
        return tuple(worker["id"] for worker in self.json_of("node")["workers"] if worker["kind"] != "cpu")

    def ask(self, url: str) -> dict[str, Any]:
        """An answer of four tokens over the API, from the desk itself: the API is open nowhere else."""
        ask = (
            "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], sys.argv[2].encode(), 60).read().decode())"
        )
        argv = [*self.lab.command_prefix(), sys.executable, "-c", ask, f"{url}/completion", json.dumps(PROMPT)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=70, check=False)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def knows(self) -> list[str]:
        """Options that name all hosts, and accept exactly their keys."""
        names = [part for host in self.lab.hosts for part in ("--machine", host.name)]
        return [*names, *(part for host in self.lab.hosts for part in ("--accept-host-key", host.fingerprint()))]

    @contextmanager
    def up(self, model: str | Path, *arguments: str) -> Iterator[OnDesk]:
        """``crossplyctl up`` with two CPU workers on every host and none here; ended afterwards whatever happens."""
        own = ("this-machine/cpu-0", "this-machine/cpu-1", *self.own_gpus)
        here = [part for worker in own for part in ("--leave-out", worker)]
        options = ("--copy-runtime", "--cpu-workers", "2", "--policy", "even", *here, *arguments)
        with (self._folder / "stdout").open("wb") as out, (self._folder / "stderr").open("wb") as err:
            argv = self.argv("up", str(model), *self.knows(), *options)
            process = subprocess.Popen(argv, env=self._environment(), stdout=out, stderr=err)
        try:
            yield OnDesk(process, self, self._folder / "stderr")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(10)

    @staticmethod
    def _environment() -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith(("CROSSPLY_", "PYTEST_"))}


class OnDesk:
    """An ``up`` that runs on the desk."""

    def __init__(self, process: subprocess.Popen[bytes], desk: Desk, stderr: Path) -> None:
        self.process = process
        self._desk = desk
        self._stderr = stderr

    @property
    def said(self) -> str:
        """What it has said so far."""
        return self._stderr.read_text(encoding="utf-8", errors="replace")

    def wait_until_serving(self) -> dict[str, Any]:
        """Until it serves; what ``status`` says then."""

        def serving() -> bool:
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.said}"
            return SERVING in self.said

        wait_until(serving, FROM_NOTHING_SECONDS, "crossplyctl up serves")
        return dict(self._desk.json_of("status"))

    def end(self, number: signal.Signals) -> tuple[int, float]:
        """Signal it; its exit status, and how long that took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(20), time.monotonic() - began


def wait_until_hosts_are_as_before(lab: Lab, seconds: float = 5.0) -> None:
    """No process of the account, no port: on every host."""

    def left() -> list[object]:
        return [(host.name, host.of_user(), host.exposed()) for host in lab.hosts if host.of_user() or host.exposed()]

    wait_until(lambda: not left(), seconds, f"nothing runs on the hosts: {left()}")
