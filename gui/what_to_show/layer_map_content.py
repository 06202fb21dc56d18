"""The layer map: planned over actual, the same cells.

Both rows always have the plan's length. Before llama.cpp has reported a layer its actual cell is empty, not grey: nothing is
claimed. Rejected: one row with an overlay (a difference must be seen as two colours, one above the other).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.layer_map import LayerMap
from engine.vocabulary.plan import Plan
from engine.vocabulary.worker import WorkerId, WorkerOffer
from gui.what_to_show.cards.placed import shown_plan
from gui.what_to_show.formatting import count_text
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


EMPTY = LayerMapContent(
    detail="",
    groups=(),
    planned=(),
    actual=(),
    verdict="",
    verdict_role="muted",
    words="No plan yet: the layers of the model appear here, worker by worker.",
)


def layer_map_of(state: ClusterState) -> LayerMapContent:
    """The map of the run while there is one, else of the plan on the table."""
    plan = shown_plan(state)
    if plan is None:
        return EMPTY
    run_map = state.run.layer_map if state.run is not None and state.run.plan == plan else None
    names = _Names(state)
    verdict, role = _verdict_of(state, run_map)
    groups = _groups_of(plan, names)
    return LayerMapContent(
        detail=f"{count_text(plan.model.n_layers, 'layer')} + output · {plan.model.name}",
        groups=groups,
        planned=tuple(_planned_cell(plan, layer, names) for layer in range(plan.model.n_layers + 1)),
        actual=_actual_cells(plan, run_map, names),
        verdict=verdict,
        verdict_role=role,
        words="; ".join(group.labels[0] for group in groups) + f". {verdict}",
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

    @staticmethod
    def device_of(offer: WorkerOffer) -> str:
        return worker_name(offer, many_machines=False)

    def of(self, worker: WorkerId | str) -> str:
        offer = self._offers.get(WorkerId(worker))
        return f"{worker} (not one of our workers)" if offer is None else self.of_offer(offer)


def _layer_name(plan: Plan, layer: int) -> str:
    return "Output head" if layer == plan.model.n_layers else f"Layer {layer}"


def _planned_cell(plan: Plan, layer: int, names: _Names) -> CellContent:
    worker = plan.worker_of_layer(layer)
    name = _layer_name(plan, layer)
    if worker is None:
        return CellContent(mark=None, words=f"{name}: not planned")
    return CellContent(mark=names.mark(worker), words=f"{name}: planned on {names.of(worker)}")


def _actual_cells(plan: Plan, run_map: LayerMap | None, names: _Names) -> tuple[CellContent, ...]:
    reported = {} if run_map is None else {place.layer: place for place in run_map.places}
    cells = []
    for layer in range(plan.model.n_layers + 1):
        name = _layer_name(plan, layer)
        place = reported.get(layer)
        if place is None or place.actual is None:
            cells.append(CellContent(mark=None, words=f"{name}: not reported yet"))
            continue
        planned = "nowhere" if place.planned is None else names.of(place.planned)
        words = f"{name}: on {names.of(place.actual)}" + ("" if place.matches else f", planned on {planned}")
        cells.append(CellContent(mark=names.mark(place.actual), words=words, differs=not place.matches))
    return tuple(cells)


def _groups_of(plan: Plan, names: _Names) -> tuple[GroupContent, ...]:
    groups = []
    for worker in plan.used_workers:
        name = names.of_offer(worker.offer)
        first = plan.model.n_layers if worker.first_layer is None else worker.first_layer
        layers = count_text(worker.n_layers, "layer") if worker.n_layers else ""
        parts = " + ".join(part for part in (layers, "output" if worker.holds_output else "") if part)
        n_cells = worker.n_layers + int(worker.holds_output)
        device = names.device_of(worker.offer)
        labels = tuple(dict.fromkeys((f"{name} · {parts}", name, device)))
        groups.append(GroupContent(first=first, n_cells=n_cells, labels=labels))
    return tuple(groups)


def _verdict_of(state: ClusterState, run_map: LayerMap | None) -> tuple[str, str]:
    if run_map is None:
        return "planned; what llama.cpp really does is read when it loads", "muted"
    over = "last run: " if state.run_phase in (RunPhase.STOPPED, RunPhase.FAILED) else ""
    wrong = run_map.differences
    if wrong:
        are = "layer is" if len(wrong) == 1 else "layers are"
        return f"✕ {over}{len(wrong)} {are} not where the plan put them", "bad"
    if run_map.matches:
        return f"✓ {over}actual = planned, read from llama-server", "good"
    if state.run_phase in (RunPhase.STARTING_WORKERS, RunPhase.LOADING_MODEL):
        return "waiting for llama-server to report its layers…", "muted"
    if over:
        return "planned; what llama.cpp really does is read when it loads", "muted"
    return "llama-server did not report where every layer went", "warning"
