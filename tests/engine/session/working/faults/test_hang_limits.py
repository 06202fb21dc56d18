"""How long nothing may move: never less than a healthy run can take, and not minutes where it is quick."""

from dataclasses import replace

from engine.session.working.faults import hang_limits
from engine.session.working.faults.hang_limits import loading_limit, serving_limit
from engine.vocabulary.plan import PredictedThroughput
from engine.vocabulary.running.throughput import RequestTimings
from engine.vocabulary.worker import Exposure, Link
from tests.fakes.states.cluster_states import ready

PLAN = ready().run.plan


def plan(prefill, batch=2048):
    predicted = PredictedThroughput(prefill_tokens_per_second=prefill)
    return replace(PLAN, predicted=predicted, shape=replace(PLAN.shape, batch_tokens=batch))


def measured(rate):
    return RequestTimings(prompt_tokens=1000, prompt_seconds=1000 / rate, decoded_tokens=1, decode_seconds=1.0)


def test_it_is_several_times_the_batch_that_was_measured():
    assert serving_limit(plan(1.0), measured(64.0), 0.0) == 5 * 32
    assert serving_limit(plan(1.0), measured(1e6), 0.0) == hang_limits.SHORTEST_SERVING_SECONDS


def test_before_it_is_measured_the_prediction_is_trusted_less():
    assert serving_limit(plan(64.0), None, 0.0) == 10 * 32
    assert serving_limit(plan(1e6), None, 0.0) == hang_limits.SHORTEST_LOADING_SECONDS
    assert serving_limit(plan(None), None, 0.0) == hang_limits.UNKNOWN_SECONDS


def test_what_was_seen_to_take_long_may_take_longer():
    assert serving_limit(plan(1e6), measured(1e6), 60.0) == 180.0


def on_the_network(link, layer_bytes):
    worker = PLAN.used_workers[0]
    layers = tuple(replace(layer, weights_bytes=layer_bytes) for layer in PLAN.model.layers)
    model = replace(PLAN.model, layers=layers, head_bytes=0, embedding_bytes=0)
    offer = replace(worker.offer, exposure=Exposure.LAN, link=link)
    return replace(plan(1e6), model=model, workers=(replace(worker, offer=offer), *PLAN.workers[1:]))


def test_a_load_may_be_silent_for_as_long_as_the_largest_tensor_takes():
    small = Link(rtt_seconds=0.001, bytes_per_second=1e6)
    assert loading_limit(on_the_network(small, 50_000_000)) == 200.0
    assert loading_limit(on_the_network(small, 1000)) == hang_limits.SHORTEST_LOADING_SECONDS
    assert loading_limit(on_the_network(None, 1000)) == hang_limits.UNKNOWN_SECONDS
