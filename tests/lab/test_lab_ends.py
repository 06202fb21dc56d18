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
from tests.lab.box import LabFailed
from tests.lab.host import Host
from tests.lab.lab import Lab, why_not
from tests.lab.leftovers import PREFIX, new_name, owner_is_alive, remove_leftovers, start_time
from tests.lab.pytest_lab import must_have_lab

ROOT = Path(__file__).parents[2]


def traces() -> dict[str, set[str]]:
    """All that labs make on this machine."""
    return {
        "folders": {path.name for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*")},
        "mounts": {line for line in Path("/proc/mounts").read_text().splitlines() if PREFIX in line},
        "links": {link for link in psutil.net_if_addrs() if link.startswith("xply")},
        "namespaces": {str(link) for path in Path("/proc").glob("[0-9]*/ns/net") if (link := _read(path)) is not None},
        "processes": {str(one.pid) for one in psutil.process_iter() if _is_holder(one)},
        "cgroups": {path.name for path in Path("/sys/fs/cgroup").glob(f"**/{PREFIX}*")},
    }


def _read(path: Path) -> Path | None:
    try:
        return path.readlink()
    except OSError:
        return None


def _is_holder(process: psutil.Process) -> bool:
    try:
        return any(part.endswith("tests/lab/holder.py") for part in process.cmdline())
    except psutil.Error:
        return False


@pytest.mark.lab
def test_a_closed_lab_leaves_nothing_and_comes_up_in_three_seconds(lab):
    before = traces()
    begun = time.monotonic()
    with Lab(4) as second:
        seconds = time.monotonic() - begun
        assert second.switch.prefix != lab.switch.prefix
        second.hosts[0].run(["sh", "-c", "setsid sleep 300 </dev/null >/dev/null 2>&1 &"])
        second.hosts[1].cpu_quota(0.5)
        second.hosts[2].power_off()
        during = traces()
        assert all(during[kind] > before[kind] for kind in ("folders", "links", "namespaces", "processes", "cgroups"))
        pids = [process.pid for host in second.hosts for process in host.processes()]
    assert traces() == before
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert seconds < 3


@pytest.mark.lab
def test_after_kill_nine_of_its_owner_only_a_folder_is_left_and_the_next_lab_takes_it(lab):
    before = traces()
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
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(psutil.pid_exists(int(pid)) for pid in pids) or traces()["links"] != before["links"]:
        assert time.monotonic() < deadline, (pids, traces())
        time.sleep(0.01)
    assert name in traces()["folders"]
    assert name in remove_leftovers()
    assert traces() == before


@pytest.mark.lab
def test_a_lab_that_fails_half_way_leaves_nothing(lab, monkeypatch):
    before = traces()

    def fails(self):
        raise LabFailed("no")

    monkeypatch.setattr(Host, "start_sshd", fails)
    with pytest.raises(LabFailed, match="no"):
        Lab(2)
    assert traces() == before


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
