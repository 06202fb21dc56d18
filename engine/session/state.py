"""``ClusterState``: everything a front end may show, immutable. The session publishes a new one after each batch of events.

Logs are not in here (12,000 lines per load at verbosity 5 would copy a tuple per line): they are in ``session.telling.logs``,
and a process here carries only how many lines it has printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.llama_cpp.dialects import Dialect
from engine.measuring.refine import Refinement
from engine.session.remotes import FindingSeen, RemoteSeen, WorkerProgram
from engine.session.watched import Watched
from engine.settings.cluster_files.cluster_file import ClusterMachine
from engine.vocabulary.admin_policy import AdminPolicy
from engine.vocabulary.comparison import Approach, Comparison
from engine.vocabulary.machine import Machine, MachineId, MachineLoad
from engine.vocabulary.model import FoundModel, ModelFacts
from engine.vocabulary.plan import GivenSplit, Plan, PlanRefused, Policy, RunShape
from engine.vocabulary.remote import SshTarget, TunnelSpec
from engine.vocabulary.running.api import ApiOpened, ApiPlace
from engine.vocabulary.running.layer_map import ActualBuffers, LayerMap
from engine.vocabulary.running.problem import Problem
from engine.vocabulary.running.process import ProcessId, ProcessOutcome, ProcessPhase
from engine.vocabulary.running.recovery import Recovery, RecoveryMode
from engine.vocabulary.running.run_record import RunRecord
from engine.vocabulary.running.throughput import LoadProgress, RequestTimings, ThroughputSample
from engine.vocabulary.runtime import Runtime
from engine.vocabulary.worker import Layout, RpcServerSpec, Speed, WorkerId, WorkerOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the person chose. Everything has a sane default; changing one re-plans at once."""

    model_path: str | None = None
    runtime_folder: str | None = None
    policy: Policy = Policy.FASTEST
    layout: Layout = Layout.PER_DEVICE
    shape: RunShape = RunShape()  # noqa: RUF009 - frozen
    reserve_fraction: float = 0.20
    """Share of every device's memory that is left alone."""
    cpu_workers: int = 1
    """CPU workers per machine: 1, or more to try a split on one machine (they share cores and RAM)."""
    native: bool = False
    """``fastest`` may have llama-server use this machine's devices itself, without rpc-servers, where that is faster. The
    front ends say yes; off, every device is reached through an rpc-server."""
    left_out: frozenset[WorkerId] = frozenset()
    """Workers that the person switched off."""
    given: GivenSplit | None = None
    """This split exactly, under the layout above, instead of one of the policy's."""
    prompt_share: float = 0.0
    """What "fastest" is to be fast at: 0 = chat, 1 = documents (see ``PlanRequest.prompt_share``)."""
    keep_running: bool = False
    """Leave the workers on remote machines running when Crossply quits; they are found again and adopted."""
    recovery: RecoveryMode = RecoveryMode.AUTOMATIC
    """What happens when a run breaks."""
    api_port: int = 8080
    """Where clients reach the API; the next free one if it is taken."""
    model_folders: tuple[str, ...] = ()
    """Where else models are looked for."""
    targets: tuple[SshTarget, ...] = ()
    """Remote machines that the person added."""
    lan_addresses: tuple[tuple[MachineId, str], ...] = ()
    """Machines whose workers are open on the network, each with the one IPv4 address of its own that they bind. A machine
    that is not in here is reached through a tunnel. Set only after a person said yes to what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterDocument:
    """The cluster file that is open, if one is."""

    path: str | None = None
    saved: Choices | None = None
    """What is in the file; ``None`` without one."""
    text: str = ""
    """The file as it was read or written last."""
    machines: tuple[ClusterMachine, ...] = ()
    """Its machines as they are described there: names, and what is known of those that were not looked at."""
    exposure_answered: bool = False
    """The file opens ports on the network and the person said what is to become of them; until then tunnels are used."""
    n_failed_saves: int = 0
    """Counts up: how a front end sees that a save it waits for will not come."""


class RuntimePhase(StrEnum):
    """Whether there are llama.cpp programs."""

    LOOKING = "looking"
    MISSING = "missing"
    INSTALLING = "installing"
    READY = "ready"


class RunPhase(StrEnum):
    """Where the whole run is."""

    STOPPED = "stopped"
    STARTING_WORKERS = "starting workers"
    LOADING_MODEL = "loading model"
    READY = "ready"
    RECOVERING = "recovering"
    """It broke and is still wanted: ``ClusterState.recovery`` says what is being done. Once it is launched again it goes
    through the phases of any launch."""
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A job that takes over a second: a build, a calibration, reading a model."""

    id: str
    title: str
    fraction: float | None = None
    """``None`` = not known how far."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSeen:
    """A process of ours, as last seen."""

    id: ProcessId
    title: str
    """For people: ``rpc-server for cuda:0``, ``llama-server``."""
    phase: ProcessPhase
    argv: tuple[str, ...]
    endpoint: str | None = None
    pid: int | None = None
    worker_ids: tuple[WorkerId, ...] = ()
    machine_name: str = "this machine"
    """Where it runs, for people."""
    keeps_running: bool = False
    """It is left running when Crossply quits."""
    outcome: ProcessOutcome | None = None
    n_lines: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandShown:
    """One command line as it is (or would be) run, to be copied."""

    title: str
    machine_name: str
    argv: tuple[str, ...]
    shell: str
    """``shlex.join`` of it, with the environment it needs in front."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanVariant:
    """One column of the comparison: the same model and shape under another policy or layout."""

    policy: Policy
    layout: Layout
    result: Plan | PlanRefused
    measured: RequestTimings | None = None
    """Of the last run under exactly this plan, in this session or in the history."""
    approach: Approach | None = None
    """Which row of the comparison it is, if it is one."""
    given: GivenSplit | None = None
    """What to choose to get it; ``None`` = the policy alone."""
    largest_context_tokens: int | None = None
    """Of a given split that is no approach (the comparison has it for those): what fits depends on the split alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerShown:
    """The question asked in the window and the answer so far."""

    prompt: str
    text: str = ""
    finished: bool = False
    timings: RequestTimings | None = None
    """llama-server's own, of exactly this answer; ``None`` until it is complete, and of one that was stopped."""
    first_piece_seconds: float | None = None
    """From the question to the first piece of text, as it was seen here."""
    n_pieces: int = 0
    """Pieces of text so far; llama-server sends about one per token."""
    pieces_seconds: float = 0.0
    """From the first piece to the last."""
    stopped: bool = False
    """The person stopped it."""
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """The run that was launched: frozen at launch, so later choices do not change what is shown of it."""

    plan: Plan
    servers: tuple[RpcServerSpec, ...]
    worker_devices: tuple[tuple[str, WorkerId], ...]
    """llama.cpp's device name (``RPC0``) -> worker."""
    api_url: str
    """Where clients reach it: the same for every run of this session."""
    layer_map: LayerMap
    coordinator_url: str = ""
    """Of llama-server itself, for our own questions: they are not to wait behind those of clients."""
    runtime: Runtime | None = None
    """The programs it was launched with: another choice meanwhile must not mix two builds in one run."""
    dialect: Dialect | None = None
    server_options: frozenset[str] = frozenset()
    programs: tuple[tuple[MachineId, WorkerProgram], ...] = ()
    """Per machine, with what its rpc-servers are started."""
    tunnels: tuple[TunnelSpec, ...] = ()
    sent: tuple[tuple[MachineId, int], ...] = ()
    """Per machine behind a tunnel, the bytes that went to it so far: while the model loads, its weights."""
    sent_when_ready: tuple[tuple[MachineId, int], ...] = ()
    """The same when llama-server first said that it is ready: what loading took."""
    direct_io: bool = False
    """The model is read with ``--load-mode dio``: a cure (see ``vocabulary.running.recovery``)."""
    buffers: tuple[ActualBuffers, ...] = ()
    pipelined: bool | None = None
    """Whether llama.cpp says ``pipeline parallelism enabled``; ``None`` before it says anything."""
    load: LoadProgress | None = None
    started_at_seconds: float = 0.0
    benchmark: RequestTimings | None = None
    """Timings of the standard request that is sent once after start: what is compared with the prediction."""
    ready_after_seconds: float | None = None
    loads_before: tuple[tuple[MachineId, MachineLoad], ...] = ()
    """What the machines were doing when it was launched."""
    cpu_workers: int = 1
    """Of ``Choices``, as it was planned with."""
    refinements: tuple[tuple[WorkerId, Refinement], ...] = ()
    """By which its prediction was refined: of another model chosen meanwhile there are others."""
    record_id: str | None = None
    """Under which it is in the history; ``None`` until it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """Everything. A new one is published after every change."""

    choices: Choices = Choices()
    policy: AdminPolicy = AdminPolicy()  # noqa: RUF009 - frozen
    """What the administrator of this machine locked."""
    machines: tuple[Machine, ...] = ()
    """Those that can take part in a plan now: this machine first, then remote ones that are ready."""
    remotes: tuple[RemoteSeen, ...] = ()
    """Every remote machine that was added, in whatever phase."""
    finding: FindingSeen = FindingSeen()  # noqa: RUF009 - frozen
    loads: tuple[tuple[MachineId, MachineLoad], ...] = ()
    runtime_phase: RuntimePhase = RuntimePhase.LOOKING
    runtime: Runtime | None = None
    runtimes: tuple[Runtime, ...] = ()
    dialect: Dialect | None = None
    """What the runtime's rpc-server takes; ``None`` without a runtime."""
    server_options: frozenset[str] = frozenset()
    """Options that the runtime's llama-server lists."""
    model: ModelFacts | None = None
    model_problem: Problem | None = None
    models_found: tuple[FoundModel, ...] = ()
    """Models in the places where programs keep them; more while ``models_searched`` is false."""
    models_searched: bool = False
    recent_models: tuple[str, ...] = ()
    """Paths, the one that was used last first."""
    recent_clusters: tuple[str, ...] = ()
    """The same for cluster files."""
    files_restored: bool = False
    """The cluster file that was open last is open again, if there was one. Never true in the command line's session."""
    document: ClusterDocument = ClusterDocument()
    speeds: tuple[tuple[WorkerId, Speed], ...] = ()
    """What was measured of the workers."""
    offers: tuple[WorkerOffer, ...] = ()
    """Every worker there could be under the chosen layout, those that were switched off included."""
    plan: Plan | PlanRefused | None = None
    """``None`` until there is a machine, a runtime and a model."""
    variants: tuple[PlanVariant, ...] = ()
    comparison: Comparison | None = None
    """The four approaches and what each worker is worth; a moment later than the plan."""
    history: tuple[RunRecord, ...] = ()
    """Measured runs, newest first, of all models."""
    model_hash: str = ""
    """Of the chosen model; empty until its file was read."""
    refinements: tuple[tuple[WorkerId, Refinement], ...] = ()
    """What the history says about the measured speeds."""
    commands: tuple[CommandShown, ...] = ()
    n_launches: int = 0
    """How often it was launched: what belongs to an earlier launch is told apart by it."""
    run_wanted: bool = False
    run_phase: RunPhase = RunPhase.STOPPED
    run: RunSeen | None = None
    recovery: Recovery = Recovery()  # noqa: RUF009 - frozen
    """What became of a run that broke; its ``history`` is of this launch and of the one before."""
    api_place: ApiPlace = ApiPlace()  # noqa: RUF009 - frozen
    """For whom the API is to be open; its port is a choice. No choice itself: what is opened on the network is in no cluster
    file, is not undone and redone with a plan, and is not remembered."""
    api: ApiOpened | None = None
    """Where the API is open; ``None`` before it is."""
    processes: tuple[ProcessSeen, ...] = ()
    throughput: tuple[ThroughputSample, ...] = ()
    """The last ten minutes, one sample a second."""
    watched: Watched = Watched()  # noqa: RUF009 - frozen
    """Moments and readings over time."""
    answer: AnswerShown | None = None
    activities: tuple[Activity, ...] = ()
    n_activities_ended: int = 0
    """Counts up: how a front end sees the end of an activity that was over before it looked."""
    problems: tuple[Problem, ...] = ()
    closing: bool = False
    closed: bool = False
    now_seconds: float = 0.0
    """Of a monotonic clock, when the newest events were taken in."""
    zero_is_at_seconds: float = 0.0
    """The monotonic clock's zero, in seconds since the epoch: what makes its times dates."""
