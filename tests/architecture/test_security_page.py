"""SECURITY.md says nothing without a test: those that it names exist."""

import re

from tests.architecture.test_house_rules import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_test_that_it_names_is_there():
    named = re.findall(r"`(tests/[\w/.]+?)(?:::(\w+))?`", PAGE)
    assert len(named) > 25
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).exists() or (name and f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8"))
    ]
    assert missing == []


def test_every_row_of_a_table_names_one():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what we do")]
    assert [row for row in rows if "`tests/" not in row] == []
