"""The messages of llama.cpp's RPC protocol that are safe to send to a server one does not own, for versions 1 to 7.

Framing (ggml-rpc.cpp, ``send_rpc_cmd``), all little endian::

    request    command u8 | size u64 | payload
    answer     size u64 | payload

Only commands that read are here. Allocating, setting and computing reach assertions that end the server (issue 25288), so they
are not even named. No command returns the name of a device: names come from the device list of the program itself.

========  =======================  =================================  ========================
version   HELLO request            HELLO answer                       memory of a device
========  =======================  =================================  ========================
1, 2      empty                    major minor patch                  one device, asked without a payload
3         empty                    major minor patch                  ``u32`` device
4 to 7    24 bytes of capabilities major minor patch pad caps[24]     ``u32`` device
========  =======================  =================================  ========================

Servers older than April 2025 have no HELLO and close the connection; they cannot be told from other software and count as
such.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from engine.errors import RpcServerUnusable
from engine.vocabulary.runtime import RpcProtocolVersion

SIZE_BYTES = 8
"""Length of the size field in front of every answer."""
MOST_ANSWER_BYTES = 64
"""No answer here is longer than 28 bytes; anything larger is not an rpc-server and must not be waited for."""
MOST_DEVICES = 64
"""llama.cpp can use 15 devices in all; a count far above that is not an rpc-server's."""
CAPABILITIES_BYTES = 24
_FIRST_VERSION_WITH_CAPABILITIES = 4
_FIRST_VERSION_WITH_DEVICES = 3


class Command(IntEnum):
    """Commands that only read. HELLO is 14 in every version (``static_assert`` in ggml-rpc.cpp)."""

    GET_DEVICE_MEMORY = 11
    HELLO = 14
    DEVICE_COUNT = 15


def request(command: Command, payload: bytes = b"") -> bytes:
    """One request, ready to send."""
    return struct.pack("<BQ", command, len(payload)) + payload


def hello_requests() -> tuple[bytes, ...]:
    """Both forms of HELLO, newest first. A server that does not know a form closes the connection."""
    return request(Command.HELLO, bytes(CAPABILITIES_BYTES)), request(Command.HELLO)


def device_count_request() -> bytes:
    """Version 3 and later."""
    return request(Command.DEVICE_COUNT)


def device_memory_request(version: RpcProtocolVersion, device: int) -> bytes:
    """Free and total bytes of a device."""
    return request(Command.GET_DEVICE_MEMORY, struct.pack("<I", device) if has_devices(version) else b"")


def has_devices(version: RpcProtocolVersion) -> bool:
    """Whether a server can offer several devices (version 3: pull request 16276)."""
    return version.major >= _FIRST_VERSION_WITH_DEVICES


def answer_size(header: bytes) -> int:
    """Length of the payload that follows. Raises ``RpcServerUnusable`` when it cannot be one of our answers."""
    size: int = struct.unpack("<Q", header)[0] if len(header) == SIZE_BYTES else MOST_ANSWER_BYTES + 1
    if size > MOST_ANSWER_BYTES:
        raise _nonsense("the length of an answer")
    return size


def parse_hello(payload: bytes) -> RpcProtocolVersion:
    """The version. Length and major number must fit each other. Raises ``RpcServerUnusable``."""
    with_capabilities = len(payload) == 4 + CAPABILITIES_BYTES
    if not with_capabilities and len(payload) != 3:
        raise _nonsense("the answer to HELLO")
    version = RpcProtocolVersion(major=payload[0], minor=payload[1], patch=payload[2])
    if version.major == 0 or with_capabilities != (version.major >= _FIRST_VERSION_WITH_CAPABILITIES):
        raise _nonsense("the version")
    return version


def parse_device_count(payload: bytes) -> int:
    """How many devices the server offers. Raises ``RpcServerUnusable``."""
    count: int = struct.unpack("<I", payload)[0] if len(payload) == 4 else 0
    if not 0 < count <= MOST_DEVICES:
        raise _nonsense("the number of devices")
    return count


def parse_device_memory(payload: bytes) -> tuple[int, int]:
    """(free, total) in bytes. Raises ``RpcServerUnusable``."""
    if len(payload) != 16:
        raise _nonsense("the memory of a device")
    free, total = struct.unpack("<QQ", payload)
    return free, total


def _nonsense(what: str) -> RpcServerUnusable:
    return RpcServerUnusable(f"What listens there is not an rpc-server: {what} makes no sense.", advice="Choose another port.")
