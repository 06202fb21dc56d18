"""Every machine of a run hears that its load came to its end, and none before."""

from engine.errors import MachineUnreachable
from engine.session.state import RunPhase
from engine.session.working.launching.whole_caches import WHOLE
from tests.fakes.sessions.fake_lab import FakeLab


def heard(lab):
    return (len(lab.fakes.whole_caches), *(machine.n_whole for machine in lab.machines.values()))


def test_once_the_model_is_loaded_all_are_told():
    lab = FakeLab("one", "two")
    lab.jobs.held.add(WHOLE)
    assert lab.launch().run_phase is RunPhase.READY
    assert heard(lab) == (0, 0, 0)
    lab.jobs.run_held()
    assert heard(lab) == (1, 1, 1)


def test_a_load_that_breaks_tells_nobody():
    lab = FakeLab("one")
    lab.fakes.coordinator.ready = False
    lab.session.launch()
    lab.session.drain()
    assert heard(lab) == (0, 0)


def test_a_machine_that_does_not_hear_it_keeps_nobody_from_hearing_it():
    lab = FakeLab("one", "two")
    lab.jobs.held.add(WHOLE)
    lab.launch()
    lab.machines["one"].lost = MachineUnreachable("gone")
    lab.jobs.run_held()
    assert heard(lab) == (1, 1, 1)
