"""Tooltips and notices of what other machines say: Qt would take ``<b>`` or ``<img>`` in a machine's name for markup."""

from __future__ import annotations

import html

_LOOKALIKES = str.maketrans({"<": "‹", ">": "›", "&": "＆"})


def plain_notice(text: str) -> str:
    """The same text for the desktop's notifications and its tray: some desktops read markup there, others would show what
    escapes it, and none can be asked."""
    return text.translate(_LOOKALIKES)


def plain_tip(text: str) -> str:
    """The same text, never read as markup."""
    if "<" not in text and "&" not in text:
        return text
    lines = html.escape(text).replace("\n", "<br>")
    return f"<qt>{lines}</qt>"
