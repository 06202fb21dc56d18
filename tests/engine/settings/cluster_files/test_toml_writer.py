"""What is written is read back by tomllib, whatever it is."""

import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.settings.cluster_files.toml_writer import toml_of

texts = st.text(st.characters(exclude_categories=("Cs",)))
scalars = texts | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
tables = st.dictionaries(texts, values, max_size=4)


@given(st.dictionaries(texts, values | tables | st.lists(tables, min_size=1, max_size=3), max_size=5))
def test_round_trip(document):
    assert tomllib.loads(toml_of(document)) == document


@given(st.floats(), st.booleans())
def test_types_stay(number, yes):
    read = tomllib.loads(toml_of({"n": number, "yes": yes, "whole": 3}))
    assert isinstance(read["n"], float)
    assert read["n"] == number or (math.isnan(number) and math.isnan(read["n"]))
    assert read["yes"] is yes
    assert isinstance(read["whole"], int)


def test_it_looks_like_a_file_of_a_person():
    text = toml_of(
        {
            "version": 1,
            "run": {"slots": 2, "model": 'a "b"'},
            "machine": [{"name": "x", "link": {"rtt_ms": 0.3}}, {"name": "y"}],
        }
    )
    assert text == (
        'version = 1\n\n[run]\nslots = 2\nmodel = "a \\"b\\""\n\n[[machine]]\nname = "x"\nlink = { rtt_ms = 0.3 }\n'
        '\n[[machine]]\nname = "y"\n'
    )


def test_what_is_not_known_is_left_out():
    assert toml_of({"a": None, "t": {"b": None, "c": [{"d": None}]}}) == "[t]\nc = [{}]\n"


@pytest.mark.parametrize("value", ["\ud800", 2**63, {"\udfff": 1}])
def test_what_toml_cannot_say(value):
    with pytest.raises(ValueError, match=r"64 bits|surrogate"):
        toml_of({"key": value})
