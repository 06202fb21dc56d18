"""The fault matrix as a page for people, from the trials alone. Pure: no figure in it is written by hand."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.faults.breaking.what_breaks import (
    SERVICE_SLACK_SECONDS,
    SILENT_LIMIT_SECONDS,
    TABLE,
    TOLD_LIMIT_SECONDS,
    BedKind,
    Phase,
)
from tests.faults.judging.judge import Outcome, Trial

SHOWN_LINES = 8
_EMPTY = "–"
_HEAD = (
    "what breaks",
    "while",
    "trials",
    "in service again",
    "refused with the reason",
    "as promised",
    "told after s (median, worst)",
    "in service after s (median, worst)",
    "of that beyond a load (median, worst)",
)


@dataclass(frozen=True, kw_only=True)
class About:
    """What the figures are of."""

    date: str
    machine: str
    versions: str
    model: str
    command: str
    minutes: float
    loads: tuple[tuple[str, float], ...]
    """Bed -> seconds of a load without a fault."""
    left_out: tuple[str, ...] = ()
    """Beds that this machine could not have, with the reason."""


def fault_matrix_page(trials: Sequence[Trial], about: About) -> str:
    """Markdown."""
    parts = [_opening(trials, about)]
    for bed in BedKind:
        rows = list(_rows(trials, bed))
        if rows:
            parts.append(f"## {bed.value[0].upper()}{bed.value[1:]}\n\n{_table(rows)}")
    parts += [_costs(trials), _failures(trials), _NOT_HERE]
    return "\n\n".join(part for part in parts if part) + "\n"


def summary(trials: Sequence[Trial]) -> str:
    """How many were as promised."""
    kills = [trial for trial in trials if trial.is_kill]
    good, good_kills = (sum(not trial.misses for trial in some) for some in (trials, kills))
    return f"{good} of {len(trials)} trials were as promised; of the kill -9 trials {good_kills} of {len(kills)}"


def _opening(trials: Sequence[Trial], about: About) -> str:
    loads = "; ".join(f"{bed} {seconds:.1f} s" for bed, seconds in about.loads)
    seconds = [trial.seen.seconds for trial in trials]
    left_out = "".join(f"\n\nNot run: {why}" for why in about.left_out)
    return f"""# What happens when something breaks

Written by `{about.command}`; do not edit. Each trial starts Crossply anew (`crossplyctl up`, real rpc-servers, llama-server
and sshd), brings it to what it shall be doing, breaks one thing for real, and looks from outside.

**{summary(trials)}.**

- *As promised*: a request at the user's address is answered within the time of a load and {SERVICE_SLACK_SECONDS:g} s
  after the fault, or a sentence says what is missing; the place and the cause are named within
  {TOLD_LIMIT_SECONDS:g} s, of what falls silent without a word within {SILENT_LIMIT_SECONDS:g} s (and the load counts from
  then); no listener is off loopback afterwards; nothing is left 5 s after the end.
- *Told after*: until the first word of it, in the terminal or in `crossplyctl status` (which is written twice a second).
- *In service after*: from the fault to the end of the first request that was answered again; requests of 2 tokens, one
  after the other. *Beyond a load*: less the time of a load without a fault ({loads}).
- Machine: {about.machine}. {about.versions}.
- Model: {about.model}.
- {about.date}; {len(trials)} trials in {about.minutes:.0f} minutes, {_spread(seconds, 1)} s each (median, worst).{left_out}"""


def _rows(trials: Sequence[Trial], bed: BedKind) -> Iterable[tuple[str, ...]]:
    for cause in TABLE:
        for phase in cause.phases:
            some = [one for one in trials if (one.cause, one.bed, one.phase) == (cause.name, bed.value, phase)]
            if some:
                yield _row(cause.name, phase, some)


def _row(name: str, phase: Phase, trials: Sequence[Trial]) -> tuple[str, ...]:
    served = [trial for trial in trials if trial.seen.served_seconds is not None]
    back = [trial.seen.served_seconds for trial in served if trial.outcome is Outcome.RECOVERED]
    beyond = [trial.seen.served_seconds - trial.seen.load_seconds for trial in served if trial.outcome is Outcome.RECOVERED]
    n_undisturbed = sum(trial.outcome is Outcome.UNDISTURBED for trial in trials)
    return (
        name,
        phase.value,
        str(len(trials)),
        str(len(back)) + (f" (and {n_undisturbed} undisturbed)" if n_undisturbed else ""),
        str(sum(trial.outcome is Outcome.REFUSED for trial in trials)),
        str(sum(not trial.misses for trial in trials)),
        _spread([trial.seen.detected_seconds for trial in trials if trial.seen.detected_seconds is not None], 2),
        _spread(back, 1),
        _spread(beyond, 1),
    )


def _spread(values: Sequence[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):.{digits}f}, {max(known):.{digits}f}" if known else _EMPTY


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    lines = [_HEAD, tuple("---" if number < 2 else "---:" for number in range(len(_HEAD))), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _costs(trials: Sequence[Trial]) -> str:
    """What it says of the price, word for word: one of each cause."""
    said: dict[str, str] = {}
    for trial in trials:
        cost = next((line for line in reversed(trial.seen.told) if "Back in" in line), "")
        if cost:
            said.setdefault(trial.cause, _plain(cost))
    if not said:
        return ""
    lines = "\n".join(f"- {cause}: {sentence}" for cause, sentence in said.items())
    return f"## What it cost, in Crossply's words\n\nOne trial of each cause:\n\n{lines}"


def _failures(trials: Sequence[Trial]) -> str:
    failed = [trial for trial in trials if trial.misses]
    if not failed:
        return "## Not as promised\n\nNone."
    return "## Not as promised\n\n" + "\n\n".join(_failure(trial) for trial in failed)


def _failure(trial: Trial) -> str:
    said = [_plain(line)[:300] for line in trial.seen.told[:SHOWN_LINES]] or ["(nothing was told)"]
    where = f"{trial.cause}, {trial.phase.value} ({trial.bed})"
    return f"**{where}**: {'; '.join(_plain(miss) for miss in trial.misses)}.\n\n" + "\n".join(f"    {line}" for line in said)


def _plain(text: str) -> str:
    """One line that Markdown leaves as it is."""
    return " ".join(text.split()).replace("|", "/").replace("<", "‹")


_NOT_HERE = """## Not in this table

A GPU that falls off the bus, a clock that jumps and a laptop that sleeps cannot be brought about here: the engine's own tests
cover them with fakes. Machines are network namespaces of one Linux machine with a real sshd each, never two real machines."""
