"""Search, order and groups of machines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.vocabulary.worker import Speed
from gui.what_to_show.cards.all_cards import machines_of
from gui.what_to_show.cards.machine_line_content import MachineLineContent
from gui.what_to_show.cards.machine_order import (
    MOST_CARDS,
    Density,
    GroupBy,
    MachineOrder,
    MachineView,
    SortBy,
    order_of,
    view_as_text,
    view_from_text,
)
from tests.fakes.states import cluster_states as states
from tests.fakes.states import remote_states as remote


def lab() -> tuple[MachineLineContent, ...]:
    """This machine, one ready, one with another build, one asking, one that does not answer."""
    return machines_of(remote.four_phases()).lines


def names(order: MachineOrder, lines: tuple[MachineLineContent, ...]) -> list[str]:
    titles = {line.machine_id: line.title for line in lines}
    return [titles[machine_id] for group in order.groups for machine_id in group.machine_ids]


def line(title: str, **more: object) -> MachineLineContent:
    made = MachineLineContent(
        machine_id=title,
        title=title,
        status="ready",
        status_role="good",
        status_shape="●",
        safe_bytes=0,
        read_bytes_per_second=None,
        network="10.0.0.0/24",
        searched=title,
    )
    return replace(made, **more)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("lab-02", ["lab-02"]),
        ("rtx 3060", ["ada-desktop", "lab-02", "lab-03"]),
        ("10.0.0.6", ["ada@10.0.0.6"]),
        ("OTHER build", ["lab-03"]),
        ("not reachable", ["ada@10.0.0.6"]),
        ("debian", ["ada-desktop"]),
        ("  ", ["ada-desktop", "lab-02", "lab-03", "ada@10.0.0.8:2222", "ada@10.0.0.6"]),
    ],
)
def test_every_word_of_a_search_must_be_said_of_a_machine(search: str, found: list[str]) -> None:
    assert names(order_of(lab(), MachineView(search=search)), lab()) == found


def test_a_search_without_hits_says_so_and_no_machine_at_all_is_another_sentence() -> None:
    order = order_of(lab(), MachineView(search=" gpu-9"))
    assert (order.groups, order.nothing) == ((), "No machine matches “gpu-9”.")
    assert order_of((), MachineView(search="gpu-9")).nothing == "Looking at this machine…"
    assert order_of(lab(), MachineView()).nothing == ""


def test_names_are_sorted_as_people_count() -> None:
    lines = tuple(line(name) for name in ("lab-10", "Lab-9", "gpu", "9-gpu", "lab"))
    assert names(order_of(lines, MachineView(sort=SortBy.NAME)), lines) == ["9-gpu", "gpu", "lab", "Lab-9", "lab-10"]


def test_what_needs_a_person_comes_first_when_sorted_by_state() -> None:
    order = order_of(lab(), MachineView(sort=SortBy.STATE))
    assert names(order, lab()) == ["ada@10.0.0.6", "ada@10.0.0.8:2222", "lab-03", "ada-desktop", "lab-02"]


def test_most_memory_and_fastest_first_and_what_is_not_known_last() -> None:
    lines = (line("small", safe_bytes=1), line("big", safe_bytes=9, read_bytes_per_second=1.0), line("none"))
    assert names(order_of(lines, MachineView(sort=SortBy.MEMORY)), lines) == ["big", "small", "none"]
    assert names(order_of(lines, MachineView(sort=SortBy.SPEED)), lines) == ["big", "small", "none"]


def test_groups_have_a_title_with_their_number() -> None:
    by_network = order_of(lab(), MachineView(group=GroupBy.NETWORK))
    assert [group.title for group in by_network.groups] == ["This machine · 1", "10.0.0.0/24 · 4"]
    by_state = order_of(lab(), MachineView(group=GroupBy.STATE))
    assert [group.title for group in by_state.groups] == [
        "✕ not reachable · 1",
        "◆ has a question · 1",
        "▲ other build · 1",
        "● ready · 2",
    ]


def test_a_machine_known_by_name_only_is_of_no_network() -> None:
    from engine.vocabulary.remote import SshTarget

    state = remote.with_remotes()
    state = replace(state, choices=replace(state.choices, targets=(SshTarget(host="gpu-node"),)))
    order = order_of(machines_of(state).lines, MachineView(group=GroupBy.NETWORK))
    assert [group.title for group in order.groups] == ["This machine · 1", "Addressed by name · 1"]


@pytest.mark.parametrize(
    ("n", "density", "one_line_each"),
    [
        (MOST_CARDS, Density.AUTOMATIC, False),
        (MOST_CARDS + 1, Density.AUTOMATIC, True),
        (MOST_CARDS + 1, Density.CARDS, False),
        (2, Density.LINES, True),
    ],
)
def test_above_a_dozen_machines_one_line_each_unless_chosen(n: int, density: Density, one_line_each: bool) -> None:
    lines = tuple(line(str(number)) for number in range(n))
    assert order_of(lines, MachineView(density=density)).one_line_each is one_line_each


def test_a_search_does_not_change_the_density() -> None:
    lines = machines_of(states.many_machines(24)).lines
    assert order_of(lines, MachineView(search="lab-01")).one_line_each


def test_a_line_knows_its_fastest_worker_and_leaves_out_what_is_switched_off() -> None:
    state = states.no_model()
    slow, fast, none = state.offers
    offers = (
        replace(slow, speed=Speed(read_bytes_per_second=40e9)),
        replace(fast, speed=Speed(read_bytes_per_second=360e9)),
        none,
    )
    state = replace(state, offers=offers, choices=replace(state.choices, left_out=frozenset({none.id})))
    (only,) = machines_of(state).lines
    assert only.read_bytes_per_second == 360e9
    assert only.safe_bytes == slow.safe_bytes + fast.safe_bytes
    assert machines_of(state).card("this-machine").speed_words == "360 GB/s"


def test_a_view_is_kept_without_its_search_and_nonsense_is_the_first_view() -> None:
    view = MachineView(search="x", sort=SortBy.SPEED, group=GroupBy.NETWORK, density=Density.LINES)
    assert view_from_text(view_as_text(view)) == replace(view, search="")
    assert view_from_text("") == view_from_text("a,b,c") == MachineView()


def test_only_machines_that_are_in_order_are_counted_ready() -> None:
    assert machines_of(states.runtime_missing()).summary == "0 of 1 ready"
    assert machines_of(states.worker_failed()).summary == "0 of 1 ready · 3 workers · 37.8 GB safe"
    assert machines_of(states.ready()).summary == "1 ready · 3 workers · 37.8 GB safe"
