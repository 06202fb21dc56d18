"""The leash over a real sshd: whatever happens to us, to the connection, or to the leash, the program there ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.remote_ports import RemoteShell
from engine.ssh.leashed.kept_processes import kept_processes
from engine.ssh.leashed.leash_programs import GRACE_SECONDS, SILENCE_SECONDS
from engine.ssh.leashed.remote_starter import RemoteProcessStarter
from engine.vocabulary.running.process import ConnectionLoss, ProcessId, ProcessOutcome, ProcessSpec
from tests.fakes.ended_processes import seconds_until_ended
from tests.fakes.ssh.private_sshd import PrivateSshd, free_port, private_sshd
from tests.fakes.ssh.ssh_accounts import SshAccount, an_account

ROOT = Path(__file__).parents[4]
WAIT_SECONDS = 30.0
GONE_WITHIN_SECONDS = 3.0
STRANGE = ("a b", "$HOME", "it's", 'say "hi"', "new\nline\n", "Grüße, 世界", "\\n\\", "", "!!", "*", "-n", "`id`")
DEAF = ("/bin/sh", "-c", "trap '' TERM; sleep 600 & echo $$ $!; while :; do sleep 600; done")

_ENGINE = textwrap.dedent("""
    import sys, threading
    from pathlib import Path
    from engine.ssh.leashed.remote_starter import RemoteProcessStarter
    from engine.ssh.logging_in.local_ssh import LocalSsh
    from engine.ssh.logging_in.login import SshLogin
    from engine.ssh.logging_in.secrets_store import SecretsStore
    from engine.vocabulary.running.process import ConnectionLoss, ProcessId, ProcessSpec
    from engine.vocabulary.remote import SshTarget
    from tests.fakes.cancel_tokens import NeverCancelled

    home = Path(sys.argv[1])
    ssh = LocalSsh(home=home, local_user="ada", config_file=home / ".ssh/config")
    login = SshLogin(home / "crossply/known_hosts", ssh=ssh, secrets_store=SecretsStore(use_keyring=False))
    shell = login.connect(SshTarget(host="lab"), (), NeverCancelled())
    spec = ProcessSpec(id=ProcessId("worker"), argv=tuple(sys.argv[2:]))
    say = lambda line: print(f"{line}\\n", end="", flush=True)  # in one piece: two threads speak
    held = [RemoteProcessStarter(shell, has_python=has).start(spec, say, say) for has in (True, False)]
    threading.Event().wait()
