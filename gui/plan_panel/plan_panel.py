"""The plan panel: policy and layout, the comparison, and the verdict or the reasons why there is no plan."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gui.dialogs.sheets.worker_worths import show_worths
from gui.plan_panel.edit_links import EditLinks
from gui.plan_panel.mix_slider import MixSlider
from gui.plan_panel.plan_table import PlanTable
from gui.small_parts.choosers import Chooser
from gui.small_parts.plain_label import PlainLabel
from gui.small_parts.plain_tips import plain_tip
from gui.small_parts.small_widgets import ElidedLabel, set_role
from gui.small_parts.wrapping_row import WrappingRow
from gui.texts.translation import tr
from gui.theme import Appearance
from gui.what_to_show.plan_edits.edit_links_content import EditLinksContent
from gui.what_to_show.plan_table_content import PlanTableContent, layout_options, plan_as_text, policy_options

_SHARE_OF_WINDOW = 0.56
_MARGIN = 14
_BAR = 12


class PlanPanel(QFrame):
    """Shows a ``PlanTableContent``; says what was chosen."""

    policy_chosen = Signal(str)
    layout_chosen = Signal(str)
    variant_chosen = Signal(str, str, str)
    measure_asked = Signal()
    plans_asked = Signal()
    prompt_share_chosen = Signal(int)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._appearance = appearance
        self._content: PlanTableContent | None = None
        self.policy = Chooser(tr("Policy"), tr("How the layers are shared out"))
        self.layout_choice = Chooser(tr("Layout"), tr("How devices become rpc-server processes"))
        self.edits = EditLinks()
        self.mix = MixSlider(appearance)
        self.table = PlanTable(appearance)
        self.verdict = PlainLabel()
        self.verdict.setWordWrap(True)
        self.reasons = PlainLabel()
        self.reasons.setWordWrap(True)
        self.reasons.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.reasons.setProperty("role", "text")
        self.basis = ElidedLabel(role="muted")
        self.measure = QPushButton(tr("Measure speeds"))
        self.measure.setObjectName("link")
        self.try_plans = QPushButton(tr("Measure the best plans"))
        self.try_plans.setObjectName("link")
        self.worths = QPushButton(tr("What each worker is worth"))
        self.worths.setObjectName("link")
        self._lay_out()
        self._connect()

    def show_content(self, content: PlanTableContent) -> None:
        """Show it, if it is another one."""
        if content == self._content:
            return
        self._content = content
        policies = tuple((option.key, option.label, option.words) for option in policy_options())
        layouts = tuple((option.key, option.label, option.words) for option in layout_options())
        self.policy.setPlaceholderText(content.instead_of_policy)
        self.policy.show_entries(policies, content.policy)
        self.layout_choice.show_entries(layouts, content.layout)
        self.mix.show_share(content.prompt_percent)
        self.mix.setVisible(content.can_mix)
        self.table.show_columns(content.columns, content.row_words)
        self._scroll.setVisible(bool(content.columns))
        self.verdict.setText(content.verdict)
        self.verdict.setToolTip(plain_tip(content.verdict_words))
        set_role(self.verdict, content.verdict_role)
        self.reasons.setText("\n".join(f"•  {reason}" for reason in content.reasons))
        self.reasons.setVisible(bool(content.reasons))
        self.basis.show_text(content.basis)
        self.measure.setEnabled(content.can_measure)
        self.measure.setToolTip(plain_tip(content.measure_words))
        self.try_plans.setEnabled(content.can_try)
        self.try_plans.setToolTip(plain_tip(content.try_words))
        self.measure.setVisible(bool(content.columns) or content.can_measure)
        self.try_plans.setVisible(bool(content.columns) or content.can_try)
        self.worths.setVisible(bool(content.worths))
        self.worths.setToolTip(plain_tip("\n".join(content.worths)))
        self._fit_table()

    def show_edits(self, content: EditLinksContent) -> None:
        """What can be undone."""
        self.edits.show_content(content)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_table()

    def _fit(self) -> None:
        """The choosers are shorter than their longest entry rather than wider than the window."""
        self.policy.setMinimumWidth(self._appearance.pixels(106))
        self.layout_choice.setMinimumWidth(self._appearance.pixels(118))
        self._fit_table()

    def _fit_table(self) -> None:
        """As tall as the table and, up to a point, as wide: beyond that it scrolls sideways. There is always room for the bar
        that it scrolls with, or a column that is added while a boundary is dragged would move the map under the mouse."""
        wanted = self.table.wanted_size()
        room = round(self.window().width() * _SHARE_OF_WINDOW)
        self.table.setMinimumWidth(self.table.whole_width)  # at once: the scroll area hears of it only later, or not
        self._scroll.setMinimumWidth(min(wanted.width(), room))
        self._scroll.setFixedHeight(wanted.height() + _BAR)

    def _lay_out(self) -> None:
        title = PlainLabel(tr("Plan"))
        title.setObjectName("title")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(title)
        head.addWidget(self.edits)
        head.addStretch(1)
        head.addWidget(self.policy)
        head.addWidget(self.layout_choice)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setObjectName("clear")
        self._scroll.setWidget(self.table)
        aim = QHBoxLayout()
        aim.setSpacing(12)
        aim.addWidget(self.mix)
        aim.addWidget(self.basis, 1)
        foot = WrappingRow(spacing=0)
        for link in (self.worths, self.measure, self.try_plans):
            foot.addWidget(link)
        box = QVBoxLayout(self)
        box.setContentsMargins(_MARGIN, 8, _MARGIN, 8)
        box.setSpacing(4)
        box.addLayout(head)
        box.addLayout(aim)
        box.addWidget(self._scroll)
        box.addWidget(self.verdict)
        box.addWidget(self.reasons)
        box.addLayout(foot)
        box.addStretch(1)

    def _connect(self) -> None:
        self.policy.picked.connect(self.policy_chosen)
        self.layout_choice.picked.connect(self.layout_chosen)
        self.mix.chosen.connect(self.prompt_share_chosen)
        self.table.chosen.connect(self.variant_chosen)
        self.measure.clicked.connect(self.measure_asked)
        self.try_plans.clicked.connect(self.plans_asked)
        self.worths.clicked.connect(self._show_worths)
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self.table)
        copy.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        copy.activated.connect(self._copy_table)
        self._appearance.changed.connect(self._fit)
        self._fit()

    def _show_worths(self) -> None:
        if self._content is not None:
            show_worths(self, self._content.worths)

    def _copy_table(self) -> None:
        if self._content is not None:
            QGuiApplication.clipboard().setText(plan_as_text(self._content))
