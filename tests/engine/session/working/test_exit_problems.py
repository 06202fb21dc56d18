"""What is said when a process ended and nobody asked for it."""

from engine.cluster.servers import COORDINATOR
from engine.session.events import ProcessStarted
from engine.session.working.exit_problems import SHOWN_LINES, problem_of_exit
from engine.vocabulary.problem import ProblemKind
from engine.vocabulary.process import ProcessId, ProcessOutcome

WORKER = ProcessStarted(id=ProcessId("w"), title="rpc-server for CPU", argv=("rpc", "a b"), endpoint="127.0.0.1:50052")
LLAMA = ProcessStarted(id=COORDINATOR, title="llama-server", argv=("llama-server",))
GONE = ProcessOutcome(exit_code=0, stop_asked=False)
CRASHED = ProcessOutcome(exit_code=-6, stop_asked=False)


def test_a_worker_is_named_with_its_last_error():
    problem = problem_of_exit(WORKER, GONE, ("starting", "error: port in use", "bye"), None)
    assert problem.kind is ProblemKind.WORKER
    assert problem.where == "127.0.0.1:50052"
    assert problem.happened == ("The rpc-server for CPU at 127.0.0.1:50052 ended with status 0. It said: error: port in use")
    assert problem.advice


def test_a_worker_that_said_nothing():
    problem = problem_of_exit(WORKER, CRASHED, (), None)
    assert problem.happened.endswith("ended by signal 6 (SIGABRT).")


def test_the_command_and_the_last_lines_are_details():
    problem = problem_of_exit(WORKER, GONE, tuple(str(n) for n in range(100)), None)
    command, *lines = problem.details.splitlines()
    assert command == "$ rpc 'a b'"
    assert lines == [str(n) for n in range(100 - SHOWN_LINES, 100)]


def test_llama_server_with_and_without_a_known_crash_line():
    known = problem_of_exit(LLAMA, CRASHED, (), ("A worker is gone.", "Launch again."))
    assert (known.happened, known.advice) == ("A worker is gone.", "Launch again.")
    assert known.kind is ProblemKind.COORDINATOR
    assert "SIGABRT" in problem_of_exit(LLAMA, CRASHED, (), None).happened
