"""Jobs that look at the world: this machine, the runtimes, a model, the load. Each posts what it found."""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import BadModelFile, EngineError, MachineUnreachable, RuntimeUnavailable
from engine.llama_cpp.command_lines import server_options_of
from engine.llama_cpp.dialects import dialect_of
from engine.remote_ports import RemoteMachine
from engine.session import events
from engine.session.jobs import Token
from engine.session.outside import Outside
from engine.session.state import ClusterState
from engine.vocabulary.device import RuntimeDevice
from engine.vocabulary.machine import THIS_MACHINE, Machine
from engine.vocabulary.remote import SshTarget
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.runtime import Runtime

Post = Callable[[events.Event], None]

LOAD_SECONDS = 1.0
ALIVE_SECONDS = 2.0
"""How often a machine that sends no samples is looked after."""


def look_at_everything(outside: Outside, chosen_folder: str | None, post: Post) -> None:
    """Runtimes first (they name the devices), then the machine."""
    devices = _look_for_runtimes(outside, chosen_folder, post)
    post(events.MachineLooked(machine=outside.probe.look(devices)))


def _look_for_runtimes(outside: Outside, chosen_folder: str | None, post: Post) -> tuple[RuntimeDevice, ...] | None:
    try:
        runtimes = outside.finder.find(chosen_folder)
    except RuntimeUnavailable as error:
        post(events.ProblemHappened(problem=problem_of(error, ProblemKind.RUNTIME, chosen_folder or "this machine")))
        runtimes = ()
    runtime = next((runtime for runtime in runtimes if runtime.why_unusable is None), None)
    if runtime is None:
        post(events.RuntimesFound(runtimes=runtimes, runtime=None, dialect=None, server_options=frozenset()))
        return None
    try:
        return _learn(outside, runtimes, runtime, post)
    except EngineError as error:
        post(events.ProblemHappened(problem=problem_of(error, ProblemKind.RUNTIME, runtime.folder)))
        post(events.RuntimesFound(runtimes=runtimes, runtime=None, dialect=None, server_options=frozenset()))
        return None


def _learn(outside: Outside, runtimes: tuple[Runtime, ...], runtime: Runtime, post: Post) -> tuple[RuntimeDevice, ...]:
    dialect = dialect_of(outside.finder.help_text(runtime))
    options = server_options_of(outside.finder.server_help_text(runtime)) if runtime.llama_server else frozenset()
    devices = outside.finder.devices(runtime)
    post(events.RuntimesFound(runtimes=runtimes, runtime=runtime, dialect=dialect, server_options=options))
    return devices


def read_model(outside: Outside, path: str, post: Post) -> None:
    """Read a model's header."""
    try:
        model = outside.models.read(path)
    except BadModelFile as error:
        post(events.ModelRefused(path=path, problem=problem_of(error, ProblemKind.MODEL, path)))
        return
    post(events.ModelRead(path=path, model=model))


def sample_load(outside: Outside, snapshot: Callable[[], ClusterState], post: Post, token: Token) -> None:
    """Sample what this machine is doing, once a second, until cancelled. Others send their own samples."""
    while True:
        for machine in (machine for machine in snapshot().machines if machine.id == THIS_MACHINE):
            post(events.LoadSampled(load=outside.probe.load(machine)))
        token.wait(LOAD_SECONDS)


def watch_until_lost(target: SshTarget, machine: RemoteMachine, seen: Machine, post: Post, token: Token) -> None:
    """Post what a remote machine is doing until it is lost: raises ``MachineUnreachable`` then."""
    try:
        machine.watch_load(seen, lambda load: post(events.LoadSampled(load=load)), token)
    except MachineUnreachable:
        raise
    except EngineError as error:  # it cannot say what it is doing, but it can work
        post(events.ProblemHappened(problem=problem_of(error, ProblemKind.MACHINE, target.text)))
    while machine.is_alive():
        token.wait(ALIVE_SECONDS)
    raise MachineUnreachable(f"The connection to {target.text} was lost.", advice="It is tried again.")


def install_runtime(outside: Outside, post: Post, token: Token) -> None:
    """Build llama.cpp; progress is an activity."""
    title = "Building llama.cpp"

    def progress(fraction: float | None, detail: str) -> None:
        post(events.ActivityProgressed(id=INSTALL, title=title, fraction=fraction, detail=detail))

    progress(None, "starting")
    try:
        outside.installer.install(progress, token)
    except EngineError as error:
        post(events.ProblemHappened(problem=problem_of(error, ProblemKind.RUNTIME, "this machine")))
    finally:
        post(events.ActivityEnded(id=INSTALL))


INSTALL = "install-runtime"
CALIBRATE = "calibrate"


def problem_of(error: EngineError, kind: ProblemKind, where: str) -> Problem:
    """A problem to show, from an expected error."""
    return Problem(kind=kind, where=where, happened=error.happened, advice=error.advice, details=error.details)
