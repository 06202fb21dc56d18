"""A user's program that asks the API, run by path where the user is (``client.py`` starts it). Standard library only.

``ask URL PATIENCE_SECONDS PAUSE_SECONDS``: short requests one after the other, without end; a line each.
``hold URL WORDS TOKENS``: one request whose answer is streamed; a line when it is sent, at every token, and at its end.

A line is one JSON object; times are of the system's monotonic clock, which all processes share.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
import urllib.parse

_STREAM_PATIENCE_SECONDS = 600.0


def ask(url: str, patience_seconds: str, pause_seconds: str) -> None:
    """Until the process is ended."""
    number = 0
    while True:
        number += 1
        begun = time.monotonic()
        body = {"prompt": f"w{number % 50} w7", "max_tokens": 2, "temperature": 0}
        outcome = _asked(url, body, float(patience_seconds))
        _say({"begun": begun, "ended": time.monotonic(), **outcome})
        time.sleep(float(pause_seconds))


def _asked(url: str, body: dict[str, object], patience_seconds: float) -> dict[str, object]:
    connection = _connection(url, patience_seconds)
    try:
        answer = _post(connection, body)
        text = answer.read()
        return {"status": answer.status, "retry_after": answer.getheader("Retry-After"), "bytes": len(text)}
    except (OSError, http.client.HTTPException) as error:
        return {"status": None, "error": f"{type(error).__name__}: {error}"}
    finally:
        connection.close()


def hold(url: str, words: str, tokens: str) -> None:
    """One long request."""
    prompt = " ".join(f"w{number % 300}" for number in range(int(words)))
    body = {"prompt": prompt, "max_tokens": int(tokens), "temperature": 0, "stream": True, "cache_prompt": False}
    body["ignore_eos"] = True
    connection = _connection(url, _STREAM_PATIENCE_SECONDS)
    try:
        connection.connect()
        _say({"sent": time.monotonic()})
        answer = _post(connection, body)
        while line := answer.readline():
            if line.startswith(b"data:"):
                _say({"token": time.monotonic()})
        _say({"ended": time.monotonic(), "status": answer.status})
    except (OSError, http.client.HTTPException) as error:
        _say({"ended": time.monotonic(), "status": None, "error": f"{type(error).__name__}: {error}"})


def _connection(url: str, patience_seconds: float) -> http.client.HTTPConnection:
    place = urllib.parse.urlsplit(url)
    return http.client.HTTPConnection(place.hostname or "", place.port, timeout=patience_seconds)


def _post(connection: http.client.HTTPConnection, body: dict[str, object]) -> http.client.HTTPResponse:
    connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
    return connection.getresponse()


def _say(what: dict[str, object]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    {"ask": ask, "hold": hold}[sys.argv[1]](*sys.argv[2:])
