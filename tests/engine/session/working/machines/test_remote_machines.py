"""Remote machines through a whole session on fakes: log in, ask, look, lose, copy, let go."""

from dataclasses import replace

import pytest

from engine.cluster.servers import COORDINATOR
from engine.errors import (
    Cancelled,
    HostKeyChanged,
    HostKeyUnknown,
    MachineUnreachable,
    ProbeFailed,
    ProbeTimedOut,
    RemoteFileProblem,
    SecretNeeded,
)
from engine.remote_ports import Secret
from engine.session.follow_ups import COMPARE_AFTER_SECONDS
from engine.session.remote_events import MachineTurned
from engine.session.working.machines.remote_machines import LINKS, RETRY_SECONDS
from engine.vocabulary.remote import HostKeyQuestion, RemotePhase, SecretKind, SecretQuestion
from engine.vocabulary.worker import Exposure
from tests.fakes.ports.fake_remote import LINK, a_key
from tests.fakes.sessions.fake_outside import RUNTIME, Fakes, FakeToken, planned_session, settle
from tests.fakes.sessions.remote_session import NAME, TARGET, Listener, added, seen

LOST = MachineUnreachable("gpu-node does not answer.", advice="Is it on?")


@pytest.fixture
def fakes():
    return Fakes()


def test_from_adding_to_the_plan(fakes):
    machine = fakes.add_remote(NAME)
    session, jobs = added(fakes)
    assert seen(session).phase is RemotePhase.READY
    assert seen(session).link == LINK
    assert session.snapshot().problems == ()
    workers = [worker for worker in session.snapshot().plan.workers if worker.offer.machine_id == TARGET.machine_id]
    worker = workers[0]
    assert (worker.id, worker.offer.exposure, worker.offer.link) == ("ada@gpu-node/cpu-0", Exposure.TUNNEL, LINK)
    assert worker.offer.endpoint.startswith("127.0.0.1:")
    assert worker.offer.listens_on == "127.0.0.1:50052"
    assert dict(session.snapshot().loads)[TARGET.machine_id].cpu_busy_fraction == 0.5
    assert machine.n_looks == 1
    assert fakes.connector.logins == [(NAME, ())], "nothing is asked twice while it works"
    assert COORDINATOR not in jobs.started


def test_adding_twice_is_adding_once(fakes):
    fakes.add_remote(NAME)
    session, _jobs = added(fakes, NAME, NAME)
    session.add_machines(TARGET)
    settle(session)
    assert session.snapshot().choices.targets == (TARGET,)
    assert len(fakes.connector.logins) == 1


def test_an_unknown_host_key_is_a_question_and_yes_is_kept(fakes):
    fakes.add_remote(NAME)
    fakes.connector.raises[NAME] = [HostKeyUnknown("Never seen.", a_key())]
    session, _jobs = added(fakes)
    assert seen(session).phase is RemotePhase.ASKING
    assert seen(session).question == HostKeyQuestion(key=a_key())
    assert fakes.connector.accepted == []
    session.remotes.answer_host_key(TARGET, a_key(), accepted=True)
    assert seen(session).phase is RemotePhase.READY
    assert fakes.connector.accepted == [a_key()]


def test_no_to_a_host_key_is_a_refusal_that_can_be_taken_back(fakes):
    fakes.add_remote(NAME)
    fakes.connector.raises[NAME] = [HostKeyUnknown("Never seen.", a_key()), HostKeyUnknown("Never seen.", a_key())]
    session, _jobs = added(fakes)
    session.remotes.answer_host_key(TARGET, a_key(), accepted=False)
    assert seen(session).phase is RemotePhase.REFUSED
    assert "did not accept" in seen(session).problem.happened
    assert fakes.connector.accepted == []
    session.remotes.connect_again(TARGET)
    assert seen(session).phase is RemotePhase.ASKING


