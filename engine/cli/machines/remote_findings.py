"""What ``crossplyctl doctor`` says of a remote machine: one line per question, as for this one."""

from __future__ import annotations

from dataclasses import dataclass

from engine.cli.terminal.gather import LOOKED_AT, why_not
from engine.cli.terminal.output import gigabytes, printable
from engine.session.remotes import RemoteSeen
from engine.session.state import ClusterState
from engine.session.working.launching.prepare_run import TRIED_PORTS
from engine.vocabulary.remote import NetworkAddress, RemoteLook, RemoteRuntime
from engine.vocabulary.worker import FIRST_RPC_PORT, Exposure

_NEEDED_BYTES = 500_000_000
"""A build and some cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One question and its answer."""

    question: str
    ok: bool
    answer: str
    advice: str = ""
    machine: str = "this machine"
    details: dict[str, object] | None = None
    """The answer for scripts, where it has parts."""


def findings_about(remote: RemoteSeen, state: ClusterState) -> list[Finding]:
    """All that is known of it; only the connection when it was never looked at."""
    rows = [_connection(remote, state)]
    if remote.look is not None:
        rows += _programs(remote, remote.look)
        rows += _facts(remote, state, remote.look)
    return rows


def _connection(remote: RemoteSeen, state: ClusterState) -> Finding:
    if remote.phase in LOOKED_AT:
        return _row(remote, "connection", _link_in_words(remote))
    problem = why_not(remote, state)
    return _row(remote, "connection", problem.happened, ok=False, advice=problem.advice)


def _link_in_words(remote: RemoteSeen) -> str:
    words = [f"ssh {remote.target.text}"]
    if remote.link is not None and remote.link.rtt_seconds is not None:
        words.append(f"{remote.link.rtt_seconds * 1000:.1f} ms there and back")
    if remote.link is not None and remote.link.bytes_per_second is not None:
        words.append(f"{remote.link.bytes_per_second / 1e6:.0f} MB/s")
    return ", ".join(words)


def _programs(remote: RemoteSeen, look: RemoteLook) -> list[Finding]:
    rows = [_program(remote, runtime, used=runtime == look.usable) for runtime in look.runtimes]
    if look.usable is None:
        answer = "none that may work with the coordinator's" if look.runtimes else "no programs"
        advice = f"crossplyctl machine copy-runtime {remote.target.text} copies ours there."
        rows.append(_row(remote, "llama.cpp in use", answer, ok=False, advice=advice))
    return rows


def _program(remote: RemoteSeen, found: RemoteRuntime, *, used: bool) -> Finding:
    runtime, why = found.runtime, found.why_not_with_coordinator
    protocol = f"RPC {runtime.protocol}" if runtime.protocol else "RPC protocol unknown"
    verdict = f"may not work with this coordinator: {why}" if why else "may work with this coordinator"
    backends = ", ".join(runtime.backends) or "backends unknown"
    details: dict[str, object] = {
        "program": runtime.rpc_server,
        "build": runtime.build_number,
        "commit": runtime.commit,
        "protocol": str(runtime.protocol) if runtime.protocol else None,
        "backends": list(runtime.backends),
        "may_work": why is None,
        "why_not": why,
    }
    answer = f"{runtime.label}, {protocol}, {backends}, {runtime.rpc_server}; {verdict}"
    return _row(remote, "llama.cpp in use" if used else "other llama.cpp", answer, details=details)


def _facts(remote: RemoteSeen, state: ClusterState, look: RemoteLook) -> list[Finding]:
    facts = look.facts
    free = facts.disk_free_bytes
    last_port = FIRST_RPC_PORT + TRIED_PORTS
    listened = [port for port in facts.listening_ports if FIRST_RPC_PORT <= port < last_port]
    ports = ", ".join(map(str, listened)) or f"none of {FIRST_RPC_PORT} to {last_port - 1}"
    exposure = Exposure.LAN if remote.id in dict(state.choices.lan_addresses) else Exposure.TUNNEL
    addresses = [_address(address) for address in facts.addresses]
    gpus = [gpu.name for gpu in look.machine.gpus]
    python = "python3 is there" if facts.has_python else "no python3: it is looked at with the shell, and shows no load"
    return [
        _row(remote, "python", python),
        _row(
            remote,
            "disk",
            f"{gigabytes(free)} free for {facts.data_folder}",
            ok=free is None or free >= _NEEDED_BYTES,
            details={"free_bytes": free, "folder": facts.data_folder},
        ),
        _row(remote, "GPUs", ", ".join(gpus) or look.machine.why_no_gpu or "none"),
        _row(remote, "addresses", ", ".join(addresses) or "not known", details={"addresses": addresses}),
        _row(remote, "exposure", exposure.value),
        _row(remote, "RPC ports in use", ports, details={"ports": listened}),
        *_kept(remote, look),
    ]


def _kept(remote: RemoteSeen, look: RemoteLook) -> list[Finding]:
    if not look.kept:
        return []
    shown = ", ".join(f"process {kept.pid} of {kept.started_by}" for kept in look.kept)
    stop = f"crossplyctl machine stop {remote.target.text} stops them; up --keep-running adopts them."
    return [_row(remote, "left running", shown, advice=stop, details={"pids": [kept.pid for kept in look.kept]})]


def _address(address: NetworkAddress) -> str:
    speed = f", {address.mbit_per_second} Mbit/s" if address.mbit_per_second else ""
    return f"{address.address} ({address.interface}{speed})"


def _row(
    remote: RemoteSeen,
    question: str,
    answer: str,
    *,
    ok: bool = True,
    advice: str = "",
    details: dict[str, object] | None = None,
) -> Finding:
    return Finding(
        machine=printable(remote.name),
        question=question,
        ok=ok,
        answer=printable(answer),
        advice=printable(advice),
        details=details,
    )
