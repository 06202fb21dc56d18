"""The command lines that a launch over several machines would run."""

import shlex
from dataclasses import replace

from engine.session.reducing.planned.commands import commands_of, programs_of
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.plan import PlanRefused
from engine.vocabulary.remote import SshTarget
from tests.fakes.ports.fake_remote import a_look
from tests.fakes.sessions.fake_outside import RUNTIME, TWO_WORKERS, Fakes, planned_session, settle

TARGETS = (SshTarget(host="one", user="ada", port=2222), SshTarget(host="two"))
ONE_EACH = replace(TWO_WORKERS, cpu_workers=1)


def planned(*targets, lan=()):
    fakes = Fakes()
    for target in targets:
        fakes.add_remote(target.host).seen = a_look(
            target, replace(RUNTIME, rpc_server=f"/home/{target.host}/ggml-rpc-server"), fakes.finder.help_text(RUNTIME)
        )
    session, _jobs = planned_session(fakes, replace(ONE_EACH, lan_addresses=lan))
    session.add_machines(*targets)
    return settle(session)


def option(command, name):
    return command.argv[command.argv.index(name) + 1]


def test_tunnels_then_workers_then_the_coordinator():
    state = planned(*TARGETS)
    assert [(command.title, command.machine_name) for command in state.commands] == [
        ("tunnel to one", "this machine"),
        ("tunnel to two", "this machine"),
        ("rpc-server for CPU", "one"),
        ("rpc-server for CPU", "two"),
        ("rpc-server for CPU", "fake"),
        ("llama-server", "this machine"),
    ]
    workers = state.commands[2:5]
    assert [worker.argv[0] for worker in workers] == [
        "/home/one/ggml-rpc-server",
        "/home/two/ggml-rpc-server",
        RUNTIME.rpc_server,
    ]
    assert {option(worker, "-H") for worker in workers} == {"127.0.0.1"}
    assert [option(worker, "-p") for worker in workers] == ["50052"] * 3, "each on its own machine's loopback"


def test_a_tunnel_leads_from_the_port_that_llama_server_uses():
    tunnels, coordinator = planned(*TARGETS).commands[:2], planned(*TARGETS).commands[-1]
    forwards = [option(tunnel, "-L") for tunnel in tunnels]
    assert forwards == ["127.0.0.1:51072:127.0.0.1:50052", "127.0.0.1:51092:127.0.0.1:50052"]
    assert option(coordinator, "--rpc") == "127.0.0.1:51072,127.0.0.1:51092,127.0.0.1:50052"
    assert tunnels[0].argv[-6:] == ("-l", "ada", "-p", "2222", "--", "one")
    assert tunnels[1].argv[-2:] == ("--", "two")
    assert shlex.split(tunnels[0].shell) == list(tunnels[0].argv)


def test_an_open_machine_has_no_tunnel():
    state = planned(TARGETS[0], lan=((TARGETS[0].machine_id, "10.0.0.7"),))
    assert [command.title for command in state.commands] == ["rpc-server for CPU", "rpc-server for CPU", "llama-server"]
    assert (option(state.commands[0], "-H"), option(state.commands[0], "-p")) == ("10.0.0.7", "50052")
    assert option(state.commands[-1], "--rpc") == "10.0.0.7:50052,127.0.0.1:50052"


def test_programs_of_every_machine_of_the_plan():
    state = planned(*TARGETS)
    programs = programs_of(state, cache_folder="/cache", plan=state.plan)
    assert programs[THIS_MACHINE].cache_folder == "/cache"
    assert programs[TARGETS[0].machine_id].rpc_server == "/home/one/ggml-rpc-server"
    assert programs[TARGETS[0].machine_id].cache_folder == "", "known only there"
    alone = planned()
    assert set(programs_of(state, cache_folder="", plan=alone.plan)) == {THIS_MACHINE}


def test_nothing_to_run_is_no_commands():
    state = planned()
    refused = PlanRefused(policy=state.plan.policy, layout=state.plan.layout, reasons=("No.",))
    assert commands_of(state, refused) == ()
    assert commands_of(replace(state, runtime=None), state.plan) == ()


def test_machines_with_many_workers_share_no_port():
    fakes = Fakes()
    for target in TARGETS:
        fakes.add_remote(target.host).seen = a_look(target, RUNTIME, fakes.finder.help_text(RUNTIME))
    session, _jobs = planned_session(fakes, replace(TWO_WORKERS, cpu_workers=30))
    session.add_machines(*TARGETS)
    endpoints = [offer.endpoint for offer in settle(session).offers]
    assert len(endpoints) == len(set(endpoints)) == 90
