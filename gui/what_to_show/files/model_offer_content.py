"""When no model is known: where to get one. The same place says nothing as long as it is not certain that there is none."""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import ClusterState
from engine.session.working.documents import DEMO_MODEL
from gui.texts.translation import tr


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOfferContent:
    """The offer."""

    title: str
    words: str
    get: str
    """The button that fetches the small model; empty while it is being fetched."""


def model_offer_of(state: ClusterState) -> ModelOfferContent | None:
    """``None`` when there is a model, or when that is not known yet."""
    if state.choices.model_path is not None or state.models_found or not state.models_searched or state.closing:
        return None
    fetching = any(activity.id == DEMO_MODEL for activity in state.activities)
    return ModelOfferContent(
        title=tr("No model was found on this machine"),
        words=tr(
            "Drop a GGUF file on the window, browse for one, or get a small one to try: gemma-3-270m (Gemma terms of use)."
        ),
        get="" if fetching else tr("Get the small demo model (253 MB)"),
    )
