"""What a drop would do, by names alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.session.state import ClusterState
from gui.what_to_show.files.drop_content import FileKind, drop_of, kind_of
from tests.fakes.states import cluster_states as states

IDLE = ClusterState()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("/m/Gemma.GGUF", FileKind.MODEL),
        ("C:\\m\\gemma.gguf", FileKind.MODEL),
        ("/labs/lab.crossply.toml", FileKind.CLUSTER),
        ("/labs/lab.toml", FileKind.CLUSTER),
        ("/notes.txt", FileKind.NEITHER),
        ("/gguf", FileKind.NEITHER),
        ("/folder.gguf/notes", FileKind.NEITHER),
    ],
)
def test_kinds(name: str, kind: FileKind) -> None:
    assert kind_of(name) is kind


def test_a_model_and_a_cluster() -> None:
    model = drop_of(("/m/gemma.gguf",), IDLE)
    assert (model.path, model.title, model.words) == ("/m/gemma.gguf", "Drop to use this model", "gemma.gguf")
    assert drop_of(("/l/lab.crossply.toml",), IDLE).title == "Drop to open this cluster"


@pytest.mark.parametrize(
    ("paths", "state", "words"),
    [
        (("/notes.txt",), IDLE, "notes.txt is neither a GGUF model nor a cluster file (.crossply.toml)."),
        (("/a.gguf", "/b.gguf"), IDLE, "Drop one GGUF model or one cluster file."),
        (("/a.gguf", "/notes.txt"), IDLE, "Drop one GGUF model or one cluster file."),
        (("/a.gguf",), states.ready(), "Stop the run first, then drop a.gguf again."),
        (("/a.gguf",), replace(IDLE, closing=True), "Stop the run first, then drop a.gguf again."),
    ],
)
def test_refused_in_one_sentence(paths: tuple[str, ...], state: ClusterState, words: str) -> None:
    content = drop_of(paths, state)
    assert (content.path, content.words) == (None, words)


def test_all_parts_of_one_model_are_one_model() -> None:
    parts = tuple(f"/m/big-0000{number}-of-00003.gguf" for number in (3, 1, 2))
    assert drop_of(parts, IDLE).path == "/m/big-00001-of-00003.gguf"
    assert drop_of((*parts, "/m/other-00001-of-00003.gguf"), IDLE).path is None
