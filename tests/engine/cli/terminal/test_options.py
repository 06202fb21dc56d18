"""Options over settings over defaults."""

import argparse

import pytest

from engine.cli.terminal.options import add_planning, add_recovery, choices_of, model_path, percent, port, positive
from engine.errors import BadInput
from engine.session.state import Choices
from engine.settings.folders import find_folders
from engine.settings.settings_file import Settings, save_settings
from engine.vocabulary.plan import Policy
from engine.vocabulary.running.recovery import RecoveryMode
from engine.vocabulary.worker import Layout


def choices(*argv):
    parser = argparse.ArgumentParser()
    add_planning(parser)
    return choices_of(parser.parse_args(argv))


def test_nothing_given_is_the_defaults():
    assert choices() == Choices(native=True, recovery=RecoveryMode.NEVER), "of a command that does not serve"


@pytest.mark.parametrize(("argv", "saved", "mode"), [
    ((), "automatic", RecoveryMode.AUTOMATIC),
    ((), "ask", RecoveryMode.ASK),
    (("--recovery", "never"), "ask", RecoveryMode.NEVER),
])  # fmt: skip
def test_a_command_that_serves_recovers_as_it_is_told_or_as_the_settings_say(data_folder, argv, saved, mode):
    save_settings(find_folders().state, Settings(recovery=saved))
    parser = argparse.ArgumentParser()
    add_planning(parser)
    add_recovery(parser)
    assert choices_of(parser.parse_args(argv)).recovery is mode


def test_llama_server_uses_no_device_itself_where_that_is_not_wanted():
    assert not choices("--native", "never").native


def test_everything_given():
    chosen = choices(
        "--policy", "memory", "--layout", "per-machine", "--context", "8192", "--slots", "2", "--ubatch", "128",
        "--cache-type", "q8_0", "--reserve", "5", "--cpu-workers", "3", "--leave-out", "a", "--leave-out", "b",
        "--runtime", "/r",
    )  # fmt: skip
    assert (chosen.policy, chosen.layout) == (Policy.MEMORY, Layout.PER_MACHINE)
    shape = chosen.shape
    assert (shape.context_tokens, shape.slots, shape.ubatch_tokens) == (8192, 2, 128)
    assert (shape.cache_type_k, shape.cache_type_v) == ("q8_0", "q8_0")
    assert (chosen.reserve_fraction, chosen.cpu_workers) == (0.05, 3)
    assert chosen.left_out == {"a", "b"}
    assert chosen.runtime_folder == "/r"


def test_options_win_over_settings(data_folder):
    save_settings(data_folder / "state", Settings(policy="even", context_tokens=512, reserve_fraction=0.4))
    assert choices().policy is Policy.EVEN
    chosen = choices("--policy", "memory", "--reserve", "0")
    assert (chosen.policy, chosen.reserve_fraction, chosen.shape.context_tokens) == (Policy.MEMORY, 0.0, 512)


def test_the_model_of_the_window_is_not_taken(data_folder, tmp_path):
    """A command that is given no model has none: what was chosen in the window last is no part of the command."""
    model = tmp_path / "m.gguf"
    model.write_text("")
    save_settings(data_folder / "state", Settings(model_path=str(model)))
    assert choices().model_path is None


def test_model_paths(tmp_path, monkeypatch):
    (tmp_path / "m.gguf").write_text("")
    monkeypatch.chdir(tmp_path)
    assert model_path("m.gguf") == str(tmp_path / "m.gguf")
    assert model_path(None) is None
    with pytest.raises(BadInput, match="There is no file"):
        model_path(str(tmp_path))


@pytest.mark.parametrize(
    ("kind", "good", "value", "bad"),
    [
        (positive, "7", 7, ["0", "-1", "x", "", "1.5", str(2**31), "²"]),
        (port, "65535", 65535, ["0", "65536", "x", "-1", "²"]),
        (percent, "20", 0.2, ["100", "-1", "x", "nan", "inf"]),
    ],
)
def test_numbers(kind, good, value, bad):
    assert kind(good) == value
    for text in bad:
        with pytest.raises(argparse.ArgumentTypeError, match="is not a"):
            kind(text)
