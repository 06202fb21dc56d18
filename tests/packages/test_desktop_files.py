"""What a desktop and an administrator are given: it says what the programs do, and the desktop's own checkers agree."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from engine.cli.main import parser
from engine.settings.policy_file import load_policy
from engine.vocabulary.admin_policy import AdminPolicy

ROOT = Path(__file__).resolve().parents[2]
MADE, LINUX = ROOT / "packaging/parts/made", ROOT / "packaging/linux"


ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/", "SOURCE_DATE_EPOCH": "1000000000", "QT_QPA_PLATFORM": "offscreen"}


def run_maker(name, *arguments):
    done = subprocess.run(
        [sys.executable, str(MADE / name), *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=120,
        env=ENVIRONMENT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [Path(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def completions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completions")
    run_maker("made_completions.py", folder)
    return folder


def words_of_page(name):
    return (LINUX / "man" / f"{name}.1").read_text(encoding="utf-8").replace("\\-", "-")


def test_the_manual_has_every_command_and_every_exit_status():
    text = words_of_page("crossplyctl")
    commands = next(action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    assert [command for command in commands.choices if not re.search(rf"\b{command}\b", text)] == []
    assert re.search(r"^\.SH EXIT STATUS", text, re.MULTILINE)
    for status in (0, 1, 2, 3, 4, 5, 6, 130):
        assert re.search(rf"\b{status}\b", text), status


@pytest.mark.parametrize("name", ["crossply", "crossplyctl"])
def test_man_can_show_the_pages_and_warns_of_nothing(name):
    file = LINUX / "man" / f"{name}.1"
    shown = subprocess.run(
        ["man", "--warnings", "-l", str(file)], capture_output=True, text=True, check=False, timeout=60, env=ENVIRONMENT
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert re.search(r"NAME\s+" + name, shown.stdout)


def test_the_same_tree_gives_the_same_completions(completions, tmp_path):
    run_maker("made_completions.py", tmp_path)
    assert (tmp_path / "_crossplyctl").read_bytes() == (completions / "_crossplyctl").read_bytes()


def test_bash_completes_commands_and_options(completions):
    script = completions / "crossplyctl.bash"
    ask = (
        f"source {script}; COMP_WORDS=(crossplyctl {{words}}); COMP_CWORD={{at}}; "
        "_shtab_crossplyctl 2>/dev/null; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )

    def completed(*words):
        line = ask.format(words=" ".join(words), at=len(words))
        return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=60).stdout.split()

    assert {"doctor", "down"} <= set(completed("do"))
    assert "--machine" in completed("plan", "--ma")


def test_the_icon_is_drawn_in_every_size_and_not_empty(tmp_path):
    made = run_maker("made_icons.py", tmp_path)
    assert [path.name for path in made] == [f"{n}x{n}.png" for n in (16, 22, 24, 32, 48, 64, 128, 256, 512)]
    for path in made:
        image = QImage(str(path))
        assert f"{image.width()}x{image.height()}.png" == path.name
        colours = {image.pixel(x, image.height() // 2) for x in range(image.width())}
        assert len(colours) > 1, path


def test_appstream_finds_nothing_wrong():
    file = LINUX / "org.crossply.Crossply.metainfo.xml"
    done = subprocess.run(
        ["appstreamcli", "validate", "--no-net", str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout


def test_the_mime_database_knows_our_files(tmp_path):
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/crossply.xml").write_bytes((LINUX / "org.crossply.Crossply.mime.xml").read_bytes())
    done = subprocess.run(["update-mime-database", str(tmp_path)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "60:application/vnd.crossply.cluster+toml:*.crossply.toml" in (tmp_path / "globs2").read_text()
    assert "application/x-gguf:*.gguf" in (tmp_path / "globs2").read_text()


def test_the_shipped_policy_locks_nothing_and_each_of_its_lines_works(tmp_path):
    shipped = LINUX / "policy.toml"
    assert load_policy(shipped) == AdminPolicy(path=str(shipped))
    path = tmp_path / "policy.toml"
    path.write_text(re.sub(r"^# (\w+ = )", r"\1", shipped.read_text(), flags=re.MULTILINE))
    policy = load_policy(path)
    assert policy.exposure_forbidden
    assert None not in (policy.reserve_fraction, policy.allowed_hosts, policy.model_folders)