def test_a_host_key_that_cannot_be_kept_is_said(fakes):
    fakes.connector.raises[NAME] = [HostKeyUnknown("Never seen.", a_key())]
    session, _jobs = added(fakes)

    def full(_key):
        raise RemoteFileProblem("The disk is full.")

    fakes.connector.accept_host_key = full
    session.remotes.answer_host_key(TARGET, a_key(), accepted=True)
    assert (seen(session).phase, seen(session).problem.happened) == (RemotePhase.REFUSED, "The disk is full.")
    assert len(fakes.connector.logins) == 1


def test_a_secret_goes_to_the_login_and_nowhere_else(fakes):
    fakes.add_remote(NAME)
    question = SecretQuestion(kind=SecretKind.PASSWORD, prompt="Password of ada on gpu-node")
    wrong = replace(question, wrong_before=True)
    fakes.connector.raises[NAME] = [SecretNeeded("Needed.", question), SecretNeeded("Wrong.", wrong)]
    session, _jobs = planned_session(fakes)
    posted = Listener(session)
    session.add_machines(TARGET)
    assert seen(session).question == question
    session.remotes.answer_secret(TARGET, Secret(kind=SecretKind.PASSWORD, value="hunter1"))
    assert seen(session).question == wrong
    session.remotes.answer_secret(TARGET, Secret(kind=SecretKind.PASSWORD, value="hunter2"))
    assert seen(session).phase is RemotePhase.READY
    given = [[secret.value for secret in secrets] for _host, secrets in fakes.connector.logins]
    assert given == [[], ["hunter1"], ["hunter1", "hunter2"]]
    everything = repr((posted.events, session.snapshot(), session.remotes._held, fakes.connector.logins))
    assert "RemoteLooked" in everything
    assert "hunter" not in everything


def test_asking_anew_forgets_what_was_typed(fakes):
    question = SecretQuestion(kind=SecretKind.PASSWORD, prompt="Password")
    fakes.add_remote(NAME)
    fakes.connector.raises[NAME] = [SecretNeeded("Needed.", question)]
    session, _jobs = added(fakes)
    session.remotes.answer_secret(TARGET, Secret(kind=SecretKind.PASSWORD, value="x"))
    session.remotes.connect_again(TARGET)
    assert seen(session).phase is RemotePhase.READY
    assert [len(secrets) for _host, secrets in fakes.connector.logins] == [0, 1, 0]


def test_a_refusal_stays(fakes):
    fakes.add_remote(NAME)
    fakes.connector.raises[NAME] = [HostKeyChanged("Another key is shown.", advice="Ask its administrator.")]
    session, _jobs = added(fakes)
    assert seen(session).phase is RemotePhase.REFUSED
    assert seen(session).problem.happened == "Another key is shown."
    assert len(fakes.connector.logins) == 1


def test_what_cannot_be_reached_is_tried_again_with_growing_pauses(fakes, monkeypatch):
    waits = []
    monkeypatch.setattr(FakeToken, "wait", lambda _token, seconds: waits.append(seconds))
    fakes.connector.raises[NAME] = [LOST] * 6
    machine = fakes.add_remote(NAME)
    machine.watch_load = lambda *_arguments: _give_up()
    session, _jobs = added(fakes)
    pauses = [seconds for seconds in waits if seconds != COMPARE_AFTER_SECONDS]
    assert pauses == [*RETRY_SECONDS, RETRY_SECONDS[-1]]
    assert seen(session).phase is RemotePhase.READY
    assert seen(session).problem is None


def _give_up():
    raise Cancelled


def test_while_it_cannot_be_reached_it_says_so(fakes):
    session, _jobs = added(fakes)
    assert (seen(session).phase, seen(session).problem.happened) == (RemotePhase.UNREACHABLE, "gpu-node does not answer.")
    assert len(fakes.connector.logins) > 1
    fakes.add_remote(NAME)
    session.remotes.connect_again(TARGET)
    assert seen(session).phase is RemotePhase.READY


