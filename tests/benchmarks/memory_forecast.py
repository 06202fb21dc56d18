"""What a plan says that workers need against what llama.cpp allocates there, for random models, shapes and policies.

``python -m tests.benchmarks.memory_forecast [PLANS [SEED]]``, as root on Linux with version 1 of control groups: everything
runs in a group of 1.6 GB that is made for it, which this machine's card then shows as its memory. Contexts are drawn up to
what just fits under the 80 % rule, so plans that are too large for the machine would be killed: every such kill is counted.
What llama.cpp allocates is what it reports per device (weights, KV, compute). Small synthetic models of six architectures:
full attention, experts, sliding window (gemma3), latent attention (deepseek2), recurrent (mamba2), short convolution (lfm2).
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from engine.open_session import real_outside
from engine.session.session import Session
from engine.session.state import Choices, ClusterState, RunPhase
from engine.vocabulary.plan import Plan, PlanRefused, Policy, RunShape
from tests.fakes.llama_cpp import gguf_writer

MIB = 1024 * 1024
LIMIT_BYTES = 1600 * MIB
LONGEST_SECONDS = 120.0
ALLOWED_BYTES, ALLOWED_SHARE, ALLOWED_UNDER_SHARE = 32 * MIB, 0.02, 0.01


@dataclass(frozen=True)
class Row:
    """One worker of one plan."""

    model: str
    worker: str
    shape: RunShape
    planned: tuple[int, int, int]
    """Bytes of weights, KV and compute."""
    actual: tuple[int, int, int]

    @property
    def actual_bytes(self) -> int:
        """All of it."""
        return sum(self.actual)

    @property
    def over_bytes(self) -> int:
        """How much more was planned than taken."""
        return sum(self.planned) - self.actual_bytes

    @property
    def is_close(self) -> bool:
        """The target: within max(32 MiB, 2 %)."""
        return abs(self.over_bytes) <= max(ALLOWED_BYTES, ALLOWED_SHARE * self.actual_bytes)

    @property
    def is_under(self) -> bool:
        """Planned more than 1 % too little."""
        return -self.over_bytes > ALLOWED_UNDER_SHARE * self.actual_bytes


def write_models(folder: Path) -> dict[str, Path]:
    """Small enough to load in seconds, large enough that weights count."""
    wide = {"n_embd": 512, "n_vocab": 8000}
    return {
        "llama": gguf_writer.write_llama(
            folder / "llama.gguf", n_layers=16, n_ff=1536, n_head=8, n_head_kv=4, head_length=64, weights="q8_0", **wide
        ),
        "qwen3moe": gguf_writer.write_moe(folder / "moe.gguf", n_layers=8, n_ff=512, n_experts=8, **wide),
        "gemma3": gguf_writer.write_sliding(folder / "sliding.gguf", n_layers=12, **wide),
        "deepseek2": gguf_writer.write_latent(folder / "latent.gguf", n_layers=10, **wide),
        "mamba2": gguf_writer.write_recurrent(folder / "recurrent.gguf", n_layers=12, **wide),
        "lfm2": gguf_writer.write_hybrid(folder / "hybrid.gguf", kv_heads=(0, 0, 1, 0, 2, 0, 1, 2), n_vocab=8000),
    }


@contextmanager
def limited_memory() -> Iterator[Path]:
    """Puts this process into a group of its own with little memory."""
    own = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if ":memory:" in line).split(":")[2]
    top = Path("/sys/fs/cgroup/memory") / own.lstrip("/")
    group = top / f"crossply-forecast-{time.monotonic_ns()}"
    group.mkdir()
    (group / "memory.limit_in_bytes").write_text(str(LIMIT_BYTES))
    (group / "cgroup.procs").write_text("0")
    try:
        yield group
    finally:
        (top / "cgroup.procs").write_text("0")
        for _ in range(100):
            try:
                group.rmdir()
                break
            except OSError:
                threading.Event().wait(0.1)


def n_kills(group: Path) -> int:
    """By the kernel, because memory ran out."""
    words = dict(line.split() for line in (group / "memory.oom_control").read_text().splitlines())
    return int(words.get("oom_kill", 0))


def random_choices(draw: random.Random, model: Path) -> Choices:
    """Everything that changes how much memory is taken."""
    kv_type = draw.choice(("f16", "f16", "q8_0"))
    shape = RunShape(
        context_tokens=256 * round(2 ** draw.uniform(1, 9)),
        slots=draw.choice((1, 1, 2, 4)),
        ubatch_tokens=draw.choice((64, 128, 256, 512)),
        cache_type_k=kv_type,
        cache_type_v=kv_type,
    )
    policy = draw.choice((Policy.EVEN, Policy.MEMORY))
    return Choices(model_path=str(model), policy=policy, cpu_workers=draw.randint(1, 4), shape=shape, api_port=18180)


def waited(session: Session, reached) -> ClusterState:
    """The first state that is as wanted, or one that failed."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while not reached(state := session.snapshot()) and state.run_phase is not RunPhase.FAILED:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{state.run_phase}: {[problem.happened for problem in state.problems]}")
        threading.Event().wait(0.05)
    return state


