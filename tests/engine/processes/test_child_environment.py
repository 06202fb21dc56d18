from __future__ import annotations

from engine.processes.child_environment import child_environment


def test_what_is_added_wins() -> None:
    assert child_environment({"A": "1", "B": "2"}, [("B", "3")]) == {"A": "1", "B": "3"}


def test_the_linker_path_of_a_frozen_application_is_undone() -> None:
    own = {"LD_LIBRARY_PATH": "/opt/crossply/_internal", "LD_LIBRARY_PATH_ORIG": "/usr/local/cuda/lib64"}
    assert child_environment(own, []) == {"LD_LIBRARY_PATH": "/usr/local/cuda/lib64"}


def test_a_linker_path_of_the_user_stays() -> None:
    own = {"LD_LIBRARY_PATH": "/usr/local/cuda/lib64"}
    assert child_environment(own, []) == own
