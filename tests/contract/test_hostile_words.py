"""Every place where a line for a shell, or a command line for ssh, is made: words that a shell or ssh would act on arrive as
words, or are refused before anything is started. One file, so that whoever adds such a place sees where its test belongs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.errors import BadInput, ProbeFailed
from engine.llama_cpp.command_lines import shell_line
from engine.machines.remote_probe.launch_script import launch_script
from engine.runtimes.remote.cache_mark import begin_load, end_load
from engine.runtimes.remote.remote_hashes import remote_hashes
from engine.runtimes.remote.remove_ours import prune_worker_cache, remove_ours
from engine.runtimes.remote.shell_script import run_script, text_of
from engine.settings.ssh_target import parse_target
from engine.ssh.leashed.keep_programs import list_order
from engine.ssh.leashed.leash_programs import PYTHON_COMMAND, SH_COMMAND, python_order, sh_order
from engine.ssh.logging_in.local_ssh import LocalSsh
from engine.ssh.logging_in.route import Stop
from engine.ssh.logging_in.ssh_options import SshOptions, parse_jump
from engine.ssh.tunnels.tunnel_command import check_command, tunnel_command
from engine.vocabulary.remote import Forward, SshTarget
from engine.vocabulary.running.process import ProcessId, ProcessSpec
from tests.fakes.cancel_tokens import NeverCancelled
from tests.fakes.ssh.local_shell import LocalShell

PWNED = "pwned"
WORDS = [
    "a b", "it's", '"quoted"', f"$(touch {PWNED})", f"`touch {PWNED}`", f"x;touch {PWNED}", f"x&touch {PWNED}",
    f"x|touch {PWNED}", f"x>{PWNED}", "*", "~", "\\", "\\'", "'\"'\"'", "!!", "$HOME", "%h", "{a,b}", "#x", "-n", "--help",
    f"-oProxyCommand=touch {PWNED}", "", " ", "\t", "é", "$'x'",
]  # fmt: skip
LINES = ["new\nline", f"x\ntouch {PWNED}\n", "\r", "END\n"]
NAMES = [word for word in WORDS if word and word.isprintable()]
"""That can be the name of a folder."""
SHELLS = ["/bin/sh", "/bin/bash"]


@pytest.fixture(autouse=True)
def _nothing_was_run(tmp_path, monkeypatch):
    """Whatever a word makes a shell do, it does here."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.rglob(PWNED)), "a word was run"


@pytest.fixture(params=SHELLS)
def shell(request):
    return LocalShell(request.param)


def test_arguments_of_a_shell_program_on_another_machine(shell):
    """``run_script``: looking for builds, copying, publishing, hashing, pruning, removing all go through it."""
    words = (*WORDS, *(line for line in LINES if line != "\r"))
    said = run_script(shell, 'say out; printf "[%s]\\n" "$@"', words, timeout_seconds=20)
    assert text_of(said, "out").strip() == "\n".join(f"[{word}]" for word in words)


def test_arguments_of_the_probe(shell):
    """``launch_script``: what a machine is, its load, its free ports."""
    script = launch_script("ports", tuple(NAMES), with_python=False).decode().partition("set -- ")[2]
    line = script.splitlines()[0]
    said = shell.run(f'set -- {line}; printf "[%s]" "$@"', timeout_seconds=20)
    assert said.stdout.decode() == "".join(f"[{word}]" for word in NAMES)


@pytest.mark.parametrize(("command", "order"), [(PYTHON_COMMAND, python_order), (SH_COMMAND, sh_order)], ids=["python", "sh"])
def test_command_line_environment_and_folder_of_a_program_on_a_leash(shell, command, order, tmp_path):
    folder = tmp_path / "a $(touch pwned) 'b"
    folder.mkdir()
    show = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ['WORD'], os.getcwd()]))"
    words = [*WORDS, *LINES]
    for value in ("\n".join(words), words[3]):
        spec = ProcessSpec(
            id=ProcessId("it"), argv=(sys.executable, "-c", show, *words), environment=(("WORD", value),), folder=str(folder)
        )
        stream = shell.open(command)
        stream.send(order(spec, "nonce1"))
        said = b""
        deadline = time.monotonic() + 20
        while b"nonce1 ended" not in said and time.monotonic() < deadline:
            said += stream.read(65536)
        stream.close()
        shown = json.loads(next(line for line in said.splitlines() if line.startswith(b"[[")))
        assert shown == [words, value, str(folder)]


def test_the_list_of_kept_programs_in_a_hostile_folder(shell, tmp_path):
    said = shell.run(PYTHON_COMMAND, stdin=list_order(str(tmp_path / f"$(touch {PWNED})")), timeout_seconds=20)
    assert said.stdout.strip() == b"[]"


