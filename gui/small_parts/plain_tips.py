"""Tooltips of texts that come from other machines: Qt would take ``<b>`` or ``<img>`` in a machine's name for markup."""

from __future__ import annotations

import html


def plain_tip(text: str) -> str:
    """The same text, never read as markup."""
    if "<" not in text and "&" not in text:
        return text
    lines = html.escape(text).replace("\n", "<br>")
    return f"<qt>{lines}</qt>"