def fitting(session: Session, choices: Choices) -> ClusterState | None:
    """The state with a plan, the context halved until there is one."""
    while choices.shape.context_tokens >= 256 * choices.shape.slots:
        session.choose(choices)
        state = waited(session, lambda state, choices=choices: is_planned(state, choices))
        if isinstance(state.plan, Plan):
            return state
        choices = replace(choices, shape=replace(choices.shape, context_tokens=choices.shape.context_tokens // 2))
    return None


def is_planned(state: ClusterState, choices: Choices) -> bool:
    """Whether the plan is of these choices: a model is read first."""
    read = state.model is not None and state.model.path == choices.model_path
    if state.choices != choices or not read:
        return False
    planned = isinstance(state.plan, Plan) and state.plan.model == state.model and state.plan.shape == choices.shape
    return planned or isinstance(state.plan, PlanRefused)


def rows_of(name: str, state: ClusterState) -> list[Row]:
    """Planned and actual of a run that is ready."""
    assert state.run is not None
    actual = {seen.worker_id: (seen.weights_bytes, seen.kv_bytes, seen.compute_bytes) for seen in state.run.buffers}
    return [
        Row(
            name,
            worker.id,
            state.run.plan.shape,
            (worker.weights_bytes, worker.kv_bytes, worker.compute_bytes),
            actual.get(worker.id, (0, 0, 0)),
        )
        for worker in state.run.plan.used_workers
    ]


def one_plan(session: Session, name: str, choices: Choices) -> tuple[list[Row], str | None]:
    """Launch it, read back what was allocated, stop. The sentence is why it failed."""
    state = fitting(session, choices)
    if state is None:
        return [], "no context fits"
    session.launch()
    state = waited(
        session,
        lambda now: now.n_launches > state.n_launches and now.run is not None and now.run.benchmark is not None,
    )
    failed = state.run is None or state.run.benchmark is None
    rows = [] if failed else rows_of(name, state)
    why = "; ".join(problem.happened for problem in state.problems) if failed else None
    session.stop()
    waited(session, lambda state: state.run_phase in (RunPhase.STOPPED, RunPhase.FAILED) and not state.run_wanted)
    return rows, why


def measure(n_plans: int, seed: int, group: Path, folder: Path) -> int:
    """All of it. The exit status: 0 = every target was met."""
    draw = random.Random(seed)
    models = write_models(folder)
    session = Session(real_outside(), random_choices(draw, models["llama"]))
    session.start()
    rows: list[Row] = []
    failures: list[str] = []
    n_run = 0
    try:
        for number in range(n_plans):
            name = list(models)[number % len(models)]
            found, why = one_plan(session, name, random_choices(draw, models[name]))
            n_run += bool(found)
            rows += found
            if why:
                failures.append(f"{name}: {why}")
                print(f"{number}: {failures[-1]}", flush=True)
    finally:
        session.close()
        session.join()
    return report(rows, failures, n_run, n_kills(group))


def report(rows: list[Row], failures: list[str], n_run: int, kills: int) -> int:
    """A table, and whether the targets were met."""
    print("| model | workers | planned - actual, median MiB | worst MiB over | worst MiB under | outside the target |")
    print("|---|---|---|---|---|---|")
    for name in dict.fromkeys(row.model for row in rows):
        over = [row.over_bytes / MIB for row in rows if row.model == name]
        missed = sum(row.model == name and (row.is_under or not row.is_close) for row in rows)
        worst_under = max(0.0, -min(over))
        print(f"| {name} | {len(over)} | {statistics.median(over):.1f} | {max(over):.1f} | {worst_under:.2f} | {missed} |")
    missed = sum(row.is_under or not row.is_close for row in rows)
    print(f"{n_run} plans ran, {len(rows)} workers; {missed} outside max(32 MiB, 2 %) or over 1 % under; ", end="")
    print(f"{kills} killed for want of memory; {len(failures)} did not run")
    print(json.dumps([asdict(row) for row in rows]))
    for row in rows:
        if row.is_under or not row.is_close:
            print(f"outside: {row}")
    return int(bool(missed or kills or failures))


def main(n_plans: int, seed: int) -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, limited_memory() as group:
        return measure(n_plans, seed, group, Path(folder))


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(given + [100, 1][len(given) :])))
