"""A machine's card: the machine, its state in words, colour and shape, a row per worker, one sentence of truth about them.

This is the card of a machine that takes part; ``remote_card_content`` adds what only machines over the network have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from engine.session.state import ClusterState, RuntimePhase
from engine.vocabulary.machine import Machine, MachineLoad
from engine.vocabulary.plan import Plan
from engine.vocabulary.running.process import ProcessPhase
from engine.vocabulary.worker import WorkerOffer
from gui.texts.engine_words import engine_word
from gui.texts.translation import mark, number, tr
from gui.what_to_show.cards.placed import Placed
from gui.what_to_show.cards.worker_row_content import WorkerRowContent, rows_of
from gui.what_to_show.formatting import bytes_text, count_text
from gui.what_to_show.worker_marks import with_names


class CardAction(StrEnum):
    """What can be asked for at a card."""

    INSTALL_RUNTIME = "install runtime"
    ANSWER = "answer"
    CONNECT_AGAIN = "connect again"
    COPY_RUNTIME = "copy runtime"
    COPY_RUNTIME_TO_ALL = "copy runtime to all"
    BUILD_RUNTIME = "build runtime"
    CANCEL_COPY = "cancel copy"
    LOOK_AGAIN = "look again"
    EXPOSURE = "exposure"
    COPY_COMMANDS = "copy commands"
    SHOW_LOG = "show log"
    STOP_KEPT = "stop what was left running"
    REMOVE = "remove"
    REMOVE_AND_CLEAN = "remove and clean"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardButton:
    """A button of a card or an entry of its menu."""

    action: CardAction
    text: str
    primary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFact:
    """One line of facts under the title."""

    text: str
    role: str = "muted"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardProgress:
    """Something under way on the machine. ``fraction`` ``None`` = how far is not known."""

    title: str
    detail: str
    fraction: float | None


IN_ORDER, UNDER_WAY, ASKS, NEEDS_SOMETHING, WRONG = "●", "○", "◆", "▲", "✕"
"""The shapes that go with a state's colour: it must be told apart without colours."""

