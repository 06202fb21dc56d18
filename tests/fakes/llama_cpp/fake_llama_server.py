"""A small llama-server that answers as the real one was recorded to: health, metrics, streams; and ways to go wrong."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

_RECORDED = Path(__file__).parents[2] / "recorded" / "llama-server-0c1e570"


class FakeLlamaServer(http.server.ThreadingHTTPServer):
    """Set the attributes to make it behave otherwise."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.loading = False
        self.metrics = True
        self.refusal: str | None = None
        self.stream_lines: int | None = None
        """Only so many lines of a stream, then the connection is closed."""
        self.extra_tokens = 0
        self.asked: list[dict[str, object]] = []
        self.answered = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_port


class _Handler(http.server.BaseHTTPRequestHandler):
    server: FakeLlamaServer

    def do_GET(self) -> None:
        if self.path == "/health":
            self._say(503 if self.server.loading else 200, '{"status":"ok"}')
        elif self.path == "/v1/models":
            self._say(200, json.dumps({"data": [{"meta": {"n_vocab": 320}}]}))
        elif self.server.metrics:
            text = (
                _RECORDED / ("metrics_after_two_requests.txt" if self.server.answered else "metrics_fresh.txt")
            ).read_text()
            self._say(200, text)
        else:
            self._refuse(501, "This server does not support metrics endpoint. Start it with `--metrics`")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        if self.server.refusal is not None:
            self._refuse(400, self.server.refusal)
        elif body["stream"]:
            name = "chat_stream.txt" if self.path.startswith("/v1") else "completion_stream.txt"
            lines = (_RECORDED / name).read_text().splitlines(keepends=True)
            self._say(200, "".join(lines[: self.server.stream_lines]))
        else:
            timings = {"prompt_n": len(body["prompt"]), "prompt_ms": 20.0, "predicted_ms": 40.0}
            timings["predicted_n"] = body["n_predict"] + self.server.extra_tokens
            self._say(200, json.dumps({"content": "", "timings": timings}))
        self.server.answered += 1

    def _refuse(self, status: int, message: str) -> None:
        self._say(status, json.dumps({"error": {"code": status, "message": message, "type": "x"}}))

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        """Nothing: the tests' output is for the tests."""


@contextlib.contextmanager
def fake_llama_server() -> Iterator[FakeLlamaServer]:
    """A ``FakeLlamaServer`` that serves until the end of the block."""
    with FakeLlamaServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="fake llama-server")
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
