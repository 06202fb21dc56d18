"""Which Python runs pip."""

import sys

import pytest

from engine.errors import RuntimeUnavailable
from engine.runtimes.building import python_here
from engine.runtimes.building.python_here import python_with_pip


def test_it_is_ours_where_we_are_run_by_one():
    assert python_with_pip(lambda _name: "/elsewhere/python3") == sys.executable


def test_a_frozen_application_takes_the_systems(monkeypatch):
    monkeypatch.setattr(python_here.sys, "frozen", True, raising=False)
    assert python_with_pip(lambda name: f"/usr/bin/{name}") == "/usr/bin/python3"
    assert python_with_pip({"python": "C:/python.exe"}.get) == "C:/python.exe"


def test_and_says_so_where_there_is_none(monkeypatch):
    monkeypatch.setattr(python_here.sys, "frozen", True, raising=False)
    with pytest.raises(RuntimeUnavailable, match="has no Python") as caught:
        python_with_pip(lambda _name: None)
    assert "python3-pip" in caught.value.advice
