"""The window: header, notices, machines and plan, layer map, tabs, status line. It shows contents and passes on what is done.

One screen answers, in reading order: what have I got, what will it do, where does everything go, how well does it run.
Rejected: pages or a wizard (the four answers depend on each other), dock widgets (nobody rearranges four panels).
"""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QMainWindow, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from engine.session.state import ClusterState
from gui.dialogs.choose_model import choose_model_file, choose_runtime_folder
from gui.header import Header
from gui.layer_map_panel import LayerMapPanel
from gui.machine_actions import MachineActions
from gui.machine_cards.machines_panel import MachinesPanel
from gui.plan_panel.plan_panel import PlanPanel
from gui.session_bridge import SessionBridge
from gui.tabs.detail_tabs import DetailTabs
from gui.theme import Appearance, Scheme
from gui.what_to_show.cards.all_cards import machines_of
from gui.what_to_show.layer_map_content import layer_map_of
from gui.what_to_show.model_chooser_content import model_chooser_of
from gui.what_to_show.plan_table_content import plan_table_of
from gui.what_to_show.status_content import primary_button_of, status_of
from gui.window.actions import WindowActions
from gui.window.closing import Closing
from gui.window.notices import Notices
from gui.window.status_line import StatusLine

_SIDE_BY_SIDE = 940


class MainWindow(QMainWindow):
    """Everything a person sees. ``ended`` comes once, when the session has closed."""

    ended = Signal()

    def __init__(self, bridge: SessionBridge, appearance: Appearance, settings: QSettings) -> None:
        super().__init__()
        self._bridge = bridge
        self._appearance = appearance
        self._settings = settings
        self.closing = Closing(bridge, self._remember, self)
        self.header = Header(appearance)
        self.notices = Notices(appearance)
        self.machines = MachinesPanel(appearance)
        self.machine_actions = MachineActions(bridge, appearance, self)
        self.plan = PlanPanel(appearance)
        self.layer_map = LayerMapPanel(appearance)
        self.tabs = DetailTabs(appearance)
        self.throughput, self.logs = self.tabs.throughput, self.tabs.logs
        self.try_it, self.commands, self.history = self.tabs.try_it, self.tabs.commands, self.tabs.history
        self.status = StatusLine()
        self.setWindowTitle("Crossply")
        self.split_cpu = QAction("Split this CPU into two workers", self)
        self.keep_running = QAction("Leave remote workers running when Crossply quits", self)
        self._lay_out()
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
        self.header.show_primary(status.button)
        self.notices.show_content(status.banners, status.progress)
        self.machines.show_content(machines_of(state))
        self.machine_actions.show_state(state)
        self.plan.show_content(plan_table_of(state))
        self.layer_map.show_content(layer_map_of(state))
        self.tabs.show_state(state)
        self.status.show_content(status)
        if state.closed:
            self._end()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.throughput.charts is None:
            QTimer.singleShot(0, self, self._make_charts)

    def _make_charts(self) -> None:
        if self.throughput.charts is None:
            self.throughput.make_charts()

    # -- closing

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask if something runs; then close the session and wait for it: the window goes when everything is stopped."""
        self.closing.answer(event)

    def begin_closing(self) -> None:
        """Close the session without asking (also the path of SIGINT and SIGTERM)."""
        self.closing.begin()

    def _end(self) -> None:
        self.closing.end()

    def _remember(self) -> None:
        self._settings.setValue("geometry", self.saveGeometry())
        self._settings.setValue("tab", self.tabs.currentIndex())

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

    def _show_card(self, machine: str) -> None:
        card = self.machines.card(machine)
        self.machines.grid.ensureWidgetVisible(card)
        self._scroll.ensureWidgetVisible(self.machines)
        card.menu_button.setFocus(Qt.FocusReason.OtherFocusReason)

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
        self.window_actions = WindowActions(entries, self)
        *others, quit_it = self.window_actions.all
        self.header.add_menu((*others, self.split_cpu, self.keep_running, quit_it))

    def _connect(self) -> None:
        bridge, header = self._bridge, self.header
        self.closing.ended.connect(self.ended)
        bridge.changed.connect(self.show_state)
        bridge.log_grew.connect(self.logs.add_lines)
        header.model_chosen.connect(bridge.choose_model)
        header.context_chosen.connect(bridge.choose_context)
        header.slots_chosen.connect(bridge.choose_slots)
        header.browse_asked.connect(self._browse)
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
        self.try_it.stop_asked.connect(bridge.stop_answer)
        self.tabs.topology.machine_chosen.connect(self._show_card)
        self.tabs.layer_map_picture_asked.connect(lambda: self.tabs.save_layer_map(self.layer_map.chart))
        self._appearance.changed.connect(self._arrange)

    def _restore(self) -> None:
        geometry = self._settings.value("geometry")
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            self.resize(1280, 860)
        tab = str(self._settings.value("tab", 0))
        self.tabs.setCurrentIndex(int(tab) if tab.isdigit() else 0)
