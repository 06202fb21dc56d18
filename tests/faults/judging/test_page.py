"""The page says what the trials showed and nothing else."""

from dataclasses import replace

from tests.faults.breaking.what_breaks import TABLE, Phase
from tests.faults.judging.judge import Seen, judged
from tests.faults.judging.page import About, fault_matrix_page, summary

KILLED = next(cause for cause in TABLE if cause.name == "worker: kill -9")
SIGABRT = next(cause for cause in TABLE if cause.name.startswith("llama-server: abort"))
SEEN = Seen(
    detected_seconds=0.25,
    served_seconds=3.0,
    ended_seconds=None,
    load_seconds=2.0,
    told=(
        "The rpc-server at 127.0.0.1:50052 ended by signal 9 (SIGKILL).",
        "Back in 2.5 s on 1 worker, 3.2 tokens/s less (measured 9.1, before 12.3).",
    ),
    seconds=9.0,
)
LATE = replace(SEEN, detected_seconds=0.75, served_seconds=9.0, told=("|of <b>127.0.0.1:50052</b>\nSIGKILL",), seconds=15.0)
ABOUT = About(
    date="2026-11-26",
    machine="A machine",
    versions="Crossply at commit abc",
    model="a model",
    command="python -m tests.faults.matrix",
    minutes=4.0,
    loads=(("one machine", 2.0),),
)


def page(*seen, cause=KILLED, about=ABOUT):
    return fault_matrix_page([judged(cause, Phase.IDLE, ":50052", one) for one in seen], about)


def test_a_row_has_medians_and_worst():
    row = "| worker: kill -9 | idle | 2 | 2 | 0 | 1 | 0.50, 0.75 | 6.0, 9.0 | 4.0, 7.0 |"
    assert row in page(SEEN, LATE)


def test_how_many_were_as_promised_is_on_top():
    trials = [judged(KILLED, Phase.IDLE, ":50052", SEEN), judged(SIGABRT, Phase.IDLE, "llama-server", SEEN)]
    assert summary(trials) == "1 of 2 trials were as promised; of the kill -9 trials 1 of 1"
    assert summary(trials) in fault_matrix_page(trials, ABOUT)


def test_every_failure_is_there_with_what_was_told_and_cannot_break_the_page():
    text = page(SEEN, LATE)
    assert "**worker: kill -9, idle (one machine)**: in service 2.0 s later than a load and 5 s." in text
    assert "    /of ‹b>127.0.0.1:50052‹/b> SIGKILL" in text
    assert "## Not as promised\n\nNone." in page(SEEN)


def test_the_price_is_in_its_own_words():
    assert "- worker: kill -9: Back in 2.5 s on 1 worker, 3.2 tokens/s less (measured 9.1, before 12.3)." in page(SEEN)


def test_machine_date_versions_model_command_and_what_was_left_out():
    text = page(SEEN, about=replace(ABOUT, left_out=("the beds of several machines: no root.",)))
    for words in ("2026-11-26", "A machine", "commit abc", "a model", ABOUT.command, "1 trials in 4 minutes, 9.0, 9.0 s each"):
        assert words in text
    assert "Not run: the beds of several machines: no root." in text
    assert "one machine 2.0 s" in text
