"""The layer map: planned beside actual, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

from engine.vocabulary.worker import WorkerId


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPlace:
    """One row of the map. ``layer == n_layers`` is the output layer."""

    layer: int
    planned: WorkerId | None
    actual: WorkerId | str | None
    """A worker, or a llama.cpp device name that is none of ours (``CPU``: it stayed on the coordinator), or ``None``
    when it was not reported."""

    @property
    def matches(self) -> bool:
        """Whether llama.cpp put it where the plan said."""
        return self.planned is not None and self.planned == self.actual


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerMap:
    """Planned and actual for every layer and the output layer."""

    places: tuple[LayerPlace, ...]

    @property
    def complete(self) -> bool:
        """Whether llama.cpp has reported every layer."""
        return bool(self.places) and all(place.actual is not None for place in self.places)

    @property
    def matches(self) -> bool:
        """Every layer reported, each where the plan said."""
        return self.complete and all(place.matches for place in self.places)

    @property
    def differences(self) -> tuple[LayerPlace, ...]:
        """Layers that were reported somewhere else."""
        return tuple(place for place in self.places if place.actual is not None and not place.matches)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActualBuffers:
    """What llama.cpp reports to have allocated on one worker."""

    worker_id: WorkerId | str
    weights_bytes: int = 0
    mapped_bytes: int = 0
    """Of the weights: pages of the model's file, mapped. The system takes back those that nobody reads any more, such as the
    pages of tensors that a CPU has repacked into memory of its own (``CPU_REPACK``)."""
    kv_bytes: int = 0
    compute_bytes: int = 0
