"""``crossplyctl doctor``: is this machine ready, and if not, what to do. One line per question."""

from __future__ import annotations

import argparse
from dataclasses import replace

from engine.cli.machines.remote_findings import Finding, findings_about
from engine.cli.terminal import exit_codes
from engine.cli.terminal.gather import gathered, looking_foreground
from engine.cli.terminal.machine_options import add_machines
from engine.cli.terminal.options import add_json, add_runtime, choices_of
from engine.cli.terminal.output import gigabytes, print_json, print_line, print_table
from engine.cluster.servers import servers_of_offers
from engine.open_session import real_outside
from engine.ports import RpcAsker, RpcState
from engine.run_files.run_file import is_running
from engine.runtimes.demo_model import find_demo_model
from engine.session.one_look import look_once
from engine.session.outside import Outside
from engine.session.state import Choices, ClusterState
from engine.settings.folders import find_folders


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("doctor", help="is this machine (and others) ready, and if not, what to do")
    add_machines(parser)
    add_runtime(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask every question."""
    outside = real_outside()
    choices = choices_of(arguments)
    state = look_once(outside, replace(choices, targets=()))
    findings = [*_runtime(state), _coordinator(state), *_machine(state), *_ports(state, outside.asker), *_rest()]
    if choices.targets:
        findings += _remotes(outside, arguments, choices)
    if arguments.json:
        print_json([_json(finding) for finding in findings])
    else:
        _print(findings, with_machine=bool(choices.targets))
    return exit_codes.OK if all(finding.ok for finding in findings) else exit_codes.FAILED


def _json(finding: Finding) -> dict[str, object]:
    return {
        "machine": finding.machine,
        "question": finding.question,
        "ok": finding.ok,
        "answer": finding.answer,
        "advice": finding.advice,
        "details": finding.details,
    }


def _print(findings: list[Finding], *, with_machine: bool) -> None:
    columns = ("", "machine", "question", "answer") if with_machine else ("", "question", "answer")
    rows = [(f.machine, f.question, f.answer) if with_machine else (f.question, f.answer) for f in findings]
    print_table(columns, [("ok" if f.ok else "NO", *row) for f, row in zip(findings, rows, strict=True)])
    for finding in findings:
        if finding.advice:
            where = f"{finding.machine}, " if with_machine else ""
            print_line(f"{where}{finding.question}: {finding.advice}")


def _remotes(outside: Outside, arguments: argparse.Namespace, choices: Choices) -> list[Finding]:
    with looking_foreground(outside, choices) as foreground:
        foreground.wait_until_looked()
        state = gathered(foreground, arguments, tolerant=True)
    return [finding for remote in state.remotes for finding in findings_about(remote, state)]


def _runtime(state: ClusterState) -> list[Finding]:
    rows = []
    for runtime in state.runtimes:
        used = runtime == state.runtime
        protocol = f"RPC {runtime.protocol}" if runtime.protocol else "RPC protocol unknown"
        answer = f"{runtime.label}, {protocol}, {', '.join(runtime.backends) or 'backends unknown'}, {runtime.folder}"
        question = "llama.cpp in use" if used else "other llama.cpp"
        rows.append(Finding(question=question, ok=True, answer=runtime.why_unusable or answer))
    if state.runtime is None:
        advice = "crossplyctl runtime build makes one (about 10 minutes on two cores)."
        rows.append(Finding(question="llama.cpp in use", ok=False, answer="no usable programs", advice=advice))
    return rows


def _coordinator(state: ClusterState) -> Finding:
    needed = {"--rpc", "-dev", "-ts", "-ngl"}
    missing = sorted(needed - state.server_options)
    if missing:
        answer = f"llama-server does not take {', '.join(missing)}" if state.server_options else "no llama-server"
        return Finding(question="coordinator", ok=False, answer=answer, advice="Use a build with -DGGML_RPC=ON.")
    provable = "-lv" in state.server_options
    return Finding(
        question="coordinator", ok=provable, answer="takes plans; layer map can be read back" if provable else "no -lv"
    )


def _machine(state: ClusterState) -> list[Finding]:
    rows = []
    for offer in state.offers:
        answer = f"{gigabytes(offer.safe_bytes)} safe of {gigabytes(offer.total_bytes)}"
        rows.append(Finding(question=f"worker {offer.device_name}", ok=offer.safe_bytes > 0, answer=answer))
    for machine in state.machines:
        if machine.why_no_gpu:
            rows.append(Finding(question="GPU", ok=True, answer=machine.why_no_gpu))
        for gpu in machine.gpus:
            why = gpu.why_no_runtime_name or gpu.why_no_memory
            if why:
                rows.append(
                    Finding(question=gpu.name, ok=False, answer=why, advice="Build llama.cpp with this GPU's backend.")
                )
    return rows


def _ports(state: ClusterState, asker: RpcAsker) -> list[Finding]:
    rows = []
    for server in servers_of_offers(state.offers):
        free = asker.is_free(server.host, server.port)
        answer = "free"
        if not free:
            seen = asker.ask(server.host, server.port, timeout_seconds=1.0)
            answer = f"taken by {_in_words(seen)}; the next free port will be used"
        rows.append(Finding(question=f"port {server.port}", ok=True, answer=answer))
    return rows


def _in_words(seen: RpcState) -> str:
    if seen.answer is not None:
        free = gigabytes(sum(free for free, _total in seen.answer.device_memory))
        n_devices = len(seen.answer.device_memory)
        devices = "1 device" if n_devices == 1 else f"{n_devices} devices"
        return f"an rpc-server that is not ours (RPC {seen.answer.protocol}, {devices}, {free} free)"
    words = {"busy": "an rpc-server that somebody is using", "other": "another program"}
    return words.get(seen.state, "something that left meanwhile")


def _rest() -> list[Finding]:
    folders = find_folders()
    model = find_demo_model(folders)
    running = is_running(folders.state)
    return [
        Finding(question="demo model", ok=True, answer=str(model) if model else "not fetched (only the demo needs it)"),
        Finding(question="running now", ok=True, answer="yes, see crossplyctl status" if running else "no"),
    ]
