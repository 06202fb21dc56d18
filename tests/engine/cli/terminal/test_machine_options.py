"""Which machines a command means, and what its options may say."""

import argparse

import pytest

from engine.cli.terminal.machine_options import add_copying, add_machines, fingerprint, seconds, targets_of, targets_of_file
from engine.cli.terminal.options import add_planning, choices_of
from engine.errors import BadClusterFile, BadInput
from engine.settings.settings_file import RememberedMachine, Settings, save_settings
from engine.vocabulary.remote import SshTarget
from tests.fakes.sessions.cli_lab import FINGERPRINT


def arguments(*argv):
    parser = argparse.ArgumentParser()
    add_machines(parser)
    add_copying(parser)
    add_planning(parser)
    parser.add_argument("--cluster", dest="targets_from")
    return parser.parse_args(argv)


def described(tmp_path, text):
    path = tmp_path / "lab.toml"
    path.write_text(text)
    return path


LAB = """
[[machine]]
name = "head"
coordinator = true
cpu = { safe_mb = 8000 }

[[machine]]
name = "gpu-node"
address = "10.0.0.7"
user = "lab"
port = 2222
cpu = { safe_mb = 8000 }

[[machine]]
name = "planned"
cpu = { safe_mb = 8000 }
"""


def test_machines_are_taken_in_order_and_once():
    given = arguments("--machine", "b", "--machine", "ada@a:22", "--machine", "b")
    assert targets_of(given) == (SshTarget(host="b"), SshTarget(host="a", user="ada", port=22))
    assert choices_of(given).targets == targets_of(given)
    assert targets_of(arguments()) == ()


def test_a_name_that_is_none_is_refused():
    with pytest.raises(BadInput, match="begins with '-'"):
        targets_of(arguments("--machine=-oProxyCommand=x"))


def test_machines_of_the_window_are_no_part_of_a_command(data_folder):
    save_settings(data_folder / "state", Settings(machines=(RememberedMachine(host="gpu-node"),)))
    assert choices_of(arguments()).targets == ()


def test_a_cluster_file_names_machines_by_their_addresses(tmp_path, capsys):
    path = described(tmp_path, LAB)
    target = SshTarget(host="10.0.0.7", user="lab", port=2222)
    assert targets_of(arguments("--cluster", str(path), "--machine", "one")) == (SshTarget(host="one"), target)
    assert "planned has no address" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('address = "10.0.0.7"', "", "No machine in"),
        ('"10.0.0.7"', '"-x"', "machine 'gpu-node'"),
        ('user = "lab"', 'user = "$(id)"', "machine 'gpu-node'"),
    ],
)
def test_a_cluster_file_that_leads_nowhere(tmp_path, old, new, said):
    with pytest.raises(BadClusterFile, match=said):
        targets_of_file(described(tmp_path, LAB.replace(old, new)))


def test_a_cluster_file_that_is_not_there(tmp_path):
    with pytest.raises(BadClusterFile, match="cannot be read"):
        targets_of_file(tmp_path / "none.toml")


def test_fingerprints_and_seconds():
    assert fingerprint(FINGERPRINT) == FINGERPRINT
    assert (seconds("0"), seconds("2.5")) == (0.0, 2.5)
    for bad in ("", "SHA256:", "MD5:" + "a" * 43, FINGERPRINT + "a", "*", "yes"):
        with pytest.raises(argparse.ArgumentTypeError):
            fingerprint(bad)
    for bad in ("", "x", "-1", "nan", "inf", "1e9"):
        with pytest.raises(argparse.ArgumentTypeError):
            seconds(bad)
