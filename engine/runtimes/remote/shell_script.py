"""Runs a small POSIX shell program of ours on a remote machine and reads its answer strictly.

The program goes to ``sh -s`` through its standard input: nothing is written there, the login shell (fish, csh, zsh) sees one
short quoted line, and arguments are quoted words that are never parsed as program. The answer is cut into sections by lines
that begin with a random word, so that a greeting of the login shell, or a program that prints what it likes, is not mistaken
for one; an answer without the last section is no answer. Rejected: a Python program for machines that have python3 (what is
asked here is listing folders and starting programs, a shell does it everywhere, and one way is tested once).
"""

from __future__ import annotations

import secrets
import shlex
from dataclasses import dataclass

from engine.errors import ProbeFailed, ProbeTimedOut
from engine.ports import CancelToken
from engine.remote_ports import RemoteShell

_MOST_BYTES = 4 * 1024 * 1024
_END = "end"
_FRAME = """\
LC_ALL=C; export LC_ALL
umask 077
nonce=$1; shift
say() {{ printf '\\n%s %s\\n' "$nonce" "$1"; }}
limited() {{  # run a program for at most $1 seconds, its errors among its output
    seconds=$1; shift
    "$@" 2>&1 &
    program=$!
    (  # told to end between the two traps, it knows of a sleep that it must still end; -9, as a sleep that is not yet a
       # program of its own would take the trap for its own and stay
        over=; trap 'over=yes' TERM
        sleep "$seconds" >/dev/null 2>&1 & nap=$!
        trap 'kill -9 "$nap" 2>/dev/null; exit 0' TERM
        [ "$over" ] && {{ kill -9 "$nap" 2>/dev/null; exit 0; }}
        wait "$nap"
        kill -9 "$program" 2>/dev/null && echo "It did not end within $seconds seconds."
    ) &
    watch=$!
    wait "$program" 2>/dev/null
    status=$?
    kill "$watch" 2>/dev/null
    wait "$watch" 2>/dev/null
    return "$status"
}}
main() {{
{body}
}}
main "$@" </dev/null
say end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the answer: what the program called ``say KEY`` for, and what was printed after it."""

    key: str
    text: str


def machine_name(shell: RemoteShell) -> str:
    """For sentences."""
    return shell.target.host


def run_script(
    shell: RemoteShell, body: str, arguments: tuple[str, ...], *, timeout_seconds: float, token: CancelToken | None = None
) -> tuple[Section, ...]:
    """Run ``body`` with ``$1``, ``$2`` ... and give back its sections.

    Raises ``ProbeFailed`` (no POSIX shell, an answer that was cut off, is too long or is none), ``MachineUnreachable``,
    ``Cancelled``.
    """
    nonce = f"crossply-{secrets.token_hex(12)}"
    command = "exec " + shlex.join(("sh", "-s", "--", nonce, *arguments))
    said = shell.run(
        command,
        stdin=_FRAME.format(body=body).encode(),
        timeout_seconds=timeout_seconds,
        max_output_bytes=_MOST_BYTES,
        token=token,
    )
    if said.timed_out:
        raise ProbeTimedOut(f"{machine_name(shell)} did not answer within {timeout_seconds:g} seconds.", advice="Try again.")
    sections = _cut(said.stdout, nonce)
    if not sections or sections[-1].key != _END:
        raise ProbeFailed(
            f"{machine_name(shell)} did not run a small shell program to its end.",
            advice="It needs a POSIX shell (sh) for the account.",
            details=plain_text(said.stderr.decode(errors="replace"))[-2000:],
        )
    return sections[:-1]


def text_of(sections: tuple[Section, ...], key: str) -> str:
    """Of the first section of this name; empty when there is none."""
    return next((section.text for section in sections if section.key == key), "")


def plain_text(text: str) -> str:
    """Without control characters, which a terminal or a label would obey; line ends and tabs stay."""
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable())


def _cut(output: bytes, nonce: str) -> tuple[Section, ...]:
    parts = output.decode(errors="replace").split(f"\n{nonce} ")[1:]  # what is before the first one is not ours
    sections = []
    for part in parts:
        key, _, text = part.partition("\n")
        sections.append(Section(key=key, text=plain_text(text).strip("\n")))
    return tuple(sections)
