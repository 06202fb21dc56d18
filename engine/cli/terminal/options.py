"""Options that several commands share, and what they mean for the engine."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from engine.cli.terminal.machine_options import targets_of
from engine.errors import BadInput
from engine.open_session import choices_from
from engine.session.state import Choices
from engine.settings.folders import find_folders
from engine.settings.settings_file import load_settings
from engine.vocabulary.plan import Policy
from engine.vocabulary.running.recovery import RecoveryMode
from engine.vocabulary.worker import Layout

_T = TypeVar("_T")

CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout instead of tables")


def add_planning(parser: argparse.ArgumentParser) -> None:
    """Options that change a plan."""
    parser.add_argument("--policy", choices=[policy.value for policy in Policy], help="how layers are shared out")
    parser.add_argument("--layout", choices=[layout.value for layout in Layout], help="how devices become rpc-servers")
    parser.add_argument(
        "--prompt-share",
        type=share,
        metavar="PERCENT",
        help="what fastest is to be fast at: the share of all tokens that are prompt (0 = chat, 100 = documents)",
    )
    parser.add_argument("--context", type=positive, metavar="TOKENS", help="context of all slots together (-c)")
    parser.add_argument("--slots", type=positive, metavar="N", help="requests at the same time (-np)")
    parser.add_argument("--ubatch", type=positive, metavar="TOKENS", help="micro-batch (-ub)")
    parser.add_argument("--cache-type", choices=CACHE_TYPES, help="type of the KV cache (-ctk, -ctv)")
    parser.add_argument("--reserve", type=percent, metavar="PERCENT", help="memory left alone on every device (20)")
    parser.add_argument("--cpu-workers", type=positive, metavar="N", help="CPU workers per machine (1)")
    parser.add_argument(
        "--native",
        choices=("auto", "never"),
        default="auto",
        help="whether llama-server uses this machine's devices itself where that is predicted faster, or never does (auto)",
    )
    parser.add_argument("--leave-out", action="append", default=[], metavar="WORKER", help="do not use this worker")
    add_runtime(parser)


def add_recovery(parser: argparse.ArgumentParser) -> None:
    """``--recovery``, for a command that serves."""
    parser.add_argument(
        "--recovery",
        choices=[mode.value for mode in RecoveryMode],
        help="when something breaks: start again on what is left, ask first, or end (automatic)",
    )


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """``--runtime``."""
    parser.add_argument("--runtime", metavar="FOLDER", help="folder with the llama.cpp programs to use")


def choices_of(arguments: argparse.Namespace, base: Choices | None = None) -> Choices:
    """The settings of this user, or ``base``, overridden by the command line. Raises ``BadInput``.

    Machines are only those that the command names: those of the window are no part of it.
    """
    choices = choices_from(load_settings(find_folders().state)) if base is None else base
    shape = choices.shape
    shape = replace(
        shape,
        context_tokens=_given(arguments, "context", shape.context_tokens),
        slots=_given(arguments, "slots", shape.slots),
        ubatch_tokens=_given(arguments, "ubatch", shape.ubatch_tokens),
        cache_type_k=_given(arguments, "cache_type", shape.cache_type_k),
        cache_type_v=_given(arguments, "cache_type", shape.cache_type_v),
    )
    return replace(
        choices,
        shape=shape,
        model_path=model_path(_given(arguments, "model", None if base is None else base.model_path)),
        given=choices.given if getattr(arguments, "policy", None) is None else None,
        runtime_folder=_given(arguments, "runtime", choices.runtime_folder),
        policy=Policy(_given(arguments, "policy", choices.policy.value)),
        layout=Layout(_given(arguments, "layout", choices.layout.value)),
        prompt_share=_given(arguments, "prompt_share", choices.prompt_share),
        reserve_fraction=_given(arguments, "reserve", choices.reserve_fraction),
        cpu_workers=_given(arguments, "cpu_workers", choices.cpu_workers),
        native=_given(arguments, "native", "never") == "auto",
        left_out=choices.left_out | frozenset(_given(arguments, "leave_out", [])),
        recovery=_recovery(arguments, choices),
        keep_running=_given(arguments, "keep_running", choices.keep_running),
        api_port=_given(arguments, "port", choices.api_port),
        targets=targets_of(arguments),
    )


def _recovery(arguments: argparse.Namespace, choices: Choices) -> RecoveryMode:
    """Only a command that serves has the option; what is measured must not come back as another plan."""
    if not hasattr(arguments, "recovery"):
        return RecoveryMode.NEVER
    return choices.recovery if arguments.recovery is None else RecoveryMode(arguments.recovery)


def model_path(given: str | None) -> str | None:
    """An absolute path. Raises ``BadInput`` when there is no such file."""
    if given is None:
        return None
    path = Path(given).expanduser().absolute()
    if not path.is_file():
        raise BadInput(f"There is no file {path}.", advice="Name a GGUF file.")
    return str(path)


def _given(arguments: argparse.Namespace, name: str, otherwise: _T) -> _T:
    value = getattr(arguments, name, None)
    return otherwise if value is None else value


def positive(text: str) -> int:
    """A whole number above 0, as an argparse type."""
    value = int(text) if text.isdecimal() else 0
    if not 0 < value < 2**31:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return value


def port(text: str) -> int:
    """A port that may be listened on, as an argparse type."""
    value = int(text) if text.isdecimal() else 0
    if not 0 < value < 65536:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port from 1 to 65535")
    return value


def waiting_seconds(text: str) -> float:
    """0 to an hour, as an argparse type."""
    value = int(text) if text.isdecimal() else -1
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds from 0 to 3600")
    return float(value)


def percent(text: str) -> float:
    """0 to below 100, as a fraction, as an argparse type."""
    value = share(text)
    if value >= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a percentage from 0 to below 100")
    return value


def share(text: str) -> float:
    """0 to 100, as a fraction, as an argparse type."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"'{text}' is not a percentage from 0 to 100")
    return value / 100
