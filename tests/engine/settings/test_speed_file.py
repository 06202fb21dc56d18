"""What calibrations measured."""

import pytest

from engine.settings import speed_file
from engine.settings.speed_file import SpeedFile
from engine.vocabulary.worker import Speed

A = Speed(
    read_bytes_per_second=1e9,
    read_bytes_per_second_by_type=(("q4_K", 2e9), ("q6_K", 1e9)),
    compute_flops_per_second=2e12,
    compute_by_ubatch=((8, 1e12), (256, 2e12)),
    kv_bytes_per_second=3e9,
    measured=True,
    source="measured 2026-11-24 with build 0c1e570",
)
B = Speed(read_bytes_per_second=3e9)


def test_kept_for_the_next_start(tmp_path):
    path = tmp_path / "state" / "speeds.json"
    SpeedFile(path).save("a", A)
    SpeedFile(path).save("b", B)
    again = SpeedFile(path)
    assert (again.load("a"), again.load("b"), again.load("c")) == (A, B, None)
    again.save("a", B)
    assert SpeedFile(path).load("a") == B


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"version": 2, "speeds": {"a": {"read_bytes_per_second": "x"}}}',
        b'{"version": 2, "speeds": {"\xff": {}}}',
    ],
)
def test_a_damaged_file_is_set_aside_and_told_once(tmp_path, caplog, content):
    path = tmp_path / "speeds.json"
    path.write_bytes(content)
    assert SpeedFile(path).load("a") is None
    assert SpeedFile(path).load("a") is None
    SpeedFile(path).save("a", A)
    assert SpeedFile(path).load("a") == A
    (aside,) = tmp_path.glob("*.damaged-*")
    assert aside.read_bytes() == content
    (sentence,) = [record.getMessage() for record in caplog.records]
    assert str(aside) in sentence


def test_a_file_that_is_far_too_large_is_not_read(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(speed_file, "LARGEST_BYTES", 10)
    (tmp_path / "speeds.json").write_bytes(b" " * 11)
    assert SpeedFile(tmp_path / "speeds.json").load("a") is None
    assert "far too large" in caplog.text


@pytest.mark.parametrize(
    "content",
    [b'{"a": {"read_bytes_per_second": 1.0}}', b'{"version": 1, "speeds": {"a": {"read_bytes_per_second": 1.0}}}'],
)
def test_figures_of_an_older_version_are_measured_again(tmp_path, content):
    path = tmp_path / "speeds.json"
    path.write_bytes(content)
    assert SpeedFile(path).load("a") is None
    SpeedFile(path).save("a", A)
    assert SpeedFile(path).load("a") == A


def test_a_file_of_a_newer_crossply_is_left_alone(tmp_path, caplog):
    path = tmp_path / "speeds.json"
    newer = b'{"version": 99, "speeds": {"a": {"read_bytes_per_second": 1.0}}}'
    path.write_bytes(newer)
    speeds = SpeedFile(path)
    assert speeds.load("a") is None
    speeds.save("a", A)
    assert path.read_bytes() == newer
    (sentence,) = [record.getMessage() for record in caplog.records]
    assert "written by a newer Crossply" in sentence


def test_what_cannot_be_kept_is_told(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    speeds = SpeedFile(tmp_path / "file" / "speeds.json")
    speeds.save("a", A)
    assert "will be measured again" in caplog.text
    assert speeds.load("a") is None
