"""Which phase may follow which."""

import itertools

import pytest

from engine.cluster.phases import ENDED, IllegalTransition, next_phase, phase_after_exit
from engine.vocabulary.running.process import ProcessOutcome, ProcessPhase

LEGAL = {
    ("starting", "ready"), ("starting", "stopping"), ("starting", "failed"), ("starting", "stopped"),
    ("ready", "stopping"), ("ready", "failed"), ("ready", "stopped"),
    ("stopping", "stopped"),
}  # fmt: skip


@pytest.mark.parametrize(("now", "then"), list(itertools.product(ProcessPhase, repeat=2)))
def test_every_pair(now, then):
    if (now.value, then.value) in LEGAL:
        assert next_phase(now, then) is then
    else:
        with pytest.raises(IllegalTransition, match=f"{now} -> {then}"):
            next_phase(now, then)


def test_what_has_ended_stays_so():
    assert not {now for now, _then in LEGAL} & {phase.value for phase in ENDED}


@pytest.mark.parametrize("now", [phase for phase in ProcessPhase if phase not in ENDED])
@pytest.mark.parametrize(("code", "stop_asked"), list(itertools.product([0, 1, -9, None], [True, False])))
def test_an_exit_always_leads_to_a_legal_phase(now, code, stop_asked):
    outcome = ProcessOutcome(exit_code=code, stop_asked=stop_asked)
    asked = stop_asked or now is ProcessPhase.STOPPING
    phase = next_phase(now, phase_after_exit(now, outcome))
    assert phase is (ProcessPhase.STOPPED if asked else ProcessPhase.FAILED)
