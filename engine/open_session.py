"""Composition root: the real adapters and a ``Session``. The only place that sees both the rim and the session."""

from __future__ import annotations

import contextlib
import getpass
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from engine.errors import BadInput, EngineError
from engine.machines.memory_limits import MemoryLimits
from engine.machines.process_io import written_bytes
from engine.machines.rpc_asker import SocketRpcAsker
from engine.machines.this_machine import ThisMachine
from engine.ports import CancelToken, CoordinatorClient
from engine.processes.local_process import LocalProcessStarter
from engine.processes.run_command import run_command
from engine.remote.connector import SshConnector
from engine.remote.network import real_finder
from engine.run_files.run_file import RunPublisher
from engine.runtimes.building.build_from_source import BuildOptions, build_runtime
from engine.runtimes.coordinator_http import HttpCoordinator
from engine.runtimes.demo_model import fetch_demo_model
from engine.runtimes.model_files import GgufModelFiles
from engine.runtimes.models.model_places import Store, stores_of
from engine.runtimes.runtime_finder import LocalRuntimeFinder
from engine.runtimes.worker_cache import prune_and_measure
from engine.session.as_json import state_json
from engine.session.jobs import Token
from engine.session.outside import Outside
from engine.session.session import Session
from engine.session.state import Choices, ClusterState
from engine.settings.cluster_store import ClusterFilesOnDisk
from engine.settings.folders import Folders, find_folders
from engine.settings.history.history_file import HistoryFile
from engine.settings.recent_files import RecentFilesInSettings
from engine.settings.settings_file import RememberedMachine, Settings, load_settings, update_settings
from engine.settings.speed_file import SpeedFile
from engine.settings.ssh_target import checked_target
from engine.ssh.local_ssh import LocalSsh
from engine.vocabulary.plan import Policy, RunShape
from engine.vocabulary.remote import SshTarget
from engine.vocabulary.worker import Layout


class MonotonicClock:
    """Implements ``ports.Clock``."""

    def now_seconds(self) -> float:
        """Seconds of the system's monotonic clock."""
        return time.monotonic()

    def slept_seconds(self) -> float:
        """Linux: the monotonic clock stands still in sleep, the one since the start does not. Elsewhere 0."""
        since_start = getattr(time, "CLOCK_BOOTTIME", None)
        return 0.0 if since_start is None else time.clock_gettime(since_start) - time.monotonic()


class SourceInstaller:
    """Implements ``ports.RuntimeInstaller`` by building from source."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders

    def install(self, progress: Callable[[float | None, str], None], token: CancelToken) -> None:
        """Build llama.cpp into the user's data folder."""
        build_runtime(self._folders, BuildOptions(), progress, token)


def real_outside(folders: Folders | None = None) -> Outside:
    """The real ports."""
    folders = folders or find_folders()
    starter = LocalProcessStarter(MemoryLimits(run=_run_quietly))
    known_hosts = folders.state / "known_hosts"
    ssh = LocalSsh(home=Path.home(), local_user=getpass.getuser())
    return Outside(
        clock=MonotonicClock(),
        starter=starter,
        probe=ThisMachine(),
        asker=SocketRpcAsker(),
        finder=LocalRuntimeFinder(folders),
        installer=SourceInstaller(folders),
        models=GgufModelFiles(folders.models, lambda: _stores(folders)),
        speeds=SpeedFile(folders.state / "speeds.json"),
        history=HistoryFile(folders.data / "history.sqlite"),
        coordinator_client=_client_of,
        worker_cache_folder=str(folders.cache / "workers"),
        prune_worker_cache=lambda: prune_and_measure(folders.cache / "workers"),
        written_bytes=written_bytes,
        connector=SshConnector(known_hosts, ssh, starter),
        network=real_finder(Path.home(), ssh, known_hosts),
        clusters=ClusterFilesOnDisk(),
        recent=RecentFilesInSettings(folders.state),
        demo_model=lambda progress, token: str(fetch_demo_model(folders, progress, token)),
    )


def _stores(folders: Folders) -> tuple[Store, ...]:
    """Anew for every search: a person may have added a folder."""
    try:
        chosen = load_settings(folders.state).model_folders
    except BadInput:
        chosen = ()
    return stores_of(own=folders.models, chosen=chosen, home=Path.home(), environment=os.environ)


