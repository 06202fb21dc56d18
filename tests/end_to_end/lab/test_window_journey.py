"""By clicks only: three machines, found and given our build, to the first token in under five minutes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.crossply_programs import ROOT
from tests.end_to_end.lab.on_the_desk import wait_until_hosts_are_as_before

pytestmark = [pytest.mark.real, pytest.mark.display, pytest.mark.timeout(300)]

NAMES = ["lab1", "lab2", "lab3"]
FIRST_TOKEN_SECONDS = 300.0


@pytest.fixture
def display() -> Iterator[str]:
    """A real X server of this test's own."""
    argv = ["Xvfb", "-displayfd", "1", "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]
    server = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        yield f":{server.stdout.readline().strip()}"
    finally:
        server.terminate()
        server.wait(10)
        server.stdout.close()


def test_three_machines_to_the_first_token(clean_lab, runtime, gemma_model, display, tmp_path):
    models = clean_lab.client_home / ".local/share/crossply/models"
    models.mkdir(parents=True)
    (models / Path(gemma_model).name).symlink_to(gemma_model)
    programs = Path(runtime.rpc_server).parent
    environment = [f"CROSSPLY_RUNTIME={programs}", f"DISPLAY={display}", "QT_QPA_PLATFORM=xcb", "-u", "CROSSPLY_DATA"]
    prefix = clean_lab.command_prefix(cwd=ROOT)
    argv = [*prefix, "env", *reversed_options(environment), sys.executable, "-m", "tests.end_to_end.lab.window_driver"]
    pictures = tmp_path / "pictures"
    with clean_lab.watch_exposure() as watch:
        done = subprocess.run([*argv, str(pictures), *NAMES], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    journey = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps(journey, indent=1))
    assert journey["matches"]
    assert journey["machines"] == NAMES
    assert journey["answer"].strip()
    assert journey["seconds"]["first token"] < FIRST_TOKEN_SECONDS
    assert watch.seen == set()
    assert len(list(pictures.glob("*.png"))) >= len(journey["seconds"])
    wait_until_hosts_are_as_before(clean_lab)


def reversed_options(environment: list[str]) -> list[str]:
    """``env`` takes ``-u NAME`` before assignments."""
    at = environment.index("-u")
    return [*environment[at:], *environment[:at]]
