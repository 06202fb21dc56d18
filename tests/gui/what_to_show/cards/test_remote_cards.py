"""What the cards of machines over the network say, in every phase, without Qt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.session.remotes import RemoteSeen
from engine.session.state import ClusterState, RunPhase, RuntimePhase
from engine.vocabulary.admin_policy import AdminPolicy
from engine.vocabulary.running.problem import Problem, ProblemKind
from engine.vocabulary.running.throughput import LoadProgress
from gui.what_to_show.cards.all_cards import machines_of
from gui.what_to_show.cards.machine_card_content import CardAction, MachineCardContent
from gui.what_to_show.status_content import status_of
from gui.what_to_show.tabs.logs_content import log_sources_of
from gui.what_to_show.tabs.tabs_content import commands_of_machine
from tests.fakes.states import remote_states as remote
from tests.fakes.states.cluster_pieces import the_commands
from tests.gui.what_to_show.cards.every_card import machine_cards_of


def card_of(seen: RemoteSeen, state: ClusterState | None = None) -> MachineCardContent:
    """The card of one machine."""
    state = remote.with_remotes(seen) if state is None else state
    return next(card for card in machine_cards_of(state) if card.machine_id == seen.id)


def actions(card: MachineCardContent) -> list[CardAction]:
    return [button.action for button in card.buttons]


def test_a_machine_has_a_card_as_soon_as_it_is_added() -> None:
    state = replace(remote.with_remotes(), choices=remote.choices_with(remote.target(5)))
    own, new = machine_cards_of(state)
    assert own.title == "ada-desktop"
    assert (new.title, new.status, new.rows) == ("ada@10.0.0.5", "connecting", ())


def test_a_ready_machine_says_what_a_local_one_does_and_how_it_is_reached() -> None:
    card = card_of(remote.ready())
    assert (card.title, card.status) == ("lab-02", "ready")
    assert card.subtitle == "ada@10.0.0.2 · Ubuntu 24.04.3 LTS · x86_64"
    assert [fact.text for fact in card.facts] == [
        "ggml-rpc-server b11434 (0c1e570) · RPC 7.0.0",
        "0.31 ms · 936 Mbit/s · 212.0 GB of disk free · grace is logged in too",
        "Reached through an SSH tunnel: no port of it is open",
    ]
    assert [(row.name, row.badge) for row in card.rows] == [("CPU", "32–39"), ("cuda:0", "40–47 +")]
    assert [row.bar.busy for row in card.rows] == [0.27, 0.62]


def test_a_port_that_is_open_on_the_network_is_a_warning() -> None:
    fact = card_of(remote.ready(), remote.with_remotes(remote.ready(), lan=True)).facts[-1]
    assert (fact.text, fact.role) == ("▲ Open on the network at 10.0.0.2, without a password", "warning")


@pytest.mark.parametrize(
    ("seen", "status", "action"),
    [
        (remote.asking(), "has a question", [CardAction.ANSWER]),
        (remote.no_runtime(), "other build", [CardAction.COPY_RUNTIME]),
        (remote.copying(), "getting llama.cpp", [CardAction.CANCEL_COPY]),
        (remote.unreachable(), "not reachable", [CardAction.CONNECT_AGAIN]),
        (remote.refused(), "refused", [CardAction.CONNECT_AGAIN]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_phase_has_its_word_and_the_button_that_goes_on(seen, status: str, action: list[CardAction]) -> None:
    card = card_of(seen)
    assert (card.status, actions(card)) == (status, action)
    assert CardAction.REMOVE in [entry.action for entry in card.menu]


def test_where_the_administrator_forbids_it_no_port_can_be_opened_from_the_card() -> None:
    state = remote.with_remotes(remote.ready())
    assert CardAction.EXPOSURE in [entry.action for entry in card_of(remote.ready(), state).menu]
    locked = replace(state, policy=AdminPolicy(path="/p", exposure_forbidden=True))
    assert CardAction.EXPOSURE not in [entry.action for entry in card_of(remote.ready(), locked).menu]


def test_phases_differ_without_colours() -> None:
    shapes = {card.status_shape for card in machine_cards_of(remote.four_phases())}
    assert len(shapes) == 4


def test_no_runtime_says_why_each_build_may_not_work() -> None:
    card = card_of(remote.no_runtime())
    assert card.sentence == f"b10981 (0c1e570) in /usr/local/bin: {remote.WHY_NOT}".replace("0c1e570", "77dee9d")
    nothing = replace(remote.no_runtime(), look=remote.look_of(3, usable=False))
    assert card_of(nothing).sentence == "No llama.cpp programs were found on it."


def test_a_copy_that_failed_says_so_and_can_be_tried_again() -> None:
    full = Problem(kind=ProblemKind.MACHINE, where="x", happened="The disk of 10.0.0.3 is full.", advice="Make room.")
    card = card_of(remote.no_runtime(problem=full))
    assert card.sentence.startswith("The disk of 10.0.0.3 is full. Make room.\n")
    assert actions(card) == [CardAction.COPY_RUNTIME, CardAction.BUILD_RUNTIME]


def test_programs_are_not_offered_to_another_processor_nor_when_there_are_none() -> None:
    other = remote.no_runtime()
    arm = replace(other, look=replace(other.look, machine=replace(other.look.machine, architecture="aarch64")))
    assert "cannot run there" in card_of(arm).sentence
    assert actions(card_of(arm)) == [CardAction.BUILD_RUNTIME]
    state = replace(remote.with_remotes(other), runtime=None, runtime_phase=RuntimePhase.MISSING)
    assert "has no llama.cpp itself yet" in card_of(other, state).sentence
    assert actions(card_of(other, state)) == []


def test_several_that_need_programs_are_offered_them_together() -> None:
    state = remote.with_remotes(remote.no_runtime(3), remote.no_runtime(5))
    assert [button.text for button in card_of(remote.no_runtime(3), state).buttons] == [
        "Copy this machine's llama.cpp there",
        "… to all 2 that need it",
    ]


def test_copying_is_told_on_the_card_and_not_a_second_time_above() -> None:
    state = remote.with_remotes(remote.copying())
    progress = card_of(remote.copying(), state).progress
    assert progress is not None
    assert (progress.fraction, progress.detail) == (0.42, "38 of 91 MB")
    assert status_of(state).progress == ()


def test_a_question_stands_on_the_card() -> None:
    assert "never seen before" in card_of(remote.asking()).sentence
    assert [fact.text for fact in card_of(remote.asking()).facts] == [remote.KEY.fingerprint]
    words = card_of(remote.asks_password(wrong_before=True)).sentence
    assert words == "What was entered was not accepted. It asks for: Password of ada on 10.0.0.9"


def test_a_machine_that_is_let_go_of_can_be_asked_nothing() -> None:
    state = replace(remote.with_remotes(remote.ready()), choices=remote.choices_with())
    card = card_of(remote.ready(), state)
    assert (card.status, card.buttons, card.menu) == ("being let go of", (), ())


def test_the_line_above_counts() -> None:
    content = machines_of(remote.with_remotes(remote.ready(2), remote.asking(8), remote.asks_password(9), remote.refused(7)))
    assert content.summary.startswith("2 of 5 ready · 5 workers · ")
    assert content.question == "2 machines have a question"
    assert machines_of(remote.with_remotes(remote.ready(2))).question == ""


def test_a_launch_is_told_per_machine() -> None:
    state = remote.starting()
    own, other = machine_cards_of(state)
    assert own.progress is not None
    assert other.progress is not None
    assert (own.progress.detail, other.progress.detail) == ("2 of 3 workers ready", "1 of 2 workers ready · tunnel open")
    assert status_of(state).left == "3 of 5 rpc-servers ready"
    assert status_of(state).right == "Nothing listens off this machine · 1 tunnel"
    loading = replace(
        state, run_phase=RunPhase.LOADING_MODEL, run=replace(state.run, load=LoadProgress(done_bytes=1, total_bytes=4))
    )
    progress = machine_cards_of(loading)[1].progress
    assert progress is not None
    assert progress.fraction == 0.25
    assert "of weights belong here: up to " in progress.detail
    assert machine_cards_of(replace(loading, run_phase=RunPhase.READY))[1].progress is None


def test_logs_know_their_machine() -> None:
    sources = log_sources_of(remote.starting())
    assert [(source.machine, source.title) for source in sources[:2]] == [
        ("ada-desktop", "tunnel to lab-02"),
        ("ada-desktop", "rpc-server for CPU"),
    ]
    assert {source.machine for source in sources} == {"ada-desktop", "lab-02"}
    assert sources[0].label == "ada-desktop · tunnel to lab-02 · ready"


def test_the_commands_of_one_machine_include_its_tunnel() -> None:
    first, *_others = the_commands()
    tunnel = replace(first, title="tunnel to lab-02", machine_name="this machine", shell="ssh -N -L ...")
    there = replace(first, machine_name="lab-02", shell="rpc-server there")
    state = replace(remote.with_remotes(remote.ready()), commands=(tunnel, first, there))
    script = commands_of_machine(state, "lab-02")
    assert "ssh -N -L" in script
    assert "rpc-server there" in script
    assert first.shell not in script
    assert "ssh -N" in commands_of_machine(state, "ada-desktop")
    assert commands_of_machine(state, "nobody") == ""
