"""Words, numbers and tables."""

import json

import pytest

from engine.cli.terminal.output import complain, gigabytes, layers_in_words, print_json, print_line, print_table, rate, say


@pytest.mark.parametrize(
    ("size", "words"),
    [(None, "unknown"), (9_600_000_000, "9.6 GB"), (100_000_000, "0.1 GB"), (34_000_000, "34.0 MB"), (0, "0.0 MB")],
)
def test_sizes(size, words):
    assert gigabytes(size) == words


def test_rates():
    assert (rate(18.44), rate(None)) == ("18.4 tok/s", "–")


@pytest.mark.parametrize(
    ("first", "last", "output", "words"),
    [(0, 9, False, "0-9"), (10, 18, True, "10-18 + output"), (5, 5, False, "5"), (None, None, True, "output only"),
     (None, None, False, "none")],
)  # fmt: skip
def test_layers(first, last, output, words):
    assert layers_in_words(first, last, holds_output=output) == words


def test_lines_are_never_wrapped(capsys):
    print_line("x" * 500)
    assert capsys.readouterr().out == "x" * 500 + "\n"


def test_square_brackets_are_text(capsys):
    print_table(("name", "n"), [("[bold]x[/bold]", "1")], right=("n",))
    complain("RPC0[127.0.0.1:50052] is gone.", "See [red].")
    said = capsys.readouterr()
    assert "[bold]x[/bold]" in said.out
    assert said.err == "crossplyctl: RPC0[127.0.0.1:50052] is gone. See [red].\n"


def test_json_and_sentences_go_apart(capsys):
    print_json({"a": 1})
    say("Done.")
    said = capsys.readouterr()
    assert json.loads(said.out) == {"a": 1}
    assert said.err == "Done.\n"
