"""The layer map: planned over actual, the same cells.

Both rows always have the plan's length. Before llama.cpp has reported a layer its actual cell is empty, not grey: nothing is
claimed. Rejected: one row with an overlay (a difference must be seen as two colours, one above the other).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.planning.policies.moved_boundary import YOURS
from engine.session.state import ClusterState, PlanVariant, RunPhase
from engine.vocabulary.comparison import Approach
from engine.vocabulary.plan import Plan, PlanRefused
from engine.vocabulary.running.layer_map import LayerMap
from engine.vocabulary.worker import WorkerId, WorkerOffer
from gui.texts.translation import mark, tr, tr_n
from gui.what_to_show.cards.placed import shown_plan
from gui.what_to_show.formatting import count_text, lacking_text, rate_text
from gui.what_to_show.plan_edits.boundaries_content import BoundaryContent, boundaries_content_of
from gui.what_to_show.plan_edits.cell_words import cell_words
from gui.what_to_show.plan_edits.drawn_split import DrawnSplit, drawn_split_of
from gui.what_to_show.worker_marks import NO_WORKER, WorkerMark, marks_of, offers_by_id, worker_name


@dataclass(frozen=True, slots=True, kw_only=True)
class CellContent:
    """One layer on one row. ``mark`` is ``None`` when nothing is known: then the cell is only an outline."""

    mark: WorkerMark | None
    words: str
    differs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupContent:
    """Neighbouring cells on one worker, with their labels."""

    first: int
    n_cells: int
    labels: tuple[str, ...]
    """From the longest to the shortest; the first that fits is drawn."""
    over: bool = False
    """The worker is over its safe memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerMapContent:
    """The whole map."""

    detail: str
    groups: tuple[GroupContent, ...]
    planned: tuple[CellContent, ...]
    actual: tuple[CellContent, ...]
    verdict: str
    verdict_role: str
    words: str
    """The map as a sentence, for screen readers."""
    boundaries: tuple[BoundaryContent, ...] = ()
    """Those that can be moved now."""
    drawn: DrawnSplit | None = None
    """What is drawn, for what a cell says."""

    def words_of(self, row: int, layer: int) -> str:
        """All that a cell says: row 0 is planned, 1 actual."""
        cell = (self.planned, self.actual)[row][layer]
        if self.drawn is None or cell.mark is None:
            return cell.words
        return cell_words(self.drawn, layer, cell.words, elsewhere=cell.differs)


EMPTY = LayerMapContent(
    detail="",
    groups=(),
    planned=(),
    actual=(),
    verdict="",
    verdict_role="muted",
    words=mark("No plan yet: the layers of the model appear here, worker by worker."),
)
NOTHING_FITS = mark("No plan fits these workers: the reasons stand under Plan.")


def layer_map_of(state: ClusterState) -> LayerMapContent:
    """The map of the run while there is one, else of the plan on the table, else of a split by hand that does not fit."""
    drawn = drawn_split_of(state)
    if drawn is None:
        return replace(EMPTY, words=tr(NOTHING_FITS if isinstance(state.plan, PlanRefused) else EMPTY.words))
    plan = shown_plan(state)
    run_map = state.run.layer_map if state.run is not None and plan is not None and state.run.plan == plan else None
    names = _Names(state)
    verdict, role = _verdict_of(state, drawn, run_map, names)
    groups = _groups_of(drawn, names)
    boundaries = boundaries_content_of(state, drawn, names.of)
    layers = count_text(drawn.n_layers, "layer")
    detail = tr("{layers} + output · {name}", layers=layers, name=drawn.model.name)
    return LayerMapContent(
        detail=tr("{detail} · drag a boundary", detail=detail) if boundaries else detail,
        groups=groups,
        planned=tuple(_planned_cell(drawn, layer, names) for layer in range(drawn.n_layers + 1)),
        actual=_actual_cells(drawn, run_map, names),
        verdict=verdict,
        verdict_role=role,
        words="; ".join(group.labels[0] for group in groups) + f". {verdict}",
        boundaries=boundaries,
        drawn=drawn,
    )


class _Names:
    """Marks and names of workers, looked up once per map."""

    def __init__(self, state: ClusterState) -> None:
        self._marks = marks_of(state)
        self._offers = offers_by_id(state)
        self._many_machines = len(state.machines) > 1

    def mark(self, worker: WorkerId | str) -> WorkerMark:
        return self._marks.get(WorkerId(worker), NO_WORKER)

    def of_offer(self, offer: WorkerOffer) -> str:
        return worker_name(offer, many_machines=self._many_machines)

    def of(self, worker: WorkerId | str) -> str:
        offer = self._offers.get(WorkerId(worker))
        return tr("{worker} (not one of our workers)", worker=worker) if offer is None else self.of_offer(offer)

    def short(self, worker: WorkerId) -> str:
        """The device alone."""
        offer = self._offers.get(worker)
        return worker if offer is None else worker_name(offer, many_machines=False)


def _layer_name(drawn: DrawnSplit, layer: int) -> str:
    return tr("Output head") if layer == drawn.n_layers else tr("Layer {layer}", layer=layer)


