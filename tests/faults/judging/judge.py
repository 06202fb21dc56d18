"""What a trial showed, and whether that is what was promised. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.breaking.what_breaks import SERVICE_SLACK_SECONDS, Cause, Expected, Phase

SAYS_WHAT_IS_MISSING = r"is not reachable|are missing|B missing|do(es)? not fit|no worker to plan|cannot go on\. \w"
"""A refusal says one of these; "launch again" alone does not tell what there is to do."""


SHOWS_A_BUG = r"has a bug|^Traceback|\nTraceback"


class Outcome(StrEnum):
    """How a trial ended."""

    RECOVERED = "in service again"
    REFUSED = "refused with the reason"
    UNDISTURBED = "undisturbed"
    ENDED = "ended, not recovered"
    NO_SERVICE = "neither in service nor refused in time"
    NOT_BROUGHT_ABOUT = "the fault could not be brought about"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The facts of one trial. Times count from the fault."""

    detected_seconds: float | None
    """Until the first word of it."""
    served_seconds: float | None
    """Until a request at the user's address was answered again; ``None`` = it was not."""
    ended_seconds: float | None
    """Until Crossply had ended or said that it gives up; ``None`` = it did neither."""
    load_seconds: float
    """A load without a fault, from the start of the workers to ready."""
    told: tuple[str, ...]
    """What was told from the fault on."""
    decode_before: float | None = None
    """Tokens per second, as told."""
    decode_after: float | None = None
    exposed: tuple[str, ...] = ()
    """Listeners off loopback."""
    left: tuple[str, ...] = ()
    """What was still there some seconds after the end."""
    trouble: str = ""
    """Why the trial itself failed."""
    seconds: float = 0.0
    """All of the trial."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One of them, judged."""

    cause: str
    bed: str
    phase: Phase
    is_kill: bool
    outcome: Outcome
    misses: tuple[str, ...]
    """What was not as promised; empty = it was."""
    seen: Seen


def judged(cause: Cause, phase: Phase, place: str, seen: Seen) -> Trial:
    """Compare with what was promised."""
    outcome = outcome_of(seen)
    return Trial(
        cause=cause.name,
        bed=cause.bed.value,
        phase=phase,
        is_kill=cause.is_kill,
        outcome=outcome,
        misses=_misses(cause, place, seen, outcome),
        seen=seen,
    )


def outcome_of(seen: Seen) -> Outcome:
    """What came first: service, or the end."""
    if seen.trouble:
        return Outcome.NOT_BROUGHT_ABOUT
    if seen.served_seconds is not None:
        return Outcome.UNDISTURBED if seen.detected_seconds is None else Outcome.RECOVERED
    if seen.ended_seconds is None:
        return Outcome.NO_SERVICE
    return Outcome.REFUSED if re.search(SAYS_WHAT_IS_MISSING, "\n".join(seen.told)) else Outcome.ENDED


def _misses(cause: Cause, place: str, seen: Seen, outcome: Outcome) -> tuple[str, ...]:
    if seen.trouble:
        return (seen.trouble,)
    allowed = {
        Expected.SERVICE: (Outcome.RECOVERED, Outcome.REFUSED),
        Expected.REFUSAL: (Outcome.REFUSED,),
        Expected.UNDISTURBED: (Outcome.UNDISTURBED, Outcome.RECOVERED),
    }[cause.expected]
    misses = [] if outcome in allowed else [outcome.value]
    if outcome is not Outcome.UNDISTURBED:
        misses += _telling(cause, place, seen)
    misses += _in_time(cause, seen, outcome)
    misses += ["people were shown a bug"] if re.search(SHOWS_A_BUG, "\n".join(seen.told)) else []
    misses += [f"off loopback: {what}" for what in seen.exposed]
    misses += [f"left behind: {what}" for what in seen.left]
    return tuple(misses)


def _telling(cause: Cause, place: str, seen: Seen) -> list[str]:
    if seen.detected_seconds is None:
        return ["nothing was said of it"]
    told = "\n".join(seen.told)
    late = seen.detected_seconds > cause.detection_limit_seconds
    misses = [f"said only after {seen.detected_seconds:.1f} s"] if late else []
    misses += [] if re.search(place, told) else ["the place was not named"]
    return misses + ([] if re.search(cause.words, told) else ["the cause was not named"])


def _in_time(cause: Cause, seen: Seen, outcome: Outcome) -> list[str]:
    """Silence is not noticed at once: from the word of it on, then."""
    if outcome is not Outcome.RECOVERED or seen.served_seconds is None:
        return []
    silence = min(seen.detected_seconds or 0.0, cause.detection_limit_seconds) if cause.is_silent else 0.0
    over = seen.served_seconds - silence - seen.load_seconds - SERVICE_SLACK_SECONDS
    return [f"in service {over:.1f} s later than a load and {SERVICE_SLACK_SECONDS:g} s"] if over > 0 else []
