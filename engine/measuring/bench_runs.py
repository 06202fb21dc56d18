"""llama-bench runs on one worker that is served alone: which models, with which arguments, and what their times mean.

How a program is run is given (``run``), so that a calibration of the application and a benchmark of the project do the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.errors import RuntimeUnavailable
from engine.llama_cpp.command_lines import llama_bench_argv
from engine.measuring import calibration, probes, whole_model
from engine.measuring.bench_rows import rows_in
from engine.measuring.probe_files import ProbeFiles
from engine.vocabulary.device import DeviceKind
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import Plan
from engine.vocabulary.worker import RpcServerSpec, Speed, WorkerOffer

REPETITIONS = 2
GPU_PROMPT_REPETITIONS = 5
"""Of prompts on a GPU: after llama-bench's own warm-up the first is still up to 3.3 times slower than the second (an H100:
29,617 and 97,345 tokens/s), and the median of two is their mean. They take milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRuns:
    """The runs. All raise ``RuntimeUnavailable`` when llama-bench did not time what was asked for."""

    program: str
    options: frozenset[str]
    plan: Plan
    """Some model on the one worker: its shape and its device are used, other models take the model's place."""
    servers: tuple[RpcServerSpec, ...]
    """The one that offers it; none for a device that llama-bench uses itself, as llama-server then does."""
    files: ProbeFiles
    run: Callable[[tuple[str, ...]], tuple[str, ...]]
    """Runs a command line to its end, returns what it printed."""

    def calls(self, offer: WorkerOffer, queries_per_key: int) -> Speed:
        """What a call and a layer cost, and reading a cache with so many query heads per key head; the speed's other figures
        mean nothing."""
        cache = probes.cached(queries_per_key)
        facts = {model.name: self.files.facts(model) for model in (probes.SHORT, probes.LONG, cache)}
        tiny = [facts[probes.SHORT.name], facts[probes.LONG.name]]
        rows = rows_in(self._lines(tiny, decode_tokens=64, repetitions=3))
        depths = ("-d", f"0,{probes.DEPTH_TOKENS}")
        rows += rows_in(self._lines([facts[cache.name]], depths, decode_tokens=probes.CACHE_TOKENS, repetitions=2))
        return _there(probes.calls_of(rows, offer, facts, cache), "the calls")

    def type_speed(self, kind: str, offer: WorkerOffer, calls: Speed) -> Speed:
        """How fast a type is read and computed with."""
        facts = {model.name: self.files.facts(model) for model in (probes.reader(kind), probes.computer(kind))}
        reader, computer = facts.values()
        rows = rows_in(
            self._lines([computer], ubatches=probes.UBATCHES[:1], prompt_tokens=probes.PACE_PROMPT_TOKENS, repetitions=2)
        )
        lengths = probes.lengths_of_type(rows, kind)
        if lengths is not None:
            rows += rows_in(self._lines([reader], decode_tokens=lengths.decode_tokens, repetitions=3))
            prompt = lengths.prompt_tokens
            times = _prompt_repetitions(offer)
            rows += rows_in(self._lines([computer], ubatches=lengths.ubatches, prompt_tokens=prompt, repetitions=times))
        return _there(probes.type_speed(kind, rows, offer, calls, facts), f"weights of the type {kind}")

    def rates(self, model: ModelFacts) -> tuple[float, float]:
        """(prefill, decode) tokens per second of a real model."""
        return calibration.rates_in(
            self._lines(
                [model],
                prompt_tokens=calibration.PROMPT_TOKENS,
                decode_tokens=calibration.DECODE_TOKENS,
                repetitions=calibration.REPETITIONS,
            )
        )

    def anchored(self, speed: Speed, offer: WorkerOffer, model: ModelFacts) -> Speed:
        """``speed`` as a real model shows it to be, run as the standard request will run it or as far as is quick."""
        run = self._whole_run(model, whole_model.lengths_for(speed, model), _prompt_repetitions(offer))
        return whole_model.anchored(speed, offer, model, run, self.plan.shape)

    def _whole_run(self, model: ModelFacts, lengths: whole_model.Lengths, prompts: int) -> whole_model.WholeRun:
        rows = rows_in(self._lines([model], prompt_tokens=lengths.prompt_tokens, repetitions=prompts))
        depths = sorted({0, lengths.depth_tokens})
        deep = ("-d", ",".join(map(str, depths)))  # an invocation of its own: a prompt would be run at every depth too
        rows += rows_in(self._lines([model], deep, decode_tokens=lengths.decode_tokens, repetitions=REPETITIONS))
        prefill = [row.tokens_per_second for row in rows if row.prompt_tokens]
        decode = {row.depth_tokens: row.tokens_per_second for row in rows if row.decode_tokens}
        if not prefill or set(depths) - set(decode):
            raise RuntimeUnavailable(f"llama-bench did not time {model.name}.", advice="See its log.")
        return whole_model.WholeRun(
            lengths=lengths,
            prefill_tokens_per_second=prefill[-1],
            decode_tokens_per_second=decode[0],
            deep_decode_tokens_per_second=decode[lengths.depth_tokens] if lengths.depth_tokens else None,
        )

    def _lines(
        self,
        models: Sequence[ModelFacts],
        more: tuple[str, ...] = (),
        *,
        ubatches: tuple[int, ...] = (),
        prompt_tokens: int = 0,
        decode_tokens: int = 0,
        repetitions: int,
    ) -> tuple[str, ...]:
        paths = ",".join(model.path or "" for model in models)  # a comma is llama-bench's sign for "and then"
        plan = replace(self.plan, model=replace(models[0], path=paths), tensor_split=(models[0].n_layers + 1,))
        if ubatches:
            plan = replace(plan, shape=replace(plan.shape, ubatch_tokens=ubatches[0]))
            more = (*more, *(part for size in ubatches[1:] for part in ("-ub", str(size))))  # each adds one more
        command = llama_bench_argv(
            plan,
            self.servers,
            program=self.program,
            options=self.options,
            prompt_tokens=prompt_tokens,
            decode_tokens=decode_tokens,
            repetitions=repetitions,
        )
        return self.run((*command.argv, *more))


def _prompt_repetitions(offer: WorkerOffer) -> int:
    return GPU_PROMPT_REPETITIONS if offer.kind is DeviceKind.GPU else REPETITIONS


def _there(speed: Speed | None, what: str) -> Speed:
    if speed is None:
        raise RuntimeUnavailable(f"llama-bench did not time {what}.", advice="See its log.")
    return speed
