"""Both programs, run for real on this machine, against what Crossply says of the machine it runs on."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from engine.machines.remote_probe import look_program
from engine.machines.remote_probe.launch_script import between, launch_script
from engine.machines.remote_probe.sent.parse_probe import parse_probe
from engine.machines.remote_probe.sent.probe_answer import ProbeAnswer, machine_of
from engine.machines.this_machine import ThisMachine
from tests.engine.machines.remote_probe.sent_documents import TARGET

NONCE = "0123456789abcdef"


def sent(*, with_python: bool, shell: str = "sh", **environment: str) -> dict:
    script = launch_script("look", (NONCE,), with_python=with_python)
    done = subprocess.run(
        [shell], input=script, capture_output=True, env={**os.environ, **environment}, timeout=60, check=True
    )
    document = between(done.stdout, NONCE)
    assert document is not None
    assert done.stderr == b""
    return json.loads(document)


def answer(**options) -> ProbeAnswer:
    return parse_probe(json.dumps(sent(**options)).encode(), TARGET)


@pytest.mark.parametrize(("with_python", "shell"), [(True, "sh"), (True, "bash"), (False, "sh"), (False, "bash")])
def test_it_says_what_crossply_says_of_this_machine(with_python, shell):
    probe = ThisMachine()
    ours = probe.look(None)
    probe.close()
    theirs = answer(with_python=with_python, shell=shell)
    machine = machine_of(theirs, None)
    assert theirs.has_python == with_python
    assert (machine.name, machine.os_name, machine.architecture) == (ours.name, ours.os_name, ours.architecture)
    assert (machine.cpu.name, machine.cpu.instruction_sets) == (ours.cpu.name, ours.cpu.instruction_sets)
    assert (machine.cpu.physical_cores, machine.cpu.logical_cores) == (ours.cpu.physical_cores, ours.cpu.logical_cores)
    assert machine.cpu.ram_total_bytes == ours.cpu.ram_total_bytes
    assert abs(machine.cpu.ram_available_bytes - ours.cpu.ram_available_bytes) < ours.cpu.ram_total_bytes / 10
    assert machine.system_id == ours.system_id


@pytest.mark.parametrize("with_python", [True, False])
def test_where_our_files_belong(with_python, tmp_path):
    found = answer(with_python=with_python, HOME=str(tmp_path), XDG_DATA_HOME="")
    assert (found.home, found.data_folder) == (str(tmp_path), f"{tmp_path}/.local/share/crossply")
    chosen = tmp_path / "a 'b\" \\c"
    found = answer(with_python=with_python, XDG_DATA_HOME=str(chosen))
    assert found.data_folder == f"{chosen}/crossply"
    stat = os.statvfs(tmp_path)
    assert found.disk_free_bytes is not None
    assert abs(found.disk_free_bytes - stat.f_bavail * stat.f_frsize) < 1 << 30
    assert not chosen.exists(), "a look makes nothing"


@pytest.mark.parametrize("with_python", [True, False])
def test_nothing_is_written_to_the_disk(with_python, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    sent(with_python=with_python, HOME=str(tmp_path), TMPDIR=str(tmp_path), PYTHONPYCACHEPREFIX=str(tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


def stub(folder: Path, name: str, text: str) -> str:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize("with_python", [True, False])
def test_nvidia_smi_is_asked_on_the_path(with_python, tmp_path):
    path = stub(tmp_path, "nvidia-smi", 'case $1 in --query-gpu=index,name,*) echo "0, Card, 10, 1, 9, 0, 36, GPU-1" ;; esac')
    assert sent(with_python=with_python, PATH=path)["said"]["nvidia_smi"].strip() == "0, Card, 10, 1, 9, 0, 36, GPU-1"


def test_a_program_that_hangs_is_left_at_its_deadline(tmp_path):
    program = tmp_path / "hangs"
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(0o755)
    text = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from engine.machines.remote_probe import look_program as p; print(p.run(({str(program)!r},), 0.2))",
        ],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert text.stdout.strip() == "no answer in 0 seconds"


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_its_time_limit_ends_with_the_program(shell):
    """Told to end at once, the shell that sleeps left its ``sleep``."""
    program = (Path(look_program.__file__).parent / "look_program.sh").read_text(encoding="utf-8")
    limited = program[program.index("limited() {") :].split("\n}\n")[0] + "\n}\n"
    seconds = f"{random.uniform(500, 600):.6f}"
    runs = f"i=0; while [ $i -lt 200 ]; do limited {seconds} true; i=$((i + 1)); done"
    subprocess.run([shell, "-c", limited + runs], check=True, timeout=60)
    time.sleep(0.1)  # the last one is being ended
    left = _sleeping(seconds)
    for process in left:
        process.kill()
    assert left == []


def _sleeping(seconds):
    return [process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ["sleep", seconds]]


def test_a_program_that_is_not_there_has_no_answer():
    assert look_program.run(("/no/such/program",), 1.0) is None


def test_names_of_cards_from_the_systems_list():
    listed = "1002  AMD\n\t744c  Navi 31 [Radeon]\n\t744d  Other\n8086  Intel\n\t744c  Not this\n"
    assert look_program.names_of({("1002", "744c")}, listed) == "1002  AMD\n\t744c  Navi 31 [Radeon]"


def test_addresses_without_the_ip_program():
    assert any(" inet 127.0.0.1/" in line for line in look_program.addresses_by_ioctl())


def test_the_texts_run_on_python_3_6():
    """Syntax only; that the modules exist is known."""
    import ast

    folder = Path(look_program.__file__).parent
    for name in ("look", "load", "ports"):
        ast.parse((folder / f"{name}_program.py").read_text(encoding="utf-8"), feature_version=(3, 6))
