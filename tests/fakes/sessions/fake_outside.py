"""An ``Outside`` of fakes, and jobs without threads: a test drives ``drain`` by hand and nothing waits.

Help texts are the recorded ones of real programs, so that command lines are made as they would be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.cluster.servers import servers_of
from engine.errors import BadModelFile, Cancelled, EngineError
from engine.llama_cpp.command_lines import native_devices, registered_devices
from engine.planning.abstract_model import abstract_model
from engine.ports import AnswerPiece, CancelToken, Counters, OnExit, OnLine, RpcState, WorkDone
from engine.session.jobs import Jobs, Token
from engine.session.outside import Outside
from engine.session.session import Session
from engine.session.state import Choices, ClusterState
from engine.vocabulary.admin_policy import AdminPolicy
from engine.vocabulary.device import RuntimeDevice
from engine.vocabulary.model import FoundModel, ModelFacts, ModelPlace
from engine.vocabulary.plan import Plan, Policy
from engine.vocabulary.running.process import ProcessSpec
from engine.vocabulary.running.recovery import RecoveryMode
from engine.vocabulary.running.run_record import RunRecord
from engine.vocabulary.running.throughput import RequestTimings
from engine.vocabulary.runtime import RpcProtocolVersion, Runtime, RuntimeSource
from engine.vocabulary.worker import CacheBeforeLoad, Speed
from tests.fakes.ports.fake_files import FakeClusterFiles, FakeDemoModel, FakeRecentFiles
from tests.fakes.ports.fake_gateway import FakeApiKeys, FakeGateway
from tests.fakes.ports.fake_machine_probe import FakeMachineProbe
from tests.fakes.ports.fake_process_starter import FakeProcess, FakeProcessStarter, FakeProgram
from tests.fakes.ports.fake_remote import FakeConnector, FakeNetwork, FakeRemoteMachine, a_look, a_target, with_runtime_source
from tests.fakes.ports.fake_runtime_finder import FakeRuntimeFinder

RECORDED = Path(__file__).parents[2] / "recorded"
MODEL = "/models/m.gguf"
OTHER_MODEL = "/models/other.gguf"
GIB = 1 << 30
TIMINGS = RequestTimings(prompt_tokens=480, prompt_seconds=1.0, decoded_tokens=64, decode_seconds=2.0)
RUNTIME = Runtime(
    id="fake",
    folder="/fake/bin",
    source=RuntimeSource.BUILT,
    rpc_server="/fake/bin/ggml-rpc-server",
    llama_server="/fake/bin/llama-server",
    llama_bench="/fake/bin/llama-bench",
    llama_fit_params=None,
    build_number=11434,
    commit="0c1e570",
    protocol=RpcProtocolVersion(major=4, minor=0, patch=0),
)


def a_model(path: str = MODEL, n_layers: int = 8) -> ModelFacts:
    """Small equal layers."""
    return replace(abstract_model(n_layers, layer_bytes=1 << 20, head_bytes=1 << 20), path=path, name=path)


class FakeClock:
    """Moves only when it is told to, or by ``step`` at every look."""

    def __init__(self, step: float = 0.0) -> None:
        self.seconds, self.step, self.slept = 100.0, step, 0.0

    def now_seconds(self) -> float:
        self.seconds += self.step
        return self.seconds

    def slept_seconds(self) -> float:
        return self.slept


class FakeToken(Token):
    """Waiting costs no time; a job that waits too often is put aside as cancelled."""

    def __init__(self, waits: int = 3) -> None:
        super().__init__()
        self.waits_left = waits

    def wait(self, seconds: float) -> None:
        self.check()
        self.waits_left -= 1
        if self.waits_left < 0:
            raise Cancelled


class FakeJobs(Jobs):
    """Runs a job inside ``start``, except those whose key is in ``held``: they wait for ``run_held``."""

    def __init__(self) -> None:
        self.on_bug: Callable[[str, Exception], None] | None = None
        self.held: set[str] = set()
        self.waiting: list[tuple[str, Callable[[Token], None], FakeToken]] = []
        self.started: list[str] = []
        self.active: list[tuple[str, FakeToken]] = []

    def start(self, key: str, work: Callable[[Token], None]) -> Token:
        token = FakeToken()
        self.started.append(key)
        if key in self.held:
            self.waiting.append((key, work, token))
        else:
            self._run(key, work, token)
        return token

    def run_held(self) -> None:
        """Run what was kept back, in order."""
        self.held.clear()
        waiting, self.waiting = self.waiting, []
        for key, work, token in waiting:
            self._run(key, work, token)

    def cancel(self, key: str) -> None:
        for other, token in [*((key, token) for key, _work, token in self.waiting), *self.active]:
            if other == key:
                token.cancel()

    def _run(self, key: str, work: Callable[[Token], None], token: FakeToken) -> None:
        self.active.append((key, token))
        try:
            if not token.cancelled:
                work(token)
        except Cancelled:
            pass
        except Exception as error:  # noqa: BLE001 - as the real one does
            assert self.on_bug is not None
            self.on_bug(key, error)
        finally:
            self.active.remove((key, token))


class FakeStarter(FakeProcessStarter):
    """Programs can be changed, and a hook is called while the starter 'works'."""

    def __init__(self) -> None:
        super().__init__({"ggml-rpc-server": FakeProgram(), "llama-server": FakeProgram(), "llama-bench": FakeProgram()})
        self.while_starting: Callable[[ProcessSpec], None] = lambda _spec: None

    def will_run(self, name: str, program: FakeProgram) -> None:
        """What the next program of that name does."""
        self._programs[name] = program

    def start(self, spec: ProcessSpec, on_line: OnLine, on_exit: OnExit) -> FakeProcess:
        self.while_starting(spec)
        return super().start(spec, on_line, on_exit)

    def process(self, id_part: str) -> FakeProcess:
        """The newest process whose id contains the words."""
        return next(process for process in reversed(self.started) if id_part in process.spec.id)


class FakeAsker:
    """Every rpc-server is idle; ``taken`` ports are not free."""

    def __init__(self) -> None:
        self.taken: set[int] = set()
        self.state = "idle"
        self.asked: list[int] = []

    def ask(self, host: str, port: int, *, timeout_seconds: float = 2.0) -> RpcState:
        self.asked.append(port)
        return RpcState(state=self.state)

    def is_free(self, host: str, port: int) -> bool:
        return port not in self.taken


@dataclass
class FakeCoordinator:
    """A ``CoordinatorClient``. Set ``fails`` to make every call raise it."""

    ready: bool = True
    fails: EngineError | None = None
    works: bool = False
    answers: bool = True
    n_batches: int = 0
    pieces: tuple[AnswerPiece, ...] = (AnswerPiece(text="Par"), AnswerPiece(text="is", timings=TIMINGS))
    measured: list[tuple[int, int]] = field(default_factory=list)
    while_measuring: Callable[[], None] = lambda: None

    def is_ready(self) -> bool:
        return self.ready

    def work_done(self) -> WorkDone | None:
        return WorkDone(requests=int(self.works), marks=(self.n_batches,)) if self.answers else None

    def counters(self) -> Counters:
        if self.fails is not None:
            raise self.fails
        return Counters(prompt_tokens=480, prompt_seconds=1.0, decoded_tokens=64, decode_seconds=2.0)

    def ask(self, prompt: str, *, max_tokens: int, chat: bool, temperature: float | None = None) -> Iterator[AnswerPiece]:
        yield from self.pieces
        if self.fails is not None:
            raise self.fails

    def measure(self, *, prompt_tokens: int, decode_tokens: int) -> RequestTimings:
        self.measured.append((prompt_tokens, decode_tokens))
        self.while_measuring()
        if self.fails is not None:
            raise self.fails
        return TIMINGS


@dataclass
class FakeModels:
    """A ``ModelReader`` of made-up models."""

    models: dict[str, ModelFacts] = field(default_factory=lambda: {MODEL: a_model(), OTHER_MODEL: a_model(OTHER_MODEL, 4)})

    def found(self) -> tuple[str, ...]:
        return tuple(self.models)

    def search(self, token: CancelToken) -> Iterator[tuple[FoundModel, ...]]:
        token.check()
        for path in self.models:
            yield (FoundModel(path=path, name=path.rpartition("/")[2], place=ModelPlace.CROSSPLY, size_bytes=1000),)

    def read(self, path: str) -> ModelFacts:
        if path not in self.models:
            raise BadModelFile(f"{path} is not a GGUF file.", advice="Choose another.")
        return self.models[path]

    def hash_of(self, model: ModelFacts) -> str:
        return f"hash of {model.path}"


class FakeSpeeds:
    """A ``SpeedStore`` in memory."""

    def __init__(self) -> None:
        self.speeds: dict[str, Speed] = {}

    def load(self, key: str) -> Speed | None:
        return self.speeds.get(key)

    def save(self, key: str, speed: Speed) -> None:
        self.speeds[key] = speed


class FakeHistory:
    """A ``RunHistory`` in memory. Set ``fails`` to make every call raise it."""

    def __init__(self) -> None:
        self.kept: list[RunRecord] = []
        self.fails: EngineError | None = None
        self.told: list[str] = []

    def save(self, record: RunRecord) -> RunRecord:
        if self.fails is not None:
            raise self.fails
        record = replace(record, id=record.id or f"run-{len(self.kept)}", at=record.at or "2026-11-24T03:00:00+00:00")
        self.kept = [record, *(other for other in self.kept if other.id != record.id)]
        return record

    def load(self, run_id: str) -> RunRecord | None:
        return next((record for record in self.kept if record.id == run_id), None)

    def runs(self, *, model_hash: str | None = None, limit: int = 200) -> tuple[RunRecord, ...]:
        if self.fails is not None:
            raise self.fails
        return tuple(record for record in self.kept if model_hash in (None, record.model.hash))[:limit]

    def notices(self) -> tuple[str, ...]:
        told, self.told = tuple(self.told), []
        return told


class FakeInstaller:
    """Installs nothing, or fails."""

    def __init__(self) -> None:
        self.fails: EngineError | None = None

    def install(self, progress: Callable[[float | None, str], None], token: CancelToken) -> None:
        progress(0.5, "compiling")
        if self.fails is not None:
            raise self.fails


class Fakes:
    """All fakes by name, and the bundle of them."""

    def __init__(self, *, runtimes: tuple[Runtime, ...] = (RUNTIME,)) -> None:
        self.clock = FakeClock()
        self.starter = FakeStarter()
        self.probe = FakeMachineProbe()
        self.asker = FakeAsker()
        self.finder = FakeRuntimeFinder(
            runtimes,
            devices=(RuntimeDevice(runtime_name="CPU", description="c", memory_total_bytes=GIB, memory_free_bytes=GIB),),
            help_text=(RECORDED / "rpc-server-0.3.36-g5" / "help.txt").read_text(encoding="utf-8"),
            server_help_text=(RECORDED / "llama-server-0c1e570" / "help.txt").read_text(encoding="utf-8"),
            bench_help_text=(RECORDED / "llama-bench-0c1e570" / "help.txt").read_text(encoding="utf-8"),
        )
        self.installer = FakeInstaller()
        self.models = FakeModels()
        self.speeds = FakeSpeeds()
        self.history = FakeHistory()
        self.coordinator = FakeCoordinator()
        self.gateway = FakeGateway()
        self.api_keys = FakeApiKeys()
        self.own_addresses: tuple[str, ...] = ()
        self.whole_caches: list[str] = []
        self.n_prunings = 0
        self.free_bytes: int | None = None
        self.tunnel_bytes: int | None = None
        self.connector = FakeConnector()
        self.network = FakeNetwork()
        self.clusters = FakeClusterFiles()
        self.recent = FakeRecentFiles()
        self.demo = FakeDemoModel()
        self.policy = AdminPolicy()

    def outside(self) -> Outside:
        """What a session is given."""
        return Outside(
            policy=self.policy,
            clock=self.clock,
            starter=self.starter,
            probe=self.probe,
            asker=self.asker,
            finder=self.finder,
            installer=self.installer,
            models=self.models,
            speeds=self.speeds,
            history=self.history,
            coordinator_client=lambda _url: self.coordinator,
            coordinator_key_file=lambda: "/fake/state/llama-server-key",
            api_keys=self.api_keys,
            own_addresses=lambda: self.own_addresses,
            gateway=self.gateway,
            worker_cache_folder="/fake/cache",
            prune_worker_cache=self._prune,
            worker_cache_is_whole=lambda: self.whole_caches.append("here"),
            written_bytes=lambda _pid: self.tunnel_bytes,
            connector=self.connector,
            network=self.network,
            clusters=self.clusters,
            recent=self.recent,
            demo_model=self.demo.fetch,
        )

    def add_remote(self, name: str, *, runtime: Runtime | None = RUNTIME) -> FakeRemoteMachine:
        """A machine that can be logged in to; ``runtime=None``: it has no llama.cpp that fits."""
        target = a_target(name)
        help_text = self.finder.help_text(RUNTIME)
        theirs = None if runtime is None else with_runtime_source(runtime, f"/home/ada/{runtime.id}")
        machine = FakeRemoteMachine(target, a_look(target, theirs, help_text), self.starter, self.asker)
        self.connector.machines[name] = machine
        return machine

    def _prune(self) -> CacheBeforeLoad:
        self.n_prunings += 1
        return CacheBeforeLoad(free_bytes=self.free_bytes)


TWO_WORKERS = Choices(model_path=MODEL, cpu_workers=2, policy=Policy.EVEN, recovery=RecoveryMode.NEVER)
"""What breaks has ended: tests of recovery say otherwise."""


def planned_session(fakes: Fakes, choices: Choices = TWO_WORKERS) -> tuple[Session, FakeJobs]:
    """A session that has looked at everything and has a plan; llama-server will report just that plan."""
    jobs = FakeJobs()
    session = Session(fakes.outside(), Choices(), jobs=jobs)
    jobs.on_bug = session.on_bug
    session.look_again()
    session.choose(choices)
    settle(session)
    plan = session.snapshot().plan
    if isinstance(plan, Plan):
        fakes.starter.will_run("llama-server", FakeProgram(lines=lines_for(plan)))
    return session, jobs


def settle(session: Session) -> ClusterState:
    """Drain until nothing changes any more."""
    while True:
        before = session.snapshot()
        session.drain()
        if session.snapshot() == before:
            return before


def lines_for(plan: Plan, *, moved: dict[int, str] | None = None) -> tuple[str, ...]:
    """What llama-server prints about its layers under this plan; ``moved``: layer -> another llama.cpp device."""
    devices = (*registered_devices(plan, servers_of(plan)), *native_devices(plan))
    device = {worker: name for name, worker in devices}
    n = plan.model.n_layers
    rows = []
    for layer in range(n + 1):
        worker = plan.worker_of_layer(layer)
        assert worker is not None
        name = (moved or {}).get(layer, device[worker])
        rows.append(f"0.00.741.818 D load_tensors: layer {layer:3d} assigned to device {name}, is_swa = 0")
    n_offloaded = 0 if plan.native_cpu else n + 1
    return (*rows, f"0.00.741.900 I load_tensors: offloaded {n_offloaded}/{n + 1} layers to GPU")
