"""About: builds per machine, and a text that gives nothing away."""

from __future__ import annotations

import tomllib
from pathlib import Path

from gui.what_to_show.settings.about_content import LICENCES, about_as_text, about_of
from tests.fakes.states import cluster_states as states
from tests.fakes.states import remote_states

ROOT = Path(__file__).parents[4]


def test_every_machine_says_its_build() -> None:
    state = remote_states.with_remotes(remote_states.ready(2), remote_states.no_runtime(3), remote_states.asking(8))
    machines = dict(about_of(state, ()).machines)
    assert len(machines) == 4
    said = list(machines.values())
    assert said[0].startswith("b11434 (0c1e570)")
    assert said[1].startswith("b11434")
    assert said[2:] == ["none that could be used", "not looked at yet"]


def test_without_programs_it_says_so() -> None:
    assert [build for _name, build in about_of(states.runtime_missing(), ()).machines] == ["no llama.cpp programs"]


def test_the_copied_text_has_versions_and_builds_and_no_paths() -> None:
    text = about_as_text(about_of(states.ready(), (("Crossply", "0.1.0"), ("Qt", "6.11"))))
    assert text.startswith("Crossply: 0.1.0\nQt: 6.11\nllama.cpp on ada-desktop: b11434")
    assert "/home" not in text


def test_every_dependency_has_its_licence_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {line.split(">")[0].split("<")[0].lower() for line in project["dependencies"]}
    listed = {name.lower() for name, _licence in LICENCES} | {"pyside6-essentials"}
    assert names <= listed