def _run_quietly(argv: tuple[str, ...]) -> str | None:
    """A short command: ``None`` when it worked, else why not."""
    try:
        result = run_command(argv, timeout_seconds=5.0)
    except EngineError as error:
        return error.happened
    return None if result.exit_code == 0 else result.in_words


def _client_of(url: str) -> CoordinatorClient:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return HttpCoordinator(host, int(port))


def choices_from(settings: Settings) -> Choices:
    """What the person chose last time. Raises ``BadInput`` for words that mean nothing."""
    try:
        policy, layout = Policy(settings.policy), Layout(settings.layout)
        targets = tuple(checked_target(SshTarget(host=m.host, user=m.user, port=m.port)) for m in settings.machines)
    except (ValueError, BadInput) as error:
        said = error.happened if isinstance(error, BadInput) else f"{error}."
        raise BadInput(f"The settings file says: {said}", advice="Mend it, or remove it.") from None
    model = settings.model_path if settings.model_path and Path(settings.model_path).exists() else None
    return Choices(
        model_path=model,
        runtime_folder=settings.runtime_folder,
        policy=policy,
        layout=layout,
        prompt_share=settings.prompt_share,
        shape=RunShape(context_tokens=settings.context_tokens, slots=settings.slots),
        reserve_fraction=settings.reserve_fraction,
        model_folders=settings.model_folders,
        targets=tuple(dict.fromkeys(targets)),
    )


def remembered_choices(folders: Folders) -> Choices:
    """What the last window ended with. Raises ``BadInput`` for a settings file that cannot be used."""
    return replace(choices_from(load_settings(folders.state)), native=True)


def settings_from(choices: Choices, before: Settings) -> Settings:
    """Choices as they are remembered; the rest stays as it was."""
    return msgspec.structs.replace(
        before,
        model_path=choices.model_path,
        runtime_folder=choices.runtime_folder,
        policy=choices.policy.value,
        layout=choices.layout.value,
        prompt_share=choices.prompt_share,
        context_tokens=choices.shape.context_tokens,
        slots=choices.shape.slots,
        reserve_fraction=choices.reserve_fraction,
        model_folders=choices.model_folders,
        machines=tuple(RememberedMachine(host=t.host, user=t.user, port=t.port) for t in choices.targets),
    )


class RunningSession(Session):
    """A session that publishes itself for other ``crossplyctl`` calls of the same user.

    With ``remember`` (the window) what the person chooses is there again at the next start.
    """

    def __init__(self, outside: Outside, choices: Choices, publisher: RunPublisher, *, remember: Path | None = None) -> None:
        super().__init__(outside, choices, publish=lambda state: _publish(publisher, state))
        self._publisher = publisher
        self._remember = remember

    def start(self) -> None:
        """Start, and if this session remembers go on where the last one ended."""
        super().start()
        if self._remember is not None:
            self.documents.start(load_settings(self._remember).cluster_path)

    def look_again(self) -> None:
        """Look at everything again, the models too."""
        super().look_again()
        self.documents.look_for_models()

    def choose(self, choices: Choices) -> None:
        """Replace what the person chose, and remember it if this session does."""
        before = self.chosen
        super().choose(choices)
        folder = self._remember
        if folder is None:
            return

        def save_and_look(_token: Token) -> None:
            _save(folder, choices)
            if choices.model_folders != before.model_folders:
                self.documents.look_for_models()  # the folders are read from the settings

        self._jobs.start("settings", save_and_look)

    def join(self, seconds: float = 20.0) -> bool:
        """Wait until it has ended; then others no longer see it."""
        ended = super().join(seconds)
        self._publisher.release()
        return ended


def _save(folder: Path, choices: Choices) -> None:
    with contextlib.suppress(OSError, BadInput):  # a full disk or a damaged file: forgotten, not fatal
        update_settings(folder, lambda before: settings_from(choices, before))


def _publish(publisher: RunPublisher, state: ClusterState) -> None:
    with contextlib.suppress(OSError):  # a full disk must not take the run with it; others just see an old state
        publisher.publish(state_json(state))


def open_session(choices: Choices | None = None, folders: Folders | None = None) -> Session:
    """A started session on this machine. Raises ``BadInput`` for a settings file that cannot be used."""
    folders = folders or find_folders()
    remember = folders.state if choices is None else None
    choices = choices or remembered_choices(folders)
    publisher = RunPublisher(folders.state)
    publisher.claim()
    session = RunningSession(real_outside(folders), choices, publisher, remember=remember)
    session.start()
    return session
