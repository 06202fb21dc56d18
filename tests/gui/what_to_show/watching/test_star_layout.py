"""Machines around the coordinator: nothing upon anything else, links through the gaps, a list when there is no room."""

from itertools import combinations, pairwise

import pytest

from gui.what_to_show.watching.star_layout import Sizes, star_of

SIZES = Sizes(narrowest=170, widest=264, height=66, centre_width=190, gap=10, link=96)


def overlap(one, other):
    return (
        one.left < other.right
        and other.left < one.right
        and one.top < other.top + other.height
        and other.top < one.top + one.height
    )


def crosses(box, x1, y1, x2, y2):
    """Whether a level piece runs through a box."""
    low, high = sorted((x1, x2))
    return y1 == y2 and box.top < y1 < box.top + box.height and low < box.right and high > box.left


@pytest.mark.parametrize("n", range(9))
@pytest.mark.parametrize(("width", "height"), [(1380, 240), (1600, 160), (2600, 400)])
def test_nothing_lies_upon_anything_or_outside(n, width, height):
    star = star_of(n, width, height, SIZES)
    if star is None:
        assert n > 4, "four have room everywhere"
        return
    boxes = (star.centre, *star.machines)
    assert len(star.machines) == len(star.links) == n
    assert not any(overlap(one, other) for one, other in combinations(boxes, 2))
    for box in boxes:
        assert box.left >= -0.01
        assert box.right <= width + 0.01
        assert box.top >= 0
        assert box.top + box.height <= height


@pytest.mark.parametrize("n", [3, 8, 12])
def test_links_end_at_their_machine_and_run_through_no_other(n):
    star = star_of(n, 2600, 240, SIZES)
    for box, link in zip(star.machines, star.links, strict=True):
        (x_first, y_first), (x_last, y_last) = link[0], link[-1]
        assert (x_first in (star.centre.left, star.centre.right), y_first) == (True, star.centre.middle)
        assert x_last in (box.left, box.right)
        assert y_last == box.middle
        for (x1, y1), (x2, y2) in pairwise(link):
            assert not any(crosses(other, x1, y1, x2, y2) for other in star.machines if other is not box)


def test_too_many_are_listed():
    assert star_of(200, 1380, 240, SIZES) is None
    assert star_of(1, 1380, 40, SIZES) is None
    assert star_of(4, 1380, 240, SIZES) is not None


def test_they_are_shared_between_both_sides():
    star = star_of(5, 1600, 240, SIZES)
    assert sum(box.left > star.centre.left for box in star.machines) == 3
