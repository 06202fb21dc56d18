"""The door: exit codes, one sentence on stderr, help."""

import io

import pytest

from engine.cli.main import main, parser
from engine.cli.terminal import exit_codes
from engine.cli.terminal.foreground import Interrupted, PlanIsRefused
from engine.errors import BadInput, Cancelled, ProcessFailed
from engine.session.state import ClusterState
from engine.session.telling.as_json import map_json, plan_json, state_json
from tests.fakes.states.cluster_states import ready


def exit_of(*argv):
    with pytest.raises(SystemExit) as ended:
        main(argv)
    return ended.value.code


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("fly",),
        ("plan", "--layers", "many"),
        ("plan", "--layers", "4", "--policy", "best"),
        ("plan", "--layers", "4", "--reserve", "100"),
        ("plan", "--layers", "4", "--context", "0"),
        ("up", "m.gguf", "--port", "99999"),
        ("bench", "m.gguf", "--repetitions", "0"),
    ],
)
def test_a_wrong_command_line_ends_with_2(argv, capsys):
    assert exit_of(*argv) == exit_codes.BAD_USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.strip().splitlines()[-1].startswith("crossplyctl")
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (("plan",), "Name either a MODEL or --layers N."),
        (("plan", "m.gguf", "--layers", "4"), "Name either a MODEL or --layers N."),
        (("plan", "/no/such.gguf"), "There is no file /no/such.gguf."),
        (("plan", "--layers", "0", "--cluster", "/no.toml"), "/no.toml"),
        (("up", "/no/such.gguf"), "There is no file /no/such.gguf."),
    ],
)
def test_a_wrong_value_is_one_sentence_and_2(argv, sentence, capsys):
    assert main(argv) == exit_codes.BAD_USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert sentence in said.err
    assert len(said.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (BadInput("Bad.", advice="Mend it."), exit_codes.BAD_USAGE, "crossplyctl: Bad. Mend it.\n"),
        (ProcessFailed("Failed."), exit_codes.FAILED, "crossplyctl: Failed.\n"),
        (PlanIsRefused(("One.", "Two.")), exit_codes.REFUSED, "crossplyctl: One.\ncrossplyctl: Two.\n"),
        (Interrupted(), exit_codes.INTERRUPTED, ""),
        (Cancelled(), exit_codes.INTERRUPTED, ""),
        (KeyboardInterrupt(), exit_codes.INTERRUPTED, ""),
    ],
)
def test_what_is_expected_has_an_exit_code(error, code, said, monkeypatch, capsys):
    def fail(_arguments):
        raise error

    monkeypatch.setattr("engine.cli.running.run_status", fail)
    assert main(["status"]) == code
    assert capsys.readouterr().err == said


def test_help_lists_exit_codes_and_every_promised_key(capsys):
    assert exit_of("--help") == 0
    text = capsys.readouterr().out
    state = ready()
    promised = {
        *plan_json(state.plan),
        *plan_json(state.plan)["workers"][0],
        *map_json(state.run.layer_map),
        *state_json(ClusterState()),
    }
    assert {key for key in promised if key not in text} == set()
    for code in (0, 1, 2, 3, 4, 5, 130):
        assert f"  {code}  " in text


def test_every_command_has_help(capsys):
    for command in ("node", "plan", "up", "status", "map", "bench", "down", "runtime", "demo", "doctor"):
        assert exit_of(command, "--help") == 0
        assert f"crossplyctl {command}" in capsys.readouterr().out


def test_the_version(capsys):
    assert exit_of("--version") == 0
    assert capsys.readouterr().out.startswith("crossplyctl ")
    assert parser().prog == "crossplyctl"


def test_a_terminal_without_the_letters_gets_question_marks(monkeypatch, tmp_path):
    lab = tmp_path / "lab.toml"
    lab.write_text('[[machine]]\nname = "größe"\ncpu = { safe_mb = 1000 }\n', encoding="utf-8")
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert main(["plan", "--layers", "4", "--cluster", str(lab)]) == exit_codes.OK
    assert b"gr??e/cpu" in written.getvalue()
