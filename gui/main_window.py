"""The window: header, notices, machines and plan, layer map, tabs, status line. It shows contents and passes on what is done.

One screen answers, in reading order: what have I got, what will it do, where does everything go, how well does it run.
Rejected: pages or a wizard (the four answers depend on each other), dock widgets (nobody rearranges four panels).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QMainWindow, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from engine.session.state import ClusterState
from gui.dialogs.choose_model import choose_model_file, choose_runtime_folder
from gui.files.drop_target import DropTarget
from gui.files.file_actions import FileActions
from gui.files.model_offer import ModelOffer
from gui.header import Header
from gui.layer_map_panel import LayerMapPanel
from gui.machine_actions import MachineActions
from gui.machine_cards.machines_panel import MachinesPanel
from gui.plan_panel.plan_panel import PlanPanel
from gui.session_bridge import SessionBridge
from gui.small_parts.plain_tips import plain_tip
from gui.tabs.detail_tabs import DetailTabs
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.actions.action_table import Facts, tab_key, window_actions
from gui.what_to_show.cards.all_cards import machines_of
from gui.what_to_show.cards.machine_order import view_as_text, view_from_text
from gui.what_to_show.files.document_content import document_of
from gui.what_to_show.files.drop_content import drop_of
from gui.what_to_show.files.model_offer_content import model_offer_of
from gui.what_to_show.layer_map_content import layer_map_of
from gui.what_to_show.model_chooser_content import model_chooser_of
from gui.what_to_show.notices_of_moments import MomentWatch
from gui.what_to_show.plan_edits.edit_links_content import edit_links_of
from gui.what_to_show.plan_table_content import plan_table_of
from gui.what_to_show.recovery_content import recovery_of
from gui.what_to_show.settings.preferences import Scheme, next_scale
from gui.what_to_show.status_content import is_running, status_of
from gui.what_to_show.tabs.tunnel_rate import TunnelRate
from gui.window.actions import WindowActions
from gui.window.closing import Closing
from gui.window.dialogs import WindowDialogs
from gui.window.notices import Notices
from gui.window.preference_store import PreferenceStore
from gui.window.remembered import keep_window, restore_window
from gui.window.status_line import StatusLine
from gui.window.tray import Tray

_SIDE_BY_SIDE = 940
_TABS_HEIGHT = 216


class MainWindow(QMainWindow):
    """Everything a person sees. ``ended`` comes once, when the session has closed."""

    ended = Signal()

    def __init__(self, bridge: SessionBridge, appearance: Appearance, settings: QSettings) -> None:
        super().__init__()
        self._bridge = bridge
        self._appearance = appearance
        self._settings = settings
        self.preferences = PreferenceStore(settings, self)
        self.dialogs = WindowDialogs(bridge, self.preferences, appearance, self, self.facts)
        self.header = Header(appearance)
        self.notices = Notices(appearance)
        self.machines = MachinesPanel(appearance)
        self.machine_actions = MachineActions(bridge, appearance, self)
        self.files = FileActions(bridge, self)
        self.closing = Closing(bridge, self.preferences, self.files, self._remember, self)
        self.model_offer = ModelOffer()
        self.plan = PlanPanel(appearance)
        self.layer_map = LayerMapPanel(appearance)
        self.tabs = DetailTabs(appearance)
        self.throughput, self.logs = self.tabs.throughput, self.tabs.logs
        self.try_it, self.commands, self.history = self.tabs.try_it, self.tabs.commands, self.tabs.history
        self.status = StatusLine()
        self._tunnel_rate = TunnelRate()
        self._moments = MomentWatch()
        self.setWindowTitle("Crossply")
        self._lay_out()
        self.window_actions = self._make_actions()
        self.status.try_it.setText(self.tabs.tabText(self.tabs.indexOf(self.try_it)))
        self.status.try_it.setToolTip(plain_tip(self.try_it.prompt.placeholderText()))
        self.split_cpu = self.window_actions.of["split-cpu"]
        self.keep_running = self.window_actions.of["keep-running"]
        self.tray = Tray([self.window_actions.of[key] for key in ("launch", "stop", "quit")], self)
        self.drops = DropTarget(lambda paths: drop_of(paths, bridge.state), appearance, self)
        self._connect()
        restore_window(self, self.tabs, settings)
        self.machines.show_view(view_from_text(str(settings.value("machines_view", ""))))
        self._apply_preferences()

    # -- showing

    def show_state(self, state: ClusterState) -> None:
        """Show a state. Every part returns early when its own content is unchanged."""
        status = status_of(state, self._tunnel_rate.see(state, time.monotonic()))
        self.header.show_content(model_chooser_of(state))
        document = document_of(state)
        self.header.show_document(document)
        self.setWindowTitle(f"{document.name}[*] – Crossply" if document.name else "Crossply")
        self.setWindowModified(document.changed)
        self.files.show_state(state)
        self.model_offer.show_content(model_offer_of(state))
        self.header.show_primary(status.button)
        self.notices.show_content(status.banners, status.progress, recovery_of(state, time.monotonic()))
        self.machines.show_content(machines_of(state))
        self.machine_actions.show_state(state)
        self.plan.show_content(plan_table_of(state))
        self.layer_map.show_content(layer_map_of(state))
        self.tabs.show_state(state)
        self.status.show_content(status)
        self._show_facts()
        self._speak_up(state, status.left)
        if state.closed:
            self._end()

    def _speak_up(self, state: ClusterState, words: str) -> None:
        """The tray's icon, and notifications while the window is not in front."""
        preferences = self.preferences.now
        self.tray.show_running(preferences.tray and is_running(state), words)
        for notification in self._moments.see(state, time.monotonic()):
            if preferences.notify and not self.isActiveWindow():
                self.tray.notify(notification)

    def _come_forward(self) -> None:
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def facts(self) -> Facts:
        """What decides which actions can be done and which are on."""
        return Facts(
            state=self._bridge.state,
            preferences=self.preferences.now,
            edits=edit_links_of(self._bridge.state, self._bridge.history),
            tab=self.tabs.tabText(self.tabs.currentIndex()),
            full_screen=self.isFullScreen(),
        )

    def _show_facts(self) -> None:
        facts = self.facts()
        if facts.edits is not None:
            self.plan.show_edits(facts.edits)
        self.window_actions.show_facts(facts)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._show_facts()

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
        self.closing.answer(event)

    def begin_closing(self, keep_running: bool = True) -> None:
        """Close the session without asking (also the path of SIGINT and SIGTERM)."""
        self.closing.begin(keep_running)

    def _end(self) -> None:
        self.closing.end()

    def _remember(self) -> None:
        keep_window(self, self.tabs, self._settings)
        self._settings.setValue("machines_view", view_as_text(self.machines.view.view))

    # -- doing

    def _press_primary(self, action: str) -> None:
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

    def _show_tab(self, place: int) -> None:
        self.tabs.setCurrentIndex(place)
        self.tabs.tabBar().setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _apply_preferences(self) -> None:
        now = self.preferences.now
        if (now.scheme, now.text_scale) != (self._appearance.scheme, self._appearance.text_scale):
            self._appearance.show(now.scheme, now.text_scale)
        self.menuBar().setVisible(now.menu_bar)
        self.header.show_menu(not now.menu_bar)
        self.tray.show_running(now.tray and is_running(self._bridge.state), "")
        self._show_facts()

    def _show_log_of_process(self, process_id: str) -> None:
        self.tabs.setCurrentWidget(self.logs)
        self.logs.show_process(process_id)

    def _show_card(self, machine: str) -> None:
        card = self.machines.card(machine)
        self._scroll.ensureWidgetVisible(self.machines)
        card.menu_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _go_and_try(self) -> None:
        self.tabs.setCurrentWidget(self.try_it)
        self._scroll.ensureWidgetVisible(self.tabs)
        self.try_it.prompt.setFocus(Qt.FocusReason.MouseFocusReason)

    def _ready_to_type(self, place: int) -> None:
        """Who clicks on Try it wants to write; the keyboard goes through the tabs undisturbed."""
        if self.tabs.widget(place) is self.try_it:
            self.try_it.prompt.setFocus(Qt.FocusReason.MouseFocusReason)

    # -- building

    def _lay_out(self) -> None:
        self._top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._top.setSpacing(8)
        self._top.addWidget(self.machines, 5)
        self._top.addWidget(self.plan, 4)
        self.tabs.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        self.tabs.setAccessibleName(tr("Details"))
        self.tabs.tabBar().setAccessibleName(tr("Details"))
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
        self.tabs.setMinimumSize(1, self._appearance.pixels(_TABS_HEIGHT))  # never for what it asks for: it scrolls inside
        self.setMinimumSize(min(640, self._appearance.pixels(420)), 420)

    def _doings(self) -> dict[str, Callable[[], object]]:
        """What each action of the table does."""
        bridge, preferences = self._bridge, self.preferences
        return {
            "open-model": self._browse,
            "add-model-folder": self.files.choose_model_folder,
            "open-cluster": self.files.choose_and_open,
            "save-cluster": self.files.save,
            "save-cluster-as": self.files.choose_and_save,
            "choose-runtime": self._choose_runtime,
            "quit": self.close,
            "undo": bridge.undo,
            "redo": bridge.redo,
            "best": bridge.back_to_best,
            "copy-address": self.status.copy_address.click,
            "copy-curl": self.status.copy_curl.click,
            "copy-script": self.tabs.copy_script,
            "search-logs": self._search_logs,
            "settings": self.dialogs.show_settings,
            "add-machines": self.machine_actions.add_machines,
            "search-machines": self.machines.search_machines,
            "answer": self.machine_actions.answer_all,
            "look-again": bridge.look_again,
            "build-runtime": bridge.install_runtime,
            "copy-to-all": self.machine_actions.copy_to_all,
            "split-cpu": lambda: bridge.split_cpu(self.split_cpu.isChecked()),
            "keep-running": lambda: bridge.keep_running(self.keep_running.isChecked()),
            "launch": bridge.launch,
            "stop": bridge.stop,
            "measure-speeds": bridge.calibrate,
            "measure-plans": bridge.measure_plans,
            "api-access": self.dialogs.show_api_access,
            "open-page": self.status.open.click,
            "palette": self.dialogs.show_palette,
            "text-larger": lambda: preferences.set(text_scale=next_scale(preferences.now.text_scale, 1)),
            "text-smaller": lambda: preferences.set(text_scale=next_scale(preferences.now.text_scale, -1)),
            "text-normal": lambda: preferences.set(text_scale=1.0),
            "menu-bar": lambda: preferences.set(menu_bar=not preferences.now.menu_bar),
            "full-screen": lambda: self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen),
            "shortcuts": self.dialogs.show_shortcuts,
            "about": self.dialogs.show_about,
            **{f"scheme.{scheme.name}": partial(preferences.set, scheme=scheme) for scheme in Scheme},
            **{tab_key(self.tabs.tabText(place)): partial(self._show_tab, place) for place in range(self.tabs.count())},
        }

    def _make_actions(self) -> WindowActions:
        names = tuple(self.tabs.tabText(place) for place in range(self.tabs.count()))
        actions = WindowActions(window_actions(names), self._doings(), self)
        actions.fill_menus(self.menuBar(), self.header.menu, {"open-cluster": self.files.recent_clusters})
        self.dialogs.know(actions)
        return actions

    def _connect(self) -> None:
        bridge, header = self._bridge, self.header
        self.closing.ended.connect(self.ended)
        bridge.changed.connect(self.show_state)
        bridge.log_grew.connect(self.logs.add_lines)
        header.model_chosen.connect(bridge.choose_model)
        header.context_chosen.connect(bridge.choose_context)
        header.slots_chosen.connect(bridge.choose_slots)
        header.cache_type_chosen.connect(bridge.choose_cache_type)
        header.browse_asked.connect(self._browse)
        self.model_offer.browse_asked.connect(self._browse)
        self.model_offer.get_asked.connect(bridge.fetch_demo_model)
        self.drops.dropped.connect(self.files.open_path)
        header.primary_pressed.connect(self._press_primary)
        self.tray.opened.connect(self._come_forward)
        self.preferences.changed.connect(self._apply_preferences)
        self.tabs.currentChanged.connect(self._show_facts)
        self.notices.connect_to(bridge)
        self.machines.grid.switched.connect(bridge.switch_worker)
        self.machines.grid.asked.connect(self.machine_actions.do)
        self.machines.grid.worker_asked.connect(self.machine_actions.do_with_worker)
        self.machines.add_asked.connect(self.machine_actions.add_machines)
        self.machines.answer_asked.connect(self.machine_actions.answer_all)
        self.machine_actions.log_asked.connect(self._show_log_of)
        self.machine_actions.process_log_asked.connect(self._show_log_of_process)
        self.plan.policy_chosen.connect(bridge.choose_policy)
        self.plan.layout_chosen.connect(bridge.choose_layout)
        self.plan.prompt_share_chosen.connect(bridge.choose_prompt_share)
        self.plan.variant_chosen.connect(bridge.choose_variant)
        self.plan.measure_asked.connect(bridge.calibrate)
        self.plan.plans_asked.connect(bridge.measure_plans)
        self.plan.edits.best_asked.connect(bridge.back_to_best)
        self.plan.edits.undo_asked.connect(bridge.undo)
        self.plan.edits.redo_asked.connect(bridge.redo)
        bridge.edited.connect(self._show_facts)
        self.layer_map.chart.boundary_moved.connect(bridge.move_boundary)
        self.layer_map.chart.move_begun.connect(bridge.begin_gesture)
        self.layer_map.chart.move_ended.connect(bridge.end_gesture)
        self.layer_map.chart.move_cancelled.connect(bridge.cancel_gesture)
        self.status.try_it.clicked.connect(self._go_and_try)
        self.try_it.asked.connect(bridge.ask)
        self.try_it.stop_asked.connect(bridge.stop_answer)
        self.tabs.topology.machine_chosen.connect(self._show_card)
        self.tabs.layer_map_picture_asked.connect(lambda: self.tabs.save_layer_map(self.layer_map.chart))
        self.tabs.tabBarClicked.connect(self._ready_to_type)
        self._appearance.changed.connect(self._arrange)
