"""Where cards, lines and headings lie."""

from __future__ import annotations

from gui.machine_cards.places import Item, Kind, places_of


def card(key: str, height: int = 100) -> Item:
    return Item(kind=Kind.CARD, key=key, height=height)


def test_cards_fill_rows_as_high_as_their_highest() -> None:
    found = places_of([card("a"), card("b", 140), card("c")], width=408, columns=2, gap=8)
    assert [(p.item.key, p.x, p.y, p.width, p.height) for p in found.places] == [
        ("a", 0, 0, 200, 140),
        ("b", 208, 0, 200, 140),
        ("c", 0, 148, 200, 100),
    ]
    assert found.height == 248


def test_a_heading_ends_a_row_and_lines_go_across_and_lines_have_no_gaps() -> None:
    heading = Item(kind=Kind.HEADING, key="lab", height=20)
    lines = [Item(kind=Kind.LINE, key=key, height=30) for key in "xy"]
    found = places_of([card("a"), heading, *lines, card("b")], width=300, columns=2, gap=8)
    assert [(p.item.key, p.y, p.width) for p in found.places] == [
        ("a", 0, 146),
        ("lab", 108, 300),
        ("x", 128, 300),
        ("y", 158, 300),
        ("b", 196, 146),
    ]


def test_nothing_has_no_height() -> None:
    assert places_of([], width=300, columns=2, gap=8).height == 0


def test_between_finds_what_reaches_into_view() -> None:
    found = places_of([card(str(n)) for n in range(10)], width=100, columns=1, gap=0)
    assert [place.item.key for place in found.between(150, 300)] == ["1", "2"]