def test_a_machine_that_makes_no_sense_is_refused_and_can_be_looked_at_again(fakes):
    machine = fakes.add_remote(NAME)
    machine.lost = ProbeFailed("It answers nonsense.")
    session, _jobs = added(fakes)
    assert (seen(session).phase, seen(session).problem.happened) == (RemotePhase.REFUSED, "It answers nonsense.")
    machine.lost = None
    session.remotes.look_again(TARGET.machine_id)
    assert seen(session).phase is RemotePhase.READY


def test_a_machine_that_is_overloaded_is_asked_again_by_itself_and_keeps_its_connection(fakes, monkeypatch):
    waits, answers = [], [ProbeTimedOut("It did not answer within 25 s."), ProbeTimedOut("It did not answer within 25 s.")]
    monkeypatch.setattr(FakeToken, "wait", lambda _token, seconds: waits.append(seconds))
    machine = fakes.add_remote(NAME)
    machine.watch_load = lambda *_arguments: _give_up()
    session, _jobs = planned_session(fakes)
    posted, look = Listener(session), machine.look

    def at_first_not(*arguments):
        if answers:
            raise answers.pop()
        return look(*arguments)

    machine.look = at_first_not
    session.add_machines(TARGET)
    assert (seen(session).phase, seen(session).problem) == (RemotePhase.READY, None)
    turned = [event.phase for event in posted.of(MachineTurned)]
    assert turned == [RemotePhase.CONNECTING, RemotePhase.LOOKING, *[RemotePhase.UNREACHABLE] * 2]
    assert [seconds for seconds in waits if seconds != COMPARE_AFTER_SECONDS] == [RETRY_SECONDS[-1]] * 2
    assert len(fakes.connector.logins) == 1


def test_a_bug_while_connecting_is_reported_and_nobody_waits_for_it(fakes):
    machine = fakes.add_remote(NAME)
    machine.look = lambda *_arguments: 1 // 0
    session, _jobs = added(fakes)
    assert seen(session).phase is RemotePhase.REFUSED
    assert "ZeroDivisionError" in session.snapshot().problems[0].happened


def test_a_lost_connection_is_made_again(fakes):
    machine = fakes.add_remote(NAME)
    session, jobs = planned_session(fakes)
    jobs.held.add(f"load {TARGET.text}")
    session.add_machines(TARGET)
    assert seen(session).phase is RemotePhase.READY
    (_key, work, token) = jobs.waiting.pop()
    posted = Listener(session)

    def lost_once(*_arguments):
        machine.watch_load = lambda *_more: _give_up()
        raise LOST

    machine.watch_load = lost_once
    work(token)
    assert seen(session).phase is RemotePhase.READY
    wanted = [RemotePhase.UNREACHABLE, RemotePhase.CONNECTING, RemotePhase.LOOKING]
    assert [event.phase for event in posted.of(MachineTurned)] == wanted
    assert len(fakes.connector.logins) == 2


def test_its_link_waits_once_to_be_measured_and_is_that_of_the_newest_login(fakes):
    """A service of weeks measures none, and a machine may come and go a thousand times meanwhile."""
    fakes.add_remote(NAME)
    session, jobs = planned_session(fakes)
    jobs.held.add(LINKS)
    session.add_machines(TARGET)
    for _ in range(3):
        session.remotes.connect_again(TARGET)
        settle(session)
    assert [key for key, _work, _token in jobs.waiting] == [LINKS]
    measured = []
    newest = session.remotes.machine(TARGET.machine_id)
    newest.measure_link = lambda _token: measured.append(newest) or LINK
    jobs.run_held()
    assert (measured, seen(session).link) == ([newest], LINK)


