"""Jobs that look at the world."""

import pytest

from engine.errors import Cancelled, MachineUnreachable, ProbeFailed, RuntimeUnavailable
from engine.session import events
from engine.session.state import ClusterState
from engine.session.working.machines import look
from engine.vocabulary.running.problem import ProblemKind
from tests.fakes.sessions.fake_outside import MODEL, RUNTIME, Fakes, FakeToken


@pytest.fixture
def posted():
    return []


def test_everything_in_order(posted):
    fakes = Fakes()
    look.look_at_everything(fakes.outside(), None, posted.append)
    found, machine = posted
    assert found.runtime == RUNTIME
    assert found.dialect.generation == "G5"
    assert "-ts" in found.server_options
    assert machine.machine.name == "fake"
    assert fakes.probe.looks[0] is not None


def test_a_folder_without_programs(posted):
    look.look_at_everything(Fakes().outside(), "/nowhere", posted.append)
    problem, found, machine = posted
    assert problem.problem.kind is ProblemKind.RUNTIME
    assert found.runtime is None
    assert isinstance(machine, events.MachineLooked), "the machine is shown all the same"


def test_programs_with_a_help_nobody_understands(posted):
    fakes = Fakes()
    fakes.finder._help_text = "what is this"
    look.look_at_everything(fakes.outside(), None, posted.append)
    assert isinstance(posted[0], events.ProblemHappened)
    assert posted[1].runtime is None
    assert posted[1].runtimes == (RUNTIME,)


def test_models(posted):
    outside = Fakes().outside()
    look.read_model(outside, MODEL, posted.append)
    look.read_model(outside, "/no.gguf", posted.append)
    read, refused = posted
    assert read.model.path == MODEL
    assert refused.problem.happened == "/no.gguf is not a GGUF file."


def test_load_is_sampled_until_cancelled(posted):
    fakes = Fakes()
    machine = fakes.probe.look(None)
    with pytest.raises(Cancelled):
        look.sample_load(fakes.outside(), lambda: ClusterState(machines=(machine,)), posted.append, FakeToken(waits=2))
    assert len(posted) == 3


@pytest.mark.parametrize("error", [None, RuntimeUnavailable("No compiler.", advice="Install one.")])
def test_installing_always_ends_its_activity(posted, error):
    fakes = Fakes()
    fakes.installer.fails = error
    look.install_runtime(fakes.outside(), posted.append, FakeToken())
    assert posted[-1] == events.ActivityEnded(id=look.INSTALL)
    assert [event.problem.happened for event in posted if isinstance(event, events.ProblemHappened)] == (
        [error.happened] if error else []
    )


def test_a_machine_that_cannot_say_what_it_does_is_watched_until_it_is_lost(posted):
    machine = Fakes().add_remote("gpu-node")
    alive = [True, False]

    def says_nothing(*_arguments):
        raise ProbeFailed("No python3.")

    machine.watch_load, machine.is_alive = says_nothing, lambda: alive.pop(0)
    with pytest.raises(MachineUnreachable, match="was lost"):
        look.watch_until_lost(machine.target, machine, machine.seen.machine, posted.append, FakeToken())
    assert [event.problem.happened for event in posted] == ["No python3."]
    assert alive == []
