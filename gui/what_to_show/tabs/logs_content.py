"""What stands in the tab Logs: whose lines there are, how bad a line is, how it is written. The bridge pulls the lines.

The time is that of arrival here, so that lines of several machines are in one order even when their clocks differ.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from enum import IntEnum

from engine.cluster.servers import COORDINATOR
from engine.session.state import ClusterState
from engine.session.telling.logs import LogLine
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.running.process import ProcessPhase
from gui.texts.engine_words import engine_word
from gui.texts.translation import mark

_HERE = "this machine"


class LogLevel(IntEnum):
    """How bad a line is, by its letter, or by its words where it has none."""

    ANY = 0
    WARNING = 1
    ERROR = 2


LEVELS = (
    (LogLevel.ANY, mark("All levels"), mark("Every line")),
    (LogLevel.WARNING, mark("Warnings, errors"), mark("Only lines that warn or tell of an error")),
    (LogLevel.ERROR, mark("Errors"), mark("Only lines that tell of an error")),
)

_LETTER = re.compile(r"(?:\d+\.\d\d\.\d{3}(?:\.\d{3})? )?([DIWE]) ")
_BAD_WORDS = re.compile(r"\berror\b|\bfailed\b|\bfatal\b|GGML_ASSERT|\babort", re.IGNORECASE)
_WARNING_WORDS = re.compile(r"\bwarn(?:ing)?\b", re.IGNORECASE)
_OF_LETTER = {"D": LogLevel.ANY, "I": LogLevel.ANY, "W": LogLevel.WARNING, "E": LogLevel.ERROR}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSourceContent:
    """One process whose output can be read."""

    process_id: str
    title: str
    machine: str
    label: str
    failed: bool


def log_sources_of(state: ClusterState) -> tuple[LogSourceContent, ...]:
    """Every process of the run, llama-server first: it is read most."""
    own = next((machine.name for machine in state.machines if machine.id == THIS_MACHINE), _HERE)
    ordered = sorted(state.processes, key=lambda process: bool(process.worker_ids) and process.id != COORDINATOR)
    names = {own if process.machine_name == _HERE else process.machine_name for process in ordered}
    found = []
    for process in ordered:
        machine = own if process.machine_name == _HERE else process.machine_name
        where = f"{machine} · " if len(names) > 1 else ""
        found.append(
            LogSourceContent(
                process_id=process.id,
                title=process.title,
                machine=machine,
                label=f"{where}{process.title} · {engine_word(process.phase)}",
                failed=process.phase is ProcessPhase.FAILED,
            )
        )
    return tuple(found)


def level_of(text: str) -> LogLevel:
    """llama.cpp puts a letter in front, ``0.02.037 W load: ...``; other programs say it in words or not at all."""
    letter = _LETTER.match(text)
    if letter is not None:
        return _OF_LETTER[letter[1]]
    if _BAD_WORDS.search(text):
        return LogLevel.ERROR
    return LogLevel.WARNING if _WARNING_WORDS.search(text) else LogLevel.ANY


def log_line_text(line: LogLine, source: LogSourceContent | None) -> str:
    """``14:02:11  lab-02 · rpc-server for cuda:0 | text``; without a source only the time, for a single process."""
    at = time.strftime("%H:%M:%S", time.localtime(line.arrived_at_seconds))
    return f"{at}  {line.text}" if source is None else f"{at}  {source.machine} · {source.title} | {line.text}"
