"""Words of other machines reach the screen only through widgets that read no markup (``gui/small_parts``)."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
LABELS = {"plain_label.py", "small_widgets.py"}
"""The only files that may name Qt's own label and message box."""


def trees():
    for path in sorted((ROOT / "gui").rglob("*.py")):
        yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def calls(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_labels_and_message_boxes_are_plain_ones():
    """``PlainLabel`` and ``plain_message_box`` instead; a subclass sets its format itself."""
    bare = [
        f"{path}:{call.lineno}"
        for path, tree in trees()
        for call in calls(tree)
        if isinstance(call.func, ast.Name) and call.func.id in ("QLabel", "QMessageBox") and path.name not in LABELS
    ]
    ready_made = [
        f"{path}:{call.lineno}"
        for path, tree in trees()
        for call in calls(tree)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("information", "question", "warning", "critical", "about")
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "QMessageBox"
    ]
    assert bare + ready_made == []


def is_plain(argument):
    """Our own words without anybody's in them, or escaped ones, or a tip that was set before."""
    if isinstance(argument, ast.IfExp):
        return is_plain(argument.body) and is_plain(argument.orelse)
    if not isinstance(argument, ast.Call):
        return isinstance(argument, ast.Constant)
    name = argument.func.id if isinstance(argument.func, ast.Name) else getattr(argument.func, "attr", "")
    return name in ("plain_tip", "plain_notice", "toolTip") or (name == "tr" and not argument.keywords)


def test_tooltips_are_escaped():
    """``plain_tip(...)`` around whatever holds a name or a sentence."""
    bare = [
        f"{path}:{call.lineno}"
        for path, tree in trees()
        for call in calls(tree)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("setToolTip", "setWhatsThis", "setTabToolTip")
        and not is_plain(call.args[-1])
    ]
    assert bare == []
