"""Composition root: the real adapters and a ``Session``. The only place that sees both the rim and the session."""

from __future__ import annotations

import contextlib
import getpass
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.errors import BadInput, EngineError
from engine.finding.ways.local_networks import own_addresses
from engine.gateway.http_gateway import HttpGateway
from engine.machines.asking.rpc_asker import SocketRpcAsker
from engine.machines.limits.memory_limits import MemoryLimits
from engine.machines.process_io import written_bytes
from engine.machines.this_machine import ThisMachine
from engine.ports import CancelToken, CoordinatorClient
from engine.processes.local_process import LocalProcessStarter
from engine.processes.own_memory import give_back_now_and_then, keep_heaps_few
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
from engine.runtimes.worker_cache import cache_is_whole, prune_and_measure
from engine.session.events import ProblemHappened
from engine.session.jobs import Token
from engine.session.outside import Outside
from engine.session.session import Session
from engine.session.state import Choices, ClusterState
from engine.session.telling.as_json import state_json
from engine.settings.api_key_file import COORDINATOR_FILE_NAME, ApiKeyFile
from engine.settings.cluster_files.cluster_store import ClusterFilesOnDisk
from engine.settings.folders import Folders, find_folders
from engine.settings.history.history_file import HistoryFile
from engine.settings.on_disk.leftovers import sweep_leftovers
from engine.settings.on_disk.notices import Listener, tell
from engine.settings.policy_file import load_policy, policy_path
from engine.settings.private_files import keep_private
from engine.settings.recent_files import RecentFilesInSettings
from engine.settings.settings_file import RememberedMachine, Settings, load_settings, update_settings, usable_settings
from engine.settings.speed_file import SpeedFile
from engine.settings.ssh_target import checked_target
from engine.ssh.logging_in.local_ssh import LocalSsh
from engine.vocabulary.admin_policy import AdminPolicy
from engine.vocabulary.plan import Policy, RunShape
from engine.vocabulary.remote import SshTarget
from engine.vocabulary.running.api import ApiPlace
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.recovery import RecoveryMode
from engine.vocabulary.worker import Layout

T = TypeVar("T")
_NOTHING_LOCKED = AdminPolicy()


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
    """The real ports. Raises ``BadInput`` for an administrator's policy that cannot be used."""
    folders = folders or find_folders()
    starter = LocalProcessStarter(MemoryLimits(run=_run_quietly))
    known_hosts = folders.state / "known_hosts"
    policy = load_policy(policy_path())
    keys = ApiKeyFile(folders.state)
    inner = ApiKeyFile(folders.state, COORDINATOR_FILE_NAME)
    ssh = LocalSsh(home=Path.home(), local_user=getpass.getuser())
    return Outside(
        clock=MonotonicClock(),
        starter=starter,
        probe=ThisMachine(),
        asker=SocketRpcAsker(),
        finder=LocalRuntimeFinder(folders),
        installer=SourceInstaller(folders),
        models=GgufModelFiles(folders.models, lambda: _stores(folders, policy)),
        speeds=SpeedFile(folders.state / "speeds.json"),
        history=HistoryFile(folders.data / "history.sqlite"),
        coordinator_client=lambda url: _client_of(url, inner.load()),
        coordinator_key_file=lambda: _made(inner),
        api_keys=keys,
        own_addresses=own_addresses,
        gateway=HttpGateway(
            keys.load,
            coordinator_key=inner.load,
            remember=lambda asked, got: _remember_port(folders.state, asked, got),
        ),
        worker_cache_folder=str(folders.cache / "workers"),
        prune_worker_cache=lambda: prune_and_measure(folders.cache / "workers"),
        worker_cache_is_whole=lambda: cache_is_whole(folders.cache / "workers"),
        written_bytes=written_bytes,
        connector=SshConnector(known_hosts, ssh, starter, policy),
        policy=policy,
        network=real_finder(Path.home(), ssh, known_hosts),
        clusters=ClusterFilesOnDisk(folders.state / "cluster-files"),
        recent=RecentFilesInSettings(folders.state),
        demo_model=lambda progress, token: str(fetch_demo_model(folders, progress, token)),
    )


