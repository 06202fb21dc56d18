"""Everything that can happen, as past-tense facts. Front ends and jobs post them; only ``reduce`` reads them."""

from __future__ import annotations

from dataclasses import dataclass

from engine.llama_cpp.dialects import Dialect
from engine.session.remote_events import RemoteEvent
from engine.session.remotes import WorkerProgram
from engine.session.state import AnswerShown, Choices, ClusterDocument, PlanVariant
from engine.vocabulary.comparison import Comparison
from engine.vocabulary.machine import Machine, MachineId, MachineLoad
from engine.vocabulary.model import FoundModel, ModelFacts
from engine.vocabulary.plan import Plan
from engine.vocabulary.remote import TunnelSpec
from engine.vocabulary.running.api import ApiOpened, ApiPlace
from engine.vocabulary.running.layer_map import ActualBuffers
from engine.vocabulary.running.problem import Problem
from engine.vocabulary.running.process import ProcessId, ProcessOutcome
from engine.vocabulary.running.run_record import RunRecord
from engine.vocabulary.running.throughput import LoadProgress, RequestTimings, ThroughputSample
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import RpcServerSpec, Speed, WorkerId


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLooked:
    """A machine was looked at."""

    machine: Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSampled:
    """What a machine is doing now."""

    load: MachineLoad


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimesFound:
    """The search for llama.cpp programs ended. ``dialect`` and ``server_options`` belong to the first usable one."""

    runtimes: tuple[Runtime, ...]
    runtime: Runtime | None
    dialect: Dialect | None
    server_options: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsListed:
    """Models that were found so far."""

    models: tuple[FoundModel, ...]
    finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentFilesListed:
    """The files that were used last."""

    models: tuple[str, ...]
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentChanged:
    """A cluster file was opened or saved."""

    document: ClusterDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveFailed:
    """A cluster file was not saved; why is a problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRead:
    """A model's header was read."""

    path: str
    model: ModelFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRefused:
    """A file is no usable model."""

    path: str
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicesChanged:
    """The person chose something."""

    choices: Choices


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedsMeasured:
    """A calibration ended, or what earlier ones left was looked up. ``None``: nothing is known of this worker as it is now."""

    speeds: tuple[tuple[WorkerId, Speed | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchAsked:
    """The person wants it to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryAgainAsked:
    """The pause before the next start is over, or the person does not want to wait for it, or said to go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoBackAsked:
    """The run that serves is to start anew with the machines that it lost and that are there again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAsked:
    """The person wants it to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAsked:
    """The program is about to end: everything stops, but with ``keep_running`` the workers that were started to stay."""

    keep_running: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPrepared:
    """Free ports were found; this is what will be started."""

    launch: int
    """Which launch it was prepared for (``ClusterState.n_launches``): one that was stopped meanwhile must not be resumed."""
    runtime: Runtime
    dialect: Dialect
    server_options: frozenset[str]
    plan: Plan
    servers: tuple[RpcServerSpec, ...]
    worker_devices: tuple[tuple[str, WorkerId], ...]
    programs: tuple[tuple[MachineId, WorkerProgram], ...] = ()
    tunnels: tuple[TunnelSpec, ...] = ()
    coordinator_port: int
    """Of llama-server itself; clients reach it through the API's address."""
    at_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiPlaceChosen:
    """The person said for whom the API is to be open."""

    place: ApiPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiWasOpened:
    """The API listens, at another place than before or for the first time."""

    api: ApiOpened


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStarted:
    """A process was asked for (``pid`` is ``None`` until the system has it)."""

    id: ProcessId
    title: str
    argv: tuple[str, ...]
    endpoint: str | None = None
    worker_ids: tuple[WorkerId, ...] = ()
    pid: int | None = None
    machine_name: str = "this machine"
    machine_id: MachineId | None = None
    """Of a worker: where it runs; of a tunnel: where it leads."""
    keeps_running: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReady:
    """It answers: HELLO for an rpc-server, ``/health`` for llama-server."""

    id: ProcessId
    at_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStopping:
    """We asked it to end."""

    id: ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnded:
    """It is gone. ``problem`` says why, when nobody asked for it."""

    id: ProcessId
    outcome: ProcessOutcome
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayersReported:
    """llama-server said where layers went."""

    layers: tuple[tuple[int, str], ...]
    """(layer, llama.cpp device name)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuffersReported:
    """llama-server said what it allocated."""

    buffers: tuple[ActualBuffers, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineReported:
    """llama-server said whether prefill is pipelined."""

    pipelined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgressed:
    """The model is loading."""

    load: LoadProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputMeasured:
    """One reading of llama-server's counters."""

    sample: ThroughputSample


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkDone:
    """The standard request was answered."""

    timings: RequestTimings


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerGrew:
    """More of the answer to the question in the window."""

    answer: AnswerShown


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityProgressed:
    """A long job began or got further."""

    id: str
    title: str
    fraction: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityEnded:
    """A long job ended (how is told by other events)."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemHappened:
    """Something a person should know."""

    problem: Problem
    ends_run: bool = False
    """The run cannot go on: it is stopped."""
    launch: int | None = None
    """Only for this launch: dropped when another one goes on by now. ``None`` = whatever goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemDismissed:
    """The person has read it. The problem itself and not its place: that is another's as soon as one was taken off."""

    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The approaches were compared, for exactly these variants: a later plan's comparison comes itself."""

    variants: tuple[PlanVariant, ...]
    comparison: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRead:
    """The history was read, for a model."""

    path: str | None
    model_hash: str
    runs: tuple[RunRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecorded:
    """A run is in the history now, or another sample of it."""

    launch: int
    record: RunRecord


Event = (
    MachineLooked
    | LoadSampled
    | RuntimesFound
    | ModelsListed
    | RecentFilesListed
    | DocumentChanged
    | SaveFailed
    | ModelRead
    | ModelRefused
    | ChoicesChanged
    | SpeedsMeasured
    | LaunchAsked
    | TryAgainAsked
    | GoBackAsked
    | StopAsked
    | CloseAsked
    | RunPrepared
    | ApiPlaceChosen
    | ApiWasOpened
    | ProcessStarted
    | ProcessReady
    | ProcessStopping
    | ProcessEnded
    | LayersReported
    | BuffersReported
    | PipelineReported
    | LoadProgressed
    | ThroughputMeasured
    | BenchmarkDone
    | Compared
    | HistoryRead
    | RunRecorded
    | AnswerGrew
    | ActivityProgressed
    | ActivityEnded
    | ProblemHappened
    | ProblemDismissed
    | RemoteEvent
)
