"""The tabs at the bottom. Only the one in front is given its content: what is hidden costs nothing.

The logs are the exception, for their lines go by and would be lost; they keep them and write them when they are shown.
Rejected: feeding all of them (ten times a second, while an answer streams: four charts, a table and a map that nobody sees).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QTabWidget, QWidget

from engine.session.state import ClusterState
from engine.settings.history.record_json import record_to_json
from gui.charts.pictures import ChartsPicture, save_widget
from gui.tabs.commands_tab import CommandsTab
from gui.tabs.history_tab import HistoryTab
from gui.tabs.logs_tab import LogsTab
from gui.tabs.throughput_bar import CHARTS_PNG, CHARTS_SVG, FIGURES_CSV
from gui.tabs.throughput_tab import ThroughputTab
from gui.tabs.topology_tab import TopologyTab
from gui.tabs.try_it_tab import TryItTab
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.tabs.history_content import CSV_TITLES, history_csv_rows, history_of
from gui.what_to_show.tabs.logs_content import log_sources_of
from gui.what_to_show.tabs.tabs_content import commands_as_script, commands_of, try_it_of
from gui.what_to_show.tabs.throughput_content import inputs_of, throughput_of
from gui.what_to_show.tabs.topology_content import topology_of
from gui.what_to_show.watching.figures_table import csv_text, figures_table_of, picture_title, suggested_name


class DetailTabs(QTabWidget):
    """Shows a ``ClusterState`` in whichever tab is in front."""

    layer_map_picture_asked = Signal()
    """The person wants the layer map as a picture; it is not in here."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._state = ClusterState()
        self._shown: dict[QWidget, tuple[object, ...]] = {}
        self.throughput = ThroughputTab(appearance)
        self.topology = TopologyTab(appearance)
        self.logs = LogsTab(appearance)
        self.try_it = TryItTab(appearance)
        self.commands = CommandsTab(appearance)
        self.history = HistoryTab(appearance)
        self._feeds: dict[QWidget, Callable[[ClusterState], None]] = {
            self.throughput: self._show_throughput,
            self.topology: lambda state: self.topology.show_content(topology_of(state)),
            self.try_it: lambda state: self.try_it.show_content(try_it_of(state)),
            self.commands: lambda state: self.commands.show_content(commands_of(state)),
            self.history: lambda state: self.history.show_content(history_of(state)),
        }
        for tab, name in (
            (self.throughput, tr("Throughput")),
            (self.topology, tr("Topology")),
            (self.logs, tr("Logs")),
            (self.try_it, tr("Try it")),
            (self.commands, tr("Commands")),
            (self.history, tr("History")),
        ):
            self.addTab(tab, name)
        self.tabBar().setAccessibleName(tr("Details"))
        self.currentChanged.connect(lambda _place: self._show_current())
        self.throughput.changed.connect(self._show_current)
        self.throughput.bar.save_asked.connect(self._save)
        self.history.csv_asked.connect(self._save_history)
        self.history.record_asked.connect(self._save_record)

    def show_state(self, state: ClusterState) -> None:
        """The newest one."""
        self._state = state
        self.logs.show_sources(log_sources_of(state))
        self._show_current()

    def copy_script(self) -> None:
        """All commands of the newest state to the clipboard, whichever tab is in front."""
        QGuiApplication.clipboard().setText(commands_as_script(commands_of(self._state)))

    def _show_current(self) -> None:
        feed = self._feeds.get(self.currentWidget())
        if feed is not None:
            feed(self._state)

    def _show_throughput(self, state: ClusterState) -> None:
        """Made anew only when something of what it is made of is another object: a thousand readings are not compared."""
        window, as_table = self.throughput.bar.window_of_time, self.throughput.table_in_front
        inputs = (*inputs_of(state), window, as_table)
        before = self._shown.get(self.throughput, ())
        if len(before) == len(inputs) and all(old is new for old, new in zip(before, inputs, strict=True)):
            return
        self._shown[self.throughput] = inputs
        self.throughput.show_content(throughput_of(state, window))
        if as_table and not self.throughput.table.hasFocus():  # whoever reads in it is not pushed about every second
            self.throughput.show_table(figures_table_of(state))

    def _save(self, kind: str) -> None:
        line, now = self.throughput.bar.saved, time.time()
        if kind == FIGURES_CSV:
            table = figures_table_of(self._state)
            text = csv_text(table.titles, table.rows)
            line.save_text(tr("Save the figures"), suggested_name("throughput", now, "csv"), tr("CSV tables (*.csv)"), text)
        elif kind in (CHARTS_PNG, CHARTS_SVG):
            charts = [(block.title, block.chart) for block in self.throughput.blocks if not block.is_empty]
            picture = ChartsPicture(picture_title(self._state, now), charts, self._appearance)
            ending = "png" if kind == CHARTS_PNG else "svg"
            write = picture.save_png if kind == CHARTS_PNG else picture.save_svg
            name = suggested_name("throughput", now, ending)
            line.save(
                tr("Save the charts"), name, tr("{kind} pictures (*.{ending})", kind=ending.upper(), ending=ending), write
            )
        else:
            self.layer_map_picture_asked.emit()

    def save_layer_map(self, layer_map: QWidget) -> None:
        """As it is drawn now."""
        background = self._appearance.colour("panel")
        name = suggested_name("layer-map", time.time(), "png")
        saved = self.throughput.bar.saved
        saved.save(
            tr("Save the layer map"), name, tr("PNG pictures (*.png)"), lambda path: save_widget(layer_map, path, background)
        )

    def _save_history(self) -> None:
        """The runs that are shown."""
        shown = {row.id for row in self.history.rows}
        text = csv_text(CSV_TITLES, history_csv_rows(tuple(run for run in self._state.history if run.id in shown)))
        name = suggested_name("history", time.time(), "csv")
        self.history.saved.save_text(tr("Save the history"), name, tr("CSV tables (*.csv)"), text)

    def _save_record(self, run_id: str) -> None:
        record = next((run for run in self._state.history if run.id == run_id), None)
        if record is not None:
            name = f"crossply-run-{run_id}.json"
            self.history.saved.save_text(tr("Save the run"), name, tr("Run records (*.json)"), record_to_json(record))
