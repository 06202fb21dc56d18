"""One address while llama-server comes and goes: real programs, killed under the eyes of their clients."""

import json
import os
import signal
import threading
import time
from contextlib import contextmanager

import psutil
import pytest

from engine.open_session import real_outside
from engine.session.session import Session
from engine.session.state import Choices, RunPhase
from engine.vocabulary.plan import Plan, Policy, RunShape
from engine.vocabulary.running.recovery import RecoveryMode
from tests.end_to_end.crossply_programs import wait_until
from tests.fakes.raw_client import Heard, RawClient, get, post

pytestmark = pytest.mark.real

SHAPE = RunShape(context_tokens=2048)
QUESTION = json.dumps({"prompt": "w1 w2 w3", "n_predict": 8, "ignore_eos": True, "stream": True}).encode()
LONG = json.dumps({"prompt": "w1 w2 w3", "n_predict": 1500, "ignore_eos": True, "stream": True}).encode()
LOAD_SECONDS = 120.0
"""A machine with other work to do."""


@contextmanager
def planned(model, api_port, recovery):
    choices = Choices(
        model_path=str(model), cpu_workers=2, policy=Policy.EVEN, shape=SHAPE, api_port=api_port, recovery=recovery
    )
    session = Session(real_outside(), choices)
    session.start()
    try:
        wait_until(lambda: isinstance(session.snapshot().plan, Plan), 30, "there is a plan")
        yield session
    finally:
        session.close()
        assert session.join()


@pytest.fixture
def session(app_environment, llama_40, api_port, monkeypatch, request):
    """Of a run that stays broken until it is launched again, unless the test says otherwise."""
    for name, value in app_environment.items():
        monkeypatch.setenv(name, value)
    with planned(llama_40, api_port, getattr(request, "param", RecoveryMode.NEVER)) as session:
        yield session


def launch(session):
    """Once nothing of the last run is left."""
    asked = session.snapshot().n_launches

    def launched():
        session.launch()
        time.sleep(0.05)
        return session.snapshot().n_launches > asked

    wait_until(launched, 30, "it is launched")


def ready(session):
    return wait_until(lambda: session.snapshot().run_phase is RunPhase.READY, LOAD_SECONDS, "it is ready")


def llama_server(session):
    return next(process.pid for process in session.snapshot().processes if process.title == "llama-server")


def events(heard: Heard):
    return [json.loads(line[6:]) for line in heard.body.splitlines() if line.startswith(b"data: {")]


def test_a_stream_is_told_that_llama_server_died_and_the_same_address_answers_after_the_next_launch(session):
    launch(session)
    ready(session)
    url = session.snapshot().run.api_url
    inner = session.snapshot().run.coordinator_url
    assert url != inner
    assert events(post(url, "/completion", QUESTION))[-1]["timings"]["predicted_n"] == 8
    with RawClient(url, timeout_seconds=60) as client:
        client.ask("POST", "/completion", LONG)
        assert client.head()[0] == 200
        assert client.chunk().startswith(b"data: ")
        os.kill(llama_server(session), signal.SIGKILL)
        last = b""
        while piece := client.chunk():
            last = piece
        assert piece == b"", "the stream has a proper end"
    assert "error" in json.loads(last.strip().split(b"\n\n")[-1].removeprefix(b"data: "))

    wait_until(lambda: session.snapshot().run_phase is RunPhase.FAILED, 10, "it is noticed")
    heard = post(url, "/completion", QUESTION)
    assert (heard.status, "retry-after" in heard.headers) == (503, True)
    assert get(url, "/health").status == 503

    launch(session)
    began = time.monotonic()
    heard = post(url, "/completion", QUESTION)  # sent while the model loads: it waits
    assert heard.status == 200, heard
    assert events(heard)[-1]["timings"]["predicted_n"] == 8
    assert session.snapshot().run.api_url == url
    assert time.monotonic() - began < LOAD_SECONDS
    assert get(url, "/health").status == 200


