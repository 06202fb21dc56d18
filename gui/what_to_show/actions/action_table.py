"""The table of everything that can be done from the menus, the palette and the keyboard.

A new action is one line here and one line in ``MainWindow.doings``; menu bar, header menu, palette and shortcut sheet are made
of this table. Words carry no mnemonics: these are given out when a menu is made (``mnemonics``), so that no language can have
two of the same.
Rejected: an action per widget, made where it is needed (nobody can list them, and two of them want the same keys).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from engine.session.state import ClusterState
from gui.texts.translation import mark, tr
from gui.what_to_show.actions import why_not
from gui.what_to_show.plan_edits.edit_links_content import EditLinksContent
from gui.what_to_show.settings.preferences import Preferences, Scheme


class Menu(StrEnum):
    """The menus, in the order of the menu bar."""

    FILE = mark("File")
    EDIT = mark("Edit")
    MACHINES = mark("Machines")
    RUN = mark("Run")
    VIEW = mark("View")
    HELP = mark("Help")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decides whether an action can be done and which of several is chosen."""

    state: ClusterState
    preferences: Preferences
    edits: EditLinksContent | None = None
    """What can be undone."""
    tab: str = ""
    """The tab that is in front."""
    full_screen: bool = False


def _always(_state: ClusterState) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowAction:
    """One thing that can be done."""

    key: str
    words: str
    menu: Menu
    section: int = 0
    """Sections of a menu are divided by a line."""
    submenu: str = ""
    shortcuts: tuple[str, ...] = ()
    """As Qt writes them (``Ctrl+L``); the first one is shown."""
    tip: str = ""
    why_not: Callable[[ClusterState], str] = _always
    """Why it cannot be done now, one sentence; empty when it can."""
    checked: Callable[[Facts], bool] | None = None
    """For what is on or off, or one of several: whether it is the one."""
    in_header: bool = False
    """It stands in the short menu of the header too."""
    edit: str = ""
    """Of the three steps over what was chosen (``undo``, ``redo``, ``best``) which one it is."""
    palette_words: str = ""
    """Where its words alone, without their submenu, say too little."""

    def reason(self, facts: Facts) -> str:
        """Why it cannot be done now, one sentence; empty when it can."""
        if self.edit:
            link = None if facts.edits is None else getattr(facts.edits, self.edit)
            return tr("There is no plan to edit") if link is None else ("" if link.enabled else link.words)
        return self.why_not(facts.state)

    @property
    def full_words(self) -> str:
        """As the palette calls it."""
        return self.palette_words or self.words


def window_actions(tabs: tuple[str, ...]) -> tuple[WindowAction, ...]:
    """All of them, in the order of the menus. ``tabs``: names of the tabs, which are actions of the View menu."""
    return (*_file(), *_edit(), *_machines(), *_run(), *_view(tabs), *_help())


def tab_key(name: str) -> str:
    """The key of the action that brings a tab to the front."""
    return f"tab.{name}"


def _file() -> tuple[WindowAction, ...]:
    menu = Menu.FILE
    return (
        WindowAction(key="open-model", words=tr("Open a model…"), menu=menu, shortcuts=("Ctrl+O",), why_not=why_not.change,
                     tip=tr("Choose a GGUF file"), in_header=True),
        WindowAction(key="add-model-folder", words=tr("Add a folder of models…"), menu=menu,
                     tip=tr("Where else models are looked for")),
        WindowAction(key="open-cluster", words=tr("Open a cluster…"), menu=menu, section=1, shortcuts=("Ctrl+Shift+O",),
                     why_not=why_not.change, tip=tr("Machines and choices that were saved as a file"), in_header=True),
        WindowAction(key="save-cluster", words=tr("Save the cluster"), menu=menu, section=1, shortcuts=("Ctrl+S",),
                     tip=tr("Machines and everything that was chosen, without secrets"), in_header=True),
        WindowAction(key="save-cluster-as", words=tr("Save the cluster as…"), menu=menu, section=1,
                     shortcuts=("Ctrl+Shift+S",)),
        WindowAction(key="choose-runtime", words=tr("Choose llama.cpp programs…"), menu=menu, section=2,
                     why_not=why_not.change, tip=tr("A folder with llama-server and rpc-server")),
        WindowAction(key="quit", words=tr("Quit"), menu=menu, section=9, shortcuts=("Ctrl+Q",), in_header=True),
    )  # fmt: skip


def _edit() -> tuple[WindowAction, ...]:
    menu = Menu.EDIT
    return (
        WindowAction(key="undo", words=tr("Undo"), menu=menu, shortcuts=("Ctrl+Z",), edit="undo",
                     tip=tr("The last change of what is planned")),
        WindowAction(key="redo", words=tr("Redo"), menu=menu, shortcuts=("Ctrl+Shift+Z",), edit="redo",
                     tip=tr("What was undone")),
        WindowAction(key="best", words=tr("Back to the best plan"), menu=menu, edit="best",
                     tip=tr("The fastest split that the planner finds")),
        WindowAction(key="copy-address", words=tr("Copy the API's address"), menu=menu, section=1, why_not=why_not.serve),
        WindowAction(key="copy-curl", words=tr("Copy a curl command"), menu=menu, section=1, why_not=why_not.serve,
                     tip=tr("One that asks the running model")),
        WindowAction(key="copy-script", words=tr("Copy all commands as a script"), menu=menu, section=1,
                     why_not=why_not.copy_commands),
        WindowAction(key="search-logs", words=tr("Search the logs"), menu=menu, section=2, shortcuts=("Ctrl+F",)),
        WindowAction(key="settings", words=tr("Settings…"), menu=menu, section=3, shortcuts=("Ctrl+,",), in_header=True),
    )  # fmt: skip


