"""One worker served alone: what is started for it, and that nothing of it stays."""

import pytest

from engine.errors import MachineUnreachable, RuntimeUnavailable
from engine.session.working.measured.serve_alone import PORTS_BESIDE, Bench, served_alone
from engine.vocabulary.worker import native
from tests.fakes.ports.fake_process_starter import FakeProgram
from tests.fakes.ports.fake_remote import a_target
from tests.fakes.sessions.fake_outside import Fakes, FakeToken, a_model, planned_session, settle


def bench_of(fakes, session):
    return Bench(outside=fakes.outside(), state=session.snapshot(), machine_of=session.remotes.machine, token=FakeToken())


def with_remote():
    fakes = Fakes()
    fakes.starter.will_run("ssh", FakeProgram())
    fakes.add_remote("gpu-node")
    session, _jobs = planned_session(fakes)
    session.add_machines(a_target("gpu-node"))
    state = settle(session)
    return fakes, session, next(offer for offer in state.offers if offer.machine_name == "gpu-node")


def test_a_worker_of_this_machine_is_one_process_beside_the_runs_port():
    fakes = Fakes()
    session, _jobs = planned_session(fakes)
    offer = session.snapshot().offers[0]
    with served_alone(bench_of(fakes, session), offer, a_model()) as (plan, (server,)):
        assert server.port == int(offer.endpoint.rpartition(":")[2]) + PORTS_BESIDE
        assert plan.used_workers[0].n_layers == a_model().n_layers
        assert [process.spec.argv[0] for process in fakes.starter.running()] == ["/fake/bin/ggml-rpc-server"]
    assert fakes.starter.running() == ()


def test_a_remote_worker_is_measured_through_its_tunnel():
    fakes, session, offer = with_remote()
    with served_alone(bench_of(fakes, session), offer, a_model()) as (_plan, (server,)):
        worker, tunnel = fakes.starter.running()
        assert worker.spec.argv[:5] == ("/home/ada/fake/ggml-rpc-server", "-H", "127.0.0.1", "-p", str(server.bind_port))
        assert worker.spec.environment == ()
        assert session.remotes.machine(offer.machine_id).n_prunings == 0, "no load begins in its cache"
        assert tunnel.spec.argv == ("ssh", f"{server.port}:{server.bind_port}")
    assert fakes.starter.running() == ()


def test_a_device_of_llama_servers_own_needs_no_process():
    fakes = Fakes()
    session, _jobs = planned_session(fakes)
    offer = native(session.snapshot().offers[0], None)
    with served_alone(bench_of(fakes, session), offer, a_model()) as (plan, servers):
        assert servers == ()
        assert plan.used_workers[0].offer == offer
        assert fakes.starter.started == []


def test_what_was_started_is_stopped_when_the_measurement_fails():
    fakes, session, offer = with_remote()
    with pytest.raises(ZeroDivisionError), served_alone(bench_of(fakes, session), offer, a_model()):
        raise ZeroDivisionError
    assert fakes.starter.running() == ()


def test_a_model_that_does_not_fit_and_a_machine_that_is_gone_are_said():
    fakes, session, offer = with_remote()
    big = a_model(n_layers=100_000)
    with pytest.raises(RuntimeUnavailable, match="does not fit"), served_alone(bench_of(fakes, session), offer, big):
        raise AssertionError
    bench = bench_of(fakes, session)
    session.remove_machine(a_target("gpu-node"))
    settle(session)
    with pytest.raises(MachineUnreachable, match="no connection to gpu-node"), served_alone(bench, offer, a_model()):
        raise AssertionError
