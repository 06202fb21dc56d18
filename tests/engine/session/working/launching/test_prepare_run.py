"""Before a launch: ports."""

from dataclasses import replace

import pytest

from engine.errors import ProcessFailed
from engine.llama_cpp.command_lines import rpc_server_argv
from engine.session.working.launching.prepare_run import COORDINATOR_PORT, TRIED_PORTS, free_port, prepare_run
from engine.vocabulary.remote import Forward
from tests.fakes.sessions.fake_lab import FakeLab, id_of
from tests.fakes.sessions.fake_outside import FakeAsker, Fakes, planned_session


def prepared(fakes, **changes):
    session, _jobs = planned_session(fakes)
    posted = []
    prepare_run(fakes.outside(), replace(session.snapshot(), **changes), posted.append, session.remotes.machine)
    return posted[-1]


def test_free_ports_are_taken_as_planned():
    event = prepared(Fakes(), n_launches=4)
    assert event.launch == 4
    assert [server.port for server in event.servers] == [50052, 50053]
    assert event.coordinator_port == COORDINATOR_PORT
    assert [name for name, _worker in event.worker_devices] == ["RPC0", "RPC1"]
    assert event.plan.notes == prepared(Fakes()).plan.notes


def test_taken_ports_are_passed_over_and_no_port_is_used_twice():
    fakes = Fakes()
    fakes.asker.taken = {50052, COORDINATOR_PORT}
    event = prepared(fakes)
    assert [server.port for server in event.servers] == [50053, 50054]
    assert event.coordinator_port == COORDINATOR_PORT + 1
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


def prepared_lab(lab, **changes):
    posted = []
    state = replace(lab.session.snapshot(), **changes)
    prepare_run(lab.fakes.outside(), state, posted.append, lab.session.remotes.machine)
    return posted[-1]


def places(event):
    return {server.machine_name: (server.endpoint, server.listens_on) for server in event.servers}


def test_ports_taken_at_either_end_of_a_tunnel_are_passed_over():
    lab = FakeLab("one", "two")
    lab.here.taken = {51072}
    lab.machines["two"].asker.taken = {50052, 50053}
    event = prepared_lab(lab)
    assert places(event) == {
        "one": ("127.0.0.1:51073", "127.0.0.1:50052"),
        "two": ("127.0.0.1:51092", "127.0.0.1:50054"),
        "fake": ("127.0.0.1:50052", None),
    }
    assert [(tunnel.machine_name, tunnel.forwards) for tunnel in event.tunnels] == [
        ("one", (Forward(local_port=51073, remote_port=50052),)),
        ("two", (Forward(local_port=51092, remote_port=50054),)),
    ]
    notes = " ".join(event.plan.notes)
    assert "Another program listens on 127.0.0.1:50052 of two, so this worker gets 127.0.0.1:50054." in notes
    assert " of one" not in notes


def test_a_machine_open_on_the_network_binds_its_own_address_and_has_no_tunnel():
    lab = FakeLab("one", lan={"one": "10.0.0.7"})
    lab.machines["one"].asker.taken = {50052}
    event = prepared_lab(lab)
    assert places(event)["one"] == ("10.0.0.7:50053", None)
    assert event.tunnels == ()
    server = next(server for server in event.servers if server.machine_name == "one")
    program = dict(event.programs)[id_of("one")]
    assert rpc_server_argv(server, program.rpc_server, program.dialect)[1:5] == ("-H", "10.0.0.7", "-p", "50053")


def test_a_machine_that_was_lost_ends_the_launch_with_a_sentence():
    lab = FakeLab("one")
    posted = []
    prepare_run(lab.fakes.outside(), lab.session.snapshot(), posted.append, lambda _id: None)
    (event,) = posted
    assert event.ends_run
    assert event.problem.happened == "There is no connection to one now."
    assert event.problem.advice


def test_a_machine_without_a_port_ends_the_launch_and_is_named():
    lab = FakeLab("one")
    lab.machines["one"].asker.taken = set(range(65536))
    event = prepared_lab(lab)
    assert event.ends_run
    assert "of one" in event.problem.happened


def test_programs_of_each_machine_and_its_cache_pruned():
    lab = FakeLab("one")
    event = prepared_lab(lab)
    programs = dict(event.programs)
    assert programs[id_of("one")].cache_folder == "/home/one/cache"
    assert programs[id_of("one")].rpc_server == "/home/ada/fake/ggml-rpc-server"
    assert programs["this-machine"].cache_folder == "/fake/cache"
    assert lab.machines["one"].n_prunings == 1


def test_a_machine_whose_build_is_gone_ends_the_launch():
    lab = FakeLab("one")
    (remote,) = lab.session.snapshot().remotes
    event = prepared_lab(lab, remotes=(replace(remote, look=replace(remote.look, usable=None)),))
    assert event.ends_run
    assert event.problem.happened == "one has no llama.cpp that may work with ours."
