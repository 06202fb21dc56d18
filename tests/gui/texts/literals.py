"""Which string literals of the window's code are words for people, by rule; and the messages in ``tr`` and its kin."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TRANSLATING = {"tr", "tr_n", "mark", "mark_n"}
NOT_SHOWN = {
    *("debug", "info", "warning", "error", "exception"),  # of loggers
    *("setObjectName", "setProperty", "property", "setDesktopFileName", "findChild", "compile", "fullmatch", "sub"),
    *("strftime", "setWindowFlag", "icon", "icon_file", "colour", "role", "getattr", "TypeVar", "setFontFamilies"),
}
"""Functions whose words nobody reads: logs, names of objects and roles, patterns, formats of times."""
SHOWN = {
    *("setText", "setToolTip", "setAccessibleName", "setAccessibleDescription", "setWindowTitle", "setPlaceholderText"),
    *("addAction", "addTab", "addRow", "addItem", "addMenu", "addButton", "setTitle", "setStatusTip", "setInformativeText"),
    *("QLabel", "QPushButton", "QCheckBox", "QRadioButton", "QToolButton", "QAction", "QMenu", "QGroupBox", "plain_tip"),
}
"""Functions whose every word is read, be it one small word alone."""
SHOWN_FIELDS = {
    *("words", "label", "title", "text", "tip", "detail", "unit", "comparison", "empty", "status", "badge", "badge_words"),
    *("sentence", "caption", "happened", "advice", "warning", "subtitle", "verdict", "summary", "default_text", "locked"),
    *(
        "switch_words",
        "nothing",
        "measure_words",
        "try_words",
        "why_not",
        "why",
        "short",
        "exposure",
        "layers",
        "palette_words",
    ),
}
NAMES = {
    *(
        "RPC",
        "KV",
        "llama",
        "cpp",
        "curl",
        "Crossply",
        "Ollama",
        "LM",
        "Studio",
        "Python",
        "PySide",
        "Qt",
        "Deutsch",
        "English",
    ),
    *("Essentials", "Inter", "Fusion", "API", "CPU", "CUDA", "ROCm", "NVIDIA", "AMD", "Intel", "Radeon", "GeForce"),
    *(
        "GB",
        "MB",
        "TB",
        "kB",
        "ms",
        "min",
        "tok",
        "Mbit",
        "Gbit",
        "px",
        "Ctrl",
        "Alt",
        "Shift",
        "Esc",
        "Return",
        "Tab",
        "Space",
        "po",
        "svg",
        "json",
    ),
}
"""Proper names, units, keys and endings of files: the same in every language."""
COMMANDS = ("sudo ", "curl ", "ssh-keygen ", "crossplyctl ", "QPushButton", "QLabel {", "--")
"""What a program reads."""
_A_SENTENCE = re.compile(r"[^\W\d_]{2,}[,;:.)”]* +[(“]?[^\W\d_]")
_A_TITLE = re.compile(r"^[^\w]*[A-Z][a-z]+")
_A_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class Literal:
    """A string literal, f-strings with ``\\0`` for their values."""

    line: int
    text: str
    node: ast.expr


def escaped(path: Path, exceptions: frozenset[str]) -> list[Literal]:
    """Words for people that are in no ``tr``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    return [literal for literal in _literals(tree, parents) if _is_for_people(literal, parents, exceptions)]


def messages_in(path: Path) -> Iterator[tuple[str, ...]]:
    """``(message,)`` or ``(one, many)`` of every call of ``tr`` and its kin."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call) or _name(call.func) not in TRANSLATING:
            continue
        kind, given = _name(call.func), [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
        said = [text for text in given if isinstance(text, str)]
        if kind in ("tr", "mark") and said:
            yield (said[0],)
        elif kind in ("tr_n", "mark_n") and len(said) > 1:
            yield (said[0], said[1])


def _literals(tree: ast.Module, parents: dict[ast.AST, ast.AST]) -> Iterator[Literal]:
    for node in ast.walk(tree):
        parent = parents.get(node)
        if isinstance(parent, ast.JoinedStr | ast.Expr):
            continue  # a piece of an f-string, or a docstring
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield Literal(node.lineno, node.value, node)
        elif isinstance(node, ast.JoinedStr) and not isinstance(parent, ast.FormattedValue):
            pieces = (piece.value if isinstance(piece, ast.Constant) else "\0" for piece in node.values)
            yield Literal(node.lineno, "".join(map(str, pieces)), node)


def _is_for_people(literal: Literal, parents: dict[ast.AST, ast.AST], exceptions: frozenset[str]) -> bool:
    text = literal.text
    if text in exceptions or text.startswith(COMMANDS) or not set(_A_WORD.findall(text)) - NAMES:
        return False
    chain = list(_inside_of(literal.node, parents))
    if any(_is_not_shown(node, inner) for inner, node in chain):
        return False
    if isinstance(literal.node, ast.JoinedStr) or _A_SENTENCE.search(text) or _A_TITLE.match(text):
        return True
    return any(_shows(node, inner) for inner, node in chain)


def _inside_of(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[tuple[ast.AST, ast.AST]]:
    """(inner, outer) up to the statement."""
    while (outer := parents.get(node)) is not None and not isinstance(outer, ast.FunctionDef | ast.ClassDef | ast.Module):
        yield node, outer
        node = outer


def _is_not_shown(node: ast.AST, inner: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        name = _name(node.func)
        if name in TRANSLATING and inner in node.args:
            return True
        return name in NOT_SHOWN and inner is not node.func
    if isinstance(node, ast.Raise | ast.Compare | ast.AnnAssign) and inner is not getattr(node, "value", None):
        return True
    if isinstance(node, ast.keyword):
        return node.arg in ("key", "action", "shortcuts", "role", "id", "edit", "cell_roles", "verdict_role")
    return isinstance(node, ast.Subscript) and inner is node.slice


def _shows(node: ast.AST, inner: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg in SHOWN_FIELDS
    return isinstance(node, ast.Call) and inner in node.args and _name(node.func) in SHOWN


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