@pytest.mark.parametrize("session", [RecoveryMode.AUTOMATIC], indirect=True)
def test_requests_wait_while_a_broken_run_is_started_again_by_itself(session):
    launch(session)
    ready(session)
    url = session.snapshot().run.api_url
    os.kill(llama_server(session), signal.SIGKILL)
    wait_until(lambda: session.snapshot().recovery.goes_on, 10, "it is noticed")
    heard = post(url, "/completion", QUESTION)
    assert heard.status == 200, heard
    assert events(heard)[-1]["timings"]["predicted_n"] == 8
    assert len(session.snapshot().recovery.history) == 1


@pytest.mark.parametrize("session", [RecoveryMode.AUTOMATIC], indirect=True)
def test_a_llama_server_that_was_asked_to_end_and_hangs_is_replaced_and_who_waited_is_answered(session):
    """With a request that waits for its only slot it closes its port on SIGTERM and does not end by itself."""
    launch(session)
    ready(session)
    url, waiting = session.snapshot().run.api_url, LONG.replace(b"1500", b"8")
    with RawClient(url, timeout_seconds=60) as working, RawClient(url, timeout_seconds=LOAD_SECONDS) as queued:
        working.ask("POST", "/completion", LONG)
        working.head()
        assert working.chunk().startswith(b"data: ")
        queued.ask("POST", "/completion", waiting)
        time.sleep(0.5)
        os.kill(llama_server(session), signal.SIGTERM)
        heard = queued.hear()
    assert heard.status == 200, heard
    assert events(heard)[-1]["timings"]["predicted_n"] == 8
    assert len(session.snapshot().recovery.history) == 1


def test_fifty_requests_around_a_death_each_get_an_answer_or_are_told_when_to_come_back(session):
    launch(session)
    ready(session)
    url = session.snapshot().run.api_url
    heard, threads = [], []

    def ask():
        heard.append(post(url, "/completion", QUESTION))

    for index in range(50):
        threads.append(threading.Thread(target=ask))
        threads[-1].start()
        if index == 10:
            os.kill(llama_server(session), signal.SIGKILL)
        if index == 30:
            launch(session)
        time.sleep(0.02)
    for thread in threads:
        thread.join(LOAD_SECONDS)
    assert len(heard) == 50
    assert all(answer.complete for answer in heard)
    assert {answer.status for answer in heard} <= {200, 503}
    assert all("retry-after" in answer.headers for answer in heard if answer.status == 503)
    answered = [answer for answer in heard if answer.status == 200]
    assert len(answered) >= 15, "those that came while it loaded were kept waiting"
    for answer in answered:
        assert "error" in events(answer)[-1] or events(answer)[-1]["timings"]["predicted_n"] == 8


def test_a_client_that_goes_away_frees_its_slot(session):
    launch(session)
    ready(session)
    url = session.snapshot().run.api_url
    with RawClient(url, timeout_seconds=60) as client:
        client.ask("POST", "/completion", LONG)
        assert client.chunk is not None
        assert client.head()[0] == 200
        assert json.loads(get(url, "/slots").body)[0]["is_processing"]
    wait_until(lambda: not json.loads(get(url, "/slots").body)[0]["is_processing"], 10, "the slot is free")


def test_nothing_listens_off_the_loopback_and_a_stranger_s_page_is_not_served(session):
    launch(session)
    ready(session)
    url = session.snapshot().run.api_url
    us = psutil.Process()
    listening = {
        connection.laddr.ip
        for process in (us, *us.children(recursive=True))
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
    assert post(url, "/completion", QUESTION, "Origin: http://evil.example").status == 403
    assert post(url, "/completion", QUESTION, "Host: evil.example").status == 403
    inner = session.snapshot().run.coordinator_url
    assert post(inner, "/completion", QUESTION).status == 401, "llama-server itself answers only us"
    heard = get(url, "/v1/models")
    assert not [name for name in heard.headers if name.startswith("access-control")]
