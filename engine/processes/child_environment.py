"""The environment of a program that we start: ours, cleaned of what our own packaging put there, plus what is asked for.

A frozen application (PyInstaller) points the dynamic linker at its own libraries; llama.cpp's programs would then load our
libstdc++. PyInstaller keeps the user's value beside it as ``<NAME>_ORIG`` (PyInstaller manual, "Common Issues and Pitfalls").
A value without such a twin is the user's own and stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_LINKER_PATHS = ("LD_LIBRARY_PATH", "LIBPATH", "DYLD_LIBRARY_PATH")


def child_environment(own: Mapping[str, str], added: Iterable[tuple[str, str]]) -> dict[str, str]:
    """``own`` with the linker paths restored, then ``added`` over it."""
    environment = dict(own)
    for name in _LINKER_PATHS:
        original = environment.pop(f"{name}_ORIG", None)
        if original is not None:
            environment[name] = original
    environment.update(added)
    return environment
