"""The lab itself: that its machines are machines, break as machines do, and leave nothing."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import paramiko
import psutil
import pytest

from tests.lab.lab import Lab
from tests.lab.machines.box import LabFailed
from tests.lab.machines.host import Host

BULK_BYTES = 6_000_000


def on_desk(lab: Lab, argv: list[str], seconds: float = 20.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*lab.command_prefix(), *argv], capture_output=True, text=True, timeout=seconds, check=False)


def by_password(lab: Lab, host: Host, password: str) -> str:
    """Its name, asked over SSH from this machine's own network."""
    lab.known_hosts()
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        client.load_host_keys(str(lab.client_home / ".ssh/known_hosts"))
        client.connect(host.address, username=host.user, password=password, look_for_keys=False, allow_agent=False, timeout=10)
        return client.exec_command("hostname", timeout=10)[1].read().decode().strip()


def can_connect(address: str, port: int, seconds: float = 1.0) -> bool:
    try:
        with socket.create_connection((address, port), timeout=seconds):
            return True
    except OSError:
        return False


def test_four_hosts_differ_in_all_that_tells_machines_apart(lab):
    asked = "hostname; cat /etc/machine-id /proc/sys/kernel/random/boot_id; id -u; ls /sys/class/net"
    answers = [host.run(["sh", "-c", asked]).split() for host in lab.hosts]
    assert [answer[0] for answer in answers] == ["lab1", "lab2", "lab3", "lab4"]
    for column in (1, 2, 3):
        assert len({answer[column] for answer in answers}) == 4
    assert answers[0][4:] == ["eth0", "lo"]
    assert len({host.fingerprint() for host in lab.hosts}) == 4


def test_nothing_is_prepared_on_a_new_host(clean_lab):
    host = clean_lab.hosts[0]
    assert host.files() == []
    assert host.of_user() == []
    assert host.listening() == [("0.0.0.0", 22)]
    assert host.run(["sh", "-c", "ls -A /root /home 2>/dev/null; true"]).split() == ["/home:", "ada"]
    assert host.run(["sh", "-c", "touch /usr/bin/x /etc/x /x 2>/dev/null || echo read-only"]).strip() == "read-only"
    assert host.run(["sh", "-c", "command -v python3"]).strip()


def test_ssh_with_the_key_from_the_desk_directly_and_through_another_host(clean_lab):
    clean_lab.known_hosts()
    for name in ("lab1", "lab2", "lab4"):
        said = on_desk(clean_lab, ["ssh", "-o", "BatchMode=yes", name, "hostname; whoami; pwd"])
        assert said.stdout.split() == [name, "ada", "/home/ada"], said.stderr
    seen_by_lab4 = on_desk(clean_lab, ["ssh", "-o", "BatchMode=yes", "lab4", "echo $SSH_CONNECTION"]).stdout
    assert seen_by_lab4.split()[0] == clean_lab.hosts[0].address


def test_ssh_refuses_an_unknown_host_key_and_takes_the_config_of_the_lab(clean_lab):
    said = on_desk(clean_lab, ["ssh", "-o", "BatchMode=yes", "lab1", "hostname"])
    assert said.returncode == 255
    assert "Host key verification failed" in said.stderr
    resolved = on_desk(clean_lab, ["ssh", "-G", "lab4"]).stdout
    assert "proxyjump lab1" in resolved
    assert f"hostname {clean_lab.hosts[3].address}" in resolved
    assert f"userknownhostsfile {clean_lab.client_home}/.ssh/known_hosts" in resolved


def test_ssh_with_the_password_and_not_with_a_wrong_one(lab):
    host = lab.hosts[1]
    assert by_password(lab, host, lab.password) == "lab2"
    with pytest.raises(paramiko.AuthenticationException):
        by_password(lab, host, "wrong")


def test_a_command_on_the_desk_keeps_its_process_id_and_ends_by_kill_nine(lab):
    with subprocess.Popen(
        [*lab.command_prefix(), "sh", "-c", "echo $$ $HOME $PWD; exec sleep 60"], stdout=subprocess.PIPE, text=True
    ) as running:
        pid, home, folder = running.stdout.readline().split()
        assert (int(pid), home, folder) == (running.pid, str(lab.client_home), str(Path.cwd()))
        running.kill()
        assert running.wait(timeout=5) == -signal.SIGKILL


