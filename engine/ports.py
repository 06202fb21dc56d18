"""The outside world, as the session may see it: protocols that the rim implements and ``tests/fakes`` imitate.

One contract suite per port (``tests/contract``) runs on the fake and on the real adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.vocabulary.device import RuntimeDevice
from engine.vocabulary.machine import Machine, MachineLoad
from engine.vocabulary.model import FoundModel, ModelFacts
from engine.vocabulary.running.api import ApiOpened, ApiPlace, Serving
from engine.vocabulary.running.process import ProcessCondition, ProcessOutcome, ProcessSpec
from engine.vocabulary.running.run_record import RunRecord
from engine.vocabulary.running.throughput import RequestTimings
from engine.vocabulary.runtime import RpcProtocolVersion, Runtime
from engine.vocabulary.worker import Speed

OnLine = Callable[[str], None]
"""Called on the pump's thread with one line, without its end. Must be cheap."""
OnExit = Callable[[ProcessOutcome], None]
"""Called once, on the pump's thread, after the last line."""


class Clock(Protocol):
    """Monotonic time."""

    def now_seconds(self) -> float:
        """Seconds of a monotonic clock."""

    def slept_seconds(self) -> float:
        """How long this machine has slept since it was started, as far as the system tells: grows by each sleep."""


class CancelToken(Protocol):
    """Handed to every job."""

    def check(self) -> None:
        """Raise ``Cancelled`` if the job was asked to stop."""

    def wait(self, seconds: float) -> None:
        """Sleep, or raise ``Cancelled`` as soon as the job is asked to stop."""


class RunningProcess(Protocol):
    """A process that was started."""

    @property
    def pid(self) -> int:
        """The system's process id of the program itself (not of a wrapper)."""

    def is_alive(self) -> bool:
        """Whether it still runs."""

    def tail(self) -> tuple[str, ...]:
        """The last lines of its output (stdout and stderr merged), bounded."""

    def outcome(self) -> ProcessOutcome | None:
        """How it ended, or ``None`` while it runs."""

    def condition(self) -> ProcessCondition:
        """What its system says of it now. May take seconds on another machine; never raises."""

    def stop(self, *, grace_seconds: float = 5.0) -> ProcessOutcome:
        """Ask, terminate, kill. Idempotent, from any thread. Returns when it is gone."""


class ProcessStarter(Protocol):
    """Starts processes in their own group, with SIGPIPE ignored, on a leash: they end when we do, even by kill -9."""

    def start(self, spec: ProcessSpec, on_line: OnLine, on_exit: OnExit) -> RunningProcess:
        """Start it. Raises ``ProcessFailed`` when the program is missing or may not be run."""


class MachineProbe(Protocol):
    """Looks at one machine."""

    def look(self, devices: tuple[RuntimeDevice, ...] | None) -> Machine:
        """Everything about it. ``devices`` is what the runtime lists (``None`` = there is no runtime yet)."""

    def load(self, machine: Machine) -> MachineLoad:
        """One sample of what it is doing now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcAnswer:
    """What an rpc-server said of itself."""

    protocol: RpcProtocolVersion
    device_memory: tuple[tuple[int, int], ...]
    """Per device (free, total) in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcState:
    """What is on a port: ``idle`` (HELLO answered), ``busy`` (connected, no answer: a coordinator is on it), ``other``
    (not an rpc-server), ``gone`` (nothing listens)."""

    state: str
    answer: RpcAnswer | None = None


class RpcAsker(Protocol):
    """Asks what is on a port, in the wire protocol, all versions."""

    def ask(self, host: str, port: int, *, timeout_seconds: float = 2.0) -> RpcState:
        """Never call it on a server that is in use by us (the SIGPIPE trap)."""

    def is_free(self, host: str, port: int) -> bool:
        """Whether a server of ours could listen there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """llama-server's running totals (``/metrics``)."""

    prompt_tokens: float
    prompt_seconds: float
    decoded_tokens: float
    decode_seconds: float
    requests_processing: float = 0.0
    decoding: tuple[tuple[int, int], ...] = ()
    """Requests that are being answered now: (task, tokens generated so far), from ``/slots``. The totals above count a request
    only when it has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkDone:
    """Of llama-server, now."""

    requests: int
    """That are being worked on."""
    marks: tuple[int, ...] = ()
    """Numbers that change with every batch: its count of them, and each request's tokens read and generated so far. Empty =
    this build tells none."""
    takes_requests: bool = True
    """False: it refuses connections. It is ending, or gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPiece:
    """One piece of a streamed answer; the last one carries the timings."""

    text: str
    timings: RequestTimings | None = None


