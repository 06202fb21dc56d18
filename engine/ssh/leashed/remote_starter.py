"""Starts programs on another machine, on a leash (see ``leash_programs``)."""

from __future__ import annotations

import getpass
import logging
import secrets
import shlex
import socket

from engine.errors import MachineUnreachable
from engine.ports import OnExit, OnLine
from engine.process_parts.condition import CONDITION_SCRIPT
from engine.remote_ports import RemoteShell, RemoteStream
from engine.ssh.leashed.heartbeat import PERIOD_SECONDS, Heartbeat
from engine.ssh.leashed.keep_programs import follow_order, keep_order
from engine.ssh.leashed.kept_processes import kept_processes
from engine.ssh.leashed.leash_output import LeashOutput, Started
from engine.ssh.leashed.leash_programs import BEAT, PYTHON_COMMAND, SH_COMMAND, python_order, sh_order
from engine.ssh.leashed.remote_process import RemoteProcess
from engine.ssh.leashed.start_refused import cannot_keep, check_spec, no_answer, refused
from engine.vocabulary.remote import KeptProcess
from engine.vocabulary.running.process import ProcessSpec

logger = logging.getLogger(__name__)

_ANSWER_SECONDS = 20.0
"""A machine that swaps needs seconds to start Python."""
_SETTLE_SECONDS = 0.3
"""The sh leash hears of a failed ``exec`` only after it has said that the program started."""
_KILL_SECONDS = 5.0
_KILL = ("sh", "-c", 'kill -s KILL -- "$@"', "kill")
_LOOK_SECONDS = 3.0
_EXIT_SECONDS = 1.0
_GREETING_BYTES = 4096


class RemoteProcessStarter:
    """Of one machine that we are logged in to. Implements ``ports.ProcessStarter``."""

    def __init__(
        self,
        shell: RemoteShell,
        *,
        has_python: bool,
        machine_name: str | None = None,
        data_folder: str | None = None,
        heartbeat_seconds: float = PERIOD_SECONDS,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        """``data_folder``: ours on that machine, where programs that keep running have their log and record."""
        self._shell = shell
        self._data_folder = data_folder
        self._has_python = has_python
        self._machine_name = machine_name or shell.target.text
        self._heartbeat = Heartbeat(heartbeat_seconds)
        self._answer_seconds = answer_seconds

    def start(self, spec: ProcessSpec, on_line: OnLine, on_exit: OnExit) -> RemoteProcess:
        """Start it. Without ``spec.folder`` it starts in the user's home. One that keeps running and was left with the very
        same command line is adopted. Raises ``ProcessFailed`` with one sentence, ``MachineUnreachable``."""
        check_spec(spec, self._machine_name)
        if spec.keeps_running:
            if self._data_folder is None or not self._has_python:
                raise cannot_keep(spec, self._machine_name)
            same = next((kept for kept in kept_processes(self._shell, self._data_folder) if kept.argv == spec.argv), None)
            if same is not None:
                return self.adopt(same, on_line, on_exit)
        if spec.memory_limit_bytes is not None:
            logger.info("No memory limit is enforced on %s: there is none to be had without rights.", spec.id)
        nonce = secrets.token_hex(16)
        return self._answered(spec, self._open(spec, nonce, self._order(spec, nonce)), on_line, on_exit)

    def adopt(self, kept: KeptProcess, on_line: OnLine, on_exit: OnExit) -> RemoteProcess:
        """Watch one that was left running, from the beginning of its log that is there, and be able to stop it. Letting go of
        it (``RemoteShell.close``) leaves it running. Raises ``ProcessFailed`` when it has ended since."""
        assert self._data_folder is not None, "it was listed from there"  # noqa: S101 - the caller's bug
        nonce = secrets.token_hex(16)
        spec = ProcessSpec(id=kept.process_id, argv=kept.argv or ("?",), keeps_running=True)
        order = follow_order(nonce, kept.name, self._data_folder)
        return self._answered(spec, self._open(spec, nonce, order), on_line, on_exit)

    def _order(self, spec: ProcessSpec, nonce: str) -> bytes:
        if spec.keeps_running and self._data_folder is not None:
            started_by = f"{getpass.getuser()}@{socket.gethostname()}"
            return keep_order(spec, nonce, secrets.token_hex(8), self._data_folder, started_by)
        return python_order(spec, nonce) if self._has_python else sh_order(spec, nonce)

    def _answered(self, spec: ProcessSpec, process: RemoteProcess, on_line: OnLine, on_exit: OnExit) -> RemoteProcess:
        try:
            refusal = process.wait_for_answer(self._answer_seconds, 0 if self._has_python else _SETTLE_SECONDS)
        except TimeoutError as error:
            process.give_up()
            raise no_answer(spec, self._machine_name, process.greeting) from error
        if refusal is not None:
            process.give_up()
            raise refused(spec, self._machine_name, refusal)
        process.watch(on_line, on_exit, self._kill, self._look)
        return process

    def _open(self, spec: ProcessSpec, nonce: str, order: bytes) -> RemoteProcess:
        stream = self._shell.open(PYTHON_COMMAND if self._has_python else SH_COMMAND)
        try:
            stream.send(order + BEAT)
        except MachineUnreachable as error:
            last_words = _last_words(stream)
            stream.close()
            if last_words is None:
                raise
            raise no_answer(spec, self._machine_name, last_words) from error
        except BaseException:
            stream.close()
            raise
        output = LeashOutput(nonce, shell_codes=not self._has_python)
        process = RemoteProcess(spec, self._machine_name, stream, output, self._heartbeat)
        self._heartbeat.add(stream)
        process.read()
        return process

    def _kill(self, started: Started) -> None:
        # Nobody else has these numbers: the leash has not ended, so its group is not collected. dash has no "kill -KILL --".
        targets = (f"-{started.group}", str(started.pid), str(started.leash))
        self._shell.run(shlex.join(("exec", *_KILL, *targets)), timeout_seconds=_KILL_SECONDS)

    def _look(self, started: Started) -> str:
        words = ("exec", "sh", "-c", CONDITION_SCRIPT, "look", str(started.pid))
        output = self._shell.run(shlex.join(words), timeout_seconds=_LOOK_SECONDS)
        return output.stdout.decode("utf-8", errors="replace")


def _last_words(stream: RemoteStream) -> str | None:
    """What a login shell said that ended before it took the order; ``None`` when the connection was lost instead."""
    if stream.exit_code(_EXIT_SECONDS) is None:
        return None
    return stream.read(_GREETING_BYTES).decode("utf-8", errors="replace")
