"""Plans run for real, interleaved: round after round every plan is launched, warmed up, measured and stopped.

Interleaved, because a machine that gets warmer or busier meanwhile must not be taken for a slower plan. The standard request
that every launch sends is the warm-up and is kept as such; what is counted comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from statistics import median

from engine.errors import HistoryUnusable
from engine.planning.policies.moved_boundary import seats_of_workers
from engine.session import events
from engine.session.outside import Outside
from engine.session.plan_runs.driver import Driver
from engine.session.reducing.planned.measured_before import is_same_run, plan_key
from engine.session.state import Choices, ClusterState, PlanVariant, RunSeen
from engine.session.working.machines.look import problem_of
from engine.session.working.measured.record_run import sample_of
from engine.session.working.watch_coordinator import BENCHMARK_DECODE_TOKENS, BENCHMARK_PROMPT_TOKENS
from engine.vocabulary.plan import GivenSplit, Plan, PlanRefused, Policy
from engine.vocabulary.running.problem import ProblemKind
from engine.vocabulary.running.recovery import RecoveryMode
from engine.vocabulary.running.throughput import RequestTimings
from engine.vocabulary.worker import Layout

_RECORD_SECONDS = 3.0


@dataclass(kw_only=True)
class Subject:
    """One plan that is measured."""

    title: str
    policy: Policy
    layout: Layout
    given: GivenSplit | None
    plan: Plan | None
    refused: tuple[str, ...] = ()
    timings: list[RequestTimings] = field(default_factory=list)
    """Counted ones, of all rounds."""
    run_ids: list[str] = field(default_factory=list)
    map_matches: bool | None = None
    pipelined: bool | None = None

    @property
    def decode(self) -> list[float]:
        """Tokens per second of every counted request."""
        return [rate for timings in self.timings if (rate := timings.decode_tokens_per_second)]

    @property
    def prefill(self) -> list[float]:
        """Tokens per second of every counted request."""
        return [rate for timings in self.timings if (rate := timings.prefill_tokens_per_second)]


def subject_of(variant: PlanVariant) -> Subject:
    """A column of the comparison as something to measure."""
    refused = variant.result.reasons if isinstance(variant.result, PlanRefused) else ()
    return Subject(
        title=_title_of(variant),
        policy=variant.policy,
        layout=variant.layout,
        given=variant.given,
        plan=variant.result if isinstance(variant.result, Plan) else None,
        refused=refused,
    )


def _title_of(variant: PlanVariant) -> str:
    if variant.approach:
        return variant.approach.value
    return variant.given.name if variant.given else f"{variant.policy}, {variant.layout}"


def best_subjects(state: ClusterState, top: int | None) -> list[Subject]:
    """The chosen plan first, then the best predicted ones, no plan twice; ``None`` = every column, refused ones too."""
    chosen = [variant for variant in state.variants if is_chosen(variant, state.choices)]
    others = [variant for variant in state.variants if variant not in chosen]
    if top is None:
        return [subject_of(variant) for variant in (*chosen, *others)]
    others = sorted((v for v in others if isinstance(v.result, Plan)), key=_slowness)
    unique: dict[object, PlanVariant] = {}
    for variant in (*chosen, *others):
        unique.setdefault(_programs_key(variant.result), variant)
    return [subject_of(variant) for variant in unique.values()][:top]


def _programs_key(result: Plan | PlanRefused) -> object:
    """Layouts are one and the same where no machine has two workers: the same programs would be started."""
    if isinstance(result, PlanRefused):
        return None
    machines = [worker.offer.machine_id for worker in result.used_workers]
    key = plan_key(result)
    return key[1:] if isinstance(key, tuple) and len(set(machines)) == len(machines) else key


def is_chosen(variant: PlanVariant, choices: Choices) -> bool:
    """Whether it is the column that is launched."""
    return (variant.policy, variant.layout, variant.given) == (choices.policy, choices.layout, choices.given)


def _slowness(variant: PlanVariant) -> float:
    rate = variant.result.predicted.decode_tokens_per_second if isinstance(variant.result, Plan) else None
    return 1.0 / rate if rate else float("inf")


def measure_interleaved(
    driver: Driver, outside: Outside, subjects: Iterable[Subject], *, rounds: int, repetitions: int
) -> None:
    """Fill in what was measured. ``repetitions``: counted requests per launch. Raises what a launch raises."""
    plans = [subject for subject in subjects if subject.plan is not None]
    turns = [(number, subject) for number in range(rounds) for subject in plans]
    for done, (number, subject) in enumerate(turns):
        driver.tell(f"Round {number + 1} of {rounds}: {subject.title}", done / len(turns))
        _launch_and_measure(driver, outside, subject, repetitions)


def _launch_and_measure(driver: Driver, outside: Outside, subject: Subject, repetitions: int) -> None:
    never = RecoveryMode.NEVER  # it would come back as another plan
    state = driver.choose(policy=subject.policy, layout=subject.layout, given=subject.given, recovery=never)
    if subject.plan is not None and not (state.plan and is_same_run(state.plan, subject.plan)):
        driver.choose(given=_as_planned(subject.policy, subject.plan))
    run = driver.launch().run
    if run is not None:
        timings = measured_requests(outside, run, repetitions)
        subject.timings += timings
        subject.map_matches, subject.pipelined = run.layer_map.matches, run.pipelined
        keep(outside, driver, timings, subject.run_ids.append)
    driver.stop()


def _as_planned(policy: Policy, plan: Plan) -> GivenSplit:
    """Exactly this plan: what the rounds before measured refines the speeds, and the policy may find another one by now, whose
    figures would be counted as this one's."""
    native = frozenset(worker.id for worker in plan.used_workers if worker.offer.is_native)
    return GivenSplit(name=policy.value, seats=seats_of_workers(plan.used_workers), native=native)


