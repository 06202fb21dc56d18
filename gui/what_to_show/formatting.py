"""Numbers for people. Memory is in decimal units (1 GB = 1,000,000,000 bytes), as in the planner's own sentences.

Rejected: binary units (exact for RAM, but the planner, file sizes and boxes of cards speak decimal, and two units for the
same memory in one window are worse than either), one unit for everything (0.3 GB and 24,000 MB are both hard to read) and
separators of the system's locale (a window speaks one language: its numbers are written as its words are; commands and files
have numbers of their own making).
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.planning.words.amounts import amount
from gui.texts.translation import mark_n, number, tr, tr_n

_KIB = 1024
NOT_KNOWN = "–"
_COUNTED = {
    "layer": mark_n("{n} layer", "{n} layers"),
    "worker": mark_n("{n} worker", "{n} workers"),
    "machine": mark_n("{n} machine", "{n} machines"),
    "other machine": mark_n("{n} other machine", "{n} other machines"),
    "device": mark_n("{n} device", "{n} devices"),
    "core": mark_n("{n} core", "{n} cores"),
    "slot": mark_n("{n} slot", "{n} slots"),
    "token": mark_n("{n} token", "{n} tokens"),
    "part": mark_n("{n} part", "{n} parts"),
    "tunnel": mark_n("{n} tunnel", "{n} tunnels"),
    "rpc-server": mark_n("{n} rpc-server", "{n} rpc-servers"),
    "other": mark_n("{n} other", "{n} others"),
    "more build": mark_n("{n} more build", "{n} more builds"),
}
"""What is counted; a new thing is one line here."""


def bytes_text(n_bytes: int) -> str:
    """``19.8 GB``, ``812 MB``, ``0 MB``."""
    if n_bytes >= 10**12:
        return f"{number(n_bytes / 10**12, '.1f')} TB"
    if n_bytes >= 10**9:
        return f"{number(n_bytes / 10**9, '.1f')} GB"
    return f"{number(n_bytes / 10**6, '.0f')} MB"


def bytes_of_bytes_text(done: int, total: int) -> str:
    """``8.1 of 18.9 GB``: the unit is said once when it is the same."""
    done_number, done_unit = bytes_text(done).split(" ")
    total_text = bytes_text(total)
    so_far = done_number if total_text.endswith(done_unit) else f"{done_number} {done_unit}"
    return tr("{done} of {total}", done=so_far, total=total_text)


def lacking_text(n_bytes: int) -> str:
    """By how much something is too large: ``3.2 GB``, rounded up as in the planner's own sentences."""
    digits, unit = amount(n_bytes).split(" ")
    return f"{number(float(digits), '.1f' if '.' in digits else '.0f')} {unit}"


def rate_text(tokens_per_second: float | None) -> str:
    """Three significant figures, no unit: ``18.4``, ``540``, ``0.92``; a dash when not known."""
    if tokens_per_second is None:
        return NOT_KNOWN
    if tokens_per_second >= 100:
        return number(tokens_per_second, ",.0f")
    return number(tokens_per_second, ".1f" if tokens_per_second >= 1 else ".2f")


def rate_with_unit(tokens_per_second: float | None) -> str:
    """``18.4 tok/s`` or a dash."""
    return NOT_KNOWN if tokens_per_second is None else f"{rate_text(tokens_per_second)} tok/s"


def percent_text(fraction: float) -> str:
    """``43%``."""
    return tr("{percent}%", percent=number(fraction * 100, ".0f"))


def share_text(fraction: float) -> str:
    """A part of a whole, also a small one: ``43%``, ``1.2%``, ``under 0.1%``."""
    percent = fraction * 100
    if percent < 0.1:
        return tr("under {percent}%", percent=number(0.1, ".1f"))
    return tr("{percent}%", percent=number(percent, ".1f" if percent < 10 else ".0f"))


def milliseconds_text(seconds: float) -> str:
    """``0.43 ms``, ``54 ms``, ``1,240 ms``."""
    milliseconds = seconds * 1000
    if milliseconds < 10:
        return f"{number(milliseconds, '.2g')} ms" if milliseconds < 1 else f"{number(milliseconds, '.1f')} ms"
    return f"{number(milliseconds, ',.0f')} ms"


def difference_text(measured: float | None, predicted: float | None) -> str:
    """How far the measured figure is from the predicted one: ``−1.6%``; empty when either is missing."""
    if measured is None or not predicted:
        return ""
    share = (measured - predicted) / predicted
    sign = "+" if share >= 0 else "−"
    return sign + tr("{percent}%", percent=number(abs(share) * 100, ".1f"))


def duration_text(seconds: float) -> str:
    """``0.92 s``, ``14 s``, ``2 min 5 s``."""
    if seconds < 10:
        return f"{number(seconds, '.2f')} s"
    if seconds < 60:
        return f"{number(seconds, '.0f')} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def tokens_text(n_tokens: int) -> str:
    """``4k`` for 4096, ``1M`` for 1048576, else the number."""
    if n_tokens >= _KIB**2 and n_tokens % _KIB**2 == 0:
        return f"{n_tokens // _KIB**2}M"
    return f"{n_tokens // _KIB}k" if n_tokens >= _KIB and n_tokens % _KIB == 0 else number(n_tokens, ",")


def round_trip_text(seconds: float) -> str:
    """``0.31 ms``, ``24 ms``."""
    milliseconds = seconds * 1000
    return f"{number(milliseconds, '.2f')} ms" if milliseconds < 10 else f"{number(milliseconds, '.0f')} ms"


def bit_rate_text(bytes_per_second: float) -> str:
    """``940 Mbit/s``, ``9.4 Gbit/s``: networks are spoken of in bits."""
    megabits = bytes_per_second * 8 / 10**6
    return f"{number(megabits / 1000, '.1f')} Gbit/s" if megabits >= 1000 else f"{number(megabits, '.0f')} Mbit/s"


def count_text(n: int, thing: str) -> str:
    """``1 layer``, ``2 layers``."""
    one, many = _COUNTED[thing]
    return tr_n(one, many, n)


def held_text(n_layers: int, *, output: bool) -> str:
    """What a worker holds: ``2 layers``, ``10 layers and the output head``."""
    layers = count_text(n_layers, "layer")
    return tr("{layers} and the output head", layers=layers) if output else layers


def and_text(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return tr("{names} and {last}", names=", ".join(names[:-1]), last=names[-1])


def layers_text(first: int | None, last: int | None, *, output: bool) -> str:
    """``0–9``, ``12`` for one layer, ``30–39 +`` with the output head, ``out`` for the head alone, ``none``."""
    if first is None or last is None:
        return tr("out") if output else tr("none")
    span = str(first) if first == last else f"{first}–{last}"
    return f"{span} +" if output else span


def file_name(path: str) -> str:
    """The last part of a path, with either kind of separator."""
    return path.replace("\\", "/").rpartition("/")[2]
