"""Before a launch: ports."""

from dataclasses import replace

import pytest

from engine.errors import ProcessFailed
from engine.session.working.prepare_run import TRIED_PORTS, free_port, prepare_run
from tests.fakes.fake_outside import FakeAsker, Fakes, planned_session


def prepared(fakes, **changes):
    session, _jobs = planned_session(fakes)
    posted = []
    prepare_run(fakes.outside(), replace(session.snapshot(), **changes), posted.append, session.remotes.machine)
    (event,) = posted
    return event


def test_free_ports_are_taken_as_planned():
    event = prepared(Fakes(), n_launches=4)
    assert event.launch == 4
    assert [server.port for server in event.servers] == [50052, 50053]
    assert event.api_port == 8080
    assert [name for name, _worker in event.worker_devices] == ["RPC0", "RPC1"]
    assert event.plan.notes == prepared(Fakes()).plan.notes


def test_taken_ports_are_passed_over_and_no_port_is_used_twice():
    fakes = Fakes()
    fakes.asker.taken = {50052, 8080, 8081}
    event = prepared(fakes)
    assert [server.port for server in event.servers] == [50053, 50054]
    assert event.api_port == 8082
    assert "Another program listens on 127.0.0.1:50052" in " ".join(event.plan.notes)


def test_no_port_at_all_ends_the_run():
    fakes = Fakes()
    fakes.asker.taken = set(range(65536))
    event = prepared(fakes, n_launches=4)
    assert (event.ends_run, event.launch) == (True, 4)
    assert "50052" in event.problem.happened


def test_a_runtime_without_llama_server_ends_the_run():
    event = prepared(Fakes(), runtime=None)
    assert event.ends_run
    assert "no llama-server" in event.problem.happened


def test_ports_end_at_65535():
    asker = FakeAsker()
    asker.taken = set(range(65530, 65536))
    with pytest.raises(ProcessFailed, match="65530"):
        free_port(asker, 65530, set())
    asker.taken = set(range(1000, 1000 + TRIED_PORTS - 1))
    assert free_port(asker, 1000, set()) == 1000 + TRIED_PORTS - 1
