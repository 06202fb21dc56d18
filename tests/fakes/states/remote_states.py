"""Hand-made states with machines over the network, in every phase, and what a search found."""

from __future__ import annotations

from dataclasses import replace

from engine.cluster.servers import server_process_id, servers_of, tunnel_process_id, tunnels_of
from engine.session.remotes import FindingSeen, RemoteSeen
from engine.session.state import Activity, Choices, ClusterState, ProcessSeen, RunPhase, RunSeen
from engine.session.working.machines.give_runtime import copy_activity
from engine.vocabulary.device import RuntimeDevice
from engine.vocabulary.found import FoundBy, FoundMachine, FoundRpcServer
from engine.vocabulary.machine import Machine
from engine.vocabulary.remote import (
    HostKey,
    HostKeyQuestion,
    MachineIdentity,
    NetworkAddress,
    Question,
    RemoteFacts,
    RemoteLook,
    RemotePhase,
    RemoteRuntime,
    SecretKind,
    SecretQuestion,
    SshTarget,
)
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.process import ProcessPhase
from engine.vocabulary.runtime import RpcProtocolVersion, Runtime
from engine.vocabulary.worker import Exposure, Link
from tests.fakes.states import cluster_pieces as pieces
from tests.fakes.states import cluster_states as states

GIB = 1024**3
WHY_NOT = "its build b10981 speaks RPC 6.0.0, ours (b11434) speaks 7.0.0, and llama.cpp refuses to mix them."
KEY = HostKey(
    host="[10.0.0.8]:2222",
    key_type="ssh-ed25519",
    key_base64="AAAA",
    fingerprint="SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8",
)


def target(number: int) -> SshTarget:
    """``ada@10.0.0.<number>``."""
    return SshTarget(host=f"10.0.0.{number}", user="ada")


def runtime_there(label: int = 11434) -> Runtime:
    """A build on another machine."""
    folder = f"/home/ada/.local/share/crossply/runtimes/b{label}"
    return replace(
        pieces.a_runtime(),
        folder=folder,
        rpc_server=f"{folder}/ggml-rpc-server",
        build_number=label,
        protocol=RpcProtocolVersion(major=7 if label == 11434 else 6, minor=0, patch=0),
    )


def machine_of(number: int, *, gpus: int = 1) -> Machine:
    """``lab-02`` for 2."""
    known = pieces.hybrid_machine()
    return replace(
        known,
        id=target(number).machine_id,
        name=f"lab-{number:02d}",
        os_name="Ubuntu 24.04.3 LTS",
        address=f"10.0.0.{number}",
        gpus=known.gpus[:gpus],
        why_no_gpu=None if gpus else "No GPU was found.",
    )


def look_of(number: int, *, usable: bool = True, gpus: int = 1, others: tuple[RemoteRuntime, ...] = ()) -> RemoteLook:
    """What a look found."""
    fits = RemoteRuntime(
        runtime=runtime_there(),
        devices=(RuntimeDevice(runtime_name="CPU", description="c", memory_total_bytes=GIB, memory_free_bytes=GIB),),
        help_text="",
    )
    facts = RemoteFacts(
        identity=MachineIdentity(host_key_fingerprint=f"SHA256:{number}", system_id=str(number)),
        user="ada",
        home="/home/ada",
        data_folder="/home/ada/.local/share/crossply",
        disk_free_bytes=212 * 10**9,
        has_python=True,
        addresses=(
            NetworkAddress(interface="lo", address="127.0.0.1"),
            NetworkAddress(interface="eth0", address=f"10.0.0.{number}", mbit_per_second=1000),
            NetworkAddress(interface="ib0", address=f"192.168.9.{number}", mbit_per_second=40_000),
            NetworkAddress(interface="any", address="0.0.0.0"),
        ),
        logged_in=("ada", "grace"),
    )
    runtimes = (fits,) if usable else others
    return RemoteLook(machine=machine_of(number, gpus=gpus), facts=facts, runtimes=runtimes, usable=fits if usable else None)


def other_build() -> RemoteRuntime:
    """One that does not fit."""
    return RemoteRuntime(
        runtime=replace(runtime_there(10981), folder="/usr/local/bin", commit="77dee9d"),
        devices=(),
        help_text="",
        why_not_with_coordinator=WHY_NOT,
    )