def test_a_link_of_a_machine_that_is_gone_is_asked_for_again_with_the_machine(fakes):
    fakes.add_remote(NAME)
    session, jobs = planned_session(fakes)
    jobs.held.add(LINKS)
    session.add_machines(TARGET)
    settle(session)
    fakes.connector.raises[NAME] = [LOST] * 4
    session.remotes.connect_again(TARGET)
    jobs.run_held()
    assert seen(session).link is None
    session.remotes.connect_again(TARGET)
    assert seen(session).link == LINK


def test_a_machine_that_cannot_say_its_load_stays_ready(fakes):
    machine = fakes.add_remote(NAME)

    def no_python(*_arguments):
        raise ProbeFailed("There is no python3, so its load is not shown.")

    machine.watch_load = no_python
    session, _jobs = added(fakes)
    assert seen(session).phase is RemotePhase.READY
    assert session.snapshot().problems[0].happened == "There is no python3, so its load is not shown."
    assert len(fakes.connector.logins) == 1


def test_a_silent_machine_that_is_gone_is_noticed(fakes):
    machine = fakes.add_remote(NAME)
    machine.watch_load = lambda *_arguments: None
    machine.is_alive = lambda: False
    session, _jobs = planned_session(fakes)
    posted = Listener(session)
    session.add_machines(TARGET)
    settle(session)
    assert len(fakes.connector.logins) > 1
    problems = [event.problem.happened for event in posted.of(MachineTurned) if event.phase is RemotePhase.UNREACHABLE]
    assert problems[0] == "The connection to ada@gpu-node was lost."


def test_removing_lets_go_and_forgets(fakes):
    machine = fakes.add_remote(NAME)
    session, _jobs = added(fakes)
    lan = ((TARGET.machine_id, "10.0.0.7"),)
    session.choose(replace(session.snapshot().choices, lan_addresses=lan))
    session.remove_machine(TARGET)
    assert seen(session) is None
    assert session.remotes.machine(TARGET.machine_id) is None
    assert machine.closed
    assert not machine.removed
    assert (session.snapshot().choices.targets, session.snapshot().choices.lan_addresses) == ((), ())
    assert len(session.snapshot().machines) == 1


def test_a_clean_removal_deletes_first(fakes):
    machine = fakes.add_remote(NAME)
    session, _jobs = added(fakes)
    order = []
    machine.remove_ours = lambda: order.append(("remove", machine.closed))
    session.remove_machine(TARGET, clean=True)
    assert seen(session) is None
    assert order == [("remove", False)]
    assert machine.closed


def test_a_clean_removal_that_fails_is_told_and_removes_all_the_same(fakes):
    machine = fakes.add_remote(NAME)
    session, _jobs = added(fakes)

    def fails():
        raise RemoteFileProblem("Not allowed.")

    machine.remove_ours = fails
    session.remove_machine(TARGET, clean=True)
    assert seen(session) is None
    assert session.snapshot().problems[-1].happened == "Not allowed."


def test_a_clean_removal_of_what_is_not_connected_says_what_is_left(fakes):
    session, _jobs = added(fakes)
    session.remove_machine(TARGET, clean=True)
    assert seen(session) is None
    assert "what Crossply put there is still there" in session.snapshot().problems[-1].happened


def test_removing_while_it_logs_in_lets_go_of_it(fakes):
    machine = fakes.add_remote(NAME)
    session, _jobs = planned_session(fakes)
    connect = fakes.connector.connect

    def slow(*arguments):
        session.remotes.keep_to((), None)
        return connect(*arguments)

    fakes.connector.connect = slow
    session.remotes.keep_to((TARGET,), RUNTIME)
    assert machine.closed
    assert machine.n_looks == 0


def test_closing_lets_go_of_what_is_being_connected_to(fakes):
    machine, other = fakes.add_remote(NAME), fakes.add_remote("other")
    session, _jobs = added(fakes, "other")
    connect = fakes.connector.connect

    def slow(*arguments):
        session.remotes.close()
        return connect(*arguments)

    fakes.connector.connect = slow
    session.add_machines(TARGET)
    settle(session)
    assert machine.closed
    assert other.closed
