"""``crossplyctl doctor --machine``: every question about a remote machine."""

import json
from dataclasses import replace

import pytest

from engine.cli.machines.remote_findings import findings_about
from engine.cli.main import main
from engine.cli.terminal import exit_codes
from engine.errors import HostKeyUnknown
from engine.session.remotes import RemoteSeen
from engine.session.state import Choices, ClusterState
from engine.vocabulary.remote import NetworkAddress, RemotePhase, RemoteRuntime
from tests.fakes.ports.fake_remote import LINK, a_look, a_target
from tests.fakes.sessions.cli_lab import KEY, OTHER_COMMIT, CliLab
from tests.fakes.sessions.fake_outside import RUNTIME


@pytest.fixture
def lab(monkeypatch):
    return CliLab(monkeypatch)


def rows_of(capsys, *argv):
    code = main(["doctor", "--json", *argv])
    rows = json.loads(capsys.readouterr().out)
    return code, {row["question"]: row for row in rows if row["machine"] != "this machine"}


def test_a_machine_that_may_work(lab, capsys):
    machine = lab.fakes.add_remote("one")
    facts = replace(
        machine.seen.facts,
        addresses=(NetworkAddress(interface="eth0", address="10.0.0.7", mbit_per_second=1000),),
        listening_ports=(22, 50052, 50060, 60000),
    )
    machine.seen = replace(machine.seen, facts=facts)
    code, rows = rows_of(capsys, "--machine", "ada@one")
    assert code == exit_codes.OK
    assert rows["connection"]["answer"] == "ssh ada@one, 0.3 ms there and back, 117 MB/s"
    used = rows["llama.cpp in use"]
    assert "b11434 (0c1e570), RPC 4.0.0" in used["answer"]
    assert used["answer"].endswith("/home/ada/fake/ggml-rpc-server; may work with this coordinator")
    assert used["details"] == {
        "program": "/home/ada/fake/ggml-rpc-server",
        "build": 11434,
        "commit": "0c1e570",
        "protocol": "4.0.0",
        "backends": [],
        "may_work": True,
        "why_not": None,
    }
    assert rows["addresses"]["answer"] == "10.0.0.7 (eth0, 1000 Mbit/s)"
    assert rows["RPC ports in use"]["details"] == {"ports": [50052, 50060]}
    assert rows["exposure"]["answer"] == "loopback + SSH tunnel"
    assert rows["python"]["answer"] == "python3 is there"
    assert "107.4 GB free for /home/ada/.local/share/crossply" in rows["disk"]["answer"]
    assert machine.closed


def test_another_build_is_shown_with_the_reason(lab, capsys):
    machine = lab.without_runtime("one")
    theirs = RemoteRuntime(runtime=OTHER_COMMIT, devices=(), help_text="", why_not_with_coordinator="It is commit abcdef0.")
    machine.seen = replace(machine.seen, runtimes=(theirs,))
    code, rows = rows_of(capsys, "--machine", "ada@one")
    assert code == exit_codes.FAILED
    other = rows["other llama.cpp"]
    assert "b11000 (abcdef0)" in other["answer"]
    assert (other["details"]["may_work"], other["details"]["why_not"]) == (False, "It is commit abcdef0.")
    assert not rows["llama.cpp in use"]["ok"]
    assert "crossplyctl machine copy-runtime ada@one" in rows["llama.cpp in use"]["advice"]


def test_what_is_not_reached_or_asks_is_reported_and_the_rest_goes_on(lab, capsys):
    lab.fakes.add_remote("one")
    lab.fakes.connector.raises["two"] = [HostKeyUnknown("Never seen.", KEY)]
    code = main(["doctor", "--machine", "one", "--machine", "two", "--machine", "none", "--wait-seconds", "0", "--json"])
    captured = capsys.readouterr()
    connections = {row["machine"]: row["ok"] for row in json.loads(captured.out) if row["question"] == "connection"}
    assert code == exit_codes.FAILED
    assert connections == {"one": True, "two": False, "none": False}
    assert "--accept-host-key" in captured.err


def test_the_table_names_the_machines(lab, capsys):
    lab.without_runtime("one")
    assert main(["doctor", "--machine", "ada@one"]) == exit_codes.FAILED
    out = capsys.readouterr().out
    assert "machine" in out.splitlines()[0]
    assert "this machine" in out
    assert "one, llama.cpp in use: crossplyctl machine copy-runtime" in out


def test_what_a_machine_says_of_itself_cannot_move_the_cursor():
    target = a_target("one")
    look = a_look(target, RUNTIME, "")
    look = replace(look, machine=replace(look.machine, name="o\x1b[2Jne", why_no_gpu="n\x00one"))
    seen = RemoteSeen(target=target, phase=RemotePhase.READY, look=look, link=LINK)
    rows = findings_about(seen, ClusterState())
    assert all(text.isprintable() for row in rows for text in (row.machine, row.answer, row.advice))


def test_a_full_disk_an_open_machine_and_no_python():
    target = a_target("one")
    look = a_look(target, RUNTIME, "")
    look = replace(look, facts=replace(look.facts, disk_free_bytes=1000, has_python=False))
    state = ClusterState(choices=Choices(lan_addresses=((target.machine_id, "10.0.0.7"),)))
    seen = RemoteSeen(target=target, phase=RemotePhase.READY, look=look)
    rows = {row.question: row for row in findings_about(seen, state)}
    assert not rows["disk"].ok
    assert rows["exposure"].answer == "open on the network"
    assert "no python3" in rows["python"].answer
    assert rows["connection"].answer == "ssh ada@one"


def test_one_that_was_never_looked_at_has_one_row():
    (row,) = findings_about(RemoteSeen(target=a_target("one")), ClusterState())
    assert (row.question, row.ok) == ("connection", False)