def _stores(folders: Folders, policy: AdminPolicy) -> tuple[Store, ...]:
    """Anew for every search: a person may have added a folder."""
    chosen = usable_settings(folders.state).model_folders if policy.model_folders is None else policy.model_folders
    return stores_of(own=folders.models, chosen=chosen, home=Path.home(), environment=os.environ)


def _run_quietly(argv: tuple[str, ...]) -> str | None:
    """A short command: ``None`` when it worked, else why not."""
    try:
        result = run_command(argv, timeout_seconds=5.0)
    except EngineError as error:
        return error.happened
    return None if result.exit_code == 0 else result.in_words


def _remember_port(folder: Path, asked: int, got: int) -> None:
    """Where clients found us last time is where they look next time. A port that was named for once is not remembered."""
    with contextlib.suppress(OSError, BadInput):  # a full disk or a damaged file: forgotten, not fatal
        update_settings(
            folder, lambda before: msgspec.structs.replace(before, api_port=got) if before.api_port == asked else before
        )


def _made(keys: ApiKeyFile) -> str:
    keys.load_or_make()
    return str(keys.path)


def _client_of(url: str, key: str | None) -> CoordinatorClient:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return HttpCoordinator(host, int(port), key=key)


def choices_from(settings: Settings) -> Choices:
    """What the person chose last time. Raises ``BadInput`` for words that mean nothing."""
    try:
        policy, layout, recovery = Policy(settings.policy), Layout(settings.layout), RecoveryMode(settings.recovery)
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
        recovery=recovery,
        api_port=settings.api_port,
        targets=tuple(dict.fromkeys(targets)),
    )


def place_from(settings: Settings, choices: Choices) -> ApiPlace:
    """Where the API is to be, and for whom on this machine."""
    return ApiPlace(
        port=choices.api_port, key_on_loopback=settings.api_key_on_loopback, wait_seconds=settings.api_wait_seconds
    )


def remembered_choices(folders: Folders) -> Choices:
    """What the last window ended with. A settings file that must be left alone (of a newer Crossply, or not to be read) is
    told about, and the defaults hold: whoever starts a window from an icon would see no refusal."""
    try:
        settings = load_settings(folders.state)
    except BadInput as error:
        tell(f"{error.happened} It is left alone: the defaults hold, and what is chosen now is not remembered.")
        settings = Settings()
    return replace(choices_from(settings), native=True)


def settings_from(choices: Choices, before: Settings, policy: AdminPolicy = _NOTHING_LOCKED) -> Settings:
    """Choices as they are remembered; the rest stays as it was, and so does what the administrator has locked."""
    reserve = choices.reserve_fraction if policy.reserve_fraction is None else before.reserve_fraction
    model_folders = choices.model_folders if policy.model_folders is None else before.model_folders
    return msgspec.structs.replace(
        before,
        model_path=choices.model_path,
        runtime_folder=choices.runtime_folder,
        policy=choices.policy.value,
        layout=choices.layout.value,
        prompt_share=choices.prompt_share,
        context_tokens=choices.shape.context_tokens,
        slots=choices.shape.slots,
        reserve_fraction=reserve,
        model_folders=model_folders,
        recovery=choices.recovery.value,
        machines=tuple(RememberedMachine(host=t.host, user=t.user, port=t.port) for t in choices.targets),
    )


def with_changes(stored: Settings, before: Choices, after: Choices, policy: AdminPolicy = _NOTHING_LOCKED) -> Settings:
    """What is stored with what was chosen between the two: all else may be another window's, and is newer than what this one
    began with."""
    old, new = settings_from(before, stored, policy), settings_from(after, stored, policy)
    changed = {name: getattr(new, name) for name in new.__struct_fields__ if getattr(new, name) != getattr(old, name)}
    if "machines" in changed:
        changed["machines"] = _list_with_changes(stored.machines, old.machines, new.machines)
    if "model_folders" in changed:
        changed["model_folders"] = _list_with_changes(stored.model_folders, old.model_folders, new.model_folders)
    return msgspec.structs.replace(stored, **changed)


def _list_with_changes(stored: tuple[T, ...], old: tuple[T, ...], new: tuple[T, ...]) -> tuple[T, ...]:
    """What was added and what was taken away; the order of ``new`` where nobody else has changed it."""
    if stored == old:
        return new
    left = tuple(entry for entry in stored if entry in new or entry not in old)
    return (*left, *(entry for entry in new if entry not in old and entry not in stored))


