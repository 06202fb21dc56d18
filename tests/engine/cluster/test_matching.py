"""Which builds may work together, and which machine can run copied programs."""

from dataclasses import replace

import pytest

from engine.cluster.matching import ProgramSystem, can_be_copied, why_not_together
from engine.vocabulary.runtime import RpcProtocolVersion, Runtime, RuntimeSource

_V7 = RpcProtocolVersion(major=7, minor=0, patch=0)
_V401 = RpcProtocolVersion(major=4, minor=0, patch=1)


def _build(number=None, commit=None, protocol=None) -> Runtime:
    return Runtime(
        id="x",
        folder="/x",
        source=RuntimeSource.BUILT,
        rpc_server="/x/rpc-server",
        llama_server=None,
        llama_bench=None,
        llama_fit_params=None,
        build_number=number,
        commit=commit,
        protocol=protocol,
    )


OURS = _build(11434, "0c1e570", _V7)


@pytest.mark.parametrize(
    "worker",
    [
        _build(11434, "0c1e570", _V7),
        _build(None, "0c1e5701234", _V7),
        _build(None, "0C1E570", None),
        _build(11434, None, None),
        _build(11434, "unclear", _V7),
        _build(None, None, _V7),
    ],
)
def test_these_may_work_together(worker):
    assert why_not_together(OURS, worker) is None


@pytest.mark.parametrize(
    "worker",
    [
        _build(9821, "abc1234", _V7),
        _build(11433, None, _V7),
        _build(None, "abc1234", _V7),
        _build(None, "0c1", None),
        _build(None, None, None),
        _build(None, None, replace(_V7, patch=1)),
        _build(11434, "0c1e570", _V401),
    ],
)
def test_these_may_not(worker):
    assert why_not_together(OURS, worker)


def test_the_sentence_names_both_builds_and_what_to_do():
    assert why_not_together(OURS, _build(9821, "abc1234"), where="gpu-node") == (
        "gpu-node has b9821 (abc1234), this machine has b11434 (0c1e570): copy this machine's build there."
    )


def test_an_old_program_left_in_a_folder_of_the_same_commit_is_told_by_its_protocol():
    said = why_not_together(OURS, _build(11434, "0c1e570", _V401), where="gpu-node")
    assert said == "gpu-node speaks RPC protocol 4.0.1, this machine 7.0.0: copy this machine's build there."


def test_another_build_with_another_protocol_names_both():
    said = why_not_together(OURS, _build(9821, "abc1234", _V401))
    assert "b9821 (abc1234)" in said
    assert "4.0.1" in said


def test_what_cannot_be_told_is_called_so():
    assert "cannot be told" in why_not_together(OURS, _build())


NEEDED = ProgramSystem(os_family="Linux", architecture="x86_64", glibc=(2, 34))


@pytest.mark.parametrize(
    ("machine", "word"),
    [
        (ProgramSystem(os_family="Darwin", architecture="x86_64"), "Darwin"),
        (ProgramSystem(os_family="Linux", architecture="aarch64", glibc=(2, 36)), "aarch64"),
        (ProgramSystem(os_family="Linux", architecture="x86_64", glibc=None), "glibc"),
        (ProgramSystem(os_family="Linux", architecture="x86_64", glibc=(2, 31)), "2.31"),
        (ProgramSystem(os_family="Linux", architecture="x86_64", glibc=(2, 4)), "2.4"),
    ],
)
def test_programs_that_cannot_run_there(machine, word):
    assert word in can_be_copied(NEEDED, machine, where="gpu-node")


def test_programs_that_can_run_there():
    assert can_be_copied(NEEDED, NEEDED) is None
    assert can_be_copied(NEEDED, replace(NEEDED, glibc=(2, 36), architecture="amd64")) is None
    static = replace(NEEDED, glibc=None)
    assert can_be_copied(static, replace(NEEDED, glibc=None)) is None
