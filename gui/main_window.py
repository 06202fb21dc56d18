"""The window: header, notices, machines and plan, layer map, tabs, status line. It shows contents and passes on what is done.

One screen answers, in reading order: what have I got, what will it do, where does everything go, how well does it run.
Rejected: pages or a wizard (the four answers depend on each other), dock widgets (nobody rearranges four panels).
"""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QMainWindow, QScrollArea, QSizePolicy, QTabWidget, QVBoxLayout, QWidget

from engine.session.state import ClusterState
from gui.dialogs.choose_model import choose_model_file, choose_runtime_folder
from gui.files.drop_target import DropTarget
from gui.files.file_actions import FileActions
from gui.files.leaving import Leaving
from gui.files.model_offer import ModelOffer
from gui.header import Header
from gui.layer_map_panel import LayerMapPanel
from gui.machine_actions import MachineActions
from gui.machine_cards.machines_panel import MachinesPanel
from gui.notices import Notices
from gui.plan_panel.plan_panel import PlanPanel
from gui.session_bridge import SessionBridge
from gui.status_line import StatusLine
from gui.tabs.commands_tab import CommandsTab
from gui.tabs.history_tab import HistoryTab
from gui.tabs.logs_tab import LogsTab
from gui.tabs.throughput_tab import ThroughputTab
from gui.tabs.try_it_tab import TryItTab
from gui.theme import Appearance, Scheme
from gui.what_to_show.cards.all_cards import machines_of
from gui.what_to_show.files.document_content import document_of
from gui.what_to_show.files.drop_content import drop_of
from gui.what_to_show.files.model_offer_content import model_offer_of
from gui.what_to_show.history_content import history_of
from gui.what_to_show.layer_map_content import layer_map_of
from gui.what_to_show.logs_content import log_sources_of
from gui.what_to_show.model_chooser_content import model_chooser_of
from gui.what_to_show.plan_table_content import plan_table_of
from gui.what_to_show.status_content import primary_button_of, status_of
from gui.what_to_show.tabs_content import commands_of, try_it_of
from gui.what_to_show.throughput_content import throughput_of

_SIDE_BY_SIDE = 940
_PATIENCE_MILLISECONDS = 25_000


