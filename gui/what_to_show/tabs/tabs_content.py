"""What stands in the tabs Try it and Commands."""

from __future__ import annotations

from dataclasses import dataclass

from engine.session.state import AnswerShown, ClusterState, RunPhase
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.running.throughput import RequestTimings
from gui.texts.translation import mark, tr
from gui.what_to_show.formatting import count_text, duration_text, rate_text
from gui.what_to_show.status_content import curl_example


@dataclass(frozen=True, slots=True, kw_only=True)
class TryItContent:
    """The question and its answer."""

    can_ask: bool
    can_stop: bool
    why_not: str
    prompt: str
    answer: str
    problem: str
    footer: str
    footer_words: str
    """Where the figures of the footer come from."""
    api_url: str
    """Empty while nothing is served."""
    curl: str
    as_chat: bool
    """What suits the model: its chat template, or for a base model a text that it goes on with."""
    example: str
    """What stands where the question is to be written."""
    served: str
    """``OpenAI-compatible API at http://...``, or when there will be one."""


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
    url = state.run.api_url if ready and state.run is not None else ""
    model = state.run.plan.model if state.run is not None else state.model
    as_chat = model is None or model.has_chat_template is not False
    return TryItContent(
        can_ask=ready and not busy,
        can_stop=ready and busy,
        why_not=""
        if ready and not busy
        else (tr("The answer is still coming.") if ready else tr("Launch the cluster first.")),
        prompt="" if answer is None else answer.prompt,
        answer="" if answer is None else answer.text,
        problem="" if answer is None else (answer.problem or ""),
        footer="" if answer is None else _footer_of(answer, waits=_waits_its_turn(state)),
        footer_words=tr(_MEASURED if answer is not None and answer.timings is not None else _COUNTED),
        api_url=url,
        curl=curl_example(url, with_key=state.api_place.key_on_loopback) if url else "",
        as_chat=as_chat,
        example=tr(_QUESTION if as_chat else _BEGINNING),
        served=tr("OpenAI-compatible API at {url}", url=url)
        if url
        else tr("An OpenAI-compatible API is served here once the cluster runs."),
    )


_QUESTION = mark("Ask the model something, for example: Why is the sky blue?")
_BEGINNING = mark(
    "Begin a text, for example: The capital of France is. This model has no chat template; it goes on with what it reads."
)
_MEASURED = mark("Tokens, their speed and the prompt: timed by llama-server. First token: from the click, as it was seen here")
_COUNTED = mark("Counted here as pieces of text arrive, about one for each token")
_SHORTEST_PACE_SECONDS = 0.5


def _waits_its_turn(state: ClusterState) -> bool:
    """llama-server has one slot, and the standard request has it until the plan is measured."""
    run = state.run
    return run is not None and run.benchmark is None and run.plan.shape.slots == 1


def _footer_of(answer: AnswerShown, *, waits: bool) -> str:
    """The speed of this very answer: of llama-server when it is complete, counted here before."""
    if answer.timings is not None:
        parts = (_decoded(answer.timings), _first_token(answer), _prompt(answer.timings))
        return " · ".join(part for part in parts if part)
    pace = _pace(answer)
    if answer.stopped:
        return " · ".join(
            part for part in (tr("stopped"), _first_token(answer), pace and tr("{pace} until then", pace=pace)) if part
        )
    if answer.finished or answer.problem is not None:
        return ""
    if answer.first_piece_seconds is None and waits:
        return tr("first the standard request is answered, by which the plan is measured…")
    if answer.first_piece_seconds is None:
        return tr("reading the prompt…")
    return " · ".join(
        part for part in (tr("answering…"), _first_token(answer), pace and tr("{pace} so far", pace=pace)) if part
    )


def _decoded(timings: RequestTimings) -> str:
    return tr(
        "{tokens} at {rate} tok/s",
        tokens=count_text(timings.decoded_tokens, "token"),
        rate=rate_text(timings.decode_tokens_per_second),
    )


def _prompt(timings: RequestTimings) -> str:
    return tr(
        "prompt of {tokens} in {time}",
        tokens=count_text(timings.prompt_tokens, "token"),
        time=duration_text(timings.prompt_seconds),
    )


def _first_token(answer: AnswerShown) -> str:
    return (
        ""
        if answer.first_piece_seconds is None
        else tr("first token after {time}", time=duration_text(answer.first_piece_seconds))
    )


def _pace(answer: AnswerShown) -> str:
    """Of the pieces after the first; too short a time says nothing."""
    if answer.n_pieces < 2 or answer.pieces_seconds < _SHORTEST_PACE_SECONDS:
        return ""
    return tr("about {rate} tok/s", rate=rate_text((answer.n_pieces - 1) / answer.pieces_seconds))


def commands_of(state: ClusterState) -> CommandsContent:
    """Every command line that is, or would be, run."""
    many = len({command.machine_name for command in state.commands}) > 1
    return CommandsContent(
        commands=tuple(
            CommandContent(title=f"{command.title} · {command.machine_name}" if many else command.title, shell=command.shell)
            for command in state.commands
        ),
        empty="" if state.commands else tr("The commands of a plan appear here: each can be copied and run in a shell."),
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
