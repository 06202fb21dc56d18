"""A run that breaks, step by step, with real reducers and jobs over fake programs; the clock moves only when a test says."""

from dataclasses import replace

import pytest

from engine.cluster.servers import COORDINATOR
from engine.session import events
from engine.session.recovering.patience import PAUSES_SECONDS
from engine.session.recovering.steps import KEPT_RECOVERIES
from engine.session.session import Session
from engine.session.state import RunPhase
from engine.session.watched import MomentKind
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.running.fault import Fault, FaultCause
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.recovery import Cure, Recovery, RecoveryMode, RecoveryStep
from engine.vocabulary.worker import WorkerId
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.sessions.fake_outside import TWO_WORKERS, Fakes, lines_for, planned_session, settle

SOCKET = "Failed to create server socket"


class Run:
    """A session that serves, on two workers of this machine."""

    def __init__(self, mode=RecoveryMode.AUTOMATIC, **choices):
        self.fakes = Fakes()
        self.session, self.jobs = planned_session(self.fakes, replace(TWO_WORKERS, recovery=mode, **choices))
        self.serve_what_is_planned()

    def serve_what_is_planned(self):
        """llama-server will report what the plan says now."""
        self.fakes.starter.will_run("llama-server", FakeProgram(lines=lines_for(self.session.snapshot().plan)))

    def launch(self):
        self.session.launch()
        return self.settle()

    def settle(self):
        return settle(self.session)

    def pass_seconds(self, seconds):
        self.fakes.clock.seconds += seconds
        self.session.drain()
        return self.settle()

    def kill(self, which, code=-9):
        next(process for process in reversed(self.fakes.starter.running()) if which in process.spec.id).exit(code)
        return self.settle()

    @property
    def running(self):
        return [process.spec.id for process in self.fakes.starter.running()]


@pytest.fixture
def run():
    run = Run()
    assert run.launch().run_phase is RunPhase.READY
    return run


def fault_problem(cause, worker_ids=(), **more):
    fault = Fault(cause=cause, machine_id=THIS_MACHINE, worker_ids=worker_ids, **more)
    return Problem(kind=ProblemKind.WORKER, where="x", happened=f"{cause}.", fault=fault)


@pytest.mark.parametrize("which", ["rpc-server", COORDINATOR])
def test_killed_and_back_at_once_on_new_processes(run, which):
    pids = {process.pid for process in run.fakes.starter.running()}
    state = run.kill(which)
    assert state.run_phase is RunPhase.READY
    assert len(run.running) == 3
    assert not pids & {process.pid for process in run.fakes.starter.running()}
    assert state.problems == ()
    assert state.recovery.step is RecoveryStep.NONE
    (cost,) = state.recovery.history
    assert (cost.n_workers, cost.same_plan) == (2, True)
    assert "SIGKILL" in cost.happened
    assert state.run.benchmark is not None


def test_the_same_plan_is_neither_measured_nor_recorded_again(run):
    n_kept = len(run.fakes.history.kept)
    before = run.session.snapshot().run
    after = run.kill(COORDINATOR).run
    assert after.benchmark == before.benchmark
    assert after.record_id == before.record_id is not None
    assert len(run.fakes.history.kept) == n_kept


def test_a_service_of_weeks_keeps_the_last_recoveries_and_counts_all(run):
    for _ in range(KEPT_RECOVERIES + 2):
        state = run.kill("rpc-server")
    assert state.run_phase is RunPhase.READY
    assert (len(state.recovery.history), state.recovery.n_recovered) == (KEPT_RECOVERIES, KEPT_RECOVERIES + 2)
    assert state.watched.moments[-1].kind is MomentKind.RECOVERED
    run.session.stop()
    assert run.settle().recovery.n_recovered == KEPT_RECOVERIES + 2


def test_llama_server_is_stopped_first_and_everything_with_it(run):
    run.jobs.held.add("prepare")
    state = run.kill("rpc-server")
    assert state.run_phase is RunPhase.STARTING_WORKERS
    assert run.running == []
    assert state.processes == ()


def test_with_never_it_has_ended():
    run = Run(RecoveryMode.NEVER)
    run.launch()
    state = run.kill("rpc-server")
    assert (state.run_phase, state.recovery) == (RunPhase.FAILED, Recovery())
    assert run.running == []


