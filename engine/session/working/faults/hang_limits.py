"""How long nothing may move before a run is said to hang. Pure: from the plan and from what was seen.

llama-server tells of progress batch by batch, so the longest silence of a healthy one is the time of one batch (``-b``
tokens): that time is predicted, and measured by the standard request. Rejected: one number for all (a 7B model on an old
processor takes a minute for a batch, a small one on a GPU a tenth of a second), and tokens per second (a long prompt gives
none for minutes).
"""

from __future__ import annotations

from engine.vocabulary.plan import Plan
from engine.vocabulary.running.throughput import RequestTimings
from engine.vocabulary.worker import Exposure

SHORTEST_SERVING_SECONDS = 10.0
SHORTEST_LOADING_SECONDS = 20.0
"""Before llama-server's first line: its backends are loaded, a GPU's driver starts."""
UNKNOWN_SECONDS = 180.0
TIMES_MEASURED = 5.0
"""A batch deep in a long context takes longer than the standard request's."""
TIMES_PREDICTED = 10.0
TIMES_SEEN = 3.0
"""It gets slower from batch to batch as the context fills, never at once."""
DISK_BYTES_PER_SECOND = 50e6
"""A slow disk: what the worker's cache and the model are read from."""
TIMES_SENT = 4.0


def serving_limit(plan: Plan, measured: RequestTimings | None, longest_seen_seconds: float) -> float:
    """Seconds without a batch more, while it works on a request."""
    seen = TIMES_SEEN * longest_seen_seconds
    rate = measured.prefill_tokens_per_second if measured else None
    if rate:
        return max(SHORTEST_SERVING_SECONDS, TIMES_MEASURED * plan.shape.batch_tokens / rate, seen)
    predicted = plan.predicted.prefill_tokens_per_second
    if not predicted:
        return max(UNKNOWN_SECONDS, seen)
    return max(SHORTEST_LOADING_SECONDS, TIMES_PREDICTED * plan.shape.batch_tokens / predicted, seen)


def loading_limit(plan: Plan) -> float:
    """Seconds without a line of its log and without bytes through a tunnel. It says how far it is after every tensor, so the
    longest silence is that of the largest one, where no tunnel tells that its bytes are on the way."""
    rates = [DISK_BYTES_PER_SECOND]
    for worker in plan.used_workers:
        if worker.offer.exposure is Exposure.LAN:
            rate = worker.offer.link.bytes_per_second if worker.offer.link else None
            if rate is None:
                return UNKNOWN_SECONDS
            rates.append(rate)
    model = plan.model
    largest_bytes = max((layer.weights_bytes for layer in model.layers), default=0)
    largest_bytes = max(largest_bytes, model.head_bytes, model.embedding_bytes)
    warm_up = serving_limit(plan, None, 0.0) if plan.predicted.prefill_tokens_per_second else SHORTEST_LOADING_SECONDS
    return max(SHORTEST_LOADING_SECONDS, TIMES_SENT * largest_bytes / min(rates), min(warm_up, UNKNOWN_SECONDS))
