"""Has our llama.cpp on another machine: copied or built there. Where that fails, what was there is used as before."""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import Cancelled, EngineError, RuntimeUnavailable
from engine.ports import CancelToken
from engine.remote_ports import Progress
from engine.session import events, remote_events
from engine.session.state import ClusterState
from engine.session.working.machines.look import problem_of
from engine.vocabulary.machine import MachineId
from engine.vocabulary.remote import RemotePhase, SshTarget
from engine.vocabulary.running.problem import ProblemKind
from engine.vocabulary.runtime import Runtime

Give = Callable[[Runtime, Progress, CancelToken], None]


def copy_activity(machine_id: MachineId) -> str:
    """Id of the activity that shows the copying of a build to a machine, or the building there."""
    return f"copy {machine_id}"


def give_runtime(
    target: SshTarget, title: str, give: Give, state: ClusterState, post: Callable[[events.Event], None], token: CancelToken
) -> bool:
    """Whether the machine has it now and is to be looked at again. Progress is an ``Activity`` called ``title``."""
    runtime, id_ = state.runtime, copy_activity(target.machine_id)
    worked = any(seen.target == target and seen.takes_part(runtime) for seen in state.remotes)
    if runtime is None:
        missing = RuntimeUnavailable("This machine has no llama.cpp to copy.", advice="Build it here first.")
        post(_turned(target, RemotePhase.NO_RUNTIME, missing))
        return False

    def progress(fraction: float | None, detail: str) -> None:
        post(events.ActivityProgressed(id=id_, title=title, fraction=fraction, detail=detail))

    post(_turned(target, RemotePhase.COPYING, None))
    progress(None, "comparing")
    try:
        give(runtime, progress, token)
    except (EngineError, Cancelled) as error:
        happened = error if isinstance(error, EngineError) else None
        post(_turned(target, RemotePhase.READY if worked else RemotePhase.NO_RUNTIME, happened))
        if worked and happened is not None:  # the card of a machine that is ready has no place for it
            post(problem_at(target, happened))
        return False
    except Exception:  # a bug, which the job runner reports; but the machine is not being given anything any more
        post(_turned(target, RemotePhase.READY if worked else RemotePhase.NO_RUNTIME, None))
        raise
    finally:
        post(events.ActivityEnded(id=id_))
    return True


def problem_at(target: SshTarget, error: EngineError) -> events.ProblemHappened:
    """An error of the machine, for the list of problems."""
    return events.ProblemHappened(problem=problem_of(error, ProblemKind.MACHINE, target.text))


def _turned(target: SshTarget, phase: RemotePhase, error: EngineError | None) -> remote_events.MachineTurned:
    problem = None if error is None else problem_of(error, ProblemKind.MACHINE, target.text)
    return remote_events.MachineTurned(target=target, phase=phase, problem=problem)
