"""This machine and remote ones, each with programs and ports of its own: what was started where, and in which order it ended.

A port is taken while a program listens on it, as it would be: a tunnel takes its ports here, an rpc-server the one it binds.
"""

from __future__ import annotations

from dataclasses import replace

from engine.ports import RpcState
from engine.session.session import Session
from engine.session.state import ClusterState
from engine.vocabulary.machine import MachineId
from engine.vocabulary.plan import Plan
from engine.vocabulary.running.process import ProcessSpec
from tests.fakes.ports.fake_process_starter import FakeProcess, FakeProgram
from tests.fakes.ports.fake_remote import FakeRemoteMachine, a_target
from tests.fakes.sessions.fake_outside import TWO_WORKERS, FakeAsker, FakeJobs, Fakes, FakeStarter, lines_for, settle
from tests.fakes.sessions.fake_outside import planned_session as planned

ONE_EACH = replace(TWO_WORKERS, cpu_workers=1)


class ListeningAsker(FakeAsker):
    """Ports of one machine. A program that was started listens; whoever asks it is written down in ``asked``."""

    def __init__(self, *starters: FakeStarter) -> None:
        super().__init__()
        self.starters = starters
        self.left: set[int] = set()
        """Ports of rpc-servers that were left running by others."""

    def is_free(self, host: str, port: int) -> bool:
        return super().is_free(host, port) and port not in self._listened()

    def ask(self, host: str, port: int, *, timeout_seconds: float = 2.0) -> RpcState:
        answer = super().ask(host, port, timeout_seconds=timeout_seconds)
        return answer if port in self._listened() else RpcState(state="gone")

    def _listened(self) -> set[int]:
        running = [process for starter in self.starters for process in starter.running()]
        return {port for process in running for port in _ports_of(process.spec)} | self.left


def _ports_of(spec: ProcessSpec) -> tuple[int, ...]:
    if spec.argv[0] == "ssh":
        return tuple(int(part.partition(":")[0]) for part in spec.argv[1:])
    return (int(spec.argv[spec.argv.index("-p") + 1]),) if "-p" in spec.argv else ()


class FakeLab:
    """A planned session over this machine and remote machines that are ready."""

    def __init__(self, *names: str, lan: dict[str, str] | None = None) -> None:
        self.fakes = Fakes()
        self.fakes.starter.will_run("ssh", FakeProgram())
        self.here = self.fakes.asker = ListeningAsker(self.fakes.starter)
        self.machines = {name: self._machine(name) for name in names}
        open_to = tuple((a_target(name).machine_id, address) for name, address in (lan or {}).items())
        self.session, self.jobs = self._session(replace(ONE_EACH, lan_addresses=open_to))
        self.ended: list[str] = []

    def _session(self, choices: object) -> tuple[Session, FakeJobs]:
        session, jobs = planned(self.fakes, choices)  # type: ignore[arg-type]
        session.add_machines(*(machine.target for machine in self.machines.values()))
        state = settle(session)
        assert isinstance(state.plan, Plan)
        self.fakes.starter.will_run("llama-server", FakeProgram(lines=lines_for(state.plan)))
        return session, jobs

    def _machine(self, name: str) -> FakeRemoteMachine:
        machine = self.fakes.add_remote(name)
        assert machine.seen.usable is not None
        starter = FakeStarter()
        machine.starter, machine.asker = starter, ListeningAsker(starter)
        machine.worker_cache_folder = f"/home/{name}/cache"
        return machine

    def launch(self) -> ClusterState:
        """Launch and let everything happen; how each process ends is written down from here on."""
        self.session.launch()
        state = settle(self.session)
        for starter in self.starters.values():
            for process in starter.started:
                self._write_down(process)
        return state

    @property
    def starters(self) -> dict[str, FakeStarter]:
        """Per machine; this one is ``here``."""
        remote = {name: machine.starter for name, machine in self.machines.items()}
        return {"here": self.fakes.starter, **remote}  # type: ignore[dict-item]

    def started(self, name: str) -> list[ProcessSpec]:
        """What was started on a machine."""
        return [process.spec for process in self.starters[name].started]

    def n_running(self) -> int:
        """Everywhere."""
        return sum(len(starter.running()) for starter in self.starters.values())

    def _write_down(self, process: FakeProcess) -> None:
        end = process._end

        def note(outcome):  # type: ignore[no-untyped-def]
            self.ended.append(str(process.spec.id))
            return end(outcome)

        process._end = note  # type: ignore[method-assign]


def id_of(name: str) -> MachineId:
    """The id of a machine of the lab."""
    return a_target(name).machine_id
