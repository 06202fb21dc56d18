"""Something of a run over several machines is broken: the machine, the worker and the cause are named, in time."""

import os
import signal

import psutil
import pytest

from tests.end_to_end.breaking.fault_bench import fault_bench
from tests.end_to_end.lab.on_the_desk import Desk, wait_until_hosts_are_as_before

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

KILL_SECONDS = 2.0
SILENT_SECONDS = 10.0
HANG_SECONDS = 10.0
N_HOSTS = 2


@pytest.fixture
def desk(clean_lab, runtime, tmp_path):
    clean_lab.known_hosts()
    return Desk(clean_lab, runtime, tmp_path)


@pytest.fixture
def bench(desk):
    def start(model, *options):
        machines = [part for host in desk.lab.hosts[:N_HOSTS] for part in ("--machine", host.name)]
        argv = [*desk.argv()[:-1], "tests.end_to_end.breaking.fault_session", str(model), *machines, *options]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("CROSSPLY_", "PYTEST_"))}
        return fault_bench(argv, environment)

    return start


def begin(running, phase):
    return {
        "idle": running.wait_until_serving,
        "decoding": running.wait_until_decoding,
        "loading": running.wait_until_loading,
    }[phase]()


def options(phase):
    return ("--decode",) if phase == "decoding" else ()


def rpc_servers(host):
    """Their process ids, as seen from outside, by port."""
    return [process.pid for process in host.of_user() if "rpc-server" in " ".join(process.argv[:1])]


def tunnel_pid(lab, host):
    """Of the process on the desk that carries its ports."""
    return next(
        process.pid
        for process in psutil.process_iter()
        if process.name() == "ssh" and "-N" in process.cmdline() and host.address in " ".join(process.cmdline()[-1:])
    )


def end_tunnel(lab, host):
    os.kill(tunnel_pid(lab, host), signal.SIGKILL)


def tell(capsys, what, named):
    with capsys.disabled():
        print(f"\n  {what}: {named.after_seconds:.2f} s: {named.cause}, {named.machine}: {named.happened}")


@pytest.mark.parametrize("phase", ["idle", "decoding", "loading"])
def test_a_killed_worker(bench, desk, llama_40, gemma_model, phase, capsys):
    host = desk.lab.hosts[1]
    with bench(gemma_model if phase == "loading" else llama_40, *options(phase)) as running:
        processes = begin(running, phase)
        ours = [one["workers"] for one in processes if one["workers"] and one["machine"] == host.name]
        named = running.named_after(lambda: os.kill(rpc_servers(host)[0], signal.SIGKILL), 15.0)
    tell(capsys, f"remote worker killed, {phase}", named)
    assert (named.cause, named.machine) == ("worker ended", host.name)
    assert named.workers in ours
    assert "signal 9 (SIGKILL)" in named.happened
    assert host.name in named.happened
    assert named.after_seconds < KILL_SECONDS
    wait_until_hosts_are_as_before(desk.lab, 20)


def test_a_stopped_worker_while_it_decodes(bench, desk, llama_40, capsys):
    host = desk.lab.hosts[0]
    with bench(llama_40, "--decode") as running:
        running.wait_until_decoding()
        named = running.named_after(lambda: os.kill(rpc_servers(host)[0], signal.SIGSTOP), 30.0)
    tell(capsys, "remote worker stopped", named)
    assert (named.cause, named.machine, len(named.workers)) == ("no progress", host.name, 1)
    assert named.after_seconds < HANG_SECONDS
    wait_until_hosts_are_as_before(desk.lab, 20)


@pytest.mark.parametrize("phase", ["idle", "decoding", "loading"])
@pytest.mark.parametrize("what", ["sshd", "tunnel"])
def test_a_lost_connection(bench, desk, llama_40, gemma_model, what, phase, capsys):
    host = desk.lab.hosts[1]
    with bench(gemma_model if phase == "loading" else llama_40, *options(phase)) as running:
        begin(running, phase)
        named = running.named_after(host.kill_sshd if what == "sshd" else lambda: end_tunnel(desk.lab, host), 15.0)
        if what == "sshd":
            host.start_sshd()
    tell(capsys, f"{what} killed, {phase}", named)
    assert (named.cause, named.machine, named.where) == ("connection lost", host.name, host.name)
    assert named.after_seconds < KILL_SECONDS
    wait_until_hosts_are_as_before(desk.lab, 20)


@pytest.mark.parametrize("phase", ["idle", "decoding"])
@pytest.mark.parametrize("what", ["cable", "power"])
def test_a_silent_host(bench, desk, llama_40, what, phase, capsys):
    host = desk.lab.hosts[1]
    with bench(llama_40, *options(phase)) as running:
        begin(running, phase)
        named = running.named_after(host.cable_out if what == "cable" else host.power_off, 30.0)
    tell(capsys, f"{what} out, {phase}", named)
    assert (named.cause, named.machine, named.where) == ("host silent", host.name, host.name)
    assert named.after_seconds < SILENT_SECONDS


def test_a_kept_worker_that_is_killed_before_and_after_it_was_adopted(bench, desk, llama_40, capsys):
    host = desk.lab.hosts[0]
    with desk.up(llama_40, "--keep-running") as running:
        running.wait_until_serving()
        running.end(signal.SIGTERM)
    adopted = rpc_servers(host)
    with bench(llama_40, "--keep-running") as running:
        running.wait_until_serving()
        assert rpc_servers(host) == adopted
        named = running.named_after(lambda: os.kill(adopted[0], signal.SIGKILL), 15.0)
    tell(capsys, "adopted worker killed, idle", named)
    assert (named.cause, named.machine, len(named.workers)) == ("worker ended", host.name, 1)
    assert named.after_seconds < KILL_SECONDS
    for other in desk.lab.hosts:
        desk.do("machine", "stop", other.name)
    wait_until_hosts_are_as_before(desk.lab, 20)
