"""``crossplyctl compare --advise``: which machines are enough, what every worker brings, which one to add next.

Every answer is a plan of its own, so this is asked for and not printed always. Rejected: more than ``MOST_MACHINES`` machines
(sets of them are tried; minutes then).
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.cli.terminal.output import print_line, printable, rate
from engine.errors import BadInput
from engine.planning.words.what_helps import Difference, smallest_set, with_each, without_each
from engine.vocabulary.plan import PlanRequest
from engine.vocabulary.worker import WorkerOffer

MOST_MACHINES = 16


def print_advice(request: PlanRequest, left_out: Sequence[WorkerOffer]) -> None:
    """For people. ``left_out``: workers that could be added. Raises ``BadInput`` for too many machines."""
    machines = {offer.machine_id: offer.machine_name for offer in request.offers}
    if len(machines) > MOST_MACHINES:
        raise BadInput(
            f"--advise tries sets of machines; {len(machines)} are too many for that.", advice=f"Name at most {MOST_MACHINES}."
        )
    print_line()
    enough = smallest_set(request)
    if enough is None:
        print_line("The model does not fit on all of these machines together.")
    else:
        print_line(f"Enough for the model: {printable(', '.join(machines[machine] for machine in enough))}.")
    for difference in without_each(request):
        print_line(f"Without {difference.worker_id}: {_without_words(difference)}.")
    for difference in with_each(request, left_out):
        print_line(f"With {difference.worker_id} too: {_with_words(difference)}.")


def _without_words(difference: Difference) -> str:
    if difference.fits_with and not difference.fits_without:
        return "the model does not fit"
    return _change(difference.with_tokens_per_second, difference.without_tokens_per_second)


def _with_words(difference: Difference) -> str:
    if difference.fits_with and not difference.fits_without:
        return "the model fits"
    return _change(difference.without_tokens_per_second, difference.with_tokens_per_second)


def _change(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return "not known: a worker's speed is missing"
    return "no change" if abs(after - before) < 0.001 * before else f"{rate(after)} instead of {rate(before)}"