def test_with_ask_nothing_starts_until_it_is_answered():
    run = Run(RecoveryMode.ASK)
    run.launch()
    state = run.kill("rpc-server")
    assert (state.run_phase, state.recovery.step) == (RunPhase.RECOVERING, RecoveryStep.ASKING)
    assert run.running == []
    assert run.pass_seconds(3600).recovery.step is RecoveryStep.ASKING
    run.session.try_again()
    assert run.settle().run_phase is RunPhase.READY


def test_with_ask_the_answer_may_be_no():
    run = Run(RecoveryMode.ASK)
    run.launch()
    run.kill("rpc-server")
    run.session.stop()
    state = run.settle()
    assert (state.run_phase, state.recovery) == (RunPhase.STOPPED, Recovery())


def broken_for_good(run):
    """Every further rpc-server ends as soon as it is started."""
    run.fakes.starter.will_run("ggml-rpc-server", FakeProgram(exit_code=-9))
    return run.kill("rpc-server")


def test_it_waits_longer_each_time_and_gives_up_in_the_end(run):
    state = broken_for_good(run)
    seen = []
    while state.run_phase is RunPhase.RECOVERING:
        assert state.recovery.step is RecoveryStep.WAITING
        seen.append(state.recovery.next_try_at_seconds - state.now_seconds)
        assert run.pass_seconds(seen[-1] / 2).n_launches == state.n_launches, "not before its time"
        state = run.pass_seconds(seen[-1])
    assert seen == list(PAUSES_SECONDS[1:])
    assert state.run_phase is RunPhase.FAILED
    assert "6 times" in state.problems[-1].happened
    assert "SIGKILL" in state.problems[-1].happened
    assert state.recovery == Recovery()


def test_now_and_not_after_the_pause(run):
    state = broken_for_good(run)
    run.fakes.starter.will_run("ggml-rpc-server", FakeProgram())
    assert state.recovery.step is RecoveryStep.WAITING
    run.session.try_again()
    assert run.settle().run_phase is RunPhase.READY


@pytest.mark.parametrize("end", [Session.stop, Session.close], ids=["stop", "close"])
def test_stop_and_close_end_it_while_it_waits(run, end):
    broken_for_good(run)
    n_started = len(run.fakes.starter.started)
    end(run.session)
    state = run.pass_seconds(60)
    assert (state.run_phase, state.run_wanted) == (RunPhase.STOPPED, False)
    assert (len(run.fakes.starter.started), run.running) == (n_started, [])


@pytest.mark.parametrize("held", ["prepare", "rpc-server 127.0.0.1:50052", COORDINATOR])
def test_stop_ends_it_while_it_starts_again(run, held):
    run.jobs.held.add(held)
    state = run.kill("rpc-server")
    assert state.recovery.step is RecoveryStep.STARTING
    run.session.stop()
    run.settle()
    run.jobs.run_held()
    state = run.settle()
    assert (state.run_phase, run.running) == (RunPhase.STOPPED, [])
    assert all(process.outcome is not None for process in state.processes)


def test_stop_ends_it_while_the_rest_is_stopped(run):
    run.jobs.held.add(f"stop {COORDINATOR}")
    state = run.kill("rpc-server")
    assert state.recovery.step is RecoveryStep.STOPPING
    run.session.stop()
    run.settle()
    run.jobs.run_held()
    state = run.settle()
    assert (state.run_phase, run.running) == (RunPhase.STOPPED, [])


def test_a_launch_after_a_stop_knows_nothing_of_it(run):
    run.kill("rpc-server")
    run.session.stop()
    run.settle()
    state = run.launch()
    assert (state.run_phase, state.recovery) == (RunPhase.READY, Recovery())


def test_what_cannot_work_is_told_at_once_and_not_repeated():
    run = Run()
    run.fakes.starter.will_run("llama-server", FakeProgram(lines=("unknown model architecture: 'x'",), exit_code=1))
    state = run.launch()
    assert (state.run_phase, state.n_launches) == (RunPhase.FAILED, 1)
    assert len(state.problems) == 1


def test_a_better_explanation_that_comes_later_is_the_one_that_is_told(run):
    run.jobs.held |= {f"stop rpc-server 127.0.0.1:{port}" for port in (50052, 50053)}
    state = run.kill(COORDINATOR, 134)
    assert "llama-server" in state.recovery.happened
    state = run.kill("rpc-server", -9)
    assert state.recovery.fault.cause is FaultCause.WORKER_ENDED
    assert [problem.happened for problem in state.problems] == [state.recovery.happened]
    run.jobs.run_held()
    assert "rpc-server" in run.settle().recovery.history[-1].happened