def _planned_cell(drawn: DrawnSplit, layer: int, names: _Names) -> CellContent:
    worker, name = drawn.holder_of(layer), _layer_name(drawn, layer)
    words = (
        tr("{name}: planned on {worker}", name=name, worker=names.of(worker))
        if drawn.fits
        else tr("{name}: on {worker} in your split", name=name, worker=names.of(worker))
    )
    return CellContent(mark=names.mark(worker), words=words)


def _actual_cells(drawn: DrawnSplit, run_map: LayerMap | None, names: _Names) -> tuple[CellContent, ...]:
    reported = {} if run_map is None else {place.layer: place for place in run_map.places}
    cells = []
    for layer in range(drawn.n_layers + 1):
        name = _layer_name(drawn, layer)
        place = reported.get(layer)
        if place is None or place.actual is None:
            cells.append(CellContent(mark=None, words=tr("{name}: not reported yet", name=name)))
            continue
        planned = tr("nowhere") if place.planned is None else names.of(place.planned)
        words = (
            tr("{name}: on {worker}", name=name, worker=names.of(place.actual))
            if place.matches
            else tr("{name}: on {worker}, planned on {planned}", name=name, worker=names.of(place.actual), planned=planned)
        )
        cells.append(CellContent(mark=names.mark(place.actual), words=words, differs=not place.matches))
    return tuple(cells)


def _groups_of(drawn: DrawnSplit, names: _Names) -> tuple[GroupContent, ...]:
    groups = []
    over = dict(drawn.over_bytes)
    first, last = 0, len(drawn.seats) - 1
    for place, (worker, n_layers) in enumerate(drawn.seats):
        layers = count_text(n_layers, "layer") if n_layers else ""
        parts = " + ".join(part for part in (layers, tr("output") if place == last else "") if part)
        labels = [f"{names.of(worker)} · {parts}", names.of(worker), names.short(worker)]
        if worker in over:
            labels = [
                tr("✕ {label} · {over} over", label=labels[0], over=lacking_text(over[worker])),
                *(f"✕ {label}" for label in labels[1:]),
                "✕",
            ]
        n_cells = n_layers + (place == last)
        groups.append(GroupContent(first=first, n_cells=n_cells, labels=tuple(dict.fromkeys(labels)), over=worker in over))
        first += n_layers
    return tuple(groups)


def _verdict_of(state: ClusterState, drawn: DrawnSplit, run_map: LayerMap | None, names: _Names) -> tuple[str, str]:
    if not drawn.fits:
        return _misfit_of(drawn, names), "bad"
    if run_map is None:
        return _prediction_of(state), "muted"
    over = state.run_phase in (RunPhase.STOPPED, RunPhase.FAILED, RunPhase.RECOVERING)
    wrong = run_map.differences
    if wrong:
        words = tr_n("{n} layer is not where the plan put them", "{n} layers are not where the plan put them", len(wrong))
        return f"✕ {_of_last_run(words) if over else words}", "bad"
    if run_map.matches:
        words = tr("actual = planned, read from llama-server")
        return f"✓ {_of_last_run(words) if over else words}", "good"
    if state.run_phase in (RunPhase.STARTING_WORKERS, RunPhase.LOADING_MODEL):
        return tr("waiting for llama-server to report its layers…"), "muted"
    if over:
        return _prediction_of(state), "muted"
    return tr("llama-server did not report where every layer went"), "warning"


def _of_last_run(verdict: str) -> str:
    return tr("last run: {verdict}", verdict=verdict)


def _misfit_of(drawn: DrawnSplit, names: _Names) -> str:
    if not drawn.over_bytes:
        return tr("✕ this split cannot be run: the reason stands under Plan")
    worker, size = max(drawn.over_bytes, key=lambda pair: pair[1])
    if len(drawn.over_bytes) > 1:
        n_over = len(drawn.over_bytes)
        return tr(
            "✕ does not fit: {n_over} workers are over, {worker} most, by {size}",
            n_over=n_over,
            worker=names.of(worker),
            size=lacking_text(size),
        )
    return tr("✕ does not fit: {worker} is {size} over its safe memory", worker=names.of(worker), size=lacking_text(size))


def _prediction_of(state: ClusterState) -> str:
    """Of a split by hand what it costs, where the eyes are while it is dragged; else where the truth will come from."""
    ours = state.plan.predicted.decode_tokens_per_second if isinstance(state.plan, Plan) else None
    if state.choices.given is not None and state.choices.given.name == YOURS and ours is not None:
        best = _best_decode_of(state.variants)
        if best is None:
            return tr("your split: {rate} tok/s predicted", rate=rate_text(ours))
        return tr("your split: {rate} tok/s predicted, the fastest plan {best}", rate=rate_text(ours), best=rate_text(best))
    return tr("planned; what llama.cpp really does is read when it loads")


def _best_decode_of(variants: tuple[PlanVariant, ...]) -> float | None:
    best = next((v.result for v in variants if v.approach is Approach.FASTEST), None)
    return best.predicted.decode_tokens_per_second if isinstance(best, Plan) else None
