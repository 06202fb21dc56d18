"""That a lab leaves nothing: closed, killed, or not even begun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from tests.lab import lab as lab_module
from tests.lab.lab import Lab, why_not
from tests.lab.leftovers import PIDS, PREFIX, new_name, owner_is_alive, remove_leftovers, start_time
from tests.lab.machines.box import LabFailed
from tests.lab.machines.host import Host
from tests.lab.pytest_lab import must_have_lab

ROOT = Path(__file__).parents[2]


def namespaces_of(name: str) -> set[str]:
    """Network namespaces of the processes that a lab noted in its folder."""
    noted = Path(tempfile.gettempdir(), name, PIDS).read_text(encoding="utf-8").splitlines()
    links = {_read(Path(f"/proc/{line.split()[0]}/ns/net")) for line in noted}
    return {str(link) for link in links if link is not None} - {str(_read(Path("/proc/self/ns/net")))}


def traces(name: str, namespaces: set[str]) -> dict[str, set[str]]:
    """What is to be seen of one lab on this machine, others of other people beside it."""
    alive = {str(_read(path)) for path in Path("/proc").glob("[0-9]*/ns/net")}
    return {
        "folders": {path.name for path in Path(tempfile.gettempdir()).glob(f"{name}*")},
        "mounts": {line for line in Path("/proc/mounts").read_text().splitlines() if name in line},
        "links": {link for link in psutil.net_if_addrs() if link == f"xply{name.rpartition('-')[2]}"},
        "namespaces": alive & namespaces,
        "cgroups": {path.name for path in Path("/sys/fs/cgroup").glob(f"**/{name}*")},
    }


NOTHING: dict[str, set[str]] = {"folders": set(), "mounts": set(), "links": set(), "namespaces": set(), "cgroups": set()}


def _read(path: Path) -> Path | None:
    try:
        return path.readlink()
    except OSError:
        return None


@pytest.mark.lab
def test_a_closed_lab_leaves_nothing_and_comes_up_in_three_seconds(lab):
    begun = time.monotonic()
    with Lab(4) as second:
        seconds = time.monotonic() - begun
        assert second.switch.prefix != lab.switch.prefix
        second.hosts[0].run(["sh", "-c", "setsid sleep 300 </dev/null >/dev/null 2>&1 &"])
        second.hosts[1].cpu_quota(0.5)
        second.hosts[2].power_off()
        namespaces = namespaces_of(second.name)
        assert len(namespaces) == 3 + 3  # switch, desk, stranger, and the hosts that are on
        assert {kind for kind, found in traces(second.name, namespaces).items() if found} == set(NOTHING) - {"mounts"}
        pids = [process.pid for host in second.hosts for process in host.processes()]
    assert traces(second.name, namespaces) == NOTHING
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert seconds < 3


@pytest.mark.lab
def test_after_kill_nine_of_its_owner_only_a_folder_is_left_and_the_next_lab_takes_it(lab):
    script = (
        "from tests.lab.lab import Lab\nlab = Lab(2)\n"
        "lab.hosts[0].run(['sh', '-c', 'setsid sleep 300 </dev/null >/dev/null 2>&1 &'])\n"
        "lab.hosts[0].cpu_quota(0.5)\nprint(lab.name, *(p.pid for h in lab.hosts for p in h.processes()), flush=True)\ninput()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        name, *pids = owner.stdout.readline().split()
        assert len(pids) == 3  # two sshd and what a user started
        namespaces = namespaces_of(name)
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(psutil.pid_exists(int(pid)) for pid in pids) or set(left(name, namespaces)) - {"folders", "cgroups"}:
        assert time.monotonic() < deadline, (pids, traces(name, namespaces))
        time.sleep(0.01)
    assert left(name, namespaces) == ["folders", "cgroups"]
    remove_leftovers()
    assert traces(name, namespaces) == NOTHING


def left(name: str, namespaces: set[str]) -> list[str]:
    return [kind for kind, found in traces(name, namespaces).items() if found]


@pytest.mark.lab
def test_a_lab_that_fails_half_way_leaves_nothing(lab, monkeypatch):
    seen = []

    def fails(host):
        seen.append(host.folder.parent.name)
        seen.append(namespaces_of(seen[0]))
        raise LabFailed("no")

    monkeypatch.setattr(Host, "start_sshd", fails)
    with pytest.raises(LabFailed, match="no"):
        Lab(2)
    assert len(seen[1]) == 4
    assert traces(*seen) == NOTHING


def test_names_know_their_owner():
    assert owner_is_alive(new_name())
    assert not owner_is_alive(f"{PREFIX}{os.getpid()}-1-abcdef")  # the process id is in use again
    assert start_time(os.getpid()) is not None
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    assert not owner_is_alive(f"{PREFIX}{gone.pid}-12345-abcdef")


def test_without_root_there_is_no_lab_and_a_reason(monkeypatch):
    monkeypatch.setattr(lab_module.os, "geteuid", lambda: 1000)
    assert why_not() == "the lab makes network namespaces and accounts: it needs root"
    with pytest.raises(LabFailed, match="needs root"):
        Lab(1)


def test_missing_programs_are_named(monkeypatch):
    monkeypatch.setattr(lab_module.os, "geteuid", lambda: 0)
    monkeypatch.setattr(lab_module, "PROGRAMS", ("sh", "no-such-program"))
    assert why_not().startswith("the lab needs no-such-program (Debian: apt-get install")


@pytest.mark.parametrize(
    ("environment", "must"),
    [
        ({}, False),
        ({"CI": "true"}, True),
        ({"CROSSPLY_NEEDS_LAB": "1"}, True),
        ({"CI": "1", "CROSSPLY_NEEDS_LAB": "0"}, False),
    ],
)
def test_where_a_skip_would_hide_something_it_is_a_failure(environment, must):
    assert must_have_lab(environment) is must


@pytest.mark.parametrize(("needed", "said"), [("0", "1 skipped"), ("1", "1 error")])
def test_tests_of_the_lab_without_root(tmp_path, needed, said):
    (tmp_path / "conftest.py").write_text(
        "import pytest\npytest_plugins = ['tests.lab.pytest_lab']\n"
        "@pytest.fixture(scope='session')\ndef lab_problem(): return 'it needs root'\n"
    )
    (tmp_path / "test_one.py").write_text("def test_one(lab): assert lab\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = lab: x\n")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-m", "lab", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CROSSPLY_NEEDS_LAB": needed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in ran.stdout
    assert "it needs root" in ran.stdout


@pytest.mark.lab
def test_the_lab_for_a_person_says_how_to_use_it_and_ends_at_enter(lab):
    with subprocess.Popen(
        [sys.executable, str(ROOT / "tests/lab/run_lab.py"), "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        said = []
        while "ends it all" not in (line := running.stdout.readline()):
            assert line, said
            said.append(line)
        script = next(line.split()[0] for line in said if line.rstrip().endswith("a shell there"))
        home = subprocess.run(
            [script, "sh", "-c", "pwd; ssh -G lab1 | grep '^user '"], capture_output=True, text=True, check=True
        )
        assert home.stdout.split() == [str(Path(script).parent / "desk"), "user", "ada"]
        name = Path(script).parent.name
        namespaces = namespaces_of(name)
        running.stdin.write("\n")
        running.stdin.flush()
        assert running.wait(timeout=10) == 0
    assert traces(name, namespaces) == NOTHING
