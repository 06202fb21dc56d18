"""What the gateway says itself."""

import json

import pytest

from engine.gateway.answers import Refusal, Unavailable, bad_request, health, not_serving, too_slow, unavailable
from engine.vocabulary.running.api import Serving, ServingPhase

LOADING = Serving(phase=ServingPhase.COMING, doing="The model is loading.")


@pytest.mark.parametrize(
    "refusal", [bad_request("No “path”."), too_slow("x"), unavailable("x"), not_serving(LOADING, 3.0)], ids=lambda r: r.code
)
def test_every_refusal_is_an_error_of_openais_format(refusal):
    error = json.loads(refusal.body)["error"]
    assert (error["message"], set(error)) == (refusal.message, {"message", "type", "code"})
    headers = dict(refusal.raw_headers)
    assert headers[b"content-type"] == b"application/json"
    assert int(headers[b"content-length"]) == len(refusal.body)
    assert (b"retry-after" in headers) == (refusal.status == 503)
    assert str(Unavailable(refusal)) == refusal.message


def test_the_last_event_of_a_stream():
    event = unavailable("It\nended.").event
    assert event.startswith(b"data: {")
    assert event.endswith(b"}\n\n")
    assert event.count(b"\n") == 2


@pytest.mark.parametrize(("seconds", "said"), [(None, b"5"), (0.0, b"1"), (0.2, b"1"), (7.01, b"8")])
def test_when_to_come_back(seconds, said):
    assert dict(unavailable("x", seconds).raw_headers)[b"retry-after"] == said


def test_when_nothing_will_come_it_is_later():
    stopped = Serving(phase=ServingPhase.NOTHING)
    refusal = not_serving(stopped, 3.0)
    assert (refusal.message, refusal.retry_after_seconds) == ("No model is being served.", 30)
    assert not_serving(Serving(phase=ServingPhase.COMING), None).message == "The model is not ready yet."


def test_health_is_llama_servers_answer_with_the_state_beside_it():
    status, headers, body = health(Serving(phase=ServingPhase.READY, url="http://127.0.0.1:1"), None)
    assert (status, json.loads(body)) == (200, {"status": "ok", "state": "ready"})
    assert int(dict(headers)[b"content-length"]) == len(body)


def test_health_while_it_loads():
    status, headers, body = health(LOADING, 11.26)
    document = json.loads(body)
    assert (status, document["state"], document["expected_seconds"]) == (503, "coming", 11.3)
    assert document["error"]["message"] == LOADING.doing
    assert dict(headers)[b"retry-after"] == b"12"
    assert "expected_seconds" not in json.loads(health(LOADING, None)[2])


def test_headers_of_its_own_go_along():
    refusal = Refusal(status=401, message="m", type="t", code="c", headers=((b"x", b"y"),))
    assert (b"x", b"y") in refusal.raw_headers
