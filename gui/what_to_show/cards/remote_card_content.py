"""The card of a machine over the network, in every phase: from the moment it is added to the moment it is let go of.

What a machine says of itself is shown as plain text only. A phase that waits for the person carries the button that goes on.
"""

from __future__ import annotations

from dataclasses import replace

from engine.session.remotes import RemoteSeen
from engine.session.state import ClusterState
from engine.session.working.machines.give_runtime import copy_activity
from engine.vocabulary.machine import THIS_MACHINE, MachineLoad
from engine.vocabulary.remote import HostKeyQuestion, RemoteFacts, RemotePhase, RemoteRuntime, SecretQuestion, SshTarget
from gui.texts.translation import mark, tr, tr_n
from gui.what_to_show.cards.build_button import build_button_of
from gui.what_to_show.cards.machine_card_content import (
    ASKS,
    IN_ORDER,
    NEEDS_SOMETHING,
    UNDER_WAY,
    WRONG,
    CardAction,
    CardButton,
    CardFact,
    CardProgress,
    MachineCardContent,
    machine_card_of,
    machine_status_of,
)
from gui.what_to_show.cards.placed import Placed
from gui.what_to_show.formatting import bit_rate_text, bytes_text, count_text, file_name, round_trip_text
from gui.what_to_show.kept import kept

_RUNTIMES_SHOWN = 3

_STATUS = {
    RemotePhase.CONNECTING: (mark("connecting"), "muted", UNDER_WAY),
    RemotePhase.ASKING: (mark("has a question"), "link", ASKS),
    RemotePhase.LOOKING: (mark("being looked at"), "muted", UNDER_WAY),
    RemotePhase.NO_RUNTIME: (mark("no llama.cpp"), "warning", NEEDS_SOMETHING),
    RemotePhase.COPYING: (mark("getting llama.cpp"), "muted", UNDER_WAY),
    RemotePhase.READY: (mark("ready"), "good", IN_ORDER),
    RemotePhase.UNREACHABLE: (mark("not reachable"), "bad", WRONG),
    RemotePhase.REFUSED: (mark("refused"), "bad", WRONG),
}
_OTHER_BUILD = (mark("other build"), "warning", NEEDS_SOMETHING)
_LEAVING = (mark("being let go of"), "muted", UNDER_WAY)


def remotes_of(state: ClusterState) -> tuple[RemoteSeen, ...]:
    """Every machine that was added, at once: also those that the session has not begun with."""
    return _with_new(state.remotes, state.choices.targets)


@kept
def _with_new(remotes: tuple[RemoteSeen, ...], targets: tuple[SshTarget, ...]) -> tuple[RemoteSeen, ...]:
    seen = {remote.target for remote in remotes}
    return (*remotes, *(RemoteSeen(target=target) for target in targets if target not in seen))


def remote_card_of(state: ClusterState, placed: Placed, remote: RemoteSeen, load: MachineLoad | None) -> MachineCardContent:
    """Its card."""
    if not placed.is_wanted(remote.target):
        return _bare_card(remote, *_said(_LEAVING))
    if remote.phase is RemotePhase.READY and remote.look is not None:
        return _ready_card(state, remote, machine_card_of(state, placed, remote.look.machine, load))
    status, role, shape = remote_status_of(state, placed, remote)
    sentence, sentence_role = _sentence_of(state, remote)
    return replace(
        _bare_card(remote, status, role, shape),
        facts=_facts_of(state, remote),
        sentence=sentence,
        sentence_role=sentence_role,
        progress=_progress_of(state, remote),
        buttons=_buttons_of(state, remote),
        menu=_menu_of(state, remote),
    )


def remote_status_of(state: ClusterState, placed: Placed, remote: RemoteSeen) -> tuple[str, str, str]:
    """Words, role and shape."""
    if not placed.is_wanted(remote.target):
        return _said(_LEAVING)
    if remote.phase is RemotePhase.READY and remote.look is not None:
        return machine_status_of(state, placed, remote.id)
    if remote.phase is RemotePhase.NO_RUNTIME and remote.look is not None and remote.look.runtimes:
        return _said(_OTHER_BUILD)
    return _said(_STATUS[remote.phase])


def _said(status: tuple[str, str, str]) -> tuple[str, str, str]:
    words, role, shape = status
    return tr(words), role, shape


def _bare_card(remote: RemoteSeen, status: str, role: str, shape: str) -> MachineCardContent:
    return MachineCardContent(
        machine_id=remote.id,
        title=remote.name,
        subtitle=" · ".join(_subtitle_parts(remote)),
        status=status,
        status_role=role,
        status_shape=shape,
    )


