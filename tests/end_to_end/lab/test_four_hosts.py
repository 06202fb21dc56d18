"""Four machines with nothing but sshd and a key become one host of eight workers; and afterwards are as they were."""

from __future__ import annotations

import signal

import pytest

from tests.end_to_end.lab.on_the_desk import Desk, wait_until_hosts_are_as_before

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@pytest.fixture
def desk(clean_lab, runtime, tmp_path):
    return Desk(clean_lab, runtime, tmp_path)


def test_all_four_are_found(desk):
    found = desk.json_of("find")
    names = {machine["name"]: machine for machine in found}
    assert {"lab1", "lab2", "lab3", "lab4"} <= set(names)
    assert names["lab1"]["ssh"] == "lab1"
    assert [machine["name"] for machine in found if machine["this_machine"]] != []
    assert names["lab1"]["host_key"] == desk.lab.hosts[0].fingerprint()


def test_eight_workers_on_four_hosts_from_nothing_and_nothing_afterwards(desk, gemma_model):
    lab = desk.lab
    assert all(host.files() == [] for host in lab.hosts)
    with lab.watch_exposure() as watch, desk.up(gemma_model) as running:
        state = running.wait_until_serving()
        assert state["phase"] == "ready"
        assert state["map"]["matches"], state["map"]
        assert state["problems"] == []
        planned = set(state["map"]["planned"].values())
        assert planned == {f"lab{n}/cpu-{worker}" for n in (1, 2, 3, 4) for worker in (0, 1)}
        answer = desk.ask(state["api_url"])
        assert (answer["tokens_predicted"], bool(answer["content"].strip())) == (4, True)
        assert lab.stranger.scan_all([host.address for host in lab.hosts], seconds=0.5) == {
            host.address: [22] for host in lab.hosts
        }
        status, seconds = running.end(signal.SIGTERM)
        assert status == 0, running.said
        assert seconds < 15
    assert watch.seen == set()
    wait_until_hosts_are_as_before(lab)
    for host in lab.hosts:
        removed = desk.do("machine", "remove", host.name)
        assert removed.returncode == 0, removed.stderr
        assert [path for path in host.files() if "crossply" in path] == []


@pytest.mark.parametrize("python", [True, False], ids=["leash in Python", "leash in sh"])
def test_kill_nine_leaves_nothing_on_any_host(desk, llama_40, python):
    if not python:
        desk.lab.hosts[0].without_python()
    with desk.up(llama_40) as running:
        assert running.wait_until_serving()["map"]["matches"]
        assert all(host.of_user() for host in desk.lab.hosts)
        running.end(signal.SIGKILL)
    wait_until_hosts_are_as_before(desk.lab)


def test_the_second_load_sends_no_large_tensor_again(desk, gemma_model):
    sent = []
    for _ in range(2):
        with desk.up(gemma_model) as running:
            state = running.wait_until_serving()
            assert state["map"]["matches"]
            sent.append(sum(tunnel["sent_bytes_when_ready"] for tunnel in state["tunnels"]))
            assert running.end(signal.SIGTERM)[0] == 0
    # rpc-server caches tensors above 10 MiB only (ggml-rpc.cpp, HASH_THRESHOLD): of this small model that is the head, 178 MB.
    # Everything else is sent each time.
    assert sent[0] > 200_000_000
    assert sent[0] - sent[1] > 165_000_000, sent


def test_an_unknown_key_is_asked_for_and_not_accepted_without_a_terminal(desk, llama_40):
    done = desk.do("plan", str(llama_40), "--machine", "lab1")
    assert done.returncode == 6
    assert desk.lab.hosts[0].fingerprint() in done.stderr
    assert "Traceback" not in done.stderr
