"""The administrator's file: what it locks, and that it is never half understood."""

from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.settings.policy_file import load_policy, policy_path
from engine.vocabulary.admin_policy import AdminPolicy

ALL = """
version = 1
exposure = "forbidden"
reserve_fraction = 0.3
allowed_hosts = ["*.lab.example", "10.0.0.0/16"]
model_folders = ["/srv/models"]
"""


def test_no_file_locks_nothing(tmp_path):
    assert load_policy(tmp_path / "policy.toml") == AdminPolicy()


def test_everything_that_can_be_locked(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(ALL)
    assert load_policy(path) == AdminPolicy(
        path=str(path),
        exposure_forbidden=True,
        reserve_fraction=0.3,
        allowed_hosts=("*.lab.example", "10.0.0.0/16"),
        model_folders=("/srv/models",),
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('exposure = "forbiden"', "exposure"),
        ("exposre = 1", "exposre"),
        ("reserve_fraction = 2.0", "reserve_fraction"),
        ("reserve_fraction = nan", "reserve_fraction"),
        ('allowed_hosts = "lab"', "allowed_hosts"),
        ('allowed_hosts = ["10.0.0.0/99"]', "10.0.0.0/99"),
        ('model_folders = ["models"]', "models"),
        ("version = 2", "version"),
        ("version = ", "policy.toml"),
        ("\x00", "policy.toml"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_with_one_sentence(tmp_path, text, names):
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=names) as caught:
        load_policy(path)
    assert "administrator" in caught.value.advice
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_or_too_large_or_a_folder_is_refused(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput):
        load_policy(path)
    path.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(BadInput, match="larger"):
        load_policy(path)
    with pytest.raises(BadInput, match="cannot be read"):
        load_policy(tmp_path)


def test_deep_nesting_is_one_sentence_too(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text("a = " + "[" * 100_000)
    with pytest.raises(BadInput):
        load_policy(path)


def test_each_system_keeps_it_where_only_an_administrator_writes():
    assert policy_path("linux") == Path("/etc/crossply/policy.toml")
    assert policy_path("darwin") == Path("/Library/Application Support/Crossply/policy.toml")
    assert policy_path("win32", {"ProgramData": "D:/Data"}) == Path("D:/Data/Crossply/policy.toml")
