"""What the HTTP client makes of a llama-server that is not as it should be."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from engine.errors import CoordinatorUnusable
from engine.ports import WorkDone
from engine.runtimes.coordinator_http import HttpCoordinator
from tests.fakes.llama_cpp.fake_llama_server import FakeLlamaServer, fake_llama_server


@pytest.fixture
def server() -> Iterator[FakeLlamaServer]:
    with fake_llama_server() as fake:
        yield fake


@pytest.fixture
def client(server: FakeLlamaServer) -> HttpCoordinator:
    return HttpCoordinator("127.0.0.1", server.port)


def test_loading_is_not_ready(server: FakeLlamaServer, client: HttpCoordinator) -> None:
    server.loading = True
    assert not client.is_ready()


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    gone = HttpCoordinator("127.0.0.1", port)
    assert not gone.is_ready()
    with pytest.raises(CoordinatorUnusable, match=rf"127\.0\.0\.1:{port} did not answer as it should"):
        gone.counters()


def test_who_says_nothing_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = HttpCoordinator("127.0.0.1", silent.getsockname()[1], reply_seconds=0.1)
        started = time.monotonic()
        assert not client.is_ready()
        with pytest.raises(CoordinatorUnusable, match=r"no answer within 0\.1 seconds"):
            client.counters()
        assert time.monotonic() - started < 2


def test_no_metrics(server: FakeLlamaServer, client: HttpCoordinator) -> None:
    server.metrics = False
    with pytest.raises(CoordinatorUnusable, match="it answered 501: This server does not support metrics"):
        client.counters()


def test_a_refused_question_says_why(server: FakeLlamaServer, client: HttpCoordinator) -> None:
    server.refusal = "the request exceeds the available context size"
    with pytest.raises(CoordinatorUnusable, match="it answered 400: the request exceeds the available context size"):
        list(client.ask("x", max_tokens=1, chat=True))
    with pytest.raises(CoordinatorUnusable, match="it answered 400"):
        client.measure(prompt_tokens=3, decode_tokens=1)


def test_an_answer_that_breaks_off_is_an_error_after_its_pieces(server: FakeLlamaServer, client: HttpCoordinator) -> None:
    server.stream_lines = 4
    answer = client.ask("x", max_tokens=8, chat=False)
    assert [next(answer).text, next(answer).text] == [" the", " capital"]
    with pytest.raises(CoordinatorUnusable, match="ended in the middle"):
        next(answer)


def test_what_is_sent(server: FakeLlamaServer, client: HttpCoordinator) -> None:
    list(client.ask("Hi", max_tokens=8, chat=True))
    list(client.ask("Hi", max_tokens=8, chat=False, temperature=0.0))
    client.measure(prompt_tokens=300, decode_tokens=5)
    chat, plain, measured = server.asked
    assert chat["messages"] == [{"role": "user", "content": "Hi"}]
    assert "temperature" not in chat
    assert (plain["prompt"], plain["n_predict"], plain["cache_prompt"], plain["temperature"]) == ("Hi", 8, False, 0.0)
    assert isinstance(measured["prompt"], list)
    assert (len(measured["prompt"]), len(set(measured["prompt"]))) == (300, 300)
    assert all(0 <= token < 320 for token in measured["prompt"])
    assert (measured["ignore_eos"], measured["cache_prompt"]) == (True, False)


def test_a_measurement_of_other_lengths_is_none(server: FakeLlamaServer, client: HttpCoordinator) -> None:
    server.extra_tokens = -2
    with pytest.raises(CoordinatorUnusable, match=r"worked on 3\+6 tokens instead of 3\+8"):
        client.measure(prompt_tokens=3, decode_tokens=8)


def test_how_far_its_work_is(server: FakeLlamaServer, client: HttpCoordinator) -> None:
    done = client.work_done()
    assert done == WorkDone(requests=0, marks=(0,))
    server.answered = 2
    assert client.work_done() == WorkDone(requests=0, marks=(18,))
    server.metrics = False
    assert client.work_done() == WorkDone(requests=0), "it answers, and tells nothing"


def test_one_that_does_not_answer_in_time_is_not_said_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.runtimes.coordinator_http._PROGRESS_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert HttpCoordinator("127.0.0.1", port).work_done() is None
    assert HttpCoordinator("127.0.0.1", port).work_done() == WorkDone(requests=0, takes_requests=False), "gone"
