"""Dialects, from what the real programs print (and, for the two weeks of G3, from their source)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import RuntimeUnavailable
from engine.llama_cpp.dialects import Dialect, Generation, dialect_of

TESTS = Path(__file__).parents[2]


def help_of(folder: str, name: str = "help.txt") -> str:
    return (TESTS / folder / name).read_text()


EXPECTED = {
    "recorded/rpc-server-0.2.90-g1": Dialect(
        generation=Generation.G1,
        program="rpc-server",
        has_device=False,
        device_list=False,
        has_memory=True,
        memory_list=False,
        has_threads=False,
        has_cache=False,
    ),
    "recorded/rpc-server-0.3.16-g2": Dialect(
        generation=Generation.G2,
        program="rpc-server",
        has_device=True,
        device_list=False,
        has_memory=True,
        memory_list=False,
        has_threads=True,
        has_cache=True,
    ),
    "documented/rpc-server-g3": Dialect(
        generation=Generation.G3,
        program="rpc-server",
        has_device=True,
        device_list=True,
        has_memory=True,
        memory_list=True,
        has_threads=True,
        has_cache=True,
    ),
    "recorded/rpc-server-0.3.20-g4": Dialect(
        generation=Generation.G4,
        program="rpc-server",
        has_device=True,
        device_list=True,
        has_memory=False,
        memory_list=False,
        has_threads=True,
        has_cache=True,
    ),
    "recorded/rpc-server-0.3.36-g5": Dialect(
        generation=Generation.G5,
        program="ggml-rpc-server",
        has_device=True,
        device_list=True,
        has_memory=False,
        memory_list=False,
        has_threads=True,
        has_cache=True,
    ),
}


@pytest.mark.parametrize("folder", EXPECTED)
def test_every_generation_is_read_from_its_help(folder: str) -> None:
    assert dialect_of(help_of(folder)) == EXPECTED[folder]


@pytest.mark.parametrize("folder", [folder for folder in EXPECTED if folder.startswith("recorded")])
def test_the_usage_after_an_unknown_option_says_the_same(folder: str) -> None:
    assert dialect_of(help_of(folder, "unknown_option.txt")) == EXPECTED[folder]


@pytest.mark.parametrize("folder", [folder for folder in EXPECTED if folder.startswith("recorded")])
def test_exit_codes_lie(folder: str) -> None:
    """Recorded: why nothing here looks at an exit code."""
    assert "--bogus -> exit 0" in help_of(folder, "exit_codes.tsv")


def test_windows_paths() -> None:
    text = help_of("recorded/rpc-server-0.3.36-g5").replace(
        "./ggml-rpc-server", "C:\\Program Files\\llama\\ggml-rpc-server.exe"
    )
    assert dialect_of(text).program == "ggml-rpc-server"


@pytest.mark.real
def test_the_program_that_is_here(runtime_help: str) -> None:
    assert dialect_of(runtime_help).generation in (Generation.G4, Generation.G5)


@pytest.fixture
def runtime_help(request: pytest.FixtureRequest) -> str:
    import subprocess

    program = request.getfixturevalue("runtime").rpc_server
    done = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", "--host, --port, --device or --mem"),
        ("usage: ls [OPTION]...", "Usage"),
        ("Usage: x [options]\n  -d, --device <dev1,dev2,...>  list\n", "--host, --port"),
        ("Usage: x [options]\n  -H, --host HOST  h\n  -p, --port PORT  p\n  -d, --device DEV  d\n", "the list of devices"),
    ],
)
def test_what_is_missing_is_named(text: str, missing: str) -> None:
    with pytest.raises(RuntimeUnavailable) as caught:
        dialect_of(text)
    assert missing in str(caught.value)


@given(st.text(max_size=300))
def test_any_text_is_a_dialect_or_a_clear_error(text: str) -> None:
    with pytest.raises(RuntimeUnavailable):
        dialect_of(text)
