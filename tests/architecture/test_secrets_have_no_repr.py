"""An object that holds a secret does not show it: what is logged, raised, or printed by a debugger is not it."""

import ast

import pytest

from engine.remote_ports import Secret
from engine.ssh.tunnels.tunnel_program import Order
from engine.vocabulary.running.process import ProcessId, ProcessSpec
from tests.architecture.test_house_rules import ROOT, tracked_files

WORDS = ("password", "passphrase", "secret", "api_key", "first_line")
"""In the names of fields that hold one. ``first_line``: what a program is told on its standard input."""
TEXT = ("str", "tuple", "bytes")
HELD = "hunter2-Zq"


def shown_fields(source):
    """Annotated fields of classes that are named for a secret, hold text, and are part of the ``repr``."""
    for owner in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)):
        for field in (node for node in owner.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            named = any(word in field.target.id.lower() for word in WORDS)
            hidden = field.value is not None and "repr=False" in ast.unparse(field.value).replace(" ", "")
            kind = ast.unparse(field.annotation)
            is_text = any(word in kind for word in TEXT) and "Secret" not in kind  # that one hides itself
            if named and is_text and not hidden:
                yield f"{owner.name}.{field.target.id}"


def test_no_class_shows_a_field_that_is_named_for_a_secret():
    found = [
        f"{path.relative_to(ROOT)}: {field}"
        for path in tracked_files("engine/*.py", "gui/*.py")
        for field in shown_fields(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_rule_sees_what_it_forbids():
    assert list(shown_fields("class A:\n    password: str\n    api_key: str | None = None\n    n_secrets: int = 0"))
    assert list(shown_fields("class A:\n    passphrase: str = field(repr=False)")) == []


@pytest.mark.parametrize(
    "holder",
    [
        Secret(kind="password", value=HELD, prompt="ada@node's password:"),
        Order(host="node", user="ada", port=22, forwards=(), known_hosts="", home="", secrets=(("password", HELD, "?"),)),
        ProcessSpec(id=ProcessId("tunnel"), argv=("program",), first_line=HELD),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_what_holds_one_does_not_show_it(holder):
    assert HELD not in repr(holder)
    assert HELD not in f"{holder}"
