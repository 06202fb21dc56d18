"""A hybrid machine without a GPU: its CPU, and a genuine ``Vulkan0`` that llvmpipe computes, under one llama-server.

``GGML_VK_VISIBLE_DEVICES=0`` makes ggml-vulkan list a renderer that computes on the CPU. It compiles its shaders when they are
first used (half a minute for four tiny layers, a second once Mesa has cached them), so models and prompts are tiny.
"""

import pytest

from engine.runtimes.find_runtimes import CHOSEN_VARIABLE
from tests.end_to_end.crossply_programs import json_of, processes_of, up, wait_until, wait_until_nothing_is_left

pytestmark = pytest.mark.real

CPU, GPU = "this-machine/cpu", "this-machine/vulkan:0"
TINY = ("--context", "128", "--ubatch", "32", "--policy", "even")
SHADERS_SECONDS = 180.0


@pytest.fixture
def hybrid(app_environment, vulkan_runtime):
    """The environment in which this machine has a GPU."""
    return {**app_environment, CHOSEN_VARIABLE: vulkan_runtime.folder, "GGML_VK_VISIBLE_DEVICES": "0"}


def test_the_node_report_shows_both_and_how_to_serve_them(hybrid):
    node = json_of(hybrid, "node")
    (gpu,) = (gpu for gpu in node["machine"]["gpus"] if gpu["device"] == "vulkan:0")
    assert gpu["software"]
    assert gpu["runtime_device"] == "Vulkan0"
    assert gpu["memory_total_bytes"] > 0
    assert [(worker["id"], worker["kind"]) for worker in node["workers"]] == [(CPU, "cpu"), (GPU, "gpu")]
    assert all(worker["safe_bytes"] > 0 for worker in node["workers"])
    ports = [worker["endpoint"].rpartition(":")[2] for worker in node["workers"]]
    assert len(set(ports)) == 2
    for device, port, command in zip(("CPU", "Vulkan0"), ports, node["commands"], strict=True):
        assert f"-p {port} -d {device} " in command["shell"]


def test_layers_are_on_the_cpu_and_on_the_gpu_as_planned_and_it_answers(hybrid, tmp_path, llama_4, api_port):
    with up(hybrid, tmp_path, llama_4, *TINY, "--port", str(api_port)) as running:
        status = running.wait_until_serving(SHADERS_SECONDS)
        assert status["map"]["actual"] == {"0": CPU, "1": CPU, "2": GPU, "3": GPU, "4": GPU}
        assert status["map"]["matches"]
        assert status["measured"]["decoded_tokens"] == 64
        devices = {process["endpoint"]: process["title"] for process in status["processes"] if process["workers"]}
        assert sorted(devices.values()) == ["rpc-server for CPU", "rpc-server for Vulkan0"]
        held = {buffer["worker"]: buffer["weights_bytes"] for buffer in status["buffers"]}
        planned = {worker["id"]: worker["weights_bytes"] for worker in status["plan"]["workers"]}
        for worker in (CPU, GPU):
            assert held[worker] == pytest.approx(planned[worker], rel=0.1)
        assert running.end() == 0, running.stderr
    wait_until_nothing_is_left(hybrid)


@pytest.mark.parametrize(
    ("layout", "servers", "workers"),
    [
        ("per-device", [("CPU",), ("Vulkan0",)], {CPU, GPU}),
        ("per-machine", [("CPU", "Vulkan0")], {CPU, GPU}),
        ("traditional", [("Vulkan0",)], {GPU}),
    ],
)
@pytest.mark.parametrize("policy", ["even", "memory", "fastest"])
def test_every_layout_places_its_layers_as_planned(hybrid, tmp_path, llama_4, api_port, layout, servers, workers, policy):
    """Until the layers are placed: what comes then (shaders) is long and says nothing more."""
    arguments = (*TINY[:4], "--policy", policy, "--layout", layout, "--port", str(api_port))
    with up(hybrid, tmp_path, llama_4, *arguments) as running:

        def placed():
            assert running.process.poll() is None, running.stderr
            state = json_of(hybrid, "status")
            return state if state.get("map") and state["map"]["complete"] else None

        state = wait_until(placed, 30, "layers are placed")
        assert state["map"]["matches"]
        used = set(state["map"]["planned"].values())
        assert used <= workers
        assert used == workers or policy == "fastest"
        running_servers = [process.cmdline() for process in processes_of(hybrid) if "rpc-server" in process.name()]
        offered = sorted(tuple(argv[argv.index("-d") + 1].split(",")) for argv in running_servers)
        assert all(any(set(one) <= set(server) for server in servers) for one in offered)
        assert offered == servers or policy == "fastest"
