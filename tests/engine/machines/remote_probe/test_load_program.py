"""Both programs, run for real on this machine."""

from __future__ import annotations

import itertools
import json
import os
import select
import subprocess
import time

import psutil
import pytest

from engine.machines.remote_probe import load_program
from engine.machines.remote_probe.launch_script import launch_script


@pytest.fixture(params=[(True, "sh"), (False, "sh"), (False, "bash")], ids=["python", "sh", "bash without python"])
def start(request):
    with_python, shell = request.param
    processes = []

    def start(most_silent_seconds):
        process = subprocess.Popen([shell], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        processes.append(process)
        process.stdin.write(launch_script("load", ("MARK", "1", str(most_silent_seconds)), with_python=with_python))
        process.stdin.flush()
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def running(start):
    return start(60)


def line_of(process):
    assert select.select([process.stdout], [], [], 20)[0], "it says nothing"
    line = process.stdout.readline()
    assert line.startswith(b"MARK"), line
    return json.loads(line[4:])


def test_a_line_now_and_one_every_second(running):
    first, second = line_of(running), line_of(running)
    assert 0.9 < second["t"] - first["t"] < 5
    assert sum(second["cpu"]) > sum(first["cpu"])
    assert 0 < second["ram"] < psutil.virtual_memory().total
    assert second["net"][0] >= first["net"][0]
    assert second["nv"] == second["drm"] == []


def test_it_ends_with_its_input_and_leaves_nothing(running):
    line_of(running)
    started_by_it = psutil.Process(running.pid).children(recursive=True)
    running.stdin.close()
    running.stdin = None
    started = time.monotonic()
    assert running.wait(10) == 0
    assert time.monotonic() - started < 5
    psutil.wait_procs(started_by_it, timeout=5)
    assert [child for child in started_by_it if child.is_running()] == []


def test_it_ends_when_nobody_answers_and_leaves_nothing(start):
    process = start(2)
    line_of(process)
    started_by_it = psutil.Process(process.pid).children(recursive=True)
    assert process.wait(10) == 0
    psutil.wait_procs(started_by_it, timeout=5)
    assert [child for child in started_by_it if child.is_running()] == []


def test_answers_keep_it_going_at_its_pace(start):
    process = start(2)
    times = []
    while len(times) < 6:
        times.append(line_of(process)["t"])
        process.stdin.write(b"\n")
        process.stdin.flush()
    assert all(later - earlier > 0.9 for earlier, later in itertools.pairwise(times))
    assert process.poll() is None


def test_it_ends_when_nobody_reads(running):
    line_of(running)
    started_by_it = psutil.Process(running.pid).children(recursive=True)
    running.stdout.close()
    running.stdout = None
    running.wait(10)
    running.stdin.close()
    running.stdin = None
    psutil.wait_procs(started_by_it, timeout=5)
    assert [child for child in started_by_it if child.is_running()] == []


def test_a_long_lived_nvidia_smi_is_read_as_it_prints(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '0, 93, 1187, 71'; echo '1, 0, 24075, 36'; echo 'nonsense'; exec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    exists = os.path.exists
    monkeypatch.setattr(load_program.os.path, "exists", lambda path: path == "/proc/driver/nvidia" or exists(path))
    smi = load_program.Smi(2)
    child = smi.child
    assert child is not None
    while len(smi.latest) < 2:
        assert select.select(smi.fd(), [], [], 20)[0]
        smi.take()
    assert json.loads(load_program.sample("", [], smi))["nv"] == ["0, 93, 1187, 71", "1, 0, 24075, 36"]
    smi.stop()
    child.wait(10)
    child.stdout.close()
    assert smi.fd() == []


def test_a_card_of_amd(tmp_path):
    for name, value in {
        "gpu_busy_percent": "37",
        "mem_info_vram_total": "1000",
        "mem_info_vram_used": "400",
        "hwmon/hwmon3/temp1_input": "61000",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(value + "\n")
    assert load_program.card_sample("0x1002", str(tmp_path)) == ["0x1002", 37, 1000, 400, 61000]
    assert load_program.card_sample("0x8086", str(tmp_path / "none")) == ["0x8086", None, None, None, None]