def _ready_card(state: ClusterState, remote: RemoteSeen, card: MachineCardContent) -> MachineCardContent:
    return replace(
        card,
        subtitle=" · ".join(_subtitle_parts(remote)),
        facts=_facts_of(state, remote),
        buttons=() if state.run_wanted else build_button_of(state, remote),
        menu=_menu_of(state, remote),
    )


def _subtitle_parts(remote: RemoteSeen) -> list[str]:
    if remote.look is None:
        return []  # its address is its title
    return [remote.target.text, remote.look.machine.os_name, remote.look.machine.architecture]


def exposed_at(state: ClusterState, remote: RemoteSeen) -> str | None:
    """The address on which its workers are (to be) open on the network; ``None`` = behind a tunnel."""
    return dict(state.choices.lan_addresses).get(remote.id)


def _facts_of(state: ClusterState, remote: RemoteSeen) -> tuple[CardFact, ...]:
    if isinstance(remote.question, HostKeyQuestion):
        return (CardFact(text=remote.question.key.fingerprint, role="text"),)  # one long word: shortened, it wraps nowhere
    if remote.look is None:
        return ()
    about = [*_link_parts(remote), *_about_machine(remote.look.facts)]
    lines = [" · ".join(_program_parts(remote)), " · ".join(about)]
    facts = tuple(CardFact(text=line) for line in lines if line)
    tells = remote.phase is RemotePhase.READY or exposed_at(state, remote) is not None
    facts = (*facts, *_kept_fact(state, remote))
    return (*facts, _exposure_fact(state, remote)) if tells else facts


def _kept_fact(state: ClusterState, remote: RemoteSeen) -> tuple[CardFact, ...]:
    """While they are ours again they are shown as workers."""
    if remote.look is None or not remote.look.kept or state.run_wanted:
        return ()
    by = ", ".join(sorted({kept.started_by for kept in remote.look.kept}))
    return (CardFact(text=tr("{workers} left running by {by}", workers=count_text(len(remote.look.kept), "worker"), by=by)),)


def _program_parts(remote: RemoteSeen) -> list[str]:
    usable = None if remote.look is None else remote.look.usable
    if usable is None:
        return []
    protocol = usable.runtime.protocol
    program = f"{file_name(usable.runtime.rpc_server)} {usable.runtime.label}"
    return [program] if protocol is None else [program, f"RPC {protocol}"]


def _link_parts(remote: RemoteSeen) -> list[str]:
    parts = []
    if remote.link is not None and remote.link.rtt_seconds is not None:
        parts.append(round_trip_text(remote.link.rtt_seconds))
    if remote.link is not None and remote.link.bytes_per_second is not None:
        parts.append(bit_rate_text(remote.link.bytes_per_second))
    return parts


def _about_machine(facts: RemoteFacts) -> list[str]:
    parts = (
        [] if facts.disk_free_bytes is None else [tr("{disk_free} of disk free", disk_free=bytes_text(facts.disk_free_bytes))]
    )
    others = sorted(set(facts.logged_in) - {facts.user})
    if others:
        parts.append(tr_n("{others} is logged in too", "{others} are logged in too", len(others), others=", ".join(others)))
    return parts


def _exposure_fact(state: ClusterState, remote: RemoteSeen) -> CardFact:
    address = exposed_at(state, remote)
    if address is None:
        return CardFact(text=tr("Reached through an SSH tunnel: no port of it is open"))
    return CardFact(
        text=tr(
            "{shape} Open on the network at {address}, without a password",
            shape=NEEDS_SOMETHING,
            address=address,
        ),
        role="warning",
    )


def _sentence_of(state: ClusterState, remote: RemoteSeen) -> tuple[str, str]:
    if remote.phase in (RemotePhase.UNREACHABLE, RemotePhase.REFUSED):
        return _problem_words(remote) or tr("It said no more."), "bad"
    if remote.phase is RemotePhase.ASKING:
        return _question_words(remote), "text"
    if remote.phase is RemotePhase.NO_RUNTIME:
        return _why_no_runtime(state, remote), "warning"
    if remote.phase is RemotePhase.COPYING:
        return "", "muted"
    return tr("What it has is shown as soon as it has answered."), "muted"


def _problem_words(remote: RemoteSeen) -> str:
    problem = remote.problem
    return "" if problem is None else f"{problem.happened} {problem.advice}".strip()


def _question_words(remote: RemoteSeen) -> str:
    question = remote.question
    if isinstance(question, HostKeyQuestion):
        return tr("Is it the right machine? It shows a key never seen before.")
    if isinstance(question, SecretQuestion):
        if question.wrong_before:
            return tr("What was entered was not accepted. It asks for: {prompt}", prompt=question.prompt)
        return tr("It asks for: {prompt}", prompt=question.prompt)
    return tr("It has a question.")


