"""What is done about machines: the dialogs, one at a time, and the commands that follow from them.

Questions of several machines are gone through one after the other; a dialog that is closed without an answer leaves its
question on the card. Rejected: a dialog per machine as soon as it asks (ten machines would pile up ten windows).
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QMessageBox, QWidget

from engine.session.state import ClusterState
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.remote import SshTarget
from gui.dialogs.add_machines import AddMachines
from gui.dialogs.questions.ask_secret import AskSecret
from gui.dialogs.questions.choose_exposure import ChooseExposure
from gui.dialogs.questions.confirm_host_key import ConfirmHostKey
from gui.dialogs.questions.confirm_remove import confirm_remove_dialog
from gui.dialogs.sheets.worker_why import WorkerWhy
from gui.own_address import own_address_towards
from gui.session_bridge import SessionBridge
from gui.theme import Appearance
from gui.what_to_show.cards.machine_card_content import CardAction
from gui.what_to_show.cards.remote_card_content import in_need_of_ours, remotes_of
from gui.what_to_show.cards.worker_row_content import WorkerAction
from gui.what_to_show.cards.worker_why import command_of_worker, process_of_worker, why_of
from gui.what_to_show.remote.exposure_content import exposure_of
from gui.what_to_show.remote.found_machines_content import add_machines_of
from gui.what_to_show.remote.questions_content import HostKeyContent, QuestionContent, SecretContent, questions_of
from gui.what_to_show.tabs.tabs_content import commands_of_machine


class MachineActions(QObject):
    """Lives as long as the window."""

    log_asked = Signal(str)
    """Name of the machine whose log is to be shown."""
    process_log_asked = Signal(str)
    """Process whose log is to be shown."""

    def __init__(self, bridge: SessionBridge, appearance: Appearance, window: QWidget) -> None:
        super().__init__(window)
        self._bridge = bridge
        self._appearance = appearance
        self._window = window
        self._waiting: list[SshTarget] = []
        self.dialog: QDialog | None = None
        """The one that is open."""

    def show_state(self, state: ClusterState) -> None:
        """Keep the open dialog up to date."""
        if isinstance(self.dialog, AddMachines):
            self.dialog.show_content(add_machines_of(state))

    def add_machines(self) -> None:
        """The way in."""
        if self.dialog is not None:
            return
        dialog = AddMachines(self._appearance, self._window)
        dialog.find_asked.connect(self._bridge.find_machines)
        dialog.stop_asked.connect(self._bridge.stop_finding)
        dialog.added.connect(self._bridge.add_machines)
        self._open(dialog)
        self.show_state(self._bridge.state)

    def answer_all(self) -> None:
        """Go through all questions there are."""
        self._waiting = [question.target for question in questions_of(self._bridge.state)]
        self._ask_next()

    def do(self, machine_id: str, action: str) -> None:
        """What a card was asked for."""
        wanted = CardAction(action)
        target = self._target_of(machine_id)
        bridge = self._bridge
        plain: dict[CardAction, Callable[[], None]] = {
            CardAction.INSTALL_RUNTIME: bridge.install_runtime,
            CardAction.COPY_RUNTIME: lambda: bridge.copy_runtime(machine_id),
            CardAction.COPY_RUNTIME_TO_ALL: self.copy_to_all,
            CardAction.BUILD_RUNTIME: lambda: bridge.build_runtime(machine_id),
            CardAction.CANCEL_COPY: lambda: bridge.cancel_copy(machine_id),
            CardAction.STOP_KEPT: lambda: bridge.stop_kept(machine_id),
            CardAction.LOOK_AGAIN: lambda: bridge.look_again_at(machine_id),
            CardAction.EXPOSURE: lambda: self._choose_exposure(machine_id),
            CardAction.COPY_COMMANDS: lambda: self._copy_commands(machine_id),
            CardAction.SHOW_LOG: lambda: self.log_asked.emit(self._name_of(machine_id)),
        }
        if wanted in plain:
            plain[wanted]()
        elif target is not None:
            self._do_with(target, wanted)

    def do_with_worker(self, worker_id: str, action: str) -> None:
        """What a worker's menu was asked for."""
        state = self._bridge.state
        if action == WorkerAction.WHY:
            content = why_of(state, worker_id)
            if content is not None and self.dialog is None:
                self._open(WorkerWhy(content, self._appearance, self._window))
        elif action == WorkerAction.COPY_COMMAND:
            QGuiApplication.clipboard().setText(command_of_worker(state, worker_id) or "")
        else:
            self.process_log_asked.emit(process_of_worker(state, worker_id) or "")

    def _do_with(self, target: SshTarget, action: CardAction) -> None:
        if action is CardAction.ANSWER:
            self._waiting = [target]
            self._ask_next()
        elif action is CardAction.CONNECT_AGAIN:
            self._bridge.connect_again(target)
        else:
            self._remove(target, clean=action is CardAction.REMOVE_AND_CLEAN)

    # -- questions

    def _ask_next(self) -> None:
        asked = {question.target: question for question in questions_of(self._bridge.state)}
        while self._waiting and self.dialog is None:
            question = asked.get(self._waiting.pop(0))
            if question is not None:
                self._ask(question)

    def _ask(self, question: QuestionContent) -> None:
        if isinstance(question, HostKeyContent):
            self._ask_about_key(question)
        else:
            self._ask_for_secret(question)

    def _ask_about_key(self, question: HostKeyContent) -> None:
        dialog = ConfirmHostKey(question, self._appearance, self._window)
        dialog.answered.connect(lambda accepted: self._bridge.answer_host_key(question.target, question.key, accepted))
        self._open(dialog)

    def _ask_for_secret(self, question: SecretContent) -> None:
        dialog = AskSecret(question, self._appearance, self._window)
        dialog.answered.connect(lambda secret: self._bridge.answer_secret(question.target, secret))
        self._open(dialog)

    # -- the rest

    def copy_to_all(self) -> None:
        """Give this machine's llama.cpp to all that need it."""
        for remote in in_need_of_ours(self._bridge.state):
            self._bridge.copy_runtime(remote.id)

    def _choose_exposure(self, machine_id: str) -> None:
        content = exposure_of(self._bridge.state, machine_id)
        if content is None or self.dialog is not None:
            return
        here = own_address_towards(content.addresses[0].address) if content.addresses else None
        dialog = ChooseExposure(content, here, self._appearance, self._window)
        dialog.chosen.connect(lambda address: self._bridge.choose_exposure(machine_id, address))
        self._open(dialog)

    def _copy_commands(self, machine_id: str) -> None:
        QGuiApplication.clipboard().setText(commands_of_machine(self._bridge.state, self._name_of(machine_id)))

    def _remove(self, target: SshTarget, *, clean: bool) -> None:
        if self.dialog is not None:
            return
        dialog = confirm_remove_dialog(
            self._window, self._name_of(target.machine_id), clean=clean, n_workers=self._n_running(target.machine_id)
        )
        dialog.buttonClicked.connect(
            lambda button: (
                self._bridge.remove_machine(target, clean)
                if dialog.buttonRole(button) == QMessageBox.ButtonRole.DestructiveRole
                else None
            )
        )
        self._open(dialog)

    def _n_running(self, machine_id: str) -> int:
        prefix = f"{machine_id}/"
        workers = (worker for process in self._bridge.state.processes for worker in process.worker_ids)
        return sum(worker.startswith(prefix) for worker in workers)

    def _open(self, dialog: QDialog) -> None:
        self.dialog = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.finished.connect(self._closed)
        dialog.open()

    def _closed(self) -> None:
        self.dialog = None
        self._ask_next()

    def _target_of(self, machine_id: str) -> SshTarget | None:
        return next((remote.target for remote in remotes_of(self._bridge.state) if remote.id == machine_id), None)

    def _name_of(self, machine_id: str) -> str:
        state = self._bridge.state
        names = {machine.id: machine.name for machine in state.machines} | {
            remote.id: remote.name for remote in remotes_of(state)
        }
        return next((name for known, name in names.items() if known == machine_id), str(THIS_MACHINE))
