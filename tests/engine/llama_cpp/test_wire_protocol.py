from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import RpcServerUnusable
from engine.llama_cpp import wire_protocol as wire
from engine.vocabulary.runtime import RpcProtocolVersion


def version(major: int) -> RpcProtocolVersion:
    return RpcProtocolVersion(major=major, minor=0, patch=0)


def test_both_hellos() -> None:
    newest, oldest = wire.hello_requests()
    assert newest == b"\x0e\x18" + bytes(7) + bytes(24)
    assert oldest == b"\x0e" + bytes(8)


def test_memory_is_asked_with_a_device_since_version_3() -> None:
    assert wire.device_memory_request(version(2), 0) == b"\x0b" + bytes(8)
    assert wire.device_memory_request(version(3), 2) == b"\x0b\x04" + bytes(7) + b"\x02\0\0\0"
    assert wire.device_count_request() == b"\x0f" + bytes(8)


def test_only_commands_that_read_exist() -> None:
    assert {command.name for command in wire.Command} == {"GET_DEVICE_MEMORY", "HELLO", "DEVICE_COUNT"}


@pytest.mark.parametrize("major", range(1, 8))
def test_versions(major: int) -> None:
    payload = bytes([major, 6, 1]) + (bytes(25) if major >= 4 else b"")
    assert wire.parse_hello(payload) == RpcProtocolVersion(major=major, minor=6, patch=1)


def test_numbers() -> None:
    assert wire.answer_size(struct.pack("<Q", 28)) == 28
    assert wire.parse_device_count(b"\x0f\0\0\0") == 15
    assert wire.parse_device_memory(struct.pack("<QQ", 2**40, 2**63)) == (2**40, 2**63)


@pytest.mark.parametrize("count", [0, 65, 2**32 - 1])
def test_an_absurd_number_of_devices(count: int) -> None:
    with pytest.raises(RpcServerUnusable, match="the number of devices makes no sense"):
        wire.parse_device_count(struct.pack("<I", count))


@pytest.mark.parametrize("parse", [wire.answer_size, wire.parse_hello, wire.parse_device_count, wire.parse_device_memory])
@given(payload=st.binary(max_size=64))
def test_any_bytes_are_an_answer_or_the_one_error(parse, payload: bytes) -> None:
    with contextlib.suppress(RpcServerUnusable):  # anything else that it raises fails the test
        parse(payload)
