"""The door of ``crossplyctl``: arguments in, an exit code out, no traceback for anything that was to be expected."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from engine.cli import bench, demo, doctor, node, plan, running, runtime, up
from engine.cli.machines import find, machine
from engine.cli.measured import compare, history, record, reproduce
from engine.cli.terminal import exit_codes
from engine.cli.terminal.answers import AnswerNeeded
from engine.cli.terminal.foreground import Interrupted, PlanIsRefused
from engine.cli.terminal.output import complain
from engine.errors import BadInput, Cancelled, EngineError
from engine.settings.private_files import keep_private

JSON_KEYS = """keys of --json (they stay):
  plan    policy, layout, n_layers, workers [id, machine, device, kind, endpoint, exposure, layers, n_layers, holds_output,
          weights_bytes, kv_bytes, compute_bytes, safe_bytes], tensor_split, device_order, predicted
          [decode_tokens_per_second, prefill_tokens_per_second, basis], refused, commands [title, machine, argv, shell], notes
  compare model, context_tokens, slots, approaches [approach, layout, workers, tensor_split, usable_bytes,
          largest_context_tokens, decode_predicted, decode_measured, prefill_predicted, prefill_measured, n_runs, basis,
          refused], workers [id, used, adds_bytes, gains_tokens_per_second, needed, sentence]
  bench   model, runs [plan, policy, layout, refused, workers, tensor_split, map_matches, pipelined, decode_predicted,
          decode_measured, decode_spread, decode_samples, and the same of prefill, run_ids]
  history runs [id, at, model, model_hash, build, policy, layout, workers, tensor_split, context_tokens, slots,
          decode_predicted, decode_measured, decode_samples, and the same of prefill, basis]
  reproduce  recorded, here (both as in history), differences
  map     matches, complete, planned {layer: worker}, actual {layer: worker}, differences
  status  phase, api_url, api_network_url, model, runtime, machines [name, ssh, phase, problem],
          processes [id, title, phase, pid, endpoint, machine, exposure, workers, outcome],
          tunnels [machine, forwards [local_port, remote_port]], plan, map, pipelined, load_fraction, buffers, measured,
          ready_after_seconds, problems, recovery, pid
  doctor  [machine, question, ok, answer, advice, details]
  node    machine, runtime, protocol, workers, commands
  find    [name, addresses, found_by, ssh, host_key, this_machine, rpc_servers [endpoint, state, protocol,
          devices [free_bytes, total_bytes]], ollama_url]"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="crossplyctl",
        description="Turns machines into one llama.cpp host: a CPU worker and one worker per GPU on every machine.",
        epilog=f"{exit_codes.IN_WORDS}\n\n{JSON_KEYS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"crossplyctl {_version()}")
    subparsers = top.add_subparsers(metavar="COMMAND", required=True)
    for command in (
        node,
        find,
        machine,
        plan,
        compare,
        up,
        running,
        bench,
        history,
        record,
        reproduce,
        runtime,
        demo,
        doctor,
    ):
        command.add(subparsers)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command."""
    _write_whatever_the_terminal_takes()
    arguments = parser().parse_args(argv)
    keep_private()
    try:
        code: int = arguments.run(arguments)
    except PlanIsRefused as refused:
        for reason in refused.reasons:
            complain(reason)
        return exit_codes.REFUSED
    except AnswerNeeded as question:
        complain(str(question))
        return exit_codes.NEEDS_ANSWER
    except BadInput as error:
        complain(error.happened, error.advice)
        return exit_codes.BAD_USAGE
    except EngineError as error:
        complain(error.happened, error.advice)
        return exit_codes.FAILED
    except (KeyboardInterrupt, Interrupted, Cancelled):
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone (``| head``). What is still buffered goes nowhere, also when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.OK
    return code


def _write_whatever_the_terminal_takes() -> None:
    """A terminal, or a file, that is not in UTF-8 gets a question mark for what it has no letter for, and no traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _version() -> str:
    try:
        return version("crossply")
    except PackageNotFoundError:
        return "from a checkout"


if __name__ == "__main__":
    sys.exit(main())