def _machines() -> tuple[WindowAction, ...]:
    menu = Menu.MACHINES
    return (
        WindowAction(key="add-machines", words=tr("Add machines…"), menu=menu, shortcuts=("Ctrl+M",), in_header=True,
                     tip=tr("By address, or found on the network")),
        WindowAction(key="search-machines", words=tr("Search machines"), menu=menu, shortcuts=("Ctrl+Shift+M",),
                     tip=tr("By name, state, system or device")),
        WindowAction(key="answer", words=tr("Answer what machines ask…"), menu=menu, why_not=why_not.answer),
        WindowAction(key="look-again", words=tr("Look again"), menu=menu, shortcuts=("F5",), in_header=True,
                     tip=tr("At every machine and at the llama.cpp programs")),
        WindowAction(key="build-runtime", words=tr("Build llama.cpp here"), menu=menu, section=1, why_not=why_not.build),
        WindowAction(key="copy-to-all", words=tr("Copy this machine's llama.cpp to all that need it"), menu=menu, section=1,
                     why_not=why_not.copy_to_all),
        WindowAction(key="split-cpu", words=tr("Split this CPU into two workers"), menu=menu, section=2,
                     why_not=why_not.change, checked=lambda facts: facts.state.choices.cpu_workers > 1,
                     tip=tr("They share its cores and RAM: it shows a split, it adds no speed")),
        WindowAction(key="keep-running", words=tr("Leave remote workers running when Crossply quits"), menu=menu, section=2,
                     why_not=why_not.change, checked=lambda facts: facts.state.choices.keep_running),
    )  # fmt: skip


def _run() -> tuple[WindowAction, ...]:
    menu = Menu.RUN
    return (
        WindowAction(key="launch", words=tr("Launch"), menu=menu, shortcuts=("Ctrl+L",), why_not=why_not.launch,
                     in_header=True, tip=tr("Start the workers and llama-server as planned")),
        WindowAction(key="stop", words=tr("Stop"), menu=menu, shortcuts=("Ctrl+.",), why_not=why_not.stop, in_header=True,
                     tip=tr("Stop llama-server and its workers")),
        WindowAction(key="measure-speeds", words=tr("Measure speeds"), menu=menu, section=1, why_not=why_not.measure,
                     tip=tr("A short benchmark on every worker")),
        WindowAction(key="measure-plans", words=tr("Measure the best plans"), menu=menu, section=1,
                     why_not=why_not.measure_plans,
                     tip=tr("Run the chosen plan and the best predicted others for real, in turn")),
        WindowAction(key="api-access", words=tr("Who may use the API…"), menu=menu, section=2,
                     tip=tr("This machine only, or others too, with a key")),
        WindowAction(key="open-page", words=tr("Open llama-server's own page"), menu=menu, section=2, why_not=why_not.serve),
    )  # fmt: skip


def _view(tabs: tuple[str, ...]) -> tuple[WindowAction, ...]:
    menu = Menu.VIEW
    return (
        WindowAction(key="palette", words=tr("All actions…"), menu=menu, shortcuts=("Ctrl+Shift+P", "Ctrl+K"), in_header=True,
                     tip=tr("Type what you want to do")),
        *_tabs(tabs),
        *_schemes(),
        WindowAction(key="text-larger", words=tr("Larger"), submenu=tr("Text size"), menu=menu, section=2,
                     shortcuts=("Ctrl++", "Ctrl+="), palette_words=tr("Larger text")),
        WindowAction(key="text-smaller", words=tr("Smaller"), submenu=tr("Text size"), menu=menu, section=2,
                     shortcuts=("Ctrl+-",), palette_words=tr("Smaller text")),
        WindowAction(key="text-normal", words="100%", submenu=tr("Text size"), menu=menu, section=2, shortcuts=("Ctrl+0",),
                     palette_words=tr("Text at 100%")),
        WindowAction(key="menu-bar", words=tr("Menu bar"), menu=menu, section=3, shortcuts=("Ctrl+Shift+B",),
                     checked=lambda facts: facts.preferences.menu_bar, in_header=True),
        WindowAction(key="full-screen", words=tr("Full screen"), menu=menu, section=3, shortcuts=("F11",),
                     checked=lambda facts: facts.full_screen),
    )  # fmt: skip


def _tabs(names: tuple[str, ...]) -> tuple[WindowAction, ...]:
    return tuple(
        WindowAction(
            key=tab_key(name),
            words=name,
            menu=Menu.VIEW,
            section=1,
            shortcuts=(f"Ctrl+{place}",) if place <= 9 else (),
            checked=lambda facts, name=name: facts.tab == name,  # type: ignore[misc]
            palette_words=tr("Show the tab {name}", name=name),
        )
        for place, name in enumerate(names, start=1)
    )


def _schemes() -> tuple[WindowAction, ...]:
    return tuple(
        WindowAction(
            key=f"scheme.{scheme.name}",
            words=tr(scheme.value),
            menu=Menu.VIEW,
            section=2,
            submenu=tr("Appearance"),
            checked=lambda facts, scheme=scheme: facts.preferences.scheme is scheme,  # type: ignore[misc]
            palette_words=tr("Appearance: {scheme}", scheme=tr(scheme.value)),
        )
        for scheme in Scheme
    )


def _help() -> tuple[WindowAction, ...]:
    menu = Menu.HELP
    return (
        WindowAction(key="shortcuts", words=tr("Keyboard shortcuts"), menu=menu, shortcuts=("F1", "Ctrl+?"), in_header=True),
        WindowAction(key="about", words=tr("About Crossply"), menu=menu, section=1, tip=tr("Versions and licences")),
    )
