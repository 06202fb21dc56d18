"""``crossplyctl plan``: which layers would go where, on this machine or on machines described in a file. Starts nothing."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from engine.cli.terminal import exit_codes
from engine.cli.terminal.gather import gathered, looked_once, looking_foreground
from engine.cli.terminal.machine_options import add_machines, read_cluster_file
from engine.cli.terminal.options import add_json, add_planning, choices_of, model_path
from engine.cli.terminal.output import complain, gigabytes, layers_in_words, print_json, print_line, print_table, rate, say
from engine.cluster.servers import servers_of
from engine.errors import BadInput
from engine.llama_cpp.command_lines import rpc_server_argv, shell_line
from engine.llama_cpp.dialects import NEWEST
from engine.open_session import real_outside
from engine.planning.abstract_model import abstract_model, has_sizes
from engine.planning.costs.cost_model import batch_tokens_per_second, first_token_seconds, load_seconds
from engine.planning.costs.layer_costs import HEADLINE_PROMPT_TOKENS
from engine.planning.split_layers import split_layers
from engine.planning.words.explain import sentence_about
from engine.session.choosing.cluster_document import choices_of_run
from engine.session.state import Choices, ClusterState, CommandShown
from engine.session.telling.as_json import plan_json
from engine.settings.cluster_files.cluster_file import ClusterFile, coordinator_of_cluster, offers_of_cluster
from engine.vocabulary.machine import THIS_MACHINE, MachineId
from engine.vocabulary.model import ModelFacts
from engine.vocabulary.plan import Plan, PlanRefused, PlanRequest
from engine.vocabulary.worker import WorkerOffer


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("plan", help="plan which layers go where; starts nothing")
    parser.add_argument("model", nargs="?", metavar="MODEL", help="a GGUF file; without it, that of the --cluster file")
    parser.add_argument(
        "--cluster", metavar="FILE", help="machines, and what was chosen, from a TOML file instead of from here (what-if)"
    )
    parser.add_argument("--layers", type=int, metavar="N", help="N equal abstract layers instead of a model")
    add_machines(parser)
    add_planning(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Plan and print."""
    if arguments.cluster and arguments.machine:
        raise BadInput("--cluster plans without looking at machines, --machine looks at one.", advice="Give one of them.")
    file = read_cluster_file(Path(arguments.cluster)) if arguments.cluster else None
    base = _chosen_in(file, arguments.cluster)
    named = (arguments.model is not None) + (arguments.layers is not None)
    if named > 1 or (not named and (base is None or base.model_path is None)):
        raise BadInput("Name either a MODEL or --layers N.", advice="See crossplyctl plan --help.")
    if base is not None and arguments.layers is not None:
        base = replace(base, model_path=None)
    choices = choices_of(arguments, base)
    result, commands = _here(arguments, choices) if file is None else _on_cluster(arguments, choices, file)
    if arguments.json:
        print_json(plan_json(result, commands))
    elif isinstance(result, Plan):
        print_plan(result, commands)
    if isinstance(result, PlanRefused):
        for reason in result.reasons:
            complain(reason)
        return exit_codes.REFUSED
    return exit_codes.OK


def _here(arguments: argparse.Namespace, choices: Choices) -> tuple[Plan | PlanRefused, tuple[CommandShown, ...]]:
    state = _looked(arguments, choices)
    if state.model_problem is not None:
        raise BadInput(state.model_problem.happened, advice=state.model_problem.advice)
    if state.plan is not None:
        _kept(state.offers, choices)
        return state.plan, state.commands
    model = state.model or _abstract(arguments.layers)
    return _split(model, choices, _kept(state.offers, choices), THIS_MACHINE), ()


def _looked(arguments: argparse.Namespace, choices: Choices) -> ClusterState:
    outside = real_outside()
    if not choices.targets:
        return looked_once(outside, choices)
    with looking_foreground(outside, choices) as foreground:
        foreground.wait_until_planned()
        return gathered(foreground, arguments)


def _chosen_in(file: ClusterFile | None, path: str | None) -> Choices | None:
    """What was chosen in the window and saved, under the names that the file gives its machines."""
    return None if file is None or file.run is None else choices_of_run(file.run, path or "", {})


def _on_cluster(
    arguments: argparse.Namespace, choices: Choices, file: ClusterFile
) -> tuple[Plan | PlanRefused, tuple[CommandShown, ...]]:
    machines = file.machine
    model = _abstract(arguments.layers) if choices.model_path is None else _read(choices.model_path)
    for machine in machines:
        if machine.cpu is None and not machine.gpus:
            say(f"{machine.name} has neither cpu nor gpus in {arguments.cluster}, so it takes no part.")
    offers = offers_of_cluster(machines, choices.layout, choices.reserve_fraction)
    result = _split(model, choices, _kept(offers, choices), coordinator_of_cluster(machines))
    return result, _what_if_commands(result) if isinstance(result, Plan) else ()


