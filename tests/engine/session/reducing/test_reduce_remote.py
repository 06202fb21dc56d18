"""Events of remote machines: phases, who takes part, the same machine twice, the search."""

from dataclasses import replace

from engine.session import events, remote_events
from engine.session.reducing.reduce import reduce
from engine.session.reducing.reduce_remote import find_remote
from engine.session.state import Choices, ClusterState
from engine.vocabulary.found import FoundMachine
from engine.vocabulary.machine import THIS_MACHINE, MachineLoad
from engine.vocabulary.remote import HostKeyQuestion, RemotePhase
from engine.vocabulary.running.problem import Problem, ProblemKind
from tests.fakes.ports.fake_remote import LINK, a_key, a_look, a_target
from tests.fakes.sessions.fake_outside import RUNTIME, Fakes, planned_session

ONE, TWO = a_target("one"), a_target("two")
HELP = Fakes().finder.help_text(RUNTIME)
PROBLEM = Problem(kind=ProblemKind.MACHINE, where="one", happened="No route.")


def after(state, *happened):
    for event in happened:
        state = reduce(state, event)
    return state


def turned(phase, target=ONE, **more):
    return remote_events.MachineTurned(target=target, phase=phase, **more)


def looked(target=ONE, look=None, **more):
    session = planned_session(Fakes())[0]
    facts = {"dialect": session.snapshot().dialect, "looked_for_runtime": RUNTIME.id}
    return remote_events.RemoteLooked(target=target, look=look or a_look(target, RUNTIME, HELP), **(facts | more))


def here(*targets):
    """This machine is planned with; the targets are wanted."""
    state = planned_session(Fakes())[0].snapshot()
    return reduce(state, events.ChoicesChanged(choices=replace(state.choices, targets=targets)))


def names(state):
    return [machine.name for machine in state.machines]


def test_it_appears_asks_and_says_why_not():
    question = HostKeyQuestion(key=a_key())
    state = after(here(ONE), turned(RemotePhase.CONNECTING), turned(RemotePhase.ASKING, question=question))
    assert find_remote(state, ONE).question == question
    state = reduce(state, turned(RemotePhase.UNREACHABLE, problem=PROBLEM))
    assert (find_remote(state, ONE).question, find_remote(state, ONE).problem) == (None, PROBLEM)


def test_why_it_is_tried_again_stays_until_it_answers():
    state = after(here(ONE), turned(RemotePhase.UNREACHABLE, problem=PROBLEM), turned(RemotePhase.CONNECTING))
    assert find_remote(state, ONE).problem == PROBLEM
    assert find_remote(reduce(state, turned(RemotePhase.LOOKING)), ONE).problem is None


def test_words_about_machines_that_are_not_wanted_are_dropped():
    state = here(ONE)
    assert reduce(state, turned(RemotePhase.CONNECTING, TWO)) == state
    assert reduce(state, looked(TWO)) == state


def test_ready_machines_take_part_after_this_one_in_the_order_of_adding():
    state = after(here(ONE, TWO), turned(RemotePhase.CONNECTING), turned(RemotePhase.CONNECTING, TWO), looked(TWO), looked())
    assert names(state) == ["fake", "one", "two"]
    assert {worker.offer.machine_name for worker in state.plan.workers} == {"fake", "one", "two"}


def test_a_lost_machine_leaves_the_plan_and_keeps_its_look():
    state = after(here(ONE), looked(), turned(RemotePhase.UNREACHABLE, problem=PROBLEM))
    assert names(state) == ["fake"]
    assert {offer.machine_id for offer in state.offers} == {THIS_MACHINE}
    assert find_remote(state, ONE).look is not None


def test_without_a_build_it_takes_no_part():
    state = reduce(here(ONE), looked(look=a_look(ONE, None, ""), dialect=None))
    assert find_remote(state, ONE).phase is RemotePhase.NO_RUNTIME
    assert names(state) == ["fake"]


