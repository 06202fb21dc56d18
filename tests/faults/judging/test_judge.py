"""What is called recovered, refused, in time and named."""

from dataclasses import replace

import pytest

from tests.faults.breaking.what_breaks import TABLE, Expected, Phase
from tests.faults.judging.judge import Outcome, Seen, judged

KILLED = next(cause for cause in TABLE if cause.name == "worker: kill -9")
CABLE = next(cause for cause in TABLE if cause.name == "cable out")
FULL = next(cause for cause in TABLE if cause.expected is Expected.UNDISTURBED)
ALONE = next(cause for cause in TABLE if cause.expected is Expected.REFUSAL)
SAID = ("crossplyctl: The rpc-server for CPU-0 at 127.0.0.1:50052 ended by signal 9 (SIGKILL).",)
GOOD = Seen(detected_seconds=0.3, served_seconds=4.0, ended_seconds=None, load_seconds=2.0, told=SAID)
REFUSED = replace(
    GOOD, served_seconds=None, ended_seconds=1.0, told=(*SAID, "The model needs 9 GB: 3.1 GB are missing over all workers.")
)


def misses(seen, cause=KILLED, place=":50052"):
    return judged(cause, Phase.IDLE, place, seen).misses


def test_served_again_in_time_and_named_is_as_promised():
    trial = judged(KILLED, Phase.IDLE, ":50052", GOOD)
    assert (trial.outcome, trial.misses, trial.is_kill) == (Outcome.RECOVERED, (), True)


def test_a_refusal_says_what_is_missing():
    assert judged(KILLED, Phase.IDLE, ":50052", REFUSED).outcome is Outcome.REFUSED
    goes_on = "What is left of the run is stopped and started again."
    assert judged(KILLED, Phase.IDLE, ":50052", replace(REFUSED, told=(*SAID, goes_on))).outcome is Outcome.ENDED
    only_ended = replace(REFUSED, told=(SAID[0] + " Everything was stopped; launch again.",))
    assert misses(only_ended) == ("ended, not recovered",)
    assert misses(replace(REFUSED, ended_seconds=None)) == ("neither in service nor refused in time",)


@pytest.mark.parametrize(
    ("change", "miss"),
    [
        ({"detected_seconds": 2.5}, "said only after 2.5 s"),
        ({"served_seconds": 7.5}, "in service 0.5 s later than a load and 5 s"),
        ({"told": ("Something broke: SIGKILL",)}, "the place was not named"),
        ({"told": ("The worker at 127.0.0.1:50052 is gone",)}, "the cause was not named"),
        ({"told": (*SAID, "Crossply has a bug in 'stop llama-server'")}, "people were shown a bug"),
        ({"exposed": ("ggml-rpc-server on 0.0.0.0:50052",)}, "off loopback: ggml-rpc-server on 0.0.0.0:50052"),
        ({"left": ("llama-server 12",)}, "left behind: llama-server 12"),
    ],
)
def test_each_broken_promise_is_told_alone(change, miss):
    assert misses(replace(GOOD, **change)) == (miss,)


def test_silence_has_ten_seconds_and_the_load_counts_from_then():
    told = ("lab2 says nothing any more: no answer for 9 s.",)
    seen = replace(GOOD, detected_seconds=9.5, served_seconds=16.0, told=told)
    assert misses(seen, CABLE, "lab2") == ()
    assert misses(replace(seen, served_seconds=16.7), CABLE, "lab2") == ("in service 0.2 s later than a load and 5 s",)
    assert misses(replace(seen, detected_seconds=14.0, served_seconds=19.0), CABLE, "lab2") == (
        "said only after 14.0 s",
        "in service 2.0 s later than a load and 5 s",
    )


def test_what_disturbs_nothing_need_not_be_told():
    quiet = replace(GOOD, detected_seconds=None, told=())
    assert judged(FULL, Phase.IDLE, "lab2", quiet).outcome is Outcome.UNDISTURBED
    assert misses(quiet, FULL, "lab2") == ()
    assert misses(quiet) == ("undisturbed",)


def test_with_nothing_left_only_a_refusal_will_do():
    told = ("lab2 does not answer. The run cannot go on. lab2 with 12 GB is not reachable.",)
    assert misses(replace(REFUSED, told=told), ALONE, "lab2") == ()
    assert misses(replace(GOOD, told=told), ALONE, "lab2") == ("in service again",)


def test_a_trial_that_failed_itself_says_so():
    trial = judged(KILLED, Phase.IDLE, ":50052", replace(GOOD, trouble="there was no worker"))
    assert (trial.outcome, trial.misses) == (Outcome.NOT_BROUGHT_ABOUT, ("there was no worker",))
