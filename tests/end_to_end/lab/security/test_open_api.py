"""The API opened to the network with its key: what another machine gets of it, and a stranger sees."""

from __future__ import annotations

import json
import signal
import stat
import subprocess

import pytest

from engine.settings.folders import DATA_VARIABLE
from tests.end_to_end.crossply_programs import wait_until
from tests.end_to_end.lab.on_the_desk import Desk, OnDesk

pytestmark = [pytest.mark.real, pytest.mark.timeout(300), pytest.mark.opens_ports]

ASK = """
import json, sys, urllib.error, urllib.request
url, key, host = sys.argv[1:4]
headers = {"Content-Type": "application/json"}
if key: headers["Authorization"] = "Bearer " + key
if host: headers["Host"] = host
request = urllib.request.Request(url + "/completion", b'{"prompt": "w1 w2", "n_predict": 4, "stream": true}', headers)
try:
    with urllib.request.urlopen(request, timeout=60) as response:
        print(json.dumps([response.status, response.read().decode()]))
except urllib.error.HTTPError as error:
    print(json.dumps([error.code, error.read().decode()]))
"""


@pytest.fixture
def desk(clean_lab, runtime, tmp_path):
    return Desk(clean_lab, runtime, tmp_path, f"{DATA_VARIABLE}={tmp_path / 'data'}")


def asked_by(host, url, key="", name=""):
    """By a program on that host."""
    return json.loads(host.run(["python3", "-c", ASK, url, key, name], seconds=70))


def test_another_machine_needs_the_key_and_llama_server_itself_is_reached_by_nobody(desk, llama_40, tmp_path):
    lab, log = desk.lab, tmp_path / "stderr"
    argv = desk.argv("up", str(llama_40), "--cpu-workers", "1", "--api-host", lab.desk_address, "--json")
    with log.open("wb") as err:
        process = subprocess.Popen(argv, env=desk._environment(), stdout=subprocess.DEVNULL, stderr=err)
    running = OnDesk(process, desk, log)
    try:
        state = running.wait_until_serving()
        key_file = tmp_path / "data" / "state" / "api-key"
        key = key_file.read_text().strip()
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        assert running.said.count(key) == 1, "shown once, to the person at the terminal"
        assert key not in json.dumps(state)

        network, one = state["api_network_url"], lab.hosts[0]
        port = int(network.rpartition(":")[2])
        assert network == f"http://{lab.desk_address}:{port}"
        status, text = asked_by(one, network)
        assert (status, json.loads(text)["error"]["code"]) == (401, "invalid_api_key")
        assert asked_by(one, network, key[:-1])[0] == 401
        assert asked_by(one, network, name=f"127.0.0.1:{port}")[0] == 401, "a name of the loopback is no key"
        status, text = asked_by(one, network, key)
        assert status == 200
        assert '"predicted_n":4' in text
        assert lab.stranger.scan(lab.desk_address, seconds=0.5) == [port], "the API, and nothing behind it"
        assert desk.ask(state["api_url"])["tokens_predicted"] == 4
        assert not [
            path for path in (tmp_path / "data").rglob("*") if path.is_file() and path != key_file and key in _text(path)
        ]
        assert running.end(signal.SIGTERM)[0] == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
    wait_until(lambda: lab.stranger.scan(lab.desk_address, seconds=0.5) == [], 5, "nothing listens any more")


def _text(path):
    return path.read_bytes().decode("latin-1")
