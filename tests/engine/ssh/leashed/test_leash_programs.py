from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess

import pytest

from engine.ssh.leashed.leash_programs import PYTHON_COMMAND, PYTHON_LEASH, SH_COMMAND, python_order, sh_order
from engine.vocabulary.running.process import ProcessId, ProcessSpec

SPEC = ProcessSpec(id=ProcessId("worker"), argv=("prog", "it's", "a\nb", "\udcff"), environment=(("A", "b'c"),), folder="/a b")


def test_the_python_leash_is_python_3_6() -> None:
    ast.parse(PYTHON_LEASH, feature_version=(3, 6))


def test_the_commands_hold_nothing_that_some_login_shell_would_change() -> None:
    for command in (PYTHON_COMMAND, SH_COMMAND):
        quoted = re.fullmatch(r"exec [a-z0-9 -]+'([^'!\n]*)'", command, re.IGNORECASE)
        assert quoted, command
        # fish takes \\ and \' for escapes inside quotes; csh has no quoted line ends and changes "!"
        assert "\\\\" not in quoted[1]


def test_the_order_of_the_python_leash_is_one_line_of_ascii() -> None:
    order = python_order(SPEC, "00ff")
    assert order.count(b"\n") == 1
    assert order.isascii()
    assert json.loads(order)["argv"] == list(SPEC.argv)


def test_the_order_of_the_sh_leash_begins_and_ends_with_the_same_line_that_is_nowhere_else() -> None:
    lines = sh_order(SPEC, "00ff").split(b"\n")
    assert lines[-1] == b""
    assert lines[0] == lines[-2]
    assert lines.count(lines[0]) == 2


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_script_is_sh(shell: str) -> None:
    program = shutil.which(shell)
    assert program, f"there is no {shell} on this machine"
    script = sh_order(SPEC, "00ff")
    subprocess.run([program, "-n", "-s"], input=script, check=True)