def test_a_port_that_is_taken_is_nothing_to_tell_under_any_mode():
    run = Run(RecoveryMode.NEVER)
    n_refused = 0

    def refuse(spec):
        nonlocal n_refused
        taken = "rpc-server" in spec.id and n_refused == 0
        n_refused += taken
        program = FakeProgram(lines=(SOCKET,), exit_code=0) if taken else FakeProgram()
        if "rpc-server" in spec.id:
            run.fakes.starter.will_run("ggml-rpc-server", program)

    run.fakes.starter.while_starting = refuse
    state = run.launch()
    assert state.run_phase is RunPhase.READY
    assert n_refused == 1
    assert (state.problems, state.recovery.history) == ((), ())
    ports = [int(server.endpoint.rpartition(":")[2]) for server in state.run.servers]
    assert min(ports) > 50053, "others than those that were planned"


def test_ports_that_are_always_taken_end_it_some_time():
    run = Run(RecoveryMode.NEVER)
    run.fakes.starter.will_run("ggml-rpc-server", FakeProgram(lines=(SOCKET,), exit_code=0))
    state = run.launch()
    assert state.run_phase is RunPhase.FAILED
    assert SOCKET in state.problems[-1].happened


def test_a_crash_that_comes_again_gets_its_cure_once_and_it_is_told(run):
    worker = run.session.snapshot().run.plan.used_workers[0].id
    state = run.kill("rpc-server", -6)
    assert state.recovery.history[-1].cures == (), "a first crash of what had served may be chance"
    assert state.run.plan.shape.flash_attention is not False
    run.serve_what_is_planned()
    run.pass_seconds(10)
    state = run.kill("rpc-server", -6)
    assert state.run.plan.shape.flash_attention is False
    assert state.recovery.history[-1].cures == (Cure.NO_FLASH_ATTENTION,)
    assert ("-fa", "off") in list(zip(argv_of(run), argv_of(run)[1:], strict=False))
    run.serve_what_is_planned()
    run.pass_seconds(60)
    state = run.kill("rpc-server", -6)
    assert state.recovery.history[-1].cures == (Cure.SMALLER_UBATCH,)
    assert state.run.plan.shape.ubatch_tokens == 128
    assert state.choices.shape.ubatch_tokens == 256, "what the person chose stays"
    assert worker in {used.id for used in state.run.plan.used_workers}


def argv_of(run):
    """llama-server's newest command line."""
    return run.fakes.starter.process(COORDINATOR).spec.argv


def test_a_hang_is_cured_by_direct_io(run):
    run.session.post(events.ProblemHappened(problem=fault_problem(FaultCause.HANG), ends_run=True))
    state = run.settle()
    assert state.run_phase is RunPhase.READY
    assert "--load-mode dio" in " ".join(argv_of(run))


def test_a_device_without_room_is_planned_with_less(run):
    worker = run.session.snapshot().run.plan.used_workers[0]
    needs = 100 << 20
    problem = fault_problem(FaultCause.WORKER_OUT_OF_MEMORY, (worker.id,), needs_bytes=needs)
    run.session.post(events.ProblemHappened(problem=problem, ends_run=True))
    state = run.settle()
    after = next(other for other in state.run.plan.workers if other.id == worker.id)
    assert after.offer.safe_bytes == worker.offer.safe_bytes - needs
    run.session.stop()
    state = run.settle()
    offers = {other.id: other.offer for other in state.plan.workers}
    assert offers[worker.id].safe_bytes == worker.offer.safe_bytes, "the next launch plans with everything again"


def test_a_worker_whose_device_is_gone_is_left_out(run):
    offer = run.session.snapshot().run.plan.used_workers[0].offer
    run.session.post(events.ProblemHappened(problem=fault_problem(FaultCause.DEVICE_LOST, (offer.id,)), ends_run=True))
    state = run.settle()
    (cost,) = state.recovery.history
    assert (cost.n_workers, cost.n_workers_before, cost.left_out) == (1, 2, (f"{offer.device_name} of {offer.machine_name}",))
    assert state.run.benchmark is not None, "another plan: measured anew"
    assert cost.after_is_measured


def test_the_only_worker_is_not_left_out_but_tried_again():
    run = Run(left_out=frozenset({WorkerId("this-machine/cpu-1")}))
    run.launch()
    only = run.session.snapshot().run.plan.used_workers[0].id
    run.session.post(events.ProblemHappened(problem=fault_problem(FaultCause.DEVICE_LOST, (only,)), ends_run=True))
    assert run.settle().run_phase is RunPhase.READY