def test_loopback_ports_of_the_desk_are_its_own(lab):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asked = f"import socket; print(socket.socket().connect_ex(('127.0.0.1', {listener.getsockname()[1]})))"
        assert on_desk(lab, [sys.executable, "-I", "-c", asked]).stdout.strip() == "111"  # refused


def test_power_off_ends_everything_in_silence_and_the_home_survives(clean_lab):
    host = clean_lab.hosts[0]
    before = host.run(["cat", "/proc/sys/kernel/random/boot_id"])
    host.run(["sh", "-c", "echo kept > kept; echo lost > /tmp/lost; setsid sleep 300 </dev/null >/dev/null 2>&1 &"])
    _until(lambda: [process.argv for process in host.of_user()] == [("sleep", "300")])
    pids = [process.pid for process in host.processes()]
    with socket.create_connection((host.address, 22), timeout=2) as connection:
        connection.recv(100)
        host.power_off()
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(100)
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert host.processes() == []
    assert not can_connect(host.address, 22, 0.3)
    host.power_on()
    assert host.files() == ["/home/ada/kept"]
    assert host.run(["cat", "/proc/sys/kernel/random/boot_id"]) != before
    assert can_connect(host.address, 22)


def test_cable_out_makes_it_silent_not_closed(lab):
    host = lab.hosts[1]
    with socket.create_connection((host.address, 22), timeout=2) as connection:
        connection.recv(100)
        host.cable_out()
        try:
            connection.sendall(b"SSH-2.0-test\r\n")
            connection.settimeout(0.3)
            with pytest.raises(TimeoutError):
                connection.recv(4096)
        finally:
            host.cable_in()
        connection.settimeout(10)
        assert connection.recv(4096)  # the answer, as soon as TCP tries again


@pytest.mark.parametrize("mbit", [50, 100])
def test_slow_limits_both_directions(lab, mbit):
    host = lab.hosts[2]
    host.slow(mbit)
    try:
        rates = [8 * BULK_BYTES / 1e6 / _transfer(lab, host, upload) for upload in (True, False)]
    finally:
        host.slow(None)
    assert all(0.75 * mbit < rate < 1.1 * mbit for rate in rates), rates
    assert 8 * BULK_BYTES / 1e6 / _transfer(lab, host, True) > 2 * mbit


def _transfer(lab: Lab, host: Host, upload: bool) -> float:
    """Seconds for BULK_BYTES over plain TCP between the desk's network and a program on the host."""
    take = f"n=0\nwhile n < {BULK_BYTES}: n += len(c.recv(1 << 20))\nc.sendall(b'.')"
    give = f"c.sendall(bytes({BULK_BYTES})); c.recv(1)"
    open_port = "import socket\nl = socket.create_server(('0.0.0.0', 7000))\nprint('up', flush=True)\nc = l.accept()[0]\n"
    kept = host._on().enter("net")
    with subprocess.Popen(
        [*kept, sys.executable, "-I", "-c", open_port + (take if upload else give)], stdout=subprocess.PIPE, text=True
    ) as far:
        assert far.stdout.readline() == "up\n"
        with socket.create_connection((host.address, 7000), timeout=20) as near:
            begun = time.monotonic()
            if upload:
                near.sendall(bytes(BULK_BYTES))
                assert near.recv(1) == b"."
            else:
                left = BULK_BYTES
                while left:
                    left -= len(near.recv(1 << 20))
            seconds = time.monotonic() - begun
            if not upload:
                near.sendall(b".")
    return seconds


