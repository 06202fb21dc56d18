"""Takes up the person's language before the window is made: our own words, and Qt's in its file dialogs and shortcuts."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
from PySide6.QtWidgets import QApplication

from gui.assets import resources_folder
from gui.texts.language import ENGLISH, GERMAN_MARKS, Words
from gui.texts.po_file import BadCatalogue, read_po
from gui.texts.translation import take_up
from gui.what_to_show.settings.preferences import Language

logger = logging.getLogger(__name__)

_CODES = {Language.ENGLISH: "en", Language.GERMAN: "de"}


def speak(application: QApplication, wanted: Language) -> QTranslator:
    """From now on in this language. What it returns says Qt's own words; it belongs to the application."""
    code = code_of(wanted, QLocale.system().uiLanguages())
    take_up(words_of(code))
    translator = QTranslator(application)
    if code != "en" and translator.load(f"qtbase_{code}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        application.installTranslator(translator)
    return translator


def words_of(code: str) -> Words:
    """A language's words. A catalogue that is missing or broken leaves English, and a line in the log."""
    if code == "en":
        return ENGLISH
    file = resources_folder() / "translations" / f"{code}.po"
    words = Words(marks=GERMAN_MARKS, small_titles=False)
    try:
        return read_po(file.read_text(encoding="utf-8"), words)
    except (OSError, UnicodeDecodeError, BadCatalogue) as error:
        logger.warning("the translation %s cannot be used: %s", file, error)
        return ENGLISH


def code_of(wanted: Language, system: Sequence[str]) -> str:
    """``en`` or ``de``. ``system``: the names of the person's languages, the best one first (``de-AT``, ``en_GB``)."""
    if wanted is not Language.SYSTEM:
        return _CODES[wanted]
    known = (name.replace("_", "-").partition("-")[0].lower() for name in system)
    return next((code for code in known if code in _CODES.values()), "en")
