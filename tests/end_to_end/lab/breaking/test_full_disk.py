"""A worker whose disk has no room for its cache serves without one, and that is said."""

import pytest

from tests.end_to_end.lab.on_the_desk import Desk, wait_until_hosts_are_as_before

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]


@pytest.fixture
def desk(clean_lab, runtime, tmp_path):
    return Desk(clean_lab, runtime, tmp_path)


def has_cache(host):
    """Whether its rpc-servers were asked to keep one."""
    commands = [process.argv for process in host.of_user() if process.argv and "rpc-server" in process.argv[0]]
    assert commands
    return {"-c" in argv for argv in commands}


def test_it_gets_no_cache_and_the_others_do(desk, llama_40):
    full, roomy = desk.lab.hosts[1], desk.lab.hosts[0]
    desk.do("machine", "copy-runtime", full.name, "--accept-host-key", full.fingerprint())
    full.leave_free(100)
    with desk.up(llama_40) as running:
        state = running.wait_until_serving()
        assert state["map"]["matches"]
        assert (has_cache(full), has_cache(roomy)) == ({False}, {True})
        (note,) = [note for note in state["plan"]["notes"] if "keep no cache" in note]
        assert note.startswith(f"The disk of {full.name} has ")
    wait_until_hosts_are_as_before(desk.lab, 20)
