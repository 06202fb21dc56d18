"""The portable bundle."""

from pathlib import Path

from linux.testing.running import Report


def run(suite: str, work: Path, report: Report) -> None:
    raise NotImplementedError