""")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateSshd]:
    with private_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def account(tmp_path: Path, sshd: PrivateSshd) -> SshAccount:
    account = an_account(tmp_path / "person")
    account.know(sshd)
    account.add_host("lab", sshd)
    return account


@pytest.fixture
def shell(account: SshAccount, sshd: PrivateSshd) -> Iterator[RemoteShell]:
    connected = account.connect_anyway(account.add_host("again", sshd))
    yield connected
    connected.close()


@pytest.fixture(params=["python", "sh"])
def starter(request: pytest.FixtureRequest, shell: RemoteShell) -> RemoteProcessStarter:
    return RemoteProcessStarter(shell, has_python=request.param == "python", machine_name="node")


def start_engine(account: SshAccount) -> tuple[subprocess.Popen[str], list[int]]:
    """A process that holds a deaf program on either leash; and the pids of both programs and their children."""
    argv = [sys.executable, "-c", _ENGINE, str(account.home), *DEAF]
    engine = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert engine.stdout is not None
    pids = [int(word) for _ in range(2) for word in engine.stdout.readline().split()]
    assert len(pids) == 4
    return engine, pids


def end(engine: subprocess.Popen[str]) -> None:
    engine.kill()
    engine.wait()
    assert engine.stdout is not None
    engine.stdout.close()


def test_programs_end_when_we_are_killed(account: SshAccount) -> None:
    engine, pids = start_engine(account)
    try:
        engine.send_signal(signal.SIGKILL)
        seconds_until_ended(pids, GONE_WITHIN_SECONDS)
    finally:
        end(engine)


def test_programs_end_when_we_say_nothing_any_more(account: SshAccount) -> None:
    engine, pids = start_engine(account)
    try:
        engine.send_signal(signal.SIGSTOP)
        took = seconds_until_ended(pids, SILENCE_SECONDS + GRACE_SECONDS + 3.0)
        assert took > SILENCE_SECONDS - 3.0, "a heartbeat or two may be late"
    finally:
        end(engine)


def test_a_program_ends_when_its_connection_does(starter: RemoteProcessStarter, sshd: PrivateSshd) -> None:
    outcomes: list[ProcessOutcome] = []
    spoke, ended = threading.Event(), threading.Event()

    def on_exit(outcome: ProcessOutcome) -> None:
        outcomes.append(outcome)
        ended.set()

    process = starter.start(ProcessSpec(id=ProcessId("worker"), argv=DEAF), lambda line: spoke.set(), on_exit)
    assert spoke.wait(WAIT_SECONDS)
    pids = [int(word) for word in process.tail()[0].split()]
    assert pids[0] == process.pid
    for session in sshd.session_pids():
        for of_connection in (psutil.Process(session), *psutil.Process(session).children()):
            if of_connection.name().startswith("sshd"):
                of_connection.kill()
    seconds_until_ended(pids, GONE_WITHIN_SECONDS)
    assert ended.wait(WAIT_SECONDS)
    assert outcomes == [ProcessOutcome(exit_code=None, stop_asked=False, loss=ConnectionLoss.CLOSED)]
    assert not process.is_alive()
    assert process.tail()
    assert process.stop() == outcomes[0]


def test_a_program_ends_when_its_leash_is_killed(starter: RemoteProcessStarter, sshd: PrivateSshd) -> None:
    ended = threading.Event()
    spoke = threading.Event()
    spec = ProcessSpec(id=ProcessId("worker"), argv=DEAF)
    process = starter.start(spec, lambda line: spoke.set(), lambda outcome: ended.set())
    assert spoke.wait(WAIT_SECONDS)
    leash = psutil.Process(process.pid).parent()
    assert leash is not None
    leash.kill()
    seconds_until_ended([int(word) for word in process.tail()[0].split()], GONE_WITHIN_SECONDS + 2.0)
    assert ended.wait(WAIT_SECONDS)
    assert process.outcome() == ProcessOutcome(exit_code=None, stop_asked=False, loss=ConnectionLoss.LEASH)


def test_arguments_pass_the_login_shell_unchanged(starter: RemoteProcessStarter, tmp_path: Path) -> None:
    ended = threading.Event()
    script = 'for word in "$@" "$CROSSPLY_TEST"; do printf "%s\\0" "$word"; done >seen'
    spec = ProcessSpec(
        id=ProcessId("worker"),
        argv=("/bin/sh", "-c", script, "sh", *STRANGE),
        environment=(("CROSSPLY_TEST", "'$x\nü"),),
        folder=str(tmp_path),
    )
    process = starter.start(spec, lambda line: None, lambda outcome: ended.set())
    assert ended.wait(WAIT_SECONDS)
    assert process.outcome() == ProcessOutcome(exit_code=0, stop_asked=False)
    assert tuple((tmp_path / "seen").read_text(encoding="utf-8").split("\0")) == (*STRANGE, "'$x\nü", "")


def test_a_program_that_is_left_running_survives_its_connection(
    account: SshAccount, sshd: PrivateSshd, shell: RemoteShell, tmp_path: Path
) -> None:
    data_folder = str(tmp_path / "ours")
    spec = ProcessSpec(id=ProcessId("worker"), argv=("/bin/sh", "-c", "echo one; exec sleep 600"), keeps_running=True)
    ended = threading.Event()
    starter = RemoteProcessStarter(shell, has_python=True, data_folder=data_folder)
    process = starter.start(spec, lambda line: None, lambda outcome: ended.set())
    sshd.kill_sessions()
    assert ended.wait(WAIT_SECONDS)
    assert psutil.pid_exists(process.pid)
    again = account.connect_anyway(account.add_host("third", sshd))
    [kept] = kept_processes(again, data_folder)
    stopped = threading.Event()
    starter = RemoteProcessStarter(again, has_python=True, data_folder=data_folder)
    adopted = starter.adopt(kept, lambda line: None, lambda outcome: stopped.set())
    assert adopted.pid == process.pid
    assert adopted.stop() == ProcessOutcome(exit_code=-15, stop_asked=True, rung="asked")
    assert stopped.wait(WAIT_SECONDS)
    again.close()
    seconds_until_ended([process.pid], GONE_WITHIN_SECONDS)


@pytest.mark.real
def test_a_real_rpc_server_starts_and_stops(starter: RemoteProcessStarter, runtime) -> None:
    spoke, ended = threading.Event(), threading.Event()
    argv = (runtime.rpc_server, "-d", "CPU", "-p", str(free_port()))
    process = starter.start(ProcessSpec(id=ProcessId("worker"), argv=argv), lambda line: spoke.set(), lambda o: ended.set())
    assert spoke.wait(WAIT_SECONDS)
    assert psutil.Process(process.pid).exe() == str(Path(runtime.rpc_server).resolve())
    assert process.stop().rung == "asked"
    assert ended.wait(WAIT_SECONDS)
