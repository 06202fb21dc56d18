"""What the gateway costs: a request, a streamed chunk, and tokens of a real llama-server, directly and through it, in turn.

``python -m tests.benchmarks.gateway_cost [MODEL]``. Client, gateway and server are processes of their own; the server of the
first two is a loop that answers at once, so that what is measured is the way there and back.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack

from engine.gateway.http_gateway import HttpGateway
from engine.runtimes.runtime_finder import LocalRuntimeFinder
from engine.settings.folders import find_folders
from engine.vocabulary.running.api import ApiPlace, Serving, ServingPhase

REQUESTS, CHUNKS, ROUNDS, TOKENS = 300, 200, 5, 128
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Quick(asyncio.Protocol):
    """Answers at once; ``/stream`` sends the time every 10 ms."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.data = transport, b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        if b"\r\n\r\n" in self.data:
            streams, self.data = b"/stream" in self.data, b""
            if streams:
                self.task = asyncio.ensure_future(self.stream())
            else:
                self.transport.write(ANSWER)

    async def stream(self) -> None:
        self.transport.write(STREAM)
        for _ in range(CHUNKS):
            event = b"data: %.7f\n\n" % time.time()
            self.transport.write(b"%x\r\n%s\r\n" % (len(event), event))
            await asyncio.sleep(0.01)
        self.transport.write(b"0\r\n\r\n")
        self.transport.close()


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Quick, "127.0.0.1", port)
    await server.serve_forever()


def gate(port: int, to: int) -> None:
    gateway = HttpGateway(lambda: None)
    gateway.open(ApiPlace(port=port))
    gateway.point_at(Serving(phase=ServingPhase.READY, url=f"http://127.0.0.1:{to}"))
    time.sleep(600)


def request_seconds(port: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    began = time.perf_counter()
    connection.request("GET", "/v1/models")
    connection.getresponse().read()
    took = time.perf_counter() - began
    connection.close()
    return took


def chunk_seconds(port: int) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/stream")
    response, late = connection.getresponse(), []
    while line := response.readline():
        if line.startswith(b"data: "):
            late.append(time.time() - float(line[6:]))
    connection.close()
    return late


def tokens_per_second(port: int) -> tuple[float, float]:
    """As the client sees it from the first token to the last, and as llama-server says."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    body = {"prompt": "The", "n_predict": TOKENS, "ignore_eos": True, "stream": True, "cache_prompt": False}
    connection.request("POST", "/completion", json.dumps(body))
    response, times, last = connection.getresponse(), [], {}
    while line := response.readline():
        if line.startswith(b"data: {"):
            times.append(time.perf_counter())
            last = json.loads(line[6:])
    connection.close()
    return (len(times) - 2) / (times[-2] - times[0]), last["timings"]["predicted_per_second"]


def started(stack: ExitStack, *argv: str) -> None:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)


def wait_until_ready(port: int) -> None:
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"nothing answers on port {port}")


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def main() -> None:
    me = (sys.executable, "-m", "tests.benchmarks.gateway_cost")
    with ExitStack() as stack:
        started(stack, *me, "--serve", "18999")
        started(stack, *me, "--gate", "18998", "18999")
        wait_until_ready(18999)
        wait_until_ready(18998)
        for name, measure in (
            ("request", lambda port: [request_seconds(port) for _ in range(REQUESTS)]),
            ("chunk", chunk_seconds),
        ):
            found: dict[int, list[float]] = {18999: [], 18998: []}
            for _ in range(3):
                for port, values in found.items():
                    values += measure(port)
            direct, through = (statistics.median(values) * 1e3 for values in found.values())
            print(
                f"{name}: {direct:.2f} ms directly, {through:.2f} ms through the gateway (p95 {p95(found[18998]) * 1e3:.2f})"
            )
    runtime = LocalRuntimeFinder(find_folders()).find(None)[0]
    with ExitStack() as stack:
        started(stack, str(runtime.llama_server), "-m", sys.argv[1], "--port", "18997", "-c", "2048", "-t", "1")
        started(stack, *me, "--gate", "18996", "18997")
        wait_until_ready(18997)
        wait_until_ready(18996)
        tokens_per_second(18997)
        pairs = [(tokens_per_second(18997)[0], tokens_per_second(18996)[0]) for _ in range(ROUNDS)]
        for direct, through in pairs:
            print(f"tokens: {direct:.1f}/s directly, {through:.1f}/s through the gateway, {through / direct:.3f}x")
        print(f"median {statistics.median(through / direct for direct, through in pairs):.3f}x")


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        asyncio.run(serve(int(sys.argv[2])))
    elif sys.argv[1] == "--gate":
        gate(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
