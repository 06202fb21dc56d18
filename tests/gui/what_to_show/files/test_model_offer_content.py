"""The offer of a model: only when it is certain that there is none."""

from __future__ import annotations

from dataclasses import replace

from engine.session.state import Activity, Choices, ClusterState
from engine.session.working.documents import DEMO_MODEL
from gui.what_to_show.files.model_offer_content import model_offer_of
from tests.fakes.states.cluster_pieces import the_models

NONE = ClusterState(models_searched=True)


def test_only_when_the_search_found_none_and_none_is_chosen() -> None:
    content = model_offer_of(NONE)
    assert content is not None
    assert content.get == "Get the small demo model (253 MB)"
    assert "Gemma terms of use" in content.words
    assert model_offer_of(ClusterState()) is None
    assert model_offer_of(replace(NONE, models_found=the_models())) is None
    assert model_offer_of(replace(NONE, choices=Choices(model_path="/m.gguf"))) is None


def test_while_it_is_fetched_it_is_not_offered_again() -> None:
    content = model_offer_of(replace(NONE, activities=(Activity(id=DEMO_MODEL, title="Getting"),)))
    assert content is not None
    assert content.get == ""
