"""Answers that are given again, and when they are not."""

from __future__ import annotations

from gui.what_to_show.kept import KeptByKey, kept


def test_the_last_answer_is_given_again_for_the_very_same_objects() -> None:
    made: list[object] = []

    @kept
    def answer(one: list[int], other: list[int]) -> list[int]:
        made.append(one)
        return [*one, *other]

    first, second = [1], [2]
    known = answer(first, second)
    assert answer(first, second) is known
    assert answer([1], second) == known  # equal, but another object: it may not be trusted without a walk
    assert len(made) == 2
    assert answer(first, second) is not known  # only the newest answer is kept


def test_an_answer_per_key_is_made_again_only_when_something_in_it_is_another_object() -> None:
    book: KeptByKey[list[object]] = KeptByKey()
    a, b, other = object(), object(), object()

    def wanted(*pairs: tuple[str, object]) -> tuple[list[object], ...]:
        return book.answers((key, (value,), lambda value=value: [value]) for key, value in pairs)

    before = wanted(("a", a), ("b", b))
    after = wanted(("b", b), ("a", other))
    assert after[0] is before[1]
    assert after[1] == [other]
    wanted(("a", other))
    assert wanted(("b", b))[0] is not before[1]  # forgotten while nobody asked
