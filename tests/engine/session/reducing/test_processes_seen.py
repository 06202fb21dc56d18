"""Looking up the processes of a state."""

from dataclasses import replace

from engine.cluster.servers import COORDINATOR
from engine.session.reducing.processes_seen import alive, find, is_left_running, with_process
from engine.vocabulary.running.process import ProcessId, ProcessPhase
from tests.fakes.states.cluster_states import ready


def test_one_by_its_id():
    assert find(ready(), COORDINATOR).title == "llama-server"
    assert find(ready(), ProcessId("nobody")) is None


def test_those_that_have_not_ended():
    state = ready()
    for phase in (ProcessPhase.STOPPED, ProcessPhase.FAILED):
        state = with_process(state, replace(state.processes[0], phase=phase))
        assert state.processes[0] not in alive(state)
        assert len(alive(state)) == len(state.processes) - 1


def test_what_closing_leaves_running():
    state = replace(ready(), closing=True)
    kept = replace(state.processes[0], keeps_running=True)
    assert is_left_running(kept, state)
    assert not is_left_running(kept, ready())
    assert not is_left_running(replace(kept, phase=ProcessPhase.STARTING), state)
