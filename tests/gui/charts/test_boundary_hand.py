"""Which boundary is held and where."""

from gui.charts.boundary_hand import BoundaryHand
from gui.what_to_show.plan_edits.boundaries_content import BoundaryContent


def two(first: int = 22, second: int = 50) -> tuple[BoundaryContent, ...]:
    return (
        BoundaryContent(layer=first, lowest=1, highest=second - 1, words="one"),
        BoundaryContent(layer=second, lowest=first + 1, highest=64, words="two"),
    )


def hand() -> BoundaryHand:
    made = BoundaryHand()
    assert made.show_boundaries(two())
    return made


def test_what_is_held_stands_where_it_was_put_until_it_was_planned() -> None:
    held = hand()
    held.take(0, by_mouse=True)
    assert held.to(24) == 24
    assert held.layer == 24
    held.show_boundaries(two(23))
    assert held.layer == 24, "an older answer"
    held.let_go()
    assert held.layer == 24, "until the next one is shown"
    held.show_boundaries(two(24))
    assert (held.layer, held.layer_of(1)) == (24, 50)


def test_it_stays_within_reach_and_says_each_place_once() -> None:
    held = hand()
    held.take(0, by_mouse=True)
    assert [held.to(layer) for layer in (22, 99, 120, -3, 1)] == [None, 49, None, 1, None]


def test_nothing_moves_that_is_not_held() -> None:
    assert hand().to(30) is None


def test_given_up_it_springs_back() -> None:
    held = hand()
    held.take(1, by_mouse=False)
    held.to(60)
    held.let_go(back=True)
    assert (held.layer, held.holds) == (50, False)


def test_choosing_ends_at_the_first_and_the_last() -> None:
    held = hand()
    seen = []
    for step in (1, 1, -1, -1, -1):
        held.choose(held.chosen + step)
        seen.append(held.chosen)
    assert seen == [1, 1, 0, 0, 0]


def test_a_boundary_that_is_gone_is_let_go() -> None:
    held = hand()
    held.take(1, by_mouse=True)
    assert not held.show_boundaries(two()[:1])
    assert (held.holds, held.by_mouse, held.chosen) == (False, False, 0)
    assert held.show_boundaries(())
