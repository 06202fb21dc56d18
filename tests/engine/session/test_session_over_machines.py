"""A whole session over this machine and others, on fakes: the order of starts and stops, and what is said when one breaks."""

import pytest

from engine.cluster.servers import COORDINATOR
from engine.errors import Cancelled
from engine.session.state import RunPhase
from engine.session.working.machines import look
from engine.vocabulary.running.process import ProcessPhase
from tests.fakes.ports.fake_remote import a_target
from tests.fakes.sessions.fake_lab import FakeLab, id_of
from tests.fakes.sessions.fake_outside import FakeToken, settle


def test_over_three_machines_from_launch_to_stopped():
    lab = FakeLab("one", "two")
    state = lab.launch()
    assert (state.run_phase, state.problems) == (RunPhase.READY, ())
    assert [spec.id for spec in lab.started("here")] == [
        "tunnel ada@one",
        "tunnel ada@two",
        "rpc-server 127.0.0.1:50052",
        COORDINATOR,
    ]
    for name in ("one", "two"):
        (server,) = lab.started(name)
        assert server.argv[0] == "/home/ada/fake/ggml-rpc-server"
        assert server.argv[1:5] == ("-H", "127.0.0.1", "-p", "50052")
        assert dict(server.environment)["LLAMA_CACHE"] == f"/home/{name}/cache"
        assert lab.machines[name].n_prunings == 1
    coordinator = lab.started("here")[-1]
    assert coordinator.argv[coordinator.argv.index("--rpc") + 1] == "127.0.0.1:51072,127.0.0.1:51092,127.0.0.1:50052"
    assert [process.machine_name for process in state.processes if process.worker_ids] == ["one", "two", "fake"]
    assert dict(state.run.programs)[id_of("one")].cache_folder == "/home/one/cache"
    assert dict(state.run.programs)["this-machine"].cache_folder == "/fake/cache"
    assert [tunnel.machine_id for tunnel in state.run.tunnels] == [id_of("one"), id_of("two")]
    assert state.run.layer_map.matches

    lab.session.stop()
    state = settle(lab.session)
    assert lab.ended[0] == COORDINATOR
    assert len(lab.ended) == 6
    assert (state.run_phase, state.problems, lab.n_running()) == (RunPhase.STOPPED, (), 0)


def test_llama_server_waits_for_every_worker_and_tunnel():
    lab = FakeLab("one", "two")
    lab.jobs.held.update({"tunnel ada@one", "rpc-server 127.0.0.1:51072"})
    lab.session.launch()
    state = settle(lab.session)
    phases = {process.id: process.phase for process in state.processes}
    assert phases["tunnel ada@two"] is ProcessPhase.READY
    assert phases["rpc-server 127.0.0.1:51072"] is ProcessPhase.STARTING
    assert COORDINATOR not in phases
    lab.jobs.held.clear()
    lab.jobs.run_held()
    settle(lab.session)
    phases = {process.id: process.phase for process in lab.session.snapshot().processes}
    assert set(phases) >= {"tunnel ada@one", "tunnel ada@two", "rpc-server 127.0.0.1:51072", "rpc-server 127.0.0.1:51092"}
    assert list(phases)[-1] == COORDINATOR, "only then"


def test_a_tunnel_that_breaks_ends_the_run_with_a_sentence():
    lab = FakeLab("one")
    lab.launch()
    lab.fakes.starter.process("tunnel").exit(255)
    state = settle(lab.session)
    assert state.run_phase is RunPhase.FAILED
    assert "tunnel to one ended with status 255" in state.problems[-1].happened
    assert lab.n_running() == 0


def test_a_worker_that_dies_on_its_machine_is_named_with_it():
    lab = FakeLab("one")
    lab.launch()
    lab.machines["one"].starter.process("rpc-server").exit(-11)
    state = settle(lab.session)
    assert state.run_phase is RunPhase.FAILED
    assert "on one" in state.problems[-1].happened
    assert "SIGSEGV" in state.problems[-1].happened
    assert lab.n_running() == 0


def test_closing_lets_go_of_the_machines():
    lab = FakeLab("one")
    lab.launch()
    lab.session.close()
    settle(lab.session)
    lab.session.remotes.close()
    assert lab.n_running() == 0
    assert lab.machines["one"].closed


def test_two_removals_at_once_both_count():
    lab = FakeLab("one", "two")
    for name in ("one", "two"):
        lab.session.remove_machine(a_target(name))
    state = settle(lab.session)
    assert (state.choices.targets, state.remotes) == ((), ())
    assert [machine.name for machine in state.machines] == ["fake"]


def test_only_this_machines_load_is_sampled_here():
    lab = FakeLab("one")
    before = dict(lab.session.snapshot().loads)[id_of("one")]
    with pytest.raises(Cancelled):
        look.sample_load(lab.fakes.outside(), lab.session.snapshot, lab.session.post, FakeToken(1))
    state = settle(lab.session)
    assert set(dict(state.loads)) == {"this-machine", id_of("one")}
    assert dict(state.loads)[id_of("one")] == before
