from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.machines.processors.cpu_facts import cpu_name, instruction_sets
from engine.machines.processors.cpu_of_system import read_cpu_of_system

DOCUMENTED = Path(__file__).parents[3] / "documented" / "cpuinfo"


@pytest.mark.parametrize(
    ("file", "name", "some_sets"),
    [
        ("x86_64-sapphire-rapids.txt", "Intel(R) Xeon(R) Platinum 8480+", ("avx2", "avx512f", "avx512_vnni", "amx_int8")),
        ("arm64-neoverse-v1.txt", None, ("neon", "fp16", "dotprod", "i8mm", "bf16", "sve")),
        ("riscv64-k1.txt", "spacemit,x60", ("rvv",)),
        ("ppc64le-power9.txt", "POWER9, altivec supported", ()),
    ],
)
def test_processors(file: str, name: str | None, some_sets: tuple[str, ...]) -> None:
    text = (DOCUMENTED / file).read_text()
    assert cpu_name(text) == name
    assert set(some_sets) <= set(instruction_sets(text))


def test_nothing_is_claimed_twice_or_that_is_not_there() -> None:
    text = (DOCUMENTED / "arm64-neoverse-v1.txt").read_text()
    found = instruction_sets(text)
    assert len(found) == len(set(found))
    assert "sve2" not in found
    assert instruction_sets("isa : rv64imafdc_zvfh") == ()


def test_a_board_without_a_name_is_named_by_the_device_tree_or_the_architecture(tmp_path: Path) -> None:
    cpuinfo = DOCUMENTED / "arm64-neoverse-v1.txt"
    board = tmp_path / "model"
    assert read_cpu_of_system(cpuinfo, board).name.endswith(" processor")
    board.write_bytes(b"Raspberry Pi 5 Model B Rev 1.0\0")
    assert read_cpu_of_system(cpuinfo, board).name == "Raspberry Pi 5 Model B Rev 1.0"


def test_no_cpuinfo_at_all(tmp_path: Path) -> None:
    found = read_cpu_of_system(tmp_path / "none", tmp_path / "none")
    assert (found.name.endswith(" processor"), found.instruction_sets) == (True, ())


@given(st.text(max_size=300))
def test_any_text_is_survived(text: str) -> None:
    cpu_name(text)
    instruction_sets(text)