class MainWindow(QMainWindow):
    """Everything a person sees. ``ended`` comes once, when the session has closed."""

    ended = Signal()

    def __init__(self, bridge: SessionBridge, appearance: Appearance, settings: QSettings) -> None:
        super().__init__()
        self._bridge = bridge
        self._appearance = appearance
        self._settings = settings
        self._closing = False
        self._ended = False
        self.header = Header(appearance)
        self.notices = Notices(appearance)
        self.machines = MachinesPanel(appearance)
        self.machine_actions = MachineActions(bridge, appearance, self)
        self.files = FileActions(bridge, self)
        self.leaving = Leaving(bridge, self.files, self)
        self.model_offer = ModelOffer()
        self.plan = PlanPanel(appearance)
        self.layer_map = LayerMapPanel(appearance)
        self.tabs = QTabWidget()
        self.throughput = ThroughputTab(appearance)
        self.logs = LogsTab(appearance)
        self.try_it = TryItTab(appearance)
        self.commands = CommandsTab(appearance)
        self.history = HistoryTab(appearance)
        self.status = StatusLine()
        self.setWindowTitle("Crossply")
        self.split_cpu = QAction("Split this CPU into two workers", self)
        self.keep_running = QAction("Leave remote workers running when Crossply quits", self)
        self._lay_out()
        self.drops = DropTarget(lambda paths: drop_of(paths, bridge.state), appearance, self)
        self._make_actions()
        self._connect()
        self._restore()

    # -- showing

    def show_state(self, state: ClusterState) -> None:
        """Show a state. Every part returns early when its own content is unchanged."""
        status = status_of(state)
        chooser = model_chooser_of(state)
        self.header.show_content(chooser)
        self.split_cpu.setChecked(state.choices.cpu_workers > 1)
        self.split_cpu.setEnabled(chooser.changeable)
        self.keep_running.setChecked(state.choices.keep_running)
        self.keep_running.setEnabled(chooser.changeable)
        document = document_of(state)
        self.header.show_document(document)
        self.setWindowTitle(f"{document.name}[*] – Crossply" if document.name else "Crossply")
        self.setWindowModified(document.changed)
        self.files.show_state(state)
        self.model_offer.show_content(model_offer_of(state))
        self.header.show_primary(status.button)
        self.notices.show_content(status.banners, status.progress)
        self.machines.show_content(machines_of(state))
        self.machine_actions.show_state(state)
        self.plan.show_content(plan_table_of(state))
        self.layer_map.show_content(layer_map_of(state))
        self.throughput.show_content(throughput_of(state))
        self.logs.show_sources(log_sources_of(state))
        self.try_it.show_content(try_it_of(state))
        self.commands.show_content(commands_of(state))
        self.history.show_content(history_of(state))
        self.status.show_content(status)
        if state.closed:
            self._end()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.drops.watch()
        if self.throughput.charts is None:
            QTimer.singleShot(0, self, self._make_charts)

    def _make_charts(self) -> None:
        if self.throughput.charts is None:
            self.throughput.make_charts()

    # -- closing

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask if something runs or would be lost; then close the session and wait for it: the window goes with it."""
        if self._ended:
            event.accept()
            return
        event.ignore()
        if not self._closing:
            self.leaving.ask()

    def begin_closing(self, keep_running: bool = True) -> None:
        """Close the session without asking (also the path of SIGINT and SIGTERM)."""
        if self._closing:
            return
        self._closing = True
        self._settings.setValue("geometry", self.saveGeometry())
        self._settings.setValue("tab", self.tabs.currentIndex())
        self._bridge.close(keep_running)
        QTimer.singleShot(_PATIENCE_MILLISECONDS, self, self._end)

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._bridge.off()
        self.close()
        self.ended.emit()

    # -- doing

    def _press_primary(self) -> None:
        action = primary_button_of(self._bridge.state).action
        if action == "launch":
            self._bridge.launch()
        elif action == "stop":
            self._bridge.stop()

    def _browse(self) -> None:
        path = choose_model_file(self, self._bridge.state.choices.model_path)
        if path is not None:
            self._bridge.choose_model(path)

    def _choose_runtime(self) -> None:
        folder = choose_runtime_folder(self)
        if folder is not None:
            self._bridge.choose_runtime_folder(folder)

    def _search_logs(self) -> None:
        self.tabs.setCurrentWidget(self.logs)
        self.logs.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.logs.search.selectAll()

    def _show_log_of(self, machine: str) -> None:
        self.tabs.setCurrentWidget(self.logs)
        self.logs.show_machine(machine)

    def _ready_to_type(self, place: int) -> None:
        """Who clicks on Try it wants to write; the keyboard goes through the tabs undisturbed."""
        if self.tabs.widget(place) is self.try_it:
            self.try_it.prompt.setFocus(Qt.FocusReason.MouseFocusReason)

    def _choose_appearance(self, scheme: str, text_scale: float) -> None:
        self._settings.setValue("scheme", scheme)
        self._settings.setValue("text_scale", text_scale)
        self._appearance.show(Scheme(scheme), text_scale)

    # -- building

    def _lay_out(self) -> None:
        self._top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._top.setSpacing(8)
        self._top.addWidget(self.machines, 5)
        self._top.addWidget(self.plan, 4)
        for tab, name in (
            (self.throughput, "Throughput"),
            (self.logs, "Logs"),
            (self.try_it, "Try it"),
            (self.commands, "Commands"),
            (self.history, "History"),
        ):
            self.tabs.addTab(tab, name)
        self.tabs.tabBar().setAccessibleName("Details")
        bottom = QFrame()
        bottom.setObjectName("panel")
        bottom_box = QVBoxLayout(bottom)
        bottom_box.setContentsMargins(14, 4, 14, 10)
        bottom_box.addWidget(self.tabs)
        page = QWidget()
        page.setObjectName("page")
        box = QVBoxLayout(page)
        box.setContentsMargins(16, 8, 16, 8)
        box.setSpacing(8)
        box.addWidget(self.notices)
        box.addWidget(self.model_offer)
        box.addLayout(self._top)
        box.addWidget(self.layer_map)
        box.addWidget(bottom, 1)
        self.layer_map.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(page)
        whole = QWidget()
        outer = QVBoxLayout(whole)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.header)
        outer.addWidget(self._scroll, 1)
        outer.addWidget(self.status)
        self.setCentralWidget(whole)
        whole.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        whole.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        wide = self.width() >= self._appearance.pixels(_SIDE_BY_SIDE)
        self._top.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        self.tabs.setMinimumHeight(self._appearance.pixels(176))
        self.setMinimumSize(min(640, self._appearance.pixels(420)), 420)

    def _make_actions(self) -> None:
        entries = (
            ("Launch or stop", "Ctrl+L", self._press_primary),
            ("Add machines…", "Ctrl+M", self.machine_actions.add_machines),
            ("Open a model…", "Ctrl+O", self._browse),
            ("Choose llama.cpp programs…", "", self._choose_runtime),
            ("Search the logs", "Ctrl+F", self._search_logs),
            ("Look again", "F5", self._bridge.look_again),
            ("Quit", "Ctrl+Q", self.close),
        )
        actions = []
        for words, keys, slot in entries:
            action = QAction(words, self)
            action.setShortcut(QKeySequence(keys))
            action.triggered.connect(lambda _checked=False, slot=slot: slot())
            self.addAction(action)
            actions.append(action)
        self.header.add_menu((*self.files.actions, *actions[:-1], self.split_cpu, self.keep_running, actions[-1]))

    def _connect(self) -> None:
        bridge, header = self._bridge, self.header
        bridge.changed.connect(self.show_state)
        bridge.log_grew.connect(self.logs.add_lines)
        header.model_chosen.connect(bridge.choose_model)
        header.context_chosen.connect(bridge.choose_context)
        header.slots_chosen.connect(bridge.choose_slots)
        header.browse_asked.connect(self._browse)
        self.model_offer.browse_asked.connect(self._browse)
        self.model_offer.get_asked.connect(bridge.fetch_demo_model)
        self.drops.dropped.connect(self.files.open_path)
        self.leaving.agreed.connect(self.begin_closing)
        header.primary_pressed.connect(self._press_primary)
        header.appearance_chosen.connect(self._choose_appearance)
        self.split_cpu.setCheckable(True)
        self.split_cpu.triggered.connect(bridge.split_cpu)
        self.keep_running.setCheckable(True)
        self.keep_running.triggered.connect(bridge.keep_running)
        self.notices.dismissed.connect(bridge.dismiss)
        self.notices.cancel_asked.connect(bridge.cancel)
        self.machines.grid.switched.connect(bridge.switch_worker)
        self.machines.grid.asked.connect(self.machine_actions.do)
        self.machines.add_asked.connect(self.machine_actions.add_machines)
        self.machines.answer_asked.connect(self.machine_actions.answer_all)
        self.machine_actions.log_asked.connect(self._show_log_of)
        self.plan.policy_chosen.connect(bridge.choose_policy)
        self.plan.layout_chosen.connect(bridge.choose_layout)
        self.plan.prompt_share_chosen.connect(bridge.choose_prompt_share)
        self.plan.variant_chosen.connect(bridge.choose_variant)
        self.plan.measure_asked.connect(bridge.calibrate)
        self.plan.plans_asked.connect(bridge.measure_plans)
        self.try_it.asked.connect(bridge.ask)
        self.tabs.tabBarClicked.connect(self._ready_to_type)
        self._appearance.changed.connect(self._arrange)

    def _restore(self) -> None:
        geometry = self._settings.value("geometry")
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            self.resize(1280, 860)
        tab = str(self._settings.value("tab", 0))
        self.tabs.setCurrentIndex(int(tab) if tab.isdigit() else 0)