LOCAL_MENU = (
    CardButton(action=CardAction.LOOK_AGAIN, text=mark("Look again")),
    CardButton(action=CardAction.COPY_COMMANDS, text=mark("Copy command lines")),
    CardButton(action=CardAction.SHOW_LOG, text=mark("Show its log")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineCardContent:
    """One machine."""

    machine_id: str
    title: str
    subtitle: str
    status: str
    status_role: str
    status_shape: str = IN_ORDER
    facts: tuple[CardFact, ...] = ()
    rows: tuple[WorkerRowContent, ...] = ()
    sentence: str = ""
    sentence_role: str = "muted"
    progress: CardProgress | None = None
    buttons: tuple[CardButton, ...] = ()
    """What mends or answers what the card says; the first is the one that most people want."""
    menu: tuple[CardButton, ...] = ()
    safe_bytes: int = 0
    """Of its workers that are not switched off."""
    speed_words: str = ""
    """At what rate its fastest worker reads weights: ``58 GB/s``; empty = not known."""


def machine_card_of(state: ClusterState, placed: Placed, machine: Machine, load: MachineLoad | None) -> MachineCardContent:
    """The card of a machine that takes part."""
    offers = placed.offers.get(machine.id, ())
    status, role, shape = machine_status_of(state, placed, machine.id)
    sentence, sentence_role, buttons = _sentence_of(state, placed, machine, offers)
    return MachineCardContent(
        machine_id=machine.id,
        title=machine.name,
        subtitle=" · ".join(_subtitle_parts(state, machine)),
        status=status,
        status_role=role,
        status_shape=shape,
        rows=rows_of(state, placed, machine, offers, load),
        sentence=sentence,
        sentence_role=sentence_role,
        buttons=buttons,
        menu=tuple(replace(entry, text=tr(entry.text)) for entry in LOCAL_MENU),
        safe_bytes=_safe_bytes_of(state, offers),
        speed_words=_speed_words_of(offers),
    )


def _subtitle_parts(state: ClusterState, machine: Machine) -> list[str]:
    parts = [machine.os_name, machine.architecture]
    if machine.address is not None:
        return [*parts, machine.address]
    if state.runtime is not None:
        parts.append(f"llama.cpp {state.runtime.label}")
        if state.runtime.protocol is not None:
            parts.append(f"RPC {state.runtime.protocol}")
    return [*parts, tr("coordinator")]


def machine_status_of(state: ClusterState, placed: Placed, machine_id: str) -> tuple[str, str, str]:
    """Words, role and shape of a machine that takes part."""
    if state.runtime_phase is RuntimePhase.MISSING:
        return tr("no llama.cpp yet"), "warning", NEEDS_SOMETHING
    if state.runtime_phase is not RuntimePhase.READY:
        return engine_word(state.runtime_phase), "muted", UNDER_WAY
    phases = placed.phases.get(machine_id, frozenset())
    if ProcessPhase.FAILED in phases:
        return tr("failed"), "bad", WRONG
    if ProcessPhase.STARTING in phases:
        return tr("starting"), "muted", UNDER_WAY
    if ProcessPhase.STOPPING in phases:
        return tr("stopping"), "muted", UNDER_WAY
    return (tr("running") if ProcessPhase.READY in phases else tr("ready")), "good", IN_ORDER


def _sentence_of(
    state: ClusterState, placed: Placed, machine: Machine, offers: tuple[WorkerOffer, ...]
) -> tuple[str, str, tuple[CardButton, ...]]:
    if state.runtime_phase is RuntimePhase.MISSING:
        missing = tr("No llama.cpp programs were found on this machine, so nothing can run yet.")
        build = CardButton(action=CardAction.INSTALL_RUNTIME, text=tr("Build llama.cpp (about 10 min)"), primary=True)
        return missing, "warning", (build,)
    if state.runtime_phase is not RuntimePhase.READY:
        return tr("Workers are known as soon as the llama.cpp programs are there."), "muted", ()
    failed = _failed_sentence(state, offers)
    if failed:
        return failed, "bad", ()
    if not offers:
        return machine.why_no_gpu or tr("This machine offers no worker."), "warning", ()
    return _plan_sentence(state, placed, machine, offers), "muted", ()


def _failed_sentence(state: ClusterState, offers: tuple[WorkerOffer, ...]) -> str:
    ours = {offer.id for offer in offers}
    for process in state.processes:
        if process.phase is ProcessPhase.FAILED and ours & set(process.worker_ids):
            how = process.outcome.in_words if process.outcome is not None else tr("failed")
            return f"{process.title} {how}."
    return ""


def _plan_sentence(state: ClusterState, placed: Placed, machine: Machine, offers: tuple[WorkerOffer, ...]) -> str:
    plan = placed.plan
    if all(offer.id in state.choices.left_out for offer in offers):
        return tr("{workers}, switched off.", workers=count_text(len(offers), "worker"))
    total = tr(
        "{workers}, {size} safe to use",
        workers=count_text(len(offers), "worker"),
        size=bytes_text(_safe_bytes_of(state, offers)),
    )
    if plan is None:
        return f"{total}. {machine.why_no_gpu or ''}".strip()
    ours = [placed.planned[offer.id] for offer in offers if offer.id in placed.planned]
    needed = sum(worker.needed_bytes for worker in ours if worker.used)
    return tr(
        "{total}, {size} of it planned.{note}", total=total, size=bytes_text(needed), note=_note_about(plan, machine, offers)
    )


def _safe_bytes_of(state: ClusterState, offers: tuple[WorkerOffer, ...]) -> int:
    return sum(offer.safe_bytes for offer in offers if offer.id not in state.choices.left_out)


def _speed_words_of(offers: tuple[WorkerOffer, ...]) -> str:
    fastest = max((offer.speed.read_bytes_per_second for offer in offers if offer.speed is not None), default=None)
    return "" if fastest is None else f"{number(fastest / 1e9, ',.0f')} GB/s"


def _note_about(plan: Plan, machine: Machine, offers: tuple[WorkerOffer, ...]) -> str:
    names = [machine.name.lower(), *(offer.device_name.lower() for offer in offers)]
    for note in plan.notes:
        if any(name in note.lower() for name in names):
            return f" {with_names(note, offers)}"
    return ""
