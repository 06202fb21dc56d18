"""``crossplyctl doctor`` on fakes: every question answered, the exit status says whether all is well."""

import json

import pytest

from engine.cli import doctor
from engine.cli.main import main
from engine.cli.terminal import exit_codes
from engine.ports import RpcAnswer, RpcState
from engine.vocabulary.runtime import RpcProtocolVersion
from tests.fakes.sessions.fake_outside import Fakes


class Asker:
    def __init__(self, free, state=None):
        self.free, self.state = free, state

    def is_free(self, host, port):
        return self.free

    def ask(self, host, port, *, timeout_seconds=2.0):
        return self.state


def findings(monkeypatch, capsys, fakes):
    monkeypatch.setattr(doctor, "real_outside", fakes.outside)
    code = main(["doctor", "--json"])
    return code, {row["question"]: row for row in json.loads(capsys.readouterr().out)}


def test_all_is_well(monkeypatch, capsys):
    code, rows = findings(monkeypatch, capsys, Fakes())
    assert code == exit_codes.OK
    assert rows["coordinator"]["answer"] == "takes plans; layer map can be read back"
    assert rows["running now"]["answer"] == "no"
    assert "RPC 4.0.0" in rows["llama.cpp in use"]["answer"]


def test_no_programs(monkeypatch, capsys):
    code, rows = findings(monkeypatch, capsys, Fakes(runtimes=()))
    assert code == exit_codes.FAILED
    assert not rows["llama.cpp in use"]["ok"]
    assert "runtime build" in rows["llama.cpp in use"]["advice"]


ANSWER = RpcAnswer(protocol=RpcProtocolVersion(major=7, minor=0, patch=0), device_memory=((4 * 10**9, 8 * 10**9),))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (RpcState(state="idle", answer=ANSWER), "an rpc-server that is not ours (RPC 7.0.0, 1 device, 4.0 GB free)"),
        (RpcState(state="busy"), "an rpc-server that somebody is using"),
        (RpcState(state="other"), "another program"),
        (RpcState(state="gone"), "something that left meanwhile"),
    ],
)
def test_what_is_on_a_taken_port_is_named(monkeypatch, capsys, state, words):
    fakes = Fakes()
    fakes.asker = Asker(False, state)
    code, rows = findings(monkeypatch, capsys, fakes)
    assert code == exit_codes.OK
    ports = [row["answer"] for question, row in rows.items() if question.startswith("port ")]
    assert ports
    assert all(answer == f"taken by {words}; the next free port will be used" for answer in ports)


def test_the_table_says_it_too(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "real_outside", Fakes(runtimes=()).outside)
    assert main(["doctor"]) == exit_codes.FAILED
    out = capsys.readouterr().out
    assert "NO" in out
    assert "no usable programs" in out