def _kept(offers: tuple[WorkerOffer, ...], choices: Choices) -> tuple[WorkerOffer, ...]:
    """The offers that are not left out. Raises ``BadInput`` when somebody leaves out a worker that is not there."""
    unknown = sorted(choices.left_out - {offer.id for offer in offers})
    if unknown:
        known = ", ".join(offer.id for offer in offers) or "none"
        raise BadInput(f"There is no worker {unknown[0]} to leave out.", advice=f"The workers are: {known}.")
    return tuple(offer for offer in offers if offer.id not in choices.left_out)


def _split(
    model: ModelFacts, choices: Choices, offers: tuple[WorkerOffer, ...], coordinator: MachineId | None
) -> Plan | PlanRefused:
    request = PlanRequest(
        model=model,
        offers=offers,
        policy=choices.policy,
        layout=choices.layout,
        shape=choices.shape,
        prompt_share=choices.prompt_share,
        coordinator_machine=coordinator,
        given=choices.given,
    )
    return split_layers(request)


def _abstract(n_layers: int) -> ModelFacts:
    if not 0 < n_layers <= 10_000:
        raise BadInput(f"--layers {n_layers} is not a number of layers.", advice="Give 1 to 10000.")
    return abstract_model(n_layers)


def _read(model: str) -> ModelFacts:
    return real_outside().models.read(str(model_path(model)))


def _what_if_commands(plan: Plan) -> tuple[CommandShown, ...]:
    """As the newest llama.cpp would take them: nothing is installed on a machine that is only described."""
    shown = []
    for server in servers_of(plan):
        local = replace(server, endpoint=f"127.0.0.1:{server.port}")
        argv = rpc_server_argv(local, NEWEST.program, NEWEST)
        shell = shell_line(argv, ignore_sigpipe=True)
        shown.append(CommandShown(title=server.title, machine_name=server.machine_name, argv=argv, shell=shell))
    return tuple(shown)


def print_plan(plan: Plan, commands: tuple[CommandShown, ...] = ()) -> None:
    """A plan for people."""
    model, predicted = plan.model, plan.predicted
    used = plan.used_workers
    where = f"{_count(len(used), 'worker')} of {_count(len({worker.offer.machine_id for worker in used}), 'machine')}"
    layers = _count(model.n_layers, "layer")
    print_line(f"{model.name} ({model.size_label}): {layers} on {where} ({plan.policy}, {plan.layout})")
    print_line()
    print_table(
        ("worker", "layers", "weights", "KV", "compute", "safe"),
        [
            (
                worker.id,
                layers_in_words(worker.first_layer, worker.last_layer, holds_output=worker.holds_output),
                *(_size(size, model) for size in (worker.weights_bytes, worker.kv_bytes, worker.compute_bytes)),
                gigabytes(worker.offer.safe_bytes),
            )
            for worker in plan.workers
        ],
        right=("weights", "KV", "compute", "safe"),
    )
    print_line()
    for worker in plan.workers:
        print_line(f"{worker.id}: {sentence_about(worker, plan)}")
    for note in plan.notes:
        print_line(note)
    decode, prefill = rate(predicted.decode_tokens_per_second), rate(predicted.prefill_tokens_per_second)
    print_line(f"Predicted: decode {decode}, prefill {prefill}. {predicted.basis}".rstrip())
    for sentence in _more_predictions(plan):
        print_line(sentence)
    print_line(f"Tensor split: -ts {','.join(str(count) for count in plan.tensor_split)}")
    if commands:
        print_line()
    for command in commands:
        print_line(f"# {command.machine_name}: {command.title}")
        print_line(command.shell)


def _more_predictions(plan: Plan) -> tuple[str, ...]:
    """Time to the first token, all slots together, loading: where they are known."""
    workers, model, shape = plan.used_workers, plan.model, plan.shape
    if not has_sizes(model):
        return ()
    first = first_token_seconds(workers, model, shape)
    together = batch_tokens_per_second(workers, model, shape, shape.slots) if shape.slots > 1 else None
    words = [] if first is None else [f"first token of a prompt of {HEADLINE_PROMPT_TOKENS} tokens after {first:.2g} s"]
    words += [] if together is None else [f"{shape.slots} slots together {rate(together)}"]
    words.append(f"loading about {max(1, round(load_seconds(workers)))} s where nothing is cached")
    return (f"Also: {'; '.join(words)}.",)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _size(size: int, model: ModelFacts) -> str:
    """Abstract layers have no size: no figure instead of a false 0."""
    return gigabytes(size) if has_sizes(model) else "–"
