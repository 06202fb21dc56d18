"""A password, and the passphrase of a key, while they are in use: they carry a tunnel, a worker and a loaded model, and stand
in no command line, no environment, no file, no log and nothing that is shown, on the desk and on every host.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from engine.session.state import RunPhase
from tests.end_to_end.crossply_programs import wait_until
from tests.end_to_end.lab.on_the_desk import Desk, wait_until_hosts_are_as_before
from tests.lab.machines.host_files import USER_HOME

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]

WRONG = "wrong-Zq8-"
"""Begins a secret that is typed wrong first: what a person mistypes is nearly the right one."""
LARGEST_BYTES = 64 * 1024 * 1024


@pytest.fixture
def desk(clean_lab, runtime, tmp_path):
    clean_lab.known_hosts()
    made = Desk(clean_lab, runtime, tmp_path)
    copied = made.do("machine", "copy-runtime", "lab1")
    assert copied.returncode == 0, copied.stderr
    return made


@contextmanager
def password(lab):
    """The desk has no key any more."""
    key = lab.client_home / ".ssh/id_ed25519"
    kept = key.rename(key.with_name("kept"))
    try:
        yield lab.password
    finally:
        kept.rename(key)


@contextmanager
def passphrase(lab):
    """The desk's key is locked."""
    key = lab.client_home / ".ssh/id_ed25519"
    before = key.read_bytes()
    secret = f"phrase-{secrets.token_hex(8)}"
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", secret, "-f", str(key)], check=True, stdout=subprocess.DEVNULL)
    try:
        yield secret
    finally:
        key.write_bytes(before)


def in_processes(words):
    """Where one of the words stands in a command line or an environment: this machine sees the processes of all hosts."""
    found = []
    for process in psutil.process_iter():
        for file in ("cmdline", "environ"):
            with suppress(OSError):
                content = Path(f"/proc/{process.pid}/{file}").read_bytes()
                found += [f"/proc/{process.pid}/{file}" for word in words if word.encode() in content]
    return found


def in_files(words, folders):
    """The same for every file below."""
    found = []
    for path in (path for folder in folders for path in folder.rglob("*")):
        with suppress(OSError):
            if path.is_file() and not path.is_symlink() and path.stat().st_size < LARGEST_BYTES:
                content = path.read_bytes()
                found += [str(path) for word in words if word.encode() in content]
    return found


def places(lab, tmp_path):
    """Where anything of Crossply could be written."""
    on_hosts = [host.path(place) for host in lab.hosts for place in (USER_HOME, "/tmp", "/var/tmp", "/dev/shm", "/run")]
    return [lab.client_home, tmp_path, *on_hosts]


def test_the_search_finds_a_word_in_a_command_line_an_environment_and_a_file(tmp_path):
    words = [f"found-{secrets.token_hex(8)}"]
    (tmp_path / "file").write_text(f"before {words[0]} after")
    sleeps = [sys.executable, "-c", "import time; time.sleep(30)"]
    for argv, more in (([*sleeps, *words], {}), (sleeps, {"WORD": words[0]})):
        with subprocess.Popen(argv, env={**os.environ, **more}) as process:
            wait_until(lambda: in_processes(words), 10, "it is found")
            process.kill()
    assert in_files(words, [tmp_path]) == [str(tmp_path / "file")]


@pytest.mark.parametrize("secret_of", [password, passphrase], ids=["password", "passphrase"])
def test_a_secret_in_use_is_nowhere_to_be_seen(desk, llama_40, tmp_path, secret_of):
    lab = desk.lab
    argv = [*desk.argv()[:-1], "tests.end_to_end.lab.security.desk_session", "hold", "lab1", str(llama_40)]
    with secret_of(lab) as secret, (tmp_path / "stderr").open("wb") as err:
        words = [secret, WRONG]
        answers = json.dumps([WRONG + secret[:4], secret]) + "\n"
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err, text=True) as process:
            try:
                process.stdin.write(answers)
                process.stdin.flush()
                shown = process.stdout.readline()
                assert shown, (tmp_path / "stderr").read_text()
                told = json.loads(shown)
                assert told["loaded"]["ended"] == RunPhase.READY.value
                assert [wrong for _, wrong in told["asked"]["asked"]] == [False, True]
                assert tunnel_programs(process.pid), "the tunnel is carried with the secret"
                assert in_processes(words) == []
                assert [word for word in words if word in shown] == []
                assert [word for word in words if word in desk.do("status", "--json").stdout] == []
                assert in_files(words, places(lab, tmp_path)) == []
            finally:
                process.stdin.close()
                process.wait(30)
        assert in_files(words, places(lab, tmp_path)) == []
    wait_until_hosts_are_as_before(lab)


def tunnel_programs(pid):
    """Those of ours that carry ports where OpenSSH cannot."""
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if any("tunnel_program" in word for word in child.cmdline())]