def _why_no_runtime(state: ClusterState, remote: RemoteSeen) -> str:
    failed = _problem_words(remote)
    lines = [failed] if failed else []
    found = () if remote.look is None else remote.look.runtimes
    lines += [_why_not(build) for build in found[:_RUNTIMES_SHOWN]]
    if len(found) > _RUNTIMES_SHOWN:
        lines.append(tr("and {more_builds}", more_builds=count_text(len(found) - _RUNTIMES_SHOWN, "more build")))
    if not found:
        lines.append(tr("No llama.cpp programs were found on it."))
    return "\n".join([*lines, *_why_not_copied(state, remote)])


def _why_not(build: RemoteRuntime) -> str:
    return tr(
        "{label} in {folder}: {why}",
        label=build.runtime.label,
        folder=build.runtime.folder,
        why=build.why_not_with_coordinator or tr("it may work with ours."),
    )


def _why_not_copied(state: ClusterState, remote: RemoteSeen) -> list[str]:
    if state.runtime is None:
        return [tr("This machine has no llama.cpp itself yet: once it has, it can be copied there.")]
    if not can_be_given_ours(state, remote):
        return [tr("This machine's programs cannot run there: {label} has to be built on it.", label=state.runtime.label)]
    return []


def can_be_given_ours(state: ClusterState, remote: RemoteSeen) -> bool:
    """Whether copying could help: nothing there fits, its processor is of our kind. The copying itself checks the rest."""
    own = next((machine for machine in state.machines if machine.id == THIS_MACHINE), None)
    if state.runtime is None or remote.phase is not RemotePhase.NO_RUNTIME or remote.look is None:
        return False
    return own is None or own.architecture == remote.look.machine.architecture


def in_need_of_ours(state: ClusterState) -> tuple[RemoteSeen, ...]:
    """All machines that could be given our llama.cpp now."""
    return tuple(remote for remote in state.remotes if can_be_given_ours(state, remote))


def _progress_of(state: ClusterState, remote: RemoteSeen) -> CardProgress | None:
    if remote.phase is not RemotePhase.COPYING:
        return None
    activity = next((activity for activity in state.activities if activity.id == copy_activity(remote.id)), None)
    if activity is None:
        return CardProgress(title=tr("Getting llama.cpp"), detail="", fraction=None)
    return CardProgress(title=activity.title, detail=activity.detail, fraction=activity.fraction)


def _buttons_of(state: ClusterState, remote: RemoteSeen) -> tuple[CardButton, ...]:
    if remote.phase is RemotePhase.ASKING:
        host_key = isinstance(remote.question, HostKeyQuestion)
        words = tr("Compare the key…") if host_key else tr("Answer…")
        return (CardButton(action=CardAction.ANSWER, text=words, primary=True),)
    if remote.phase is RemotePhase.COPYING:
        return (CardButton(action=CardAction.CANCEL_COPY, text=tr("Cancel")),)
    if remote.phase in (RemotePhase.UNREACHABLE, RemotePhase.REFUSED):
        return (CardButton(action=CardAction.CONNECT_AGAIN, text=tr("Try now")),)
    return (*_copy_buttons(state, remote), *build_button_of(state, remote))


def _copy_buttons(state: ClusterState, remote: RemoteSeen) -> tuple[CardButton, ...]:
    if not can_be_given_ours(state, remote):
        return ()
    one = CardButton(action=CardAction.COPY_RUNTIME, text=tr("Copy this machine's llama.cpp there"), primary=True)
    n = len(in_need_of_ours(state))
    if n < 2:
        return (one,)
    return (one, CardButton(action=CardAction.COPY_RUNTIME_TO_ALL, text=tr("… to all {n} that need it", n=n)))


def _menu_of(state: ClusterState, remote: RemoteSeen) -> tuple[CardButton, ...]:
    connected = remote.phase in (RemotePhase.READY, RemotePhase.NO_RUNTIME)
    entries = [
        CardButton(action=CardAction.LOOK_AGAIN, text=tr("Look again"))
        if connected
        else CardButton(action=CardAction.CONNECT_AGAIN, text=tr("Connect again"))
    ]
    if remote.look is not None and not state.policy.exposure_forbidden:
        entries.append(CardButton(action=CardAction.EXPOSURE, text=tr("Exposure…")))
    entries += [
        CardButton(action=CardAction.COPY_COMMANDS, text=tr("Copy command lines")),
        CardButton(action=CardAction.SHOW_LOG, text=tr("Show its log")),
        CardButton(action=CardAction.REMOVE, text=tr("Remove…")),
    ]
    if connected and remote.look is not None and remote.look.kept:
        entries.insert(1, CardButton(action=CardAction.STOP_KEPT, text=tr("Stop what was left running")))
    if connected:
        entries.append(CardButton(action=CardAction.REMOVE_AND_CLEAN, text=tr("Remove and delete what Crossply put there…")))
    return tuple(entries)
