"""The plan panel: policy and layout, the comparison, and the verdict or the reasons why there is no plan."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gui.dialogs.worker_worths import show_worths
from gui.plan_panel.mix_slider import MixSlider
from gui.plan_panel.plan_table import PlanTable
from gui.small_parts.choosers import Chooser
from gui.small_parts.small_widgets import ElidedLabel, set_role
from gui.theme import Appearance
from gui.what_to_show.plan_table_content import PlanTableContent, layout_options, plan_as_text, policy_options

_WIDEST_CHARACTERS = 78
_MARGIN = 14


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
        self.policy = Chooser("Policy", "How the layers are shared out")
        self.layout_choice = Chooser("Layout", "How devices become rpc-server processes")
        self.mix = MixSlider(appearance)
        self.table = PlanTable(appearance)
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.reasons = QLabel()
        self.reasons.setWordWrap(True)
        self.reasons.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.reasons.setProperty("role", "text")
        self.basis = ElidedLabel(role="muted")
        self.measure = QPushButton("Measure speeds")
        self.measure.setObjectName("link")
        self.try_plans = QPushButton("Measure the best plans")
        self.try_plans.setObjectName("link")
        self.worths = QPushButton("What each worker is worth")
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
        self.policy.show_entries(policies, content.policy)
        self.layout_choice.show_entries(layouts, content.layout)
        self.mix.show_share(content.prompt_percent)
        self.mix.setVisible(content.can_mix)
        self.table.show_columns(content.columns)
        self._scroll.setVisible(bool(content.columns))
        self.verdict.setText(content.verdict)
        set_role(self.verdict, content.verdict_role)
        self.reasons.setText("\n".join(f"•  {reason}" for reason in content.reasons))
        self.reasons.setVisible(bool(content.reasons))
        self.basis.show_text(content.basis)
        self.measure.setEnabled(content.can_measure)
        self.measure.setToolTip(content.measure_words)
        self.try_plans.setEnabled(content.can_try)
        self.try_plans.setToolTip(content.try_words)
        self.worths.setVisible(bool(content.worths))
        self.worths.setToolTip("\n".join(content.worths))
        self._fit_table()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_table()

    def _fit_table(self) -> None:
        """As tall as the table and, up to a point, as wide: beyond that it scrolls sideways."""
        wanted = self.table.wanted_size()
        room = self.table.fontMetrics().averageCharWidth() * _WIDEST_CHARACTERS
        scrolls = wanted.width() > max(room, self.width() - 2 * _MARGIN)
        self._scroll.setMinimumWidth(min(wanted.width(), room))
        self._scroll.setFixedHeight(wanted.height() + (12 if scrolls else 0))

    def _lay_out(self) -> None:
        title = QLabel("Plan")
        title.setObjectName("title")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(title)
        head.addWidget(self.basis, 1)
        head.addWidget(self.policy)
        head.addWidget(self.layout_choice)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setObjectName("clear")
        self._scroll.setWidget(self.table)
        foot = QHBoxLayout()
        foot.addWidget(self.verdict, 1)
        foot.addWidget(self.worths, 0, Qt.AlignmentFlag.AlignBottom)
        foot.addWidget(self.measure, 0, Qt.AlignmentFlag.AlignBottom)
        foot.addWidget(self.try_plans, 0, Qt.AlignmentFlag.AlignBottom)
        box = QVBoxLayout(self)
        box.setContentsMargins(_MARGIN, 8, _MARGIN, 8)
        box.setSpacing(4)
        box.addLayout(head)
        box.addWidget(self.mix)
        box.addWidget(self._scroll)
        box.addLayout(foot)
        box.addWidget(self.reasons)
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
        self._appearance.changed.connect(self._fit_table)

    def _show_worths(self) -> None:
        if self._content is not None:
            show_worths(self, self._content.worths)

    def _copy_table(self) -> None:
        if self._content is not None:
            QGuiApplication.clipboard().setText(plan_as_text(self._content))
