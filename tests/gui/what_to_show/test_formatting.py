"""Numbers as people read them."""

from __future__ import annotations

import pytest

from gui.what_to_show import formatting


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(0, "0 MB"), (812_400_000, "812 MB"), (1_000_000_000, "1.0 GB"), (19_760_000_000, "19.8 GB"), (2 * 10**12, "2.0 TB")],
)
def test_bytes(n_bytes: int, text: str) -> None:
    assert formatting.bytes_text(n_bytes) == text


def test_the_unit_is_said_once_when_it_is_the_same() -> None:
    assert formatting.bytes_of_bytes_text(8_100_000_000, 18_900_000_000) == "8.1 of 18.9 GB"
    assert formatting.bytes_of_bytes_text(500_000_000, 18_900_000_000) == "500 MB of 18.9 GB"


@pytest.mark.parametrize(("rate", "text"), [(None, "–"), (0.923, "0.92"), (18.44, "18.4"), (540.2, "540"), (1234.0, "1,234")])
def test_rates(rate: float | None, text: str) -> None:
    assert formatting.rate_text(rate) == text


def test_a_missing_rate_has_no_unit() -> None:
    assert formatting.rate_with_unit(None) == "–"
    assert formatting.rate_with_unit(18.44) == "18.4 tok/s"


@pytest.mark.parametrize(
    ("measured", "predicted", "text"),
    [(18.1, 18.4, "−1.6%"), (20.0, 10.0, "+100.0%"), (None, 18.4, ""), (18.1, None, ""), (18.1, 0.0, "")],
)
def test_differences(measured: float | None, predicted: float | None, text: str) -> None:
    assert formatting.difference_text(measured, predicted) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.921, "0.92 s"), (14.2, "14 s"), (125, "2 min 5 s"), (120, "2 min")])
def test_durations(seconds: float, text: str) -> None:
    assert formatting.duration_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.000431, "0.43 ms"), (0.0043, "4.3 ms"), (0.0543, "54 ms"), (1.2404, "1,240 ms")]
)
def test_milliseconds(seconds: float, text: str) -> None:
    assert formatting.milliseconds_text(seconds) == text


@pytest.mark.parametrize(("share", "text"), [(0.0004, "under 0.1%"), (0.0123, "1.2%"), (0.43, "43%"), (1.0, "100%")])
def test_shares(share: float, text: str) -> None:
    assert formatting.share_text(share) == text


@pytest.mark.parametrize(("n_tokens", "text"), [(4096, "4k"), (1_048_576, "1M"), (5000, "5,000"), (512, "512")])
def test_tokens(n_tokens: int, text: str) -> None:
    assert formatting.tokens_text(n_tokens) == text


@pytest.mark.parametrize(
    ("first", "last", "output", "text"),
    [
        (0, 9, False, "0–9"),
        (30, 39, True, "30–39 +"),
        (4, 4, False, "4"),
        (None, None, True, "out"),
        (None, None, False, "none"),
    ],
)
def test_layers(first: int | None, last: int | None, output: bool, text: str) -> None:
    assert formatting.layers_text(first, last, output=output) == text


@pytest.mark.parametrize("path", ["/a/b/m.gguf", "C:\\a\\m.gguf", "m.gguf"])
def test_file_names_of_every_system(path: str) -> None:
    assert formatting.file_name(path) == "m.gguf"


def test_german_figures(in_german: None) -> None:
    """A comma before the fraction, points between thousands, a blank before the per cent sign; units are the same."""
    assert formatting.bytes_text(19_800_000_000) == "19,8 GB"
    assert formatting.rate_text(1240.4) == "1.240"
    assert formatting.rate_text(18.44) == "18,4"
    assert formatting.percent_text(0.43) == "43\N{NO-BREAK SPACE}%"
    assert formatting.milliseconds_text(1.24) == "1.240 ms"
    assert formatting.tokens_text(5000) == "5.000"
    assert formatting.bytes_of_bytes_text(8_100_000_000, 18_900_000_000) == "8,1 von 18,9 GB"
    assert formatting.count_text(1, "layer") == "1 Schicht"
    assert formatting.lacking_text(13_100_000_000) == "13,1 GB"


def test_lists_and_what_a_worker_holds() -> None:
    assert [formatting.and_text(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert formatting.held_text(1, output=False) == "1 layer"
    assert formatting.held_text(10, output=True) == "10 layers and the output head"


def test_shortfalls_are_rounded_up() -> None:
    assert formatting.lacking_text(3_140_000_000) == "3.2 GB"
    assert formatting.lacking_text(449_200_000) == "450 MB"
