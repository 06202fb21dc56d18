"""On the lab's hosts: the link as it is measured, a load over it, a password typed wrong and right, a second load."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from engine.session.state import RunPhase
from engine.vocabulary.remote import RemotePhase
from tests.end_to_end.lab.on_the_desk import Desk, wait_until_hosts_are_as_before
from tests.fakes.llama_cpp.gguf_writer import write_llama

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@pytest.fixture
def desk(clean_lab, runtime, tmp_path):
    clean_lab.known_hosts()
    return Desk(clean_lab, runtime, tmp_path)


def in_session(desk, *arguments):
    """What ``desk_session`` prints."""
    argv = [*desk.argv()[:-1], "tests.end_to_end.lab.security.desk_session", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_slow_link_is_measured_as_it_is(desk):
    desk.lab.hosts[0].slow(100)
    try:
        measured = in_session(desk, "link", "lab1")
    finally:
        desk.lab.hosts[0].slow(None)
    assert measured["bytes_per_second"] == pytest.approx(12.5e6, rel=0.2)


def test_a_load_over_a_slow_link_takes_as_long_as_its_card_says(desk, gemma_model):
    host = desk.lab.hosts[0]
    copied = desk.do("machine", "copy-runtime", host.name)
    assert copied.returncode == 0, copied.stderr
    host.slow(100)
    try:
        told = in_session(desk, "load", host.name, gemma_model)
    finally:
        host.slow(None)
    assert told["ended"] == RunPhase.READY.value
    sent = [moment for moment in told["seen"] if moment[1]]
    at, n_sent, size, left = next(moment for moment in sent if moment[1] > moment[2] / 2)
    took = told["seconds"] - at
    print(
        f"at {at:.1f} s: {n_sent / 1e6:.0f} of {size / 1e6:.0f} MB, {left:.1f} s left; it took {took:.1f} s", file=sys.stderr
    )
    assert took / 1.5 < left < took * 1.5
    assert sent[-1][1] == pytest.approx(size, rel=0.05)
    wait_until_hosts_are_as_before(desk.lab)


def test_a_wrong_password_is_asked_for_again_and_the_right_one_lets_in(desk):
    key = desk.lab.client_home / ".ssh/id_ed25519"
    kept = key.rename(key.with_name("kept"))
    try:
        told = in_session(desk, "secrets", "lab1", "not it", desk.lab.password)
    finally:
        kept.rename(key)
    assert [wrong_before for _, wrong_before in told["asked"]] == [False, True]
    assert all(desk.lab.hosts[0].address in prompt for prompt, _ in told["asked"])
    assert told["ended"] == RemotePhase.NO_RUNTIME.value
    wait_until_hosts_are_as_before(desk.lab)


@pytest.fixture
def large_tensors(tmp_path):
    """Three layers of 168 MB whose matrices are all above the 10 MiB from which rpc-server keeps a tensor in its cache."""
    sizes = {"n_layers": 3, "n_embd": 2048, "n_ff": 4096, "n_head": 16, "n_head_kv": 16, "head_length": 128}
    return write_llama(tmp_path / "large.gguf", weights="f32", **sizes)


def test_the_second_load_of_large_tensors_sends_under_one_percent(desk, large_tensors):
    sent = []
    for _ in range(2):
        with desk.up(large_tensors, "--context", "256") as running:
            state = running.wait_until_serving()
            assert state["map"]["matches"]
            sent.append({tunnel["machine"]: tunnel["sent_bytes_when_ready"] for tunnel in state["tunnels"]})
            assert running.end(signal.SIGTERM)[0] == 0
    first, second = sent
    print(f"sent {first}, then {second}", file=sys.stderr)
    assert sum(first.values()) > 450_000_000
    assert sum(second.values()) < sum(first.values()) / 100
    # of each machine that has layers; those without send a few kB twice
    assert all(second[name] < first[name] / 100 for name in first if first[name] > 50_000_000)
    wait_until_hosts_are_as_before(desk.lab)