def test_the_stranger_reaches_port_22_only_and_sees_what_is_opened(clean_lab):
    addresses = [host.address for host in clean_lab.hosts]
    found = clean_lab.stranger.scan_all([*addresses, clean_lab.desk_address])
    assert found == {**{address: [22] for address in addresses}, clean_lab.desk_address: []}
    host = clean_lab.hosts[0]
    with clean_lab.watch_exposure() as watch:
        listen = "import socket\nl=[socket.create_server((a, p)) for a, p in (('0.0.0.0', 50052), ('127.0.0.1', 50053))]"
        host.run(["sh", "-c", f'python3 -c "{listen}\nimport time; time.sleep(60)" </dev/null >/dev/null 2>&1 &'])
        _until(lambda: len(host.listening()) == 3)
        assert clean_lab.stranger.can_reach(host.address, 50052)
        assert not clean_lab.stranger.can_reach(host.address, 50053)
        assert clean_lab.stranger.scan(host.address) == [22, 50052]
    assert host.exposed() == [50052]
    assert watch.seen == {("lab1", "0.0.0.0", 50052)}
    host.make_new()
    assert host.exposed() == []


def _until(good, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not good():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_killed_sshd_ends_connections_and_leaves_what_they_started(clean_lab):
    host = clean_lab.hosts[2]
    clean_lab.known_hosts()
    with subprocess.Popen(
        [*clean_lab.command_prefix(), "ssh", "-n", "-o", "BatchMode=yes", "lab3", "echo up; exec sleep 300"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as connection:
        assert connection.stdout.readline() == "up\n"
        host.kill_sshd()
        assert connection.wait(timeout=10) == 255
    _until(lambda: [process.argv for process in host.of_user()] == [("sleep", "300")])
    assert not can_connect(host.address, 22)
    host.start_sshd()
    assert can_connect(host.address, 22)
    host.make_new()


def test_a_changed_host_key_is_refused_by_ssh(clean_lab):
    clean_lab.known_hosts()
    host = clean_lab.hosts[0]
    before = host.fingerprint()
    host.change_host_key()
    assert host.fingerprint() != before
    said = on_desk(clean_lab, ["ssh", "-o", "BatchMode=yes", "lab1", "hostname"])
    assert said.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in said.stderr
    assert host.fingerprint() in said.stderr


def test_a_host_that_hangs_after_connect(lab):
    host = lab.hosts[3]
    host.hangs_after_connect()
    with socket.create_connection((host.address, 22), timeout=2) as connection:
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(100)
    host.answers_again()
    with socket.create_connection((host.address, 22), timeout=2) as connection:
        assert connection.recv(100).startswith(b"SSH-2.0-")


def test_without_python_there_is_a_shell_and_no_python(clean_lab):
    host = clean_lab.hosts[0]
    assert host.run(["python3", "-c", "print(1)"]) == "1\n"
    host.without_python()
    assert host.run(["sh", "-c", "command -v python3 || echo none; python3 2>/dev/null; echo $?"]) == "none\n127\n"
    assert host.run(["uname"]) == "Linux\n"
    host.make_new()
    assert host.run(["python3", "-c", "print(1)"]) == "1\n"


def test_a_full_disk(clean_lab):
    host = clean_lab.hosts[0]
    host.run(["sh", "-c", "head -c 3000000 /dev/zero > first"])
    host.leave_free(1)
    with pytest.raises(LabFailed, match="No space left on device"):
        host.run(["sh", "-c", "head -c 3000000 /dev/zero > second"])
    host.run(["sh", "-c", "rm first second; head -c 3000000 /dev/zero > third"])


def test_cpu_quota_slows_a_host(clean_lab):
    host = clean_lab.hosts[0]
    host.cpu_quota(0.2)
    spent = "import time\nend = time.monotonic() + 1\nwhile time.monotonic() < end: pass\nprint(time.process_time())"
    host.run(["true"])
    out = subprocess.run(
        [*clean_lab.command_prefix(), "ssh", "-o", "StrictHostKeyChecking=accept-new", "lab1", "python3", "-"],
        input=spent,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert 0.1 < float(out.stdout) < 0.4
    host.cpu_quota(None)


def test_a_host_that_is_off_says_so(lab):
    host = lab.hosts[3]
    host.power_off()
    with pytest.raises(LabFailed, match="lab4 of the lab is powered off"):
        host.run(["true"])
    host.power_on()
