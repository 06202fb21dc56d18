"""Starts programs on another machine, on a leash (see ``leash_programs``)."""

from __future__ import annotations

import logging
import secrets

from engine.ports import OnExit, OnLine
from engine.remote_ports import RemoteShell
from engine.ssh.leashed.heartbeat import PERIOD_SECONDS, Heartbeat
from engine.ssh.leashed.leash_output import LeashOutput, Started
from engine.ssh.leashed.leash_programs import BEAT, PYTHON_COMMAND, SH_COMMAND, python_order, sh_order
from engine.ssh.leashed.remote_process import RemoteProcess
from engine.ssh.leashed.start_refused import check_spec, no_answer, refused
from engine.vocabulary.process import ProcessSpec

logger = logging.getLogger(__name__)

_ANSWER_SECONDS = 20.0
"""A machine that swaps needs seconds to start Python."""
_SETTLE_SECONDS = 0.3
"""The sh leash hears of a failed ``exec`` only after it has said that the program started."""
_KILL_SECONDS = 5.0


class RemoteProcessStarter:
    """Of one machine that we are logged in to. Implements ``ports.ProcessStarter``."""

    def __init__(
        self,
        shell: RemoteShell,
        *,
        has_python: bool,
        machine_name: str | None = None,
        heartbeat_seconds: float = PERIOD_SECONDS,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        self._shell = shell
        self._has_python = has_python
        self._machine_name = machine_name or shell.target.text
        self._heartbeat = Heartbeat(heartbeat_seconds)
        self._answer_seconds = answer_seconds

    def start(self, spec: ProcessSpec, on_line: OnLine, on_exit: OnExit) -> RemoteProcess:
        """Start it. Without ``spec.folder`` it starts in the user's home. Raises ``ProcessFailed`` with one sentence,
        ``MachineUnreachable``."""
        check_spec(spec, self._machine_name)
        if spec.memory_limit_bytes is not None:
            logger.info("No memory limit is enforced on %s: there is none to be had without rights.", spec.id)
        process = self._open(spec)
        try:
            refusal = process.wait_for_answer(self._answer_seconds, 0 if self._has_python else _SETTLE_SECONDS)
        except TimeoutError as error:
            process.give_up()
            raise no_answer(spec, self._machine_name, process.greeting) from error
        if refusal is not None:
            process.give_up()
            raise refused(spec, self._machine_name, refusal)
        process.watch(on_line, on_exit, self._kill)
        return process

    def _open(self, spec: ProcessSpec) -> RemoteProcess:
        nonce = secrets.token_hex(16)
        order = python_order(spec, nonce) if self._has_python else sh_order(spec, nonce)
        stream = self._shell.open(PYTHON_COMMAND if self._has_python else SH_COMMAND)
        try:
            stream.send(order + BEAT)
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
        targets = f"-{started.group} {started.pid} {started.leash}"
        self._shell.run(f"exec sh -c 'kill -s KILL -- {targets}'", timeout_seconds=_KILL_SECONDS)
