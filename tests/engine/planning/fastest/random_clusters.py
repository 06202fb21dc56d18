"""Random clusters and models, by seed: for the oracles of the planner and for its timings."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from engine.vocabulary.plan import PlanRequest
from engine.vocabulary.worker import Link, WorkerOffer
from tests.engine.planning.planning_cases import GB, model_of, offer

LAYER_SIZES = (500_000_000, 600_000_000, 450_000_000)
SPEEDS_GB_PER_S = (20, 60, 200, 500, 900)
LINKS_BYTES_PER_S = (12e6, 117e6, 1.2e9)


def layer_sizes(random: Random, count: int, *, equal: bool) -> list[int]:
    """Bytes per layer: all alike, or three kinds with something on top."""
    if equal:
        return [LAYER_SIZES[0]] * count
    return [random.choice(LAYER_SIZES) + random.randrange(20_000_000) for _ in range(count)]


def _worker(random: Random, number: int, share_bytes: int) -> WorkerOffer:
    link = None
    if random.random() < 0.6:
        link = Link(rtt_seconds=random.uniform(1e-4, 5e-3), bytes_per_second=random.choice(LINKS_BYTES_PER_S))
    return offer(
        f"m{number:02}",
        safe=share_bytes,
        gb_per_s=random.choice(SPEEDS_GB_PER_S) * random.uniform(0.8, 1.2),
        tflops=random.uniform(0.2, 40),
        link=link,
        overhead=random.uniform(0.0001, 0.001),
    )


def random_cluster(
    seed: int, *, n_workers: int, n_layers: int, equal: bool, n_kinds: int | None = None, prompt_share: float = 0.0
) -> PlanRequest:
    """One cluster. Together the workers have 1.1 to 4 times what the model needs, in uneven parts (the 15 largest of many)."""
    random = Random(seed)
    sizes = layer_sizes(random, n_layers, equal=equal)
    head = random.choice((0, GB // 4, GB))
    needed = (sum(sizes) + head) * random.choice((1.1, 1.3, 2.0, 4.0)) * max(1.0, n_workers / 15)
    parts = [random.uniform(0.3, 3.0) for _ in range(n_kinds or n_workers)]
    of_worker = [number % len(parts) for number in range(n_workers)]
    total = sum(parts[kind] for kind in of_worker)
    kinds = [_worker(random, kind, int(needed * part / total)) for kind, part in enumerate(parts)]
    offers = tuple(_named(kinds[kind], number) for number, kind in enumerate(of_worker))
    model = model_of(*sizes, head=head, n_vocab=128_000)
    return PlanRequest(model=replace(model, n_embd=0), offers=offers, prompt_share=prompt_share)


def _named(worker: WorkerOffer, number: int) -> WorkerOffer:
    name = offer(f"m{number:02}")
    return replace(worker, id=name.id, machine_id=name.machine_id, machine_name=name.machine_name, endpoint=name.endpoint)