@pytest.mark.parametrize("name", NAMES)
def test_our_folders_on_a_machine_whose_home_has_a_hostile_name(name, tmp_path):
    shell = LocalShell()
    data, cache = tmp_path / "home" / name / "data", tmp_path / "home" / name / "cache"
    beside = tmp_path / "beside"
    beside.mkdir()
    assert begin_load(shell, str(cache)) is None
    end_load(shell, str(cache))
    assert list(cache.iterdir()) == []
    assert cache.stat().st_mode & 0o777 == 0o700
    assert cache.parent.stat().st_mode & 0o777 == 0o700
    (cache / "weights").write_bytes(b"1234")
    assert remote_hashes(shell, str(cache), ["weights"], NeverCancelled()).sizes == {"weights": 4}
    assert prune_worker_cache(shell, str(cache), 10) == 4
    (data / "kept").mkdir(parents=True)
    remove_ours(shell, str(data), str(cache))
    assert (data.exists(), cache.exists(), beside.exists()) == (False, False, True)


@pytest.mark.parametrize("path", ["relative", "/", "//x", "/a/../b", "/new\nline", "", "/" + "x" * 2000])
def test_a_folder_that_a_machine_names_and_that_cannot_be_ours_is_refused(path):
    with pytest.raises(ProbeFailed):
        remove_ours(LocalShell(), path, "/home/ada/.cache/x/y")


HOSTS = [
    "-oProxyCommand=touch pwned", "-F/etc/passwd", "--", "a b", "$(id)", "`id`", "a;b", "a|b", "a&b", "a>b", "a'b", 'a"b',
    "a\\b", "a{b,c}", "new\nline", "a\tb", "a/b", "a\x00b", "x" * 300,
]  # fmt: skip
USERS = ["-oProxyCommand=x", "a b", "$(id)", "`id`", "a;b", "a|b", "a&b", "a>b", "a'b", 'a"b', "new\nline", "x" * 300]


@pytest.fixture
def recorder(tmp_path):
    """A program that writes down its arguments."""
    path = tmp_path / "a program"
    note = f"open({str(tmp_path / 'asked')!r}, 'a').write(json.dumps(sys.argv[1:]))"
    path.write_text(f"#!{sys.executable}\nimport json, sys\n{note}\n")
    path.chmod(0o700)
    return path


@pytest.mark.parametrize("host", HOSTS)
def test_a_hostile_host_never_reaches_ssh(host, recorder, tmp_path):
    for attempt in (
        lambda: parse_target(host),
        lambda: parse_target(f"ada@{host}"),
        lambda: parse_jump(host),
        lambda: LocalSsh(home=tmp_path, local_user="ada", program=str(recorder)).options(SshTarget(host=host)),
    ):
        with pytest.raises(BadInput):
            attempt()
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("user", USERS)
def test_a_hostile_user_never_reaches_ssh(user, recorder, tmp_path):
    for attempt in (
        lambda: parse_target(f"{user}@node"),
        lambda: parse_jump(f"{user}@node"),
        lambda: LocalSsh(home=tmp_path, local_user="ada", program=str(recorder)).options(SshTarget(host="node", user=user)),
    ):
        with pytest.raises(BadInput):
            attempt()
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("word", NAMES)
def test_words_of_a_jump_arrive_through_the_shell_that_ssh_hands_it_to(word, recorder, tmp_path):
    """ssh replaces %% and gives the line to the user's shell, as here."""
    hop = _stop("gate", identity_files=(tmp_path / word,), host_key_alias="alias")
    argv = tunnel_command(
        (hop, _stop("node")), (Forward(local_port=1, remote_port=2),), tmp_path / word, program=str(recorder)
    )
    [line] = [one.partition("=")[2] for one in argv if one.startswith("ProxyCommand=")]
    subprocess.run(["/bin/sh", "-c", f"exec {line.replace('%%', '%')}"], check=True)
    asked = json.loads((tmp_path / "asked").read_text())
    expected = list(check_command((hop,), tmp_path / word, program=str(recorder)))[2:-1]
    assert asked[asked.index("-F") :] == expected
    assert asked[-2:] == ["--", "gate"]


def test_the_host_is_always_behind_the_end_of_the_options():
    for argv in (
        tunnel_command((_stop("node"),), (Forward(local_port=1, remote_port=2),), Path("/k")),
        check_command((_stop("node"),), Path("/k"))[:-1],
    ):
        assert argv[-2:] == ("--", "node")


def test_a_line_that_is_shown_to_be_copied(shell, tmp_path):
    show = tmp_path / "show it"
    show.write_text('#!/bin/sh\nprintf "[%s]" "$@" "$WORD"\n')
    show.chmod(0o700)
    for sigpipe in (False, True):
        line = shell_line((str(show), *NAMES), (("WORD", "x; touch pwned"),), ignore_sigpipe=sigpipe)
        said = shell.run(line, timeout_seconds=20)
        assert said.stdout.decode() == "".join(f"[{word}]" for word in (*NAMES, "x; touch pwned"))


def _stop(host, **more):
    options = SshOptions(**{"hostname": host, "port": 22, "user": "ada", "known_hosts": (Path("/k1"),), **more})
    return Stop(target=SshTarget(host=host), options=options, name=host)
