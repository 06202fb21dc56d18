"""One start of a copied program."""

from pathlib import Path

import pytest

from engine.runtimes.remote.copying.trial_start import has_started, library_here, missing_library, start_once
from tests.engine.runtimes.remote.shell_here import ShellHere, fake_programs
from tests.fakes.cancel_tokens import NeverCancelled


def test_a_program_that_runs_and_its_links(tmp_path):
    programs = fake_programs(tmp_path / "bin")
    said = start_once(
        ShellHere(tmp_path / "home"),
        str(programs / "ggml-rpc-server"),
        NeverCancelled(),
        links=(("libggml.so", "libggml.so.1"), ("libx.so", "libx.so.1")),
    )
    assert has_started(said)
    assert Path(programs / "libggml.so").readlink() == Path("libggml.so.1")
    assert Path(programs / "libx.so").readlink() == Path("libx.so.1")


def test_a_program_that_does_not_run(tmp_path):
    program = tmp_path / "x"
    program.write_bytes(b"\x7fELF nonsense")
    program.chmod(0o755)
    said = start_once(ShellHere(tmp_path / "home"), str(program), NeverCancelled())
    assert said
    assert not has_started(said)
    assert not has_started(start_once(ShellHere(tmp_path / "home"), str(tmp_path / "no/x"), NeverCancelled()))


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (
            "x: error while loading shared libraries: libgomp.so.1: cannot open shared object file: No such file or directory",
            "libgomp.so.1",
        ),
        ("./x: /lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.30' not found (required by ./x)", "libstdc++.so.6"),
        ("x: error while loading shared libraries: libcudart.so.12: cannot open shared object file", None),
        ("./x: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by ./x)", None),
        ("", None),
    ],
)
def test_only_the_libraries_of_the_compiler_are_lent(said, name):
    assert missing_library(said) == name


@pytest.mark.real
def test_where_they_are_on_this_machine(runtime):
    assert library_here("libstdc++.so.6", Path(runtime.rpc_server)).is_file()
    assert library_here("libnothing.so.1", Path(runtime.rpc_server)) is None
