"""Talks HTTP to llama-server: is it ready, its counters, and streamed answers with llama-server's own timings.

One connection per question, closed with it: closing is also how llama-server is told to stop generating. Rejected:
``requests`` or ``httpx`` (three GETs and a POST), and the OpenAI client (it hides ``timings``).
"""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from typing import Any

from engine.errors import CoordinatorUnusable
from engine.llama_cpp.answer_stream import parse_stream_line, timings_of
from engine.llama_cpp.server_metrics import decoding_slots, parse_metrics, work_marks
from engine.ports import AnswerPiece, Counters, WorkDone
from engine.vocabulary.running.throughput import RequestTimings

_MOST_BYTES = 4 * 1024 * 1024
_LONGEST_LINE = 1024 * 1024
_TRIES = 4
_PROGRESS_SECONDS = 3.0
_NOT_UTF_8 = "type_error.316"
_STRIDE = 7919
"""A prime, so that the ids of a standard prompt are spread over any vocabulary and do not repeat early."""


class HttpCoordinator:
    """Implements ``ports.CoordinatorClient``."""

    def __init__(
        self, host: str, port: int, *, key: str | None = None, reply_seconds: float = 5.0, silence_seconds: float = 900.0
    ) -> None:
        """``key``: what llama-server asks for, if it does. ``silence_seconds``: how long an answer may stay without a word; a
        long prompt on slow CPUs takes minutes."""
        self._host = host
        self._port = port
        self._headers = {"Content-Type": "application/json", "Connection": "close"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        self._reply_seconds = reply_seconds
        self._silence_seconds = silence_seconds

    def is_ready(self) -> bool:
        """``/health`` answers 200. 503 = still loading, refused = not yet there: both ``False``."""
        try:
            with self._open("GET", "/health", None, self._reply_seconds) as response:
                return response.status == http.HTTPStatus.OK
        except CoordinatorUnusable:
            return False

    def work_done(self) -> WorkDone | None:
        """From ``/metrics`` and ``/slots``. One that refuses the connection works on nothing, and says so by that."""
        try:
            with self._open("GET", "/metrics", None, _PROGRESS_SECONDS) as response:
                text = self._text_of(response)
            requests = int(parse_metrics(text).requests_processing)
            slots = self._slots(_PROGRESS_SECONDS) if requests else "[]"
        except CoordinatorUnusable as error:
            if isinstance(error.__cause__, TimeoutError):
                return None
            return WorkDone(requests=0, takes_requests=not isinstance(error.__cause__, ConnectionRefusedError))
        return WorkDone(requests=requests, marks=work_marks(text, slots))

    def counters(self) -> Counters:
        """One reading of ``/metrics``, and of ``/slots`` for what is going on. Raises ``CoordinatorUnusable``."""
        with self._open("GET", "/metrics", None, self._reply_seconds) as response:
            text = self._text_of(response)
        totals = parse_metrics(text)
        return Counters(
            prompt_tokens=totals.prompt_tokens,
            prompt_seconds=totals.prompt_seconds,
            decoded_tokens=totals.decoded_tokens,
            decode_seconds=totals.decode_seconds,
            requests_processing=totals.requests_processing,
            decoding=self._decoding() if totals.requests_processing else (),
        )

    def _decoding(self) -> tuple[tuple[int, int], ...]:
        return decoding_slots(self._slots(self._reply_seconds))

    def _slots(self, seconds: float) -> str:
        """Older builds list no slots unless told to: then there is nothing to see between two requests."""
        with self._open("GET", "/slots", None, seconds) as response:
            return self._text_of(response) if response.status == http.HTTPStatus.OK else "[]"

    def ask(self, prompt: str, *, max_tokens: int, chat: bool, temperature: float | None = None) -> Iterator[AnswerPiece]:
        """Stream an answer; the last piece carries the timings. Closing the iterator stops the generation.

        The prompt cache is off, so that the timings count the whole prompt every time. Raises ``CoordinatorUnusable``.
        """
        path, body = _question(prompt, max_tokens=max_tokens, chat=chat, temperature=temperature)
        with self._open("POST", path, body, self._silence_seconds) as response:
            if response.status != http.HTTPStatus.OK:
                raise self._refused(response)
            timed = False
            for line in self._lines_of(response):
                piece = parse_stream_line(line)
                if piece is not None and not timed:
                    timed = piece.timings is not None
                    yield AnswerPiece(text=piece.text, timings=piece.timings)
        if not timed:
            raise self._broken("the answer ended in the middle")

    def measure(self, *, prompt_tokens: int, decode_tokens: int) -> RequestTimings:
        """One standard request of exactly these lengths: token ids spread over the vocabulary, nothing cached, end-of-text
        ignored. Blocks until it is done. Raises ``CoordinatorUnusable``.

        Tried again when the text that came out is not UTF-8, as when it was cut off within a character: at debug level
        llama-server then fails while it logs the message (common/chat.cpp, ``Parsed message``)."""
        for _ in range(_TRIES - 1):
            try:
                return self._measure(prompt_tokens, decode_tokens)
            except CoordinatorUnusable as error:
                if _NOT_UTF_8 not in error.happened:
                    raise
        return self._measure(prompt_tokens, decode_tokens)

    def _measure(self, prompt_tokens: int, decode_tokens: int) -> RequestTimings:
        vocabulary = self._vocabulary()
        body = {
            "prompt": [index * _STRIDE % vocabulary for index in range(1, prompt_tokens + 1)],
            "n_predict": decode_tokens,
            "ignore_eos": True,
            "cache_prompt": False,
            "stream": False,
        }
        answer = self._json("POST", "/completion", json.dumps(body).encode(), self._silence_seconds)
        timings = timings_of(answer.get("timings") or {})
        if timings.prompt_tokens != prompt_tokens or timings.decoded_tokens != decode_tokens:
            done = f"{timings.prompt_tokens}+{timings.decoded_tokens}"
            raise self._broken(f"it worked on {done} tokens instead of {prompt_tokens}+{decode_tokens}")
        return timings

    def _vocabulary(self) -> int:
        try:
            return max(2, int(self._json("GET", "/v1/models", None, self._reply_seconds)["data"][0]["meta"]["n_vocab"]))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise self._broken("it does not say how large the vocabulary is") from error

    def _json(self, method: str, path: str, body: bytes | None, seconds: float) -> dict[str, Any]:
        with self._open(method, path, body, seconds) as response:
            text = self._text_of(response)
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._broken("its answer is no JSON object")
        return found

    @contextlib.contextmanager
    def _open(self, method: str, path: str, body: bytes | None, seconds: float) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=seconds)
        try:
            connection.request(method, path, body, self._headers)
            yield connection.getresponse()
        except TimeoutError as error:
            raise self._broken(f"no answer within {seconds:g} seconds") from error
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(str(error) or type(error).__name__) from error
        finally:
            connection.close()

    def _lines_of(self, response: http.client.HTTPResponse) -> Iterator[str]:
        while line := response.readline(_LONGEST_LINE):
            yield line.decode(errors="replace").rstrip("\r\n")

    def _text_of(self, response: http.client.HTTPResponse) -> str:
        if response.status != http.HTTPStatus.OK:
            raise self._refused(response)
        return response.read(_MOST_BYTES).decode(errors="replace")

    def _refused(self, response: http.client.HTTPResponse) -> CoordinatorUnusable:
        return self._broken(f"it answered {response.status}: {_message_of(response.read(_MOST_BYTES))}")

    def _broken(self, why: str) -> CoordinatorUnusable:
        return CoordinatorUnusable(
            f"llama-server at {self._host}:{self._port} did not answer as it should: {why}.",
            advice="See its log: when a worker ends, llama-server ends with it.",
        )


def _question(prompt: str, *, max_tokens: int, chat: bool, temperature: float | None) -> tuple[str, bytes]:
    shared: dict[str, Any] = {"stream": True, "cache_prompt": False}
    if temperature is not None:
        shared["temperature"] = temperature
    if chat:
        body = shared | {"messages": [{"role": "user", "content": prompt}], "max_tokens": max_tokens}
        return "/v1/chat/completions", json.dumps(body).encode()
    return "/completion", json.dumps(shared | {"prompt": prompt, "n_predict": max_tokens}).encode()


def _message_of(body: bytes) -> str:
    """llama-server's own sentence: ``{"error": {"message": ...}}``."""
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        message = body[:200].decode(errors="replace").strip()
    return str(message)
