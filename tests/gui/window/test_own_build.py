"""Which Crossply this is, read from a checkout's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from gui.window.own_build import own_build, own_versions

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_versions_are_said(qapp) -> None:
    said = dict(own_versions())
    assert list(said) == ["Crossply", "Build", "Python", "Qt", "System"]
    assert all(said.values())


def test_no_checkout_is_an_installed_package(tmp_path: Path) -> None:
    assert own_build(tmp_path) == "installed package"


@pytest.mark.parametrize("kind", ["detached", "branch", "packed"])
def test_a_checkout_says_its_commit(tmp_path: Path, kind: str) -> None:
    git = tmp_path / ".git"
    write(git / "HEAD", COMMIT if kind == "detached" else "ref: refs/heads/main\n")
    if kind == "branch":
        write(git / "refs/heads/main", f"{COMMIT}\n")
    if kind == "packed":
        write(git / "packed-refs", f"# pack-refs\n{COMMIT} refs/heads/main\n")
    assert own_build(tmp_path) == "checkout at 0123456789"


def test_another_worktree_says_its_own(tmp_path: Path) -> None:
    main, other = tmp_path / "main", tmp_path / "other"
    part = main / ".git/worktrees/other"
    write(other / ".git", f"gitdir: {part}\n")
    write(part / "HEAD", "ref: refs/heads/topic\n")
    write(part / "commondir", "../..\n")
    write(main / ".git/refs/heads/topic", COMMIT)
    assert own_build(other) == "checkout at 0123456789"


def test_a_damaged_checkout_is_still_one(tmp_path: Path) -> None:
    write(tmp_path / ".git/HEAD", "ref: refs/heads/gone\n")
    assert own_build(tmp_path) == "checkout"
