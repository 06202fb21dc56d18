"""What a machine says cannot make us run anything, nor move the cursor of whoever reads it, nor fill the memory."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress

from engine.cli.terminal.output import PlainColumn, complain, print_json, print_line, print_table, say
from engine.errors import EngineError
from engine.llama_cpp.command_lines import shell_line
from engine.machines.remote_probe.launch_script import launch_script
from engine.process_parts.output_lines import MAX_LINE_BYTES, LineSplitter
from engine.runtimes.remote.shell_script import run_script, text_of
from engine.runtimes.run_program import run_to_end, run_with_lines
from engine.ssh.leashed.leash_output import LeashOutput
from engine.ssh.leashed.leash_programs import SH_LEASH, python_order, sh_order
from engine.vocabulary.running.process import ProcessId, ProcessSpec
from tests.fakes.cancel_tokens import NeverCancelled
from tests.fakes.ssh.local_shell import LocalShell

RUNS = settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
NASTY = (
    "$(touch PWNED)", "`touch PWNED`", "'; touch PWNED; '", '"; touch PWNED; "', "\n touch PWNED\n", "&& touch PWNED", "*",
    "| touch PWNED", "a\\", "\\'", "'\\''", "!!", "$HOME", "${IFS}", "~", "?", "[a-z]", "-n", "-c", "--", "#x", "", " ", "\t",
    "\x1b[2J", "é", "\u202e", "%s%n", "a=b", ">PWNED", "<PWNED", "(touch PWNED)", "{touch,PWNED}", "\r", "\x7f", "EOF", "}",
    "{0}", "nonce", "PYTHON",
)  # fmt: skip
text = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12)
words = st.lists(st.one_of(st.sampled_from(NASTY), text), max_size=6)
SHOW = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ.get('X')]))"


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A folder to be in; whatever is executed leaves a file there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def in_sh(script: str) -> str:
    """What a real POSIX shell makes of it."""
    done = subprocess.run(
        ["/bin/sh"], input=script.encode() if isinstance(script, str) else script, capture_output=True, check=False
    )
    return done.stdout.decode()


@RUNS
@given(words=words, value=st.sampled_from(NASTY), ignore=st.booleans())
def test_command_lines_to_copy_say_what_they_are(words: list[str], value: str, ignore: bool) -> None:
    line = shell_line((sys.executable, "-c", SHOW, *words), (("X", value),), ignore_sigpipe=ignore)
    assert json.loads(in_sh(line)) == [words, value]


@RUNS
@given(words=words, value=st.sampled_from(NASTY))
def test_the_leash_starts_what_it_is_told(words: list[str], value: str) -> None:
    spec = ProcessSpec(id=ProcessId("p"), argv=(sys.executable, "-c", SHOW, *words), environment=(("X", value),))
    nonce = "0123456789abcdef"
    end, _, script = sh_order(spec, nonce).decode().partition("\n")
    set_up, the_same_for_all, rest = script.partition(SH_LEASH)
    assert (the_same_for_all, rest) == (SH_LEASH, f"\n{end}\n")
    assert json.loads(in_sh(f'{set_up}\nadd_environment\nexec "$@"\n')) == [words, value]
    line = python_order(spec, nonce)
    assert line.count(b"\n") == 1
    assert json.loads(line)["argv"] == list(spec.argv)


@RUNS
@given(words=words)
def test_scripts_on_a_machine_get_their_arguments_as_they_are(words: list[str]) -> None:
    body = 'say n; echo "$#"; for a in "$@"; do say a; printf "%s" "$a" | od -An -v -tx1; done'
    sections = run_script(LocalShell(), body, tuple(words), timeout_seconds=20.0)
    assert text_of(sections, "n") == str(len(words))
    got = [bytes.fromhex("".join(section.text.split())).decode() for section in sections if section.key == "a"]
    assert got == words


@RUNS
@given(words=words)
def test_probe_programs_get_their_arguments_as_they_are(words: list[str]) -> None:
    script = launch_script("ports", tuple(words), with_python=False).decode()
    (line,) = re.findall(r"^set -- .*?(?=\nfree_|\n#|\n[a-z_]+\(\)|\n[a-z]+=)", script, re.MULTILINE | re.DOTALL)[:1]
    assert in_sh(f'{line}\nprintf "%s\\0" "$#" "$@"').split("\0")[:-1] == [str(len(words)), *words]


def test_nothing_was_executed(empty) -> None:
    for nasty in NASTY:
        in_sh(shell_line(("true", nasty), (("X", nasty),)))
        run_script(LocalShell(), "say x", (nasty,), timeout_seconds=20.0)
    assert list(empty.iterdir()) == []


ESCAPES = "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://x\x1b\\\x9b31m\x08\x08\r\x7f\u202e\u2066"


def test_no_output_of_the_command_line_moves_the_cursor(capsys) -> None:
    evil = f"lab{ESCAPES}[link=http://x]y[/link][red]"
    say(f"{evil} said\nsecond line")
    print_line(f"  {evil}")
    complain(evil, evil)
    print_table(("machine", "n"), [(evil, "1")])
    print_json({evil: evil})
    console = Console(file=sys.stdout, force_terminal=True, width=200)
    with Progress(PlainColumn(), console=console, transient=False) as progress:
        progress.add_task(evil)
        rendered = console.render_str("").plain + PlainColumn().render(progress.tasks[0]).plain
    said = capsys.readouterr()
    ours = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", said.out)  # rich's own, of the bar
    for text in (said.err, ours, rendered):
        bad = {c for c in text if not c.isprintable()} - {"\n", "\r"}
        assert bad == set()
    assert "\x1b]" not in said.out
    assert "[link=http://x]" in said.out
    assert "second line" in said.err


def test_a_file_name_that_is_not_utf_8_is_no_traceback() -> None:
    code = "from engine.cli.terminal.output import *; n = 'm\\udcff'; say(n); print_line(n); complain(n)"
    code += "; print_table(('a',), [(n,)])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, cwd=Path(__file__).parents[2])
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)


def test_a_line_without_an_end_is_cut() -> None:
    splitter, chunk, lines = LineSplitter(), b"x" * 65536, []
    tracemalloc.start()
    for _ in range(16384):  # 1 GiB
        lines += splitter.feed(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [len(line) for line in lines] == [MAX_LINE_BYTES + 6]
    assert peak < 1 << 20


def test_a_leash_that_never_ends_its_line_is_passed_on(tmp_path) -> None:
    leash = LeashOutput("0123456789abcdef")
    leash.feed(b"\n0123456789abcdef begin\n")
    tracemalloc.start()
    for _ in range(4096):
        leash.feed(b"0123456789abcdef" * 4096)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_program_that_prints_without_end_is_bounded() -> None:
    """256 MiB on one line, as a program of a chosen folder might."""
    code = "import sys; w = sys.stdout.buffer.write; [w(b'x' * (1 << 20)) for _ in range(256)]"
    tracemalloc.start()
    output = run_to_end((sys.executable, "-c", code), timeout_seconds=60.0)
    lines: list[str] = []
    run_with_lines((sys.executable, "-c", code), on_line=lines.append, token=NeverCancelled())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(output.stdout) <= 16 << 20
    assert [len(line) for line in lines] == [MAX_LINE_BYTES + 6]
    assert peak < 64 << 20


def test_errors_hold_no_more_than_a_page() -> None:
    assert len(str(EngineError("x" * 10**7, advice="y" * 10**7))) < 12_000