def ready(number: int = 2, *, gpus: int = 1) -> RemoteSeen:
    """Takes part."""
    return RemoteSeen(
        target=target(number),
        phase=RemotePhase.READY,
        look=look_of(number, gpus=gpus),
        link=Link(rtt_seconds=0.00031, bytes_per_second=117e6),
    )


def no_runtime(number: int = 3, **more: object) -> RemoteSeen:
    """Has a build that does not fit."""
    seen = RemoteSeen(
        target=target(number), phase=RemotePhase.NO_RUNTIME, look=look_of(number, usable=False, others=(other_build(),))
    )
    return replace(seen, **more)


def copying(number: int = 4) -> RemoteSeen:
    """Is given ours."""
    return replace(no_runtime(number), phase=RemotePhase.COPYING)


def asking(number: int = 8, question: Question | None = None) -> RemoteSeen:
    """Has a question: its key, unless told another."""
    return RemoteSeen(
        target=SshTarget(host=f"10.0.0.{number}", user="ada", port=2222),
        phase=RemotePhase.ASKING,
        question=question or HostKeyQuestion(key=KEY),
    )


def asks_password(number: int = 9, *, wrong_before: bool = False, kind: SecretKind = SecretKind.PASSWORD) -> RemoteSeen:
    """Wants a secret."""
    prompt = f"{kind.value.capitalize()} of ada on 10.0.0.{number}"
    return asking(number, SecretQuestion(kind=kind, prompt=prompt, wrong_before=wrong_before))


def unreachable(number: int = 6) -> RemoteSeen:
    """Does not answer."""
    return RemoteSeen(
        target=target(number),
        phase=RemotePhase.UNREACHABLE,
        problem=Problem(
            kind=ProblemKind.MACHINE,
            where=target(number).text,
            happened=f"10.0.0.{number} does not answer on port 22.",
            advice="Is it switched on, and does it run an SSH server? It is tried again every 30 s.",
        ),
    )


def refused(number: int = 7) -> RemoteSeen:
    """Shows another key than before."""
    return replace(
        unreachable(number),
        phase=RemotePhase.REFUSED,
        problem=Problem(
            kind=ProblemKind.MACHINE,
            where=target(number).text,
            happened=f"10.0.0.{number} shows another key than the one that was accepted before.",
            advice="Ask whoever runs it; if it was installed anew, remove the old key.",
        ),
    )


def with_remotes(*remotes: RemoteSeen, lan: bool = False) -> ClusterState:
    """A planned state with these; those that are ready take part."""
    base = states.plan_shown()
    looks = [remote.look for remote in remotes if remote.phase is RemotePhase.READY and remote.look is not None]
    machines = tuple(look.machine for look in looks)
    exposure = Exposure.LAN if lan else Exposure.TUNNEL
    offers = tuple(
        replace(
            offer,
            exposure=exposure,
            endpoint=f"127.0.0.1:{50100 + 10 * place + n}",
            listens_on=f"127.0.0.1:{50052 + n}",
        )
        for place, machine in enumerate(machines)
        for n, offer in enumerate(pieces.offers_of(machine))
    )
    offers = (*base.offers, *offers)
    shares = (4, 20, 8, *([8] * (len(offers) - 3)))
    plan = pieces.a_plan(offers, shares)
    addresses = tuple((machine.id, machine.address or "") for machine in machines) if lan else ()
    activities = tuple(
        Activity(id=copy_activity(remote.id), title="Copying llama.cpp", fraction=0.42, detail="38 of 91 MB")
        for remote in remotes
        if remote.phase is RemotePhase.COPYING
    )
    return replace(
        base,
        choices=replace(base.choices, targets=tuple(remote.target for remote in remotes), lan_addresses=addresses),
        machines=(*base.machines, *machines),
        loads=(*base.loads, *(pieces.load_of(machine) for machine in machines)),
        offers=offers,
        remotes=remotes,
        plan=plan,
        model=plan.model,
        variants=(),
        activities=activities,
    )


