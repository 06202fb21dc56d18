"""The list of models: grouped by where they were found, recent ones first, each once."""

from __future__ import annotations

from dataclasses import replace

from engine.session.state import Choices, ClusterState
from gui.what_to_show.model_chooser_content import model_chooser_of
from tests.fakes.states.cluster_pieces import the_models

GEMMA, LLAMA_70B, QWEN, OLLAMAS = the_models()


def groups(state: ClusterState) -> dict[str, list[str]]:
    return {group.title: [model.label for model in group.models] for group in model_chooser_of(state).groups}


def test_groups_with_sizes() -> None:
    assert groups(ClusterState(models_found=the_models())) == {
        "Your folders": [
            "gemma-3-270m-Q4_K_M.gguf · 253 MB",
            "Llama-3.3-70B-Instruct-Q4_K_M (2 parts) · 42.5 GB",
            "Qwen3-32B-Q4_K_M.gguf · 19.8 GB",
        ],
        "Ollama": ["llama3.2:3b · 2.0 GB"],
    }


def test_recent_ones_are_on_top_under_their_names_and_nowhere_else() -> None:
    shown = groups(ClusterState(models_found=the_models(), recent_models=(OLLAMAS.path, GEMMA.path)))
    assert shown["Recent"] == ["llama3.2:3b · 2.0 GB", "gemma-3-270m-Q4_K_M.gguf · 253 MB"]
    assert "Ollama" not in shown
    assert len(shown["Your folders"]) == 2


def test_a_recent_model_outside_every_folder_is_known_by_its_name() -> None:
    (group,) = model_chooser_of(ClusterState(recent_models=("/elsewhere/x.gguf",))).groups
    assert [(model.label, model.words) for model in group.models] == [("x.gguf", "/elsewhere/x.gguf")]


def test_the_one_in_use_is_listed_wherever_it_lies_and_not_moved() -> None:
    state = ClusterState(models_found=the_models(), choices=Choices(model_path="/elsewhere/x.gguf"))
    assert groups(state)["Recent"] == ["x.gguf"]
    assert "Recent" not in groups(replace(state, choices=Choices(model_path=QWEN.path)))


def test_parts_that_are_missing_are_said() -> None:
    model = replace(LLAMA_70B, n_missing_parts=1)
    (group,) = model_chooser_of(ClusterState(models_found=(model,))).groups
    assert group.models[0].label.endswith("42.5 GB · 1 part missing")
    assert group.models[0].words.endswith(f"Your folders: {model.path}")