class CoordinatorClient(Protocol):
    """Talks HTTP to llama-server."""

    def is_ready(self) -> bool:
        """``/health`` answers ok (503 while loading, refused before)."""

    def work_done(self) -> WorkDone | None:
        """How far it is with what it works on; ``None`` = no answer within seconds. ``/health`` does not tell: it says ok
        while nothing moves."""

    def counters(self) -> Counters:
        """Raises ``CoordinatorUnusable``."""

    def ask(self, prompt: str, *, max_tokens: int, chat: bool, temperature: float | None = None) -> Iterator[AnswerPiece]:
        """Stream an answer. ``chat`` uses the model's template, else a plain completion. ``temperature``: llama-server's own
        (0.8) without, 0 takes the likeliest token every time. Raises ``CoordinatorUnusable``."""

    def measure(self, *, prompt_tokens: int, decode_tokens: int) -> RequestTimings:
        """One standard request: exactly so many prompt tokens (sent as token ids, nothing cached) and so many generated ones
        (end-of-text ignored). Blocks until it is done. Raises ``CoordinatorUnusable``."""


class Gateway(Protocol):
    """The one address that clients talk to, while llama-servers come and go behind it. All calls from any thread.

    A request that finds no llama-server waits for one that is on its way, or is told when to come back; none is dropped
    without an answer. Closed with the process at the latest."""

    def open(self, place: ApiPlace) -> ApiOpened:
        """Listen, if it does not yet, and be reachable as ``place`` says. The port is chosen once. Raises ``ProcessFailed``
        when there is no free port, or when the network part cannot be had: it is then open on this machine alone."""

    def point_at(self, serving: Serving) -> None:
        """What stands behind it from now on. Returns at once."""

    def idle_seconds(self) -> float:
        """Since a request that has llama-server work was last seen: 0 while one goes on or waits, infinite before one."""

    def close(self) -> None:
        """Every request is answered, then nothing listens. Idempotent."""


class ApiKeys(Protocol):
    """The user's API key."""

    @property
    def path(self) -> Path:
        """The file that it is kept in."""

    def load(self) -> str | None:
        """The key, or ``None`` when there is none."""

    def make(self) -> str:
        """A new one instead. Raises ``BadInput`` when it cannot be kept."""


class ModelReader(Protocol):
    """Reads GGUF headers, and knows which models there are."""

    def found(self) -> tuple[str, ...]:
        """Paths of the models in the user's models folder."""

    def search(self, token: CancelToken) -> Iterator[tuple[FoundModel, ...]]:
        """Models of every place where programs keep them, place by place. Takes seconds at most; raises ``Cancelled``."""

    def read(self, path: str) -> ModelFacts:
        """Raises ``BadModelFile``."""

    def hash_of(self, model: ModelFacts) -> str:
        """SHA-256 of the first MiB and the sizes of its files; empty when they cannot be read."""


class RecentFiles(Protocol):
    """The files that a person used last, remembered from start to start. Never raises: what is forgotten is forgotten."""

    def models(self) -> tuple[str, ...]:
        """Paths of models that are still there, the last one first."""

    def clusters(self) -> tuple[str, ...]:
        """The same for cluster files."""

    def note_model(self, path: str) -> None:
        """It was chosen just now."""

    def note_cluster(self, path: str) -> None:
        """It was opened or saved just now."""


class ClusterFiles(Protocol):
    """Cluster files on disk."""

    def read(self, path: str) -> str:
        """The text. Raises ``BadClusterFile``."""

    def write(self, path: str, text: str, expected: str | None) -> None:
        """All or nothing; only over ``expected``, if that is not ``None``. Raises ``BadClusterFile``."""


class RuntimeFinder(Protocol):
    """Finds llama.cpp programs on this machine and learns what they take."""

    def find(self, chosen_folder: str | None) -> tuple[Runtime, ...]:
        """Every runtime there is, best first."""

    def help_text(self, runtime: Runtime) -> str:
        """What ``rpc-server --help`` prints."""

    def server_help_text(self, runtime: Runtime) -> str:
        """What ``llama-server --help`` prints; empty when the runtime has none."""

    def bench_help_text(self, runtime: Runtime) -> str:
        """What ``llama-bench --help`` prints; empty when the runtime has none."""

    def devices(self, runtime: Runtime) -> tuple[RuntimeDevice, ...]:
        """What ``-d list`` prints."""


class RuntimeInstaller(Protocol):
    """Builds llama.cpp from source into the user's data folder."""

    def install(self, progress: Callable[[float | None, str], None], token: CancelToken) -> None:
        """Calls ``progress(fraction, detail)``. Raises ``RuntimeUnavailable`` or ``Cancelled``; leaves nothing half-done."""


class SpeedStore(Protocol):
    """Keeps what calibrations measured, by machine, device, build and model type."""

    def load(self, key: str) -> Speed | None:
        """What was measured under this key, or ``None``."""

    def save(self, key: str, speed: Speed) -> None:
        """Keep it."""


class RunHistory(Protocol):
    """Keeps every measured run. From any thread; several processes may use one history. All raise ``HistoryUnusable``."""

    def save(self, record: RunRecord) -> RunRecord:
        """Keep it, with id and date if it has none; one of the same id is replaced. Returns it as it is kept."""

    def load(self, run_id: str) -> RunRecord | None:
        """The one run whose id is this, or begins with it."""

    def runs(self, *, model_hash: str | None = None, limit: int = 200) -> tuple[RunRecord, ...]:
        """Newest first."""

    def notices(self) -> tuple[str, ...]:
        """What a person should know, each once: a damaged file was set aside."""
