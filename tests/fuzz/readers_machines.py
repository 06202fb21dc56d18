"""Readers of what other machines, vendors' tools and the network say."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import SimpleNamespace

from engine.errors import Cancelled, ProbeFailed
from engine.finding.greetings import is_ollama_version
from engine.finding.untrusted_names import LONGEST_NAME, clean_name
from engine.finding.ways.mdns import sighting_of
from engine.finding.ways.neighbour_table import parse_arp, parse_ip_neigh
from engine.machines.gpus.match_gpus import match_gpus
from engine.machines.gpus.nvidia_smi import parse_nvidia_smi
from engine.machines.remote_probe.free_ports import which_are_free
from engine.machines.remote_probe.sent.load_lines import LoadLines
from engine.machines.remote_probe.sent.parse_probe import parse_probe
from engine.machines.remote_probe.sent.probe_answer import facts_of, machine_of
from engine.machines.remote_probe.sent.sent_text import SenselessError
from engine.remote_ports import CommandOutput
from engine.runtimes.remote.find_remote_runtimes import find_remote_runtimes
from engine.runtimes.remote.remote_hashes import remote_hashes
from engine.ssh.leashed.kept_processes import kept_processes
from engine.ssh.leashed.leash_output import LeashOutput
from tests.engine.machines.remote_probe.sent_documents import TARGET, arm_board, cards, mac, nvidia, packed, recorded
from tests.fakes.cancel_tokens import NeverCancelled
from tests.fuzz.bounds import Reader
from tests.fuzz.readers_llama_cpp import RECORDED, TESTS, recordings

NONCE = "0123456789abcdef"


def read_probe(content: bytes) -> None:
    """The document of a machine, as far as a card needs it."""
    answer = parse_probe(content, TARGET)
    facts_of(answer, "SHA256:x")
    machine = machine_of(answer, None)
    for text in (machine.name, answer.os_name, answer.user, answer.cpu.name, *(gpu.name for gpu in machine.gpus)):
        assert text.isprintable(), text


def read_load(content: bytes) -> None:
    """Lines of ``watch_load``."""
    lines = LoadLines(machine_of(parse_probe(packed(recorded()), TARGET), None))
    for number, line in enumerate(content.splitlines()[:50]):
        with suppress(SenselessError):
            load = lines.read(line, float(number))
            assert load.cpu_busy_fraction is None or 0 <= load.cpu_busy_fraction <= 1


def read_nvidia(content: bytes) -> None:
    """What nvidia-smi printed."""
    match_gpus(parse_nvidia_smi(content.decode("utf-8", "replace")).gpus, None)


class _Machine:
    """A machine that answers every command with these bytes."""

    target = TARGET

    def __init__(self, content: bytes) -> None:
        self._content = content

    def run(self, command: str, *, stdin: bytes = b"", max_output_bytes: int = 1 << 20, **_ways: object) -> CommandOutput:
        """The nonce that the script drew is put where the recording has its own."""
        words = shlex.split(command)
        sent = re.search(rb"^set -- ([0-9a-f]{32})", stdin, re.MULTILINE)
        nonce = words[words.index("--") + 1] if "--" in words else sent[1].decode() if sent else NONCE
        said = self._content.replace(NONCE.encode(), nonce.encode())[:max_output_bytes]
        return CommandOutput(stdout=said, stderr=b"", exit_code=0)


def read_runtimes(content: bytes) -> None:
    """What builds a machine says it has."""
    for found in find_remote_runtimes(_Machine(content), "/home/ada/.local/share/crossply", None, NeverCancelled()):
        assert found.runtime.folder.startswith("/")


def read_leash(content: bytes) -> None:
    """The one stream of a leashed program; it holds back little."""
    leash = LeashOutput(NONCE)
    for at in range(0, len(content), 1000):
        leash.feed(content[at : at + 1000])
        assert len(leash._rest) < 2000
    leash.finish()
    leash.greeting.encode("utf-8", "replace")


def read_names(content: bytes) -> None:
    """What somebody announces by mDNS."""
    text = content.decode("utf-8", "surrogateescape")
    name = clean_name(text)
    assert name is None or (0 < len(name) <= LONGEST_NAME and name.isprintable()), name
    info = SimpleNamespace(
        parsed_addresses=lambda: text.split()[:20], type="_ssh._tcp.local.", port=len(content), server=text, name=text
    )
    sighting_of(info)


def read_neighbours(content: bytes) -> None:
    """Tables of any system."""
    text = content.decode("utf-8", "replace")
    parse_ip_neigh(text)
    parse_arp(text)


def _runtimes_answer() -> bytes:
    keys = {
        "kind": "path", "top": "/usr/bin", "folder": "/usr/bin", "program": "rpc-server", "beside": "llama-server",
        "manifest": "", "marker": "no", "files": "-rwxr-xr-x 1 root root 1234 Nov 1 12:00 rpc-server",
        "version": "version: 1234 (abcdef0)", "help": (RECORDED / "rpc-server-0.3.36-g5/help.txt").read_text(),
        "devices": (RECORDED / "rpc-server-0.3.36-g5/device_list.txt").read_text(), "told": "", "looked": "", "end": "",
    }  # fmt: skip
    return "".join(f"\n{NONCE} {key}\n{text}" for key, text in keys.items()).encode()


_LOAD = json.dumps(
    {"t": 10.0, "cpu": [100, 300], "ram": 1000, "net": [5000, 700], "cpu_mc": 51250, "nv": ["0, 10, 5, 50, 30"], "drm": []}
).encode()
_KEPT = b'[{"name": "0123456789abcdef", "process_id": "p", "argv": ["rpc-server"], "pid": 12, "started_by": "ada", "port": 1}]'
_FREE = f"\n{NONCE}\n".encode() + b'{"free": [50052, 50053]}' + f"\n{NONCE}\n".encode()
_LEASHED = f"hello\n{NONCE} begin\n{NONCE} started 12 13 14\nout{NONCE} ended -9\n".encode()
_FAILED = f"{NONCE} begin\n{NONCE} failed missing no such file\n".encode()
_OLLAMA = b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"version": "0.5.1"}'
_HASHES = f"\n{NONCE} hashes\n{'0' * 64}  lib/a.so\n\n{NONCE} sizes\n12 lib/a.so\n\n{NONCE} end\n".encode()


@cache
def readers() -> tuple[Reader, ...]:
    """All of them."""
    here, board = recorded(), arm_board()
    with_cards = (
        here | {"files": here["files"] | cards("amd.txt")} if Path(TESTS / "documented/sysfs-gpus/amd.txt").exists() else here
    )
    with_nvidia = here | {"said": here["said"] | {"nvidia_smi": nvidia("two_gpus_look.txt")}}
    documents = tuple(packed(one) for one in (here, recorded("sh"), board, mac(), with_cards, with_nvidia))
    smi = tuple(path.read_bytes() for path in sorted((TESTS / "documented/nvidia-smi").glob("*.txt")))
    tables = recordings("neighbour-tables/*")
    return (
        Reader("probe", documents, read_probe, (ProbeFailed,)),
        Reader("load-lines", (_LOAD + b"\n" + _LOAD,), read_load),
        Reader("nvidia-smi", smi, read_nvidia, (ValueError,)),
        Reader("remote-runtimes", (_runtimes_answer(),), read_runtimes, (ProbeFailed,)),
        Reader("remote-hashes", (_HASHES,), _hashes, (ProbeFailed,)),
        Reader("kept-processes", (_KEPT,), lambda c: kept_processes(_Machine(c), "/d/crossply"), (ProbeFailed,)),
        Reader("free-ports", (_FREE,), _ports, (ProbeFailed,)),
        Reader("leash", (_LEASHED, _FAILED), read_leash),
        Reader("mdns-names", (b"gpu-node.local.", b"10.0.0.7 fe80::1 lab", "größe".encode()), read_names),
        Reader("neighbours", tables, read_neighbours),
        Reader("ollama-version", (_OLLAMA,), is_ollama_version),
    )


def _ports(content: bytes) -> None:
    assert set(which_are_free(_Machine(content), "127.0.0.1", range(50052, 50060), 4)) <= set(range(50052, 50060))


def _hashes(content: bytes) -> None:
    with suppress(Cancelled):
        remote_hashes(_Machine(content), "/d", ("lib/a.so",), NeverCancelled()).is_right("lib/a.so", size_bytes=12, sha256="0")