def test_a_link_that_was_measured_is_kept_over_the_next_look_and_in_the_plan():
    measured = remote_events.LinkMeasured(target=ONE, link=LINK)
    state = after(here(ONE), looked(), measured, looked())
    assert find_remote(state, ONE).link == LINK
    assert {offer.link for offer in state.offers if offer.machine_id == ONE.machine_id} == {LINK}
    assert find_remote(after(here(ONE), remote_events.LinkMeasured(target=ONE, link=LINK)), ONE) is None


def test_it_is_out_of_the_plan_from_the_moment_another_build_is_used_here():
    state = reduce(here(ONE), looked())
    other = replace(RUNTIME, id="another")
    found = events.RuntimesFound(
        runtimes=(RUNTIME, other), runtime=other, dialect=state.dialect, server_options=state.server_options
    )
    state = reduce(state, found)
    assert names(state) == ["fake"]
    state = reduce(state, looked(looked_for_runtime="another"))
    assert names(state) == ["fake", "one"]


def test_the_same_machine_by_another_name_is_refused():
    twin = replace(a_look(TWO, RUNTIME, HELP), facts=a_look(ONE, RUNTIME, HELP).facts)
    state = after(here(ONE, TWO), looked(), looked(TWO, twin))
    second = find_remote(state, TWO)
    assert second.phase is RemotePhase.REFUSED
    assert second.problem.happened == "ada@two is a machine that is already here: one."
    assert names(state) == ["fake", "one"]
    assert find_remote(reduce(state, looked()), ONE).phase is RemotePhase.READY, "the refused one does not count"


def test_cloned_disks_are_two_machines():
    clone = a_look(TWO, RUNTIME, HELP)
    identity = replace(clone.facts.identity, system_id="one")
    clone = replace(clone, facts=replace(clone.facts, identity=identity))
    state = after(here(ONE, TWO), looked(), looked(TWO, clone))
    assert find_remote(state, TWO).phase is RemotePhase.READY


def test_this_machine_over_the_network_is_refused():
    state = here(ONE)
    own = replace(state.machines[0], system_id="one", name="one")
    state = after(replace(state, machines=(own,)), looked())
    assert find_remote(state, ONE).phase is RemotePhase.REFUSED
    assert "already here: this machine" in find_remote(state, ONE).problem.happened
    clone = replace(own, name="another")
    state = after(replace(state, machines=(clone,)), looked())
    assert find_remote(state, ONE).phase is RemotePhase.READY


def load_of(machine_id, at=5.0):
    return events.LoadSampled(
        load=MachineLoad(machine_id=machine_id, taken_at_seconds=at, cpu_busy_fraction=0.5, ram_available_bytes=1)
    )


def test_forgetting():
    state = after(here(ONE), looked(), load_of(ONE.machine_id))
    assert reduce(state, remote_events.MachineForgotten(target=ONE)) == state, "added again meanwhile"
    state = reduce(state, events.ChoicesChanged(choices=replace(state.choices, targets=())))
    state = after(state, remote_events.MachineForgotten(target=ONE), load_of(ONE.machine_id))
    assert (state.remotes, names(state), dict(state.loads).get(ONE.machine_id)) == ((), ["fake"], None)


def test_the_time_is_this_machines():
    state = after(here(ONE), looked(), load_of(THIS_MACHINE, 7.0), load_of(ONE.machine_id, 5000.0))
    assert state.now_seconds == 7.0
    assert dict(state.loads)[ONE.machine_id].taken_at_seconds == 5000.0


def test_the_search_grows_and_keeps_what_it_found():
    found = (FoundMachine(name="one", addresses=("10.0.0.7",), ways=(), target=ONE),)
    state = after(
        ClusterState(choices=Choices()),
        remote_events.FindingProgressed(running=True, found=()),
        remote_events.FindingProgressed(running=True, found=found),
        remote_events.FindingProgressed(running=True, fraction=0.5, detail="asking"),
    )
    assert (state.finding.running, state.finding.fraction, state.finding.found) == (True, 0.5, found)
    state = reduce(state, remote_events.FindingProgressed(running=False))
    assert (state.finding.running, state.finding.found) == (False, found)


def test_what_a_tunnel_carried_belongs_to_the_run():
    event = remote_events.TunnelCarried(machine_id=ONE.machine_id, sent_bytes=5)
    state = here(ONE)
    assert reduce(state, event) == state
