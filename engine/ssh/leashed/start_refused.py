"""Why a program could not be started on another machine, in one sentence for a person; and what is not sent at all."""

from __future__ import annotations

import re

from engine.errors import ProcessFailed
from engine.ssh.leashed.leash_output import CouldNotStart
from engine.vocabulary.running.process import ProcessSpec

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_ORDER_BYTES = 96 * 1024
"""Below Linux's bound of one argument (128 KiB), and what a server takes in before it must be read."""
_THIS_IS_A_BUG = "This is a bug: please report it."
_OTHER_BUILD = "Choose a build for that machine's system and processor."


def check_spec(spec: ProcessSpec, machine_name: str) -> None:
    """Raises ``ProcessFailed`` for what cannot be done there."""
    why = _why_not(spec)
    if why is not None:
        raise ProcessFailed(f"Could not start {spec.id} on {machine_name}: {why}.", advice=_THIS_IS_A_BUG)


def cannot_keep(spec: ProcessSpec, machine_name: str) -> ProcessFailed:
    """The error to raise where nothing can be left running."""
    return ProcessFailed(
        f"Could not start {spec.id} on {machine_name}: it cannot be left running there without python3.",
        advice="Start it without `keep running`, or install python3 there.",
    )


def refused(spec: ProcessSpec, machine_name: str, answer: CouldNotStart) -> ProcessFailed:
    """The error to raise for what the leash answered."""
    program = spec.argv[0]
    reason, advice = {
        "missing": (f"there is no program {program}", "Copy llama.cpp to that machine again."),
        "no-folder": (f"there is no folder {spec.folder}", "Check the path."),
        "not-allowed": (f"{program} may not be run", f"Check that it is a program and allow it there: chmod +x {program}"),
        "wrong-kind": (f"{program} is not a program for that machine", _OTHER_BUILD),
        "no-loader": (f"{program} needs a loader that that system does not have", _OTHER_BUILD),
    }.get(answer.reason, (f"{program}: {answer.words or answer.reason}", ""))
    return ProcessFailed(f"Could not start {spec.id} on {machine_name}: {reason}.", advice=advice, details=answer.words)


def no_answer(spec: ProcessSpec, machine_name: str, said: str) -> ProcessFailed:
    """The error to raise when the leash itself did not speak. ``said`` is what came instead: untrusted."""
    lines = [shown for line in said.splitlines() if (shown := "".join(c for c in line if c.isprintable()).strip())]
    last = f": {lines[-1][:200]}" if lines else ""
    return ProcessFailed(
        f"Could not start {spec.id} on {machine_name}: nothing answered there{last}.",
        advice="Check that commands can be run there: ssh to it and try python3 or sh.",
        details="\n".join(lines)[-2000:],
    )


def _why_not(spec: ProcessSpec) -> str | None:
    if not spec.argv or not spec.argv[0]:
        return "no program is named"
    if spec.reads_leash or spec.stop_line is not None or spec.first_line is not None:
        return "programs on other machines have no input"
    words = (*spec.argv, spec.folder or "", *(value for _, value in spec.environment))
    if any("\0" in word for word in words):
        return "the command holds a character that no command may hold"
    if not all(_NAME.fullmatch(name) for name, _ in spec.environment):
        return "a variable of its environment has no proper name"
    if sum(len(word.encode("utf-8", "surrogateescape")) for word in words) > _LONGEST_ORDER_BYTES:
        return "the command is too long"
    return None
