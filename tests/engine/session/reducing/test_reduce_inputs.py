"""Machines, runtimes, models, choices, speeds: each ends in a new plan."""

from dataclasses import replace

from engine.session import events
from engine.session.reducing.reduce import reduce
from engine.session.state import Choices, ClusterDocument, ClusterState, RuntimePhase
from engine.vocabulary.machine import MachineId
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.worker import Speed
from tests.fakes.sessions.fake_outside import MODEL, OTHER_MODEL, TWO_WORKERS, Fakes, a_model, planned_session
from tests.fakes.states.cluster_pieces import hybrid_machine, load_of, the_models


def planned():
    return planned_session(Fakes())[0].snapshot()


def test_a_machine_that_is_looked_at_again_is_replaced():
    machine = hybrid_machine()
    other = replace(machine, id=MachineId("other"), address="10.0.0.1")
    state = ClusterState()
    for seen in (other, machine, replace(machine, name="renamed")):
        state = reduce(state, events.MachineLooked(machine=seen))
    assert [m.id for m in state.machines] == [machine.id, "other"]
    assert state.machines[0].name == "renamed"


def test_a_load_does_not_plan_anew():
    state = planned()
    _id, load = load_of(state.machines[0])
    after = reduce(reduce(state, events.LoadSampled(load=load)), events.LoadSampled(load=load))
    assert after.plan is state.plan
    assert len(after.loads) == 1
    assert after.now_seconds == load.taken_at_seconds


def test_without_a_runtime_there_is_no_plan():
    nothing = events.RuntimesFound(runtimes=(), runtime=None, dialect=None, server_options=frozenset())
    state = reduce(planned(), nothing)
    assert state.runtime_phase is RuntimePhase.MISSING
    assert (state.plan, state.variants, state.commands) == (None, (), ())


def test_an_answer_about_a_model_no_longer_chosen_is_dropped():
    state = planned()
    no = Problem(kind=ProblemKind.MODEL, where=OTHER_MODEL, happened="No.")
    assert reduce(state, events.ModelRead(path=OTHER_MODEL, model=a_model(OTHER_MODEL))) == state
    assert reduce(state, events.ModelRefused(path=OTHER_MODEL, problem=no)) == state


def test_a_refused_model_takes_the_plan_away():
    no = Problem(kind=ProblemKind.MODEL, where=MODEL, happened="No.")
    state = reduce(planned(), events.ModelRefused(path=MODEL, problem=no))
    assert (state.model, state.model_problem, state.plan) == (None, no, None)
    mended = reduce(state, events.ModelRead(path=MODEL, model=a_model()))
    assert mended.model_problem is None
    assert mended.plan is not None


def test_another_model_is_not_planned_with_the_old_ones_facts():
    state = reduce(planned(), events.ChoicesChanged(choices=replace(TWO_WORKERS, model_path=OTHER_MODEL)))
    assert (state.model, state.plan) == (None, None)


def test_speeds_replace_only_their_own():
    state = planned()
    first, second = (offer.id for offer in state.offers)
    for read in (1.0, 2.0):
        state = reduce(state, events.SpeedsMeasured(speeds=((first, Speed(read_bytes_per_second=read * 1e9)),)))
    state = reduce(state, events.SpeedsMeasured(speeds=((second, Speed(read_bytes_per_second=3e9)),)))
    assert {id_: speed.read_bytes_per_second for id_, speed in state.speeds} == {first: 2e9, second: 3e9}
    assert state.offers[0].speed.read_bytes_per_second == 2e9


def test_models_in_the_folder():
    first, *_ = models = the_models()
    state = reduce(ClusterState(), events.ModelsListed(models=(first,), finished=False))
    assert (state.models_found, state.models_searched) == ((first,), False)
    state = reduce(state, events.ModelsListed(models=models, finished=True))
    assert (state.models_found, state.models_searched) == (models, True)
    again = reduce(state, events.ModelsListed(models=(first,), finished=False))
    assert again == state, "a new search takes nothing away before it has ended"
    assert reduce(again, events.ModelsListed(models=(first,), finished=True)).models_found == (first,)


def test_files_that_were_used_last():
    state = reduce(ClusterState(), events.RecentFilesListed(models=("/m",), clusters=("/c",)))
    assert (state.recent_models, state.recent_clusters) == (("/m",), ("/c",))


def test_a_document_keeps_the_count_of_failed_saves():
    state = reduce(ClusterState(), events.SaveFailed())
    state = reduce(state, events.DocumentChanged(document=ClusterDocument(path="/c")))
    assert state.document == ClusterDocument(path="/c", n_failed_saves=1)


def test_an_exposure_that_was_chosen_is_an_answer_to_the_file():
    opened = ClusterState(document=ClusterDocument(path="/c", saved=Choices()))
    asked = events.ChoicesChanged(choices=Choices(lan_addresses=((MachineId("m"), "10.0.0.7"),)))
    assert reduce(opened, asked).document.exposure_answered
    assert not reduce(opened, events.ChoicesChanged(choices=Choices(cpu_workers=2))).document.exposure_answered
