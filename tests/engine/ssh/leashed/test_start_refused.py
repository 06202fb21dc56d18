from __future__ import annotations

import pytest

from engine.errors import ProcessFailed
from engine.ssh.leashed.leash_output import CouldNotStart
from engine.ssh.leashed.start_refused import check_spec, no_answer, refused
from engine.vocabulary.running.process import ProcessId, ProcessSpec


def spec_of(*argv: str, environment: tuple[tuple[str, str], ...] = (), folder: str | None = None) -> ProcessSpec:
    return ProcessSpec(id=ProcessId("worker"), argv=argv, environment=environment, folder=folder)


@pytest.mark.parametrize(
    "spec",
    [
        spec_of(),
        spec_of(""),
        spec_of("a", "b\0c"),
        spec_of("a", folder="/\0"),
        spec_of("a", environment=(("A", "\0"),)),
        spec_of("a", environment=(("A B", "c"),)),
        spec_of("a", environment=(("A;reboot", "c"),)),
        spec_of("a", environment=(("", "c"),)),
        spec_of("a", "x" * 100_000),
        ProcessSpec(id=ProcessId("worker"), argv=("a",), reads_leash=True),
        ProcessSpec(id=ProcessId("worker"), argv=("a",), first_line="secret"),
    ],
)
def test_what_cannot_be_done_there_is_refused_before_it_is_sent(spec: ProcessSpec) -> None:
    with pytest.raises(ProcessFailed, match=r"Could not start worker on node: .*This is a bug"):
        check_spec(spec, "node")


def test_all_that_a_command_may_hold_is_let_through() -> None:
    check_spec(spec_of("a", "it's $HOME\n\udcff", environment=(("_A1", "'"),), folder="/a b"), "node")


@pytest.mark.parametrize("reason", ["missing", "no-folder", "not-allowed", "wrong-kind", "no-loader", "other"])
def test_a_refusal_names_the_machine_and_what_was_refused(reason: str) -> None:
    error = refused(spec_of("/opt/rpc-server", folder="/opt"), "node", CouldNotStart(reason=reason, words="Bad thing"))
    assert error.happened.startswith("Could not start worker on node: ")
    assert "/opt" in error.happened
    assert error.details == "Bad thing"


def test_a_reason_that_is_not_known_is_quoted() -> None:
    error = refused(spec_of("prog"), "node", CouldNotStart(reason="other", words="Text file busy"))
    assert str(error) == "Could not start worker on node: prog: Text file busy."


def test_what_came_instead_of_an_answer_is_shown_clean_and_short() -> None:
    error = no_answer(spec_of("prog"), "node", "hello\n\x1b[2Jsh: python3: not found" + "!" * 5000 + "\n\n")
    assert "\x1b" not in str(error) + error.details
    assert error.happened.startswith("Could not start worker on node: nothing answered there: [2Jsh: python3: not found!")
    assert len(error.happened) < 300
