"""Four approaches in one table; fastest over all workers is never predicted slower than traditional."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.planning.comparing.compare import compare, hybrid_split, llama_cpp_split
from engine.planning.offers import offers_of_machine
from engine.vocabulary.comparison import Approach
from engine.vocabulary.plan import GivenSplit, Plan, PlanRefused, PlanRequest
from engine.vocabulary.worker import Layout, Link, WorkerOffer
from tests.engine.planning.planning_cases import GB, gpu, machine, model_of, offer


def lab() -> tuple[WorkerOffer, ...]:
    return (
        offer("a", safe=16 * GB, gb_per_s=20, tflops=1),
        offer("a", "cuda:0", safe=8 * GB, gb_per_s=300, tflops=9),
        offer("b", safe=16 * GB, gb_per_s=30, tflops=1),
    )


def traditional(offers: tuple[WorkerOffer, ...]) -> tuple[WorkerOffer, ...]:
    chosen: dict[str, WorkerOffer] = {}
    for one in offers:
        if one.machine_id not in chosen or one.device_name != "cpu":
            chosen[one.machine_id] = one
    return tuple(chosen.values())


def test_four_rows_with_what_each_may_use():
    comparison = compare(PlanRequest(model=model_of(*[1 * GB] * 6, head=1 * GB), offers=lab()), traditional(lab()))
    assert [row.approach for row in comparison.rows] == [
        Approach.TRADITIONAL,
        Approach.HYBRID,
        Approach.LLAMA_CPP,
        Approach.FASTEST,
    ]
    assert [row.usable_bytes for row in comparison.rows] == [24 * GB, 40 * GB, 40 * GB, 40 * GB]
    used = {row.approach: [w.id for w in row.result.used_workers] for row in comparison.rows if isinstance(row.result, Plan)}
    assert used[Approach.FASTEST] == ["a/cuda:0"]
    assert sorted(used[Approach.HYBRID]) == ["a/cpu", "a/cuda:0", "b/cpu"]
    # 20, 10 and 20 GB: layers at 0/7, 1/7 and 2/7 are below 0.4, those at 3/7 and 4/7 below 0.6.
    default = comparison.row(Approach.LLAMA_CPP).result
    assert isinstance(default, Plan)
    assert default.tensor_split == (3, 2, 2)
    assert comparison.row(Approach.TRADITIONAL).result.layout is Layout.TRADITIONAL
    assert [worth.worker_id for worth in comparison.workers] == ["a/cpu", "a/cuda:0", "b/cpu"]


def test_what_does_not_fit_says_why_and_has_no_context():
    comparison = compare(PlanRequest(model=model_of(*[9 * GB] * 6), offers=lab()), traditional(lab()))
    for row in comparison.rows:
        assert isinstance(row.result, PlanRefused)
        assert row.result.reasons
        assert row.largest_context_tokens is None
    assert "llama.cpp's default split puts" in comparison.row(Approach.LLAMA_CPP).result.reasons[0]


def test_more_than_fifteen_devices_end_llama_cpp_but_not_us():
    offers = tuple(offer(f"m{index}", gb_per_s=10) for index in range(16))
    request = PlanRequest(model=model_of(*[1] * 20), offers=offers)
    refused = llama_cpp_split(request)
    assert isinstance(refused, PlanRefused)
    assert refused.reasons == ("llama.cpp ends with an error when it is given 16 devices: 15 is the most.",)
    hybrid = hybrid_split(request)
    assert isinstance(hybrid, GivenSplit)
    assert len(hybrid.seats) == 15
    assert compare(request, offers).row(Approach.LLAMA_CPP).largest_context_tokens is None


def test_without_workers():
    comparison = compare(PlanRequest(model=model_of(1), offers=()), ())
    assert all(isinstance(row.result, PlanRefused) for row in comparison.rows)
    assert comparison.workers == ()


def test_memory_that_workers_share_is_counted_once():
    shared = machine("m", gpu(0, software=True, total=40 * GB), ram=10 * GB)
    offers = offers_of_machine(shared, Layout.PER_DEVICE, cpu_workers=2)
    comparison = compare(PlanRequest(model=model_of(1, 1, 1), offers=offers), offers[:1])
    assert len(offers) == 3
    assert 7.9 * GB < comparison.row(Approach.HYBRID).usable_bytes <= 8 * GB


@st.composite
def labs(draw: st.DrawFn) -> tuple[WorkerOffer, ...]:
    offers = []
    for index in range(draw(st.integers(1, 4))):
        link = draw(st.sampled_from((None, Link(rtt_seconds=0.001, bytes_per_second=1e8), Link(rtt_seconds=0.02))))
        for device in ("cpu", "cuda:0")[: draw(st.integers(1, 2))]:
            speed = draw(st.integers(1, 60))
            safe = draw(st.integers(0, 40)) * 100_000_000
            offers.append(offer(f"m{index}", device, safe=safe, gb_per_s=speed, tflops=1, link=link))
    return tuple(offers)


@given(labs(), st.integers(1, 10), st.integers(0, 9))
def test_fastest_over_all_is_never_predicted_worse_than_traditional(offers, n_layers, head):
    model = model_of(*[300_000_000] * n_layers, head=head * 100_000_000)
    comparison = compare(PlanRequest(model=model, offers=offers), traditional(offers))
    there = comparison.row(Approach.TRADITIONAL)
    for approach in (Approach.HYBRID, Approach.LLAMA_CPP, Approach.TRADITIONAL):
        other, fastest = comparison.row(approach).result, comparison.row(Approach.FASTEST).result
        if isinstance(other, Plan):
            assert isinstance(fastest, Plan)
            slower = other.predicted.decode_tokens_per_second or 0.0
            assert (fastest.predicted.decode_tokens_per_second or 0.0) >= slower * (1 - 1e-9)
    hybrid = comparison.row(Approach.HYBRID)
    assert hybrid.usable_bytes >= there.usable_bytes
    assert (hybrid.largest_context_tokens or 0) >= (there.largest_context_tokens or 0)


def test_the_policy_of_the_request_does_not_matter():
    request = PlanRequest(model=model_of(*[1 * GB] * 6), offers=lab())
    other = replace(request, layout=Layout.PER_MACHINE)
    assert compare(request, traditional(lab())) == compare(other, traditional(lab()))