_THIS_MACHINE_ONLY = ApiPlace()


class RunningSession(Session):
    """A session that publishes itself for other ``crossplyctl`` calls of the same user.

    With ``remember`` (the window) what the person chooses is there again at the next start.
    """

    def __init__(
        self,
        outside: Outside,
        choices: Choices,
        publisher: RunPublisher,
        *,
        place: ApiPlace = _THIS_MACHINE_ONLY,
        remember: Path | None = None,
        notices: Listener | None = None,
    ) -> None:
        """``notices``: what a person must hear about our files; closed with the session."""
        super().__init__(outside, choices, publish=lambda state: _publish(publisher, state))
        self._publisher = publisher
        self._remember = remember
        self._notices = notices
        self._place = place
        self._told_unsaved = False
        self._saved = choices
        """Up to where what was chosen is remembered."""

    def start(self) -> None:
        """Start, and if this session remembers go on where the last one ended."""
        super().start()
        self._jobs.start("memory", give_back_now_and_then)
        self.open_api(self._place)
        if self._notices is not None:
            self._notices.pass_to(self._tell)
        if self._remember is not None:
            self.documents.start(usable_settings(self._remember).cluster_path)

    def _tell(self, sentence: str) -> None:
        problem = Problem(kind=ProblemKind.RUNTIME, where="our files", happened=sentence)
        self.post(ProblemHappened(problem=problem))

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
            self._save(folder, choices)
            if choices.model_folders != before.model_folders:
                self.documents.look_for_models()  # the folders are read from the settings

        self._jobs.start("settings", save_and_look)

    def open_api(self, place: ApiPlace) -> None:
        """Open it so, and remember what this session remembers of that: never what was opened on the network."""
        super().open_api(place)
        folder = self._remember
        if folder is not None:
            self._jobs.start("settings", lambda _token: _save_place(folder, place))

    def _save(self, folder: Path, choices: Choices) -> None:
        """A full disk is told, once until it works again; of a file that is left alone ``remembered_choices`` has told."""
        with contextlib.suppress(BadInput):
            try:
                update_settings(folder, lambda stored: with_changes(stored, self._saved, choices, self._outside.policy))
                self._told_unsaved, self._saved = False, choices
            except OSError as error:
                if not self._told_unsaved:
                    tell(f"What is chosen is not remembered: {folder} cannot be written ({error.strerror}).")
                self._told_unsaved = True

    def join(self, seconds: float = 20.0) -> bool:
        """Wait until it has ended; then others no longer see it."""
        ended = super().join(seconds)
        self._publisher.release()
        if self._notices is not None:
            self._notices.close()
        return ended


def _save_place(folder: Path, place: ApiPlace) -> None:
    with contextlib.suppress(OSError, BadInput):
        update_settings(
            folder,
            lambda before: msgspec.structs.replace(
                before, api_key_on_loopback=place.key_on_loopback, api_wait_seconds=place.wait_seconds
            ),
        )


def _publish(publisher: RunPublisher, state: ClusterState) -> None:
    with contextlib.suppress(OSError):  # a full disk must not take the run with it; others just see an old state
        publisher.publish(state_json(state))


def open_session(
    choices: Choices | None = None,
    folders: Folders | None = None,
    *,
    network_address: str | None = None,
    wait_seconds: float | None = None,
) -> Session:
    """A started session on this machine.

    Its API is open on ``network_address`` too; ``wait_seconds``: how long a request may wait, unless as the settings say.
    """
    folders = folders or find_folders()
    keep_heaps_few()
    keep_private(folders)
    notices = Listener()
    sweep_leftovers(folders)
    remember = folders.state if choices is None else None
    choices = choices or remembered_choices(folders)
    publisher = RunPublisher(folders.state)
    try:
        publisher.claim()
    except OSError as error:
        tell(f"{folders.state} cannot be written ({error.strerror}): crossplyctl status will not see this window.")
    place = replace(place_from(usable_settings(folders.state), choices), network_address=network_address)
    if wait_seconds is not None:
        place = replace(place, wait_seconds=wait_seconds)
    session = RunningSession(real_outside(folders), choices, publisher, place=place, remember=remember, notices=notices)
    session.start()
    return session
