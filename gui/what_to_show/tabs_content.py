"""What stands in the tabs Try it and Commands."""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import ClusterState, RunPhase
from engine.vocabulary.machine import THIS_MACHINE
from gui.what_to_show.formatting import count_text, duration_text, rate_text


@dataclass(frozen=True, slots=True, kw_only=True)
class TryItContent:
    """The question and its answer."""

    can_ask: bool
    why_not: str
    prompt: str
    answer: str
    problem: str
    footer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandContent:
    """One command line, ready for a shell."""

    title: str
    shell: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsContent:
    """All command lines."""

    commands: tuple[CommandContent, ...]
    empty: str


def try_it_of(state: ClusterState) -> TryItContent:
    """The question and the answer so far."""
    answer = state.answer
    ready = state.run_phase is RunPhase.READY and not state.closing
    busy = answer is not None and not answer.finished and answer.problem is None
    return TryItContent(
        can_ask=ready and not busy,
        why_not="" if ready and not busy else ("The answer is still coming." if ready else "Launch the cluster first."),
        prompt="" if answer is None else answer.prompt,
        answer="" if answer is None else answer.text,
        problem="" if answer is None else (answer.problem or ""),
        footer=_footer_of(state),
    )


def _footer_of(state: ClusterState) -> str:
    answer = state.answer
    if answer is None:
        return ""
    if answer.timings is None:
        return "answering…" if not answer.finished and answer.problem is None else ""
    timings = answer.timings
    return (
        f"{count_text(timings.decoded_tokens, 'token')} at {rate_text(timings.decode_tokens_per_second)} tok/s · "
        f"prompt of {count_text(timings.prompt_tokens, 'token')} in {duration_text(timings.prompt_seconds)}"
    )


def commands_of(state: ClusterState) -> CommandsContent:
    """Every command line that is, or would be, run."""
    many = len({command.machine_name for command in state.commands}) > 1
    return CommandsContent(
        commands=tuple(
            CommandContent(title=f"{command.title} · {command.machine_name}" if many else command.title, shell=command.shell)
            for command in state.commands
        ),
        empty="" if state.commands else "The commands of a plan appear here: each can be copied and run in a shell.",
    )


def commands_as_script(content: CommandsContent) -> str:
    """All of them, titles as comments."""
    return "\n\n".join(f"# {command.title}\n{command.shell}" for command in content.commands) + "\n"


def commands_of_machine(state: ClusterState, machine: str) -> str:
    """The commands that concern one machine, the tunnel to it included, as a script; empty when there are none."""
    own = next((known.name for known in state.machines if known.id == THIS_MACHINE), None)
    here = (machine, "this machine") if machine == own else (machine,)
    found = tuple(
        CommandContent(title=command.title, shell=command.shell)
        for command in state.commands
        if command.machine_name in here or command.title == f"tunnel to {machine}"
    )
    return commands_as_script(CommandsContent(commands=found, empty="")) if found else ""
