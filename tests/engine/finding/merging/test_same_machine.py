"""Which endpoints are one machine: keys above addresses above names, in any order."""

from hypothesis import given
from hypothesis import strategies as st

from engine.finding.merging.same_machine import SameMachine

A, B, C = ("10.0.0.1", 22), ("10.0.0.2", 22), ("10.0.0.3", 22)


def groups(same):
    return sorted(same.groups())


def test_the_same_key_is_the_same_machine():
    assert groups(SameMachine([A, B, C], {A: "k", C: "k"})) == [(A, C), (B,)]


def test_another_sign_joins_what_shows_no_key():
    same = SameMachine([A, B, C], {A: "k"})
    same.join_equal({B: "mac", A: "mac"})
    assert groups(same) == [(A, B), (C,)]


def test_no_sign_joins_different_keys():
    same = SameMachine([A, B], {A: "k", B: "other"})
    same.join([A, B])
    same.join_equal({A: "name", B: "name"})
    assert groups(same) == [(A,), (B,)]


def test_not_even_over_a_third_one():
    same = SameMachine([A, B, C], {A: "k", B: "other"})
    same.join([A, C])
    same.join([C, B])
    assert groups(same) == [(A, C), (B,)]


def test_nothing_to_join_is_fine():
    same = SameMachine([A], {})
    same.join([])
    same.join([A])
    assert groups(same) == [(A,)]


@given(st.permutations([A, B, C, ("10.0.0.4", 22)]))
def test_the_order_does_not_matter(endpoints):
    def made(endpoints):
        same = SameMachine(endpoints, {A: "k", B: "other"})
        same.join_equal({endpoint: endpoint in (A, B, C) for endpoint in endpoints})
        return groups(same)

    assert made(endpoints) == made(sorted(endpoints))