def starting() -> ClusterState:
    """Workers and tunnels of two machines are being started."""
    base = with_remotes(ready(2))
    servers = servers_of(base.plan)
    tunnels = tunnels_of(servers)
    processes = [
        ProcessSeen(
            id=server_process_id(server.endpoint),
            title=f"rpc-server for {server.runtime_names[0]}",
            phase=ProcessPhase.READY if place % 2 == 0 else ProcessPhase.STARTING,
            argv=("ggml-rpc-server",),
            endpoint=server.endpoint,
            worker_ids=server.worker_ids,
            machine_name=server.machine_name,
        )
        for place, server in enumerate(servers)
    ]
    processes += [
        ProcessSeen(
            id=tunnel_process_id(tunnel), title=f"tunnel to {tunnel.machine_name}", phase=ProcessPhase.READY, argv=("ssh",)
        )
        for tunnel in tunnels
    ]
    run = RunSeen(
        plan=base.plan,
        servers=servers,
        worker_devices=(),
        api_url="http://127.0.0.1:8080",
        layer_map=pieces.map_of(base.plan, reported=False),
        tunnels=tunnels,
    )
    return replace(base, run_wanted=True, run_phase=RunPhase.STARTING_WORKERS, run=run, processes=tuple(processes))


def found_machines() -> tuple[FoundMachine, ...]:
    """Six machines: all that a search can find."""
    return (
        FoundMachine(
            name="lab-02",
            addresses=("10.0.0.2",),
            ways=(FoundBy.SSH_CONFIG, FoundBy.KNOWN_HOSTS),
            target=target(2),
        ),
        FoundMachine(
            name="gpu-node",
            addresses=("10.0.0.21", "192.168.9.21"),
            ways=(FoundBy.SSH_CONFIG, FoundBy.MDNS, FoundBy.SWEEP),
            target=SshTarget(host="gpu-node", user="lab"),
        ),
        FoundMachine(
            name="ollama-box.local",
            addresses=("10.0.0.22",),
            ways=(FoundBy.MDNS, FoundBy.SWEEP),
            target=SshTarget(host="10.0.0.22"),
            ollama_url="http://10.0.0.22:11434",
        ),
        FoundMachine(
            name="10.0.0.23",
            addresses=("10.0.0.23",),
            ways=(FoundBy.NEIGHBOURS,),
            target=SshTarget(host="10.0.0.23"),
            rpc_servers=(
                FoundRpcServer(
                    address="10.0.0.23",
                    port=50052,
                    state="idle",
                    protocol=RpcProtocolVersion(major=7, minor=0, patch=0),
                    device_memory=((11 * 10**9, 12 * 10**9), (30 * 10**9, 32 * 10**9)),
                ),
                FoundRpcServer(address="10.0.0.23", port=50053, state="busy"),
            ),
        ),
        FoundMachine(name="printer.local", addresses=("10.0.0.40",), ways=(FoundBy.MDNS,), target=None),
        FoundMachine(
            name="ada-desktop",
            addresses=("10.0.0.1",),
            ways=(FoundBy.SWEEP,),
            target=SshTarget(host="10.0.0.1"),
            this_machine=True,
        ),
    )


def found(*, running: bool = False, n: int = 6, base: ClusterState | None = None) -> ClusterState:
    """A search that found the first ``n``, over a lab with one machine added."""
    return replace(
        with_remotes(ready(2)) if base is None else base,
        finding=FindingSeen(
            running=running,
            fraction=0.6 if running else None,
            detail="sweeping 10.0.0.0/24" if running else "",
            found=found_machines()[:n],
        ),
    )


def four_phases() -> ClusterState:
    """One ready, one without programs, one asking, one that does not answer."""
    return with_remotes(ready(2), no_runtime(3), asking(8), unreachable(6))


def other_phases() -> ClusterState:
    """Copying, asking for a password, refused, and one that was added a moment ago."""
    state = with_remotes(ready(2, gpus=2), copying(4), asks_password(9), refused(7), lan=True)
    return replace(state, choices=replace(state.choices, targets=(*state.choices.targets, target(10))))


def choices_with(*targets: SshTarget) -> Choices:
    """Only these machines."""
    return Choices(targets=targets)
