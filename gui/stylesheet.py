"""The one stylesheet: what Qt's own widgets look like, by role and in lengths that grow with the text.

The focus ring is two pixels of the link colour everywhere and takes its room from the padding, so that nothing moves.
Rejected: a stylesheet per theme (they drift apart).
"""

from __future__ import annotations

from string import Template

STYLESHEET = Template("""
* { font-size: ${px}px; }
QWidget { color: $text; }
QMainWindow, QDialog, QWidget#page { background: $window; }
QWidget#header, QWidget#status { background: $panel; }
QWidget#header { border-bottom: 1px solid $border; }
QWidget#status { border-top: 1px solid $border; }
QFrame#panel { background: $panel; border: 1px solid $border; border-radius: 8px; }
QFrame#banner { background: $bad_soft; border: 1px solid $bad; border-radius: 8px; }
QFrame#recovering { background: $raised; border: 1px solid $warning; border-radius: 8px; }
QFrame#recovered { background: $raised; border: 1px solid $good; border-radius: 8px; }
QFrame#question { background: $raised; border: 1px solid $link; border-radius: 8px; }
QFrame#progress { background: $raised; border: 1px solid $border; border-radius: 8px; }
QFrame#command { border: none; border-bottom: 1px solid $hairline; }
QScrollArea, QScrollArea > QWidget > QWidget#clear { background: transparent; border: none; }
QLabel { background: transparent; }
QPushButton, QToolButton { icon-size: ${icon}px; }
QLabel#brand { font-size: ${brand}px; font-weight: 600; }
QLabel#title { font-size: ${title}px; font-weight: 600; }
QLabel#name { font-weight: 600; }
QLabel#figure { font-size: ${figure}px; font-weight: 600; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="good"] { color: $good; }
QLabel[role="warning"] { color: $warning; }
QLabel[role="bad"] { color: $bad; }
QLabel[role="text"] { color: $text; }
QLabel[role="link"] { color: $link; }
QPushButton, QComboBox, QToolButton { background: $field; border: 1px solid $border; border-radius: 6px;
  padding: ${pad}px ${pad2}px; }
QPushButton:hover, QComboBox:hover, QToolButton:hover { border-color: $disabled; }
QPushButton:focus, QToolButton:focus { border: 2px solid $link; padding: ${pad_in}px ${pad2_in}px; }
QComboBox:focus { border: 2px solid $link; padding: ${pad_in}px 1px ${pad_in}px ${pad2_in}px; }
QAbstractSpinBox:focus { border: 2px solid $link;
  padding: ${pad_in}px ${drop_in}px ${pad_in}px ${pad2_in}px; }
QPushButton:disabled, QComboBox:disabled, QToolButton:disabled { color: $disabled; }
QCheckBox:disabled, QRadioButton:disabled { color: $disabled; }
QPushButton#primary { background: $accent; color: $on_accent; border: 1px solid $accent; font-weight: 600;
  padding: ${pad}px ${pad3}px; }
QPushButton#primary:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton#primary:focus { background: $accent_hover; border: 2px solid $text; padding: ${pad_in}px ${pad3_in}px; }
QPushButton#primary:disabled { background: $track; color: $disabled; border-color: $track; }
QPushButton#link { background: transparent; border: 1px solid transparent; color: $link; padding: 1px 4px; }
QPushButton#link:focus { border: 2px solid $link; padding: 0px 3px; }
QPushButton#link:checked { text-decoration: underline; }
QPushButton#link:disabled { color: $disabled; }
QToolButton#dots { background: transparent; border: 1px solid transparent; padding: 1px; }
QToolButton#dots:hover { border-color: $border; }
QToolButton#dots:focus { border: 2px solid $link; padding: 0px; }
QToolButton#dots::menu-indicator { image: none; }
QTreeWidget, QListWidget { background: $field; border: 1px solid $border; border-radius: 6px; outline: none; padding: 1px; }
QTreeWidget:focus, QListWidget:focus { border: 2px solid $link; padding: 0px; }
QTableView { background: transparent; border: 2px solid transparent; border-radius: 6px; }
QTableView:focus { border: 2px solid $link; }
QScrollArea#read { border: 2px solid transparent; border-radius: 6px; }
QScrollArea#read:focus { border: 2px solid $link; }
QTreeWidget::item, QListWidget::item { padding: ${pad}px 4px; border-bottom: 1px solid $hairline; }
QTreeWidget::item:selected, QListWidget::item:selected { background: $raised; color: $text; }
QHeaderView { background: transparent; }
QHeaderView::section { background: transparent; color: $muted; border: none; border-bottom: 1px solid $border;
  padding: ${pad}px 4px; }
QToolButton#menu::menu-indicator { image: none; }
QComboBox { padding-right: 2px; }
QComboBox::drop-down { border: none; width: ${drop}px; }
QComboBox::down-arrow { image: url("$arrow"); width: ${arrow_px}px; height: ${arrow_px}px; }
QComboBox QAbstractItemView { background: $field; border: 1px solid $border; selection-background-color: $accent;
  selection-color: $on_accent; outline: none; }
QLineEdit, QPlainTextEdit, QAbstractSpinBox { background: $field; border: 1px solid $border; border-radius: 6px;
  padding: ${pad}px; selection-background-color: $accent; selection-color: $on_accent; }
QAbstractSpinBox { padding: ${pad}px ${drop}px ${pad}px ${pad2}px; }
QAbstractSpinBox:disabled { color: $disabled; }
QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:focus { border: none; padding: 0 0 0 ${pad}px;
  background: transparent; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { subcontrol-origin: border; width: ${drop}px; border: none; }
QAbstractSpinBox::up-button { subcontrol-position: top right; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; }
QAbstractSpinBox::up-arrow { image: url("$arrow_up"); width: ${arrow_px}px; height: ${arrow_px}px; }
QAbstractSpinBox::down-arrow { image: url("$arrow"); width: ${arrow_px}px; height: ${arrow_px}px; }
QLineEdit:focus, QPlainTextEdit:focus { border: 2px solid $link; padding: ${pad_in}px; }
QLineEdit[invalid="true"] { border-color: $bad; color: $bad; }
QTabWidget::pane { border: none; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: $muted; padding: ${pad}px ${pad2}px; margin-right: ${pad}px;
  border: none; border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: $link; border-bottom: 2px solid $accent; font-weight: 600; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:focus { color: $text; border: 2px solid $link; border-radius: 4px; }
QProgressBar { background: $track; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }
QCheckBox, QRadioButton { spacing: 8px; }
QCheckBox::indicator, QRadioButton::indicator, QTreeWidget::indicator { width: ${arrow_px}px; height: ${arrow_px}px;
  border: 1px solid $muted; background: $field; border-radius: 3px; }
QRadioButton::indicator { border-radius: ${round}px; }
QCheckBox::indicator:checked, QTreeWidget::indicator:checked { background: $accent; border: 1px solid $accent;
  image: url("$check"); }
QRadioButton::indicator:checked { background: $accent; border: 1px solid $accent; image: url("$dot"); }
QCheckBox, QRadioButton { border: 2px solid transparent; border-radius: 4px; padding: 1px 2px; }
QCheckBox:focus, QRadioButton:focus { border: 2px solid $link; }
QSlider:focus { border: 2px solid $link; border-radius: 4px; }
QSlider { border: 2px solid transparent; }
QSlider::groove:horizontal { height: 4px; background: $hatch; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal { width: ${arrow_px}px; margin: -${pad_in}px 0; border-radius: 4px; background: $field;
  border: 1px solid $muted; }
QSlider::handle:horizontal:focus, QSlider::handle:horizontal:hover { border: 1px solid $link; background: $raised; }
QMenuBar { background: $panel; border-bottom: 1px solid $hairline; padding: 1px 8px; }
QMenuBar::item { background: transparent; padding: ${pad_in}px ${pad2}px; border-radius: 4px; }
QMenuBar::item:selected, QMenuBar::item:pressed { background: $accent; color: $on_accent; }
QMenu { background: $field; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: ${pad}px ${drop}px; border-radius: 4px; }
QMenu::item:selected { background: $accent; color: $on_accent; }
QMenu::item:disabled { color: $disabled; }
QMenu::item:disabled:selected { background: $track; color: $text; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }
QMenu::indicator { width: ${arrow_px}px; height: ${arrow_px}px; left: ${pad}px; }
QMenu::indicator:checked { background: $accent; border-radius: 3px; image: url("$check"); }
QMenu::indicator:exclusive:checked { background: $accent; border-radius: ${half}px; image: url("$dot"); }
QToolTip { background: $field; color: $text; border: 1px solid $border; padding: 4px; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $hatch; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; border: none; }
""")
