from __future__ import annotations

from engine.process_parts.stop_ladder import Rung, climb


def climbed(works_at: str | None) -> tuple[str | None, list[str]]:
    log: list[str] = []
    acted: list[str] = []

    def gone(seconds: float) -> bool:
        log.append(f"waited {seconds:g}")
        return acted[-1] == works_at

    rungs = tuple(
        Rung(name=name, act=lambda name=name: acted.append(name), seconds=seconds)
        for name, seconds in (("asked", 5), ("terminated", 2), ("killed", 10))
    )
    result = climb(rungs, gone, lambda name: log.append(f"told {name}"))
    return result, log


def test_it_ends_at_the_first_rung_that_works() -> None:
    assert climbed("asked") == ("asked", ["told asked", "waited 5"])


def test_every_rung_has_its_own_deadline() -> None:
    result, log = climbed("killed")
    assert result == "killed"
    assert log == ["told asked", "waited 5", "told terminated", "waited 2", "told killed", "waited 10"]


def test_it_says_so_when_nothing_works() -> None:
    assert climbed(None)[0] is None