def measured_requests(outside: Outside, run: RunSeen, repetitions: int) -> list[RequestTimings]:
    """Standard requests to what runs, each alone."""
    client = outside.coordinator_client(run.coordinator_url)
    size = run.benchmark
    prompt = size.prompt_tokens if size else BENCHMARK_PROMPT_TOKENS
    decode = size.decoded_tokens if size else BENCHMARK_DECODE_TOKENS
    return [client.measure(prompt_tokens=prompt, decode_tokens=decode) for _ in range(repetitions)]


def keep(outside: Outside, driver: Driver, timings: list[RequestTimings], told: Callable[[str], None]) -> None:
    """Add the samples to the record that the session made of this launch; its standard request becomes the warm-up."""
    state = _recorded(outside, driver)
    run_id = state.run.record_id if state.run else None
    try:
        record = outside.history.load(run_id) if run_id else None
        if record is None:
            return  # the session has said why it could not be kept
        warm_up = tuple(replace(sample, warm_up=bool(timings)) for sample in record.samples)
        kept = outside.history.save(replace(record, samples=(*warm_up, *(sample_of(one) for one in timings))))
    except HistoryUnusable as error:
        driver.session.post(events.ProblemHappened(problem=problem_of(error, ProblemKind.RUNTIME, "history")))
        return
    told(kept.id)
    driver.session.post(events.RunRecorded(launch=state.n_launches, record=kept))


def _recorded(outside: Outside, driver: Driver) -> ClusterState:
    """The record is made by a job of its own; where that fails the session says so, and this waits no longer than it must."""
    ends = outside.clock.now_seconds() + _RECORD_SECONDS
    return driver.wait_for(
        lambda state: state.run is None or bool(state.run.record_id) or outside.clock.now_seconds() > ends, "Keeping"
    )


def spread(rates: list[float]) -> float | None:
    """Largest less smallest, as a part of the median; ``None`` for fewer than two."""
    return (max(rates) - min(rates)) / median(rates) if len(rates) > 1 else None
