"""This machine's own devices in llama-server itself: real programs, the map as planned, memory as forecast, nobody listening
but llama-server."""

from dataclasses import replace

import psutil
import pytest

from engine.open_session import real_outside
from engine.runtimes.find_runtimes import CHOSEN_VARIABLE
from engine.session import events
from engine.session.session import Session
from engine.session.state import Choices, RunPhase
from engine.vocabulary.plan import Plan, RunShape
from engine.vocabulary.worker import Exposure, Speed, WorkerId
from tests.end_to_end.crossply_programs import listening_addresses, processes_of, up, wait_until, wait_until_nothing_is_left
from tests.end_to_end.test_up_status_map_down import ask
from tests.fakes.llama_cpp.gguf_writer import write_heavy_head

pytestmark = pytest.mark.real

CPU, GPU = "this-machine/cpu", "this-machine/vulkan:0"
ITSELF = "in llama-server itself"
SHADERS_SECONDS = 180.0


@pytest.fixture
def native_up(app_environment, tmp_path, api_port):
    """``up`` as a person types it first: the fastest plan, one CPU worker."""

    def start(model, *arguments):
        return up(app_environment, tmp_path, model, "--port", str(api_port), *arguments)

    return start


@pytest.mark.parametrize("model", ["llama_40", "heavy_head", "moe", "gemma_model"])
def test_one_cpu_serves_natively_with_its_map_and_memory_as_planned(request, app_environment, native_up, model):
    with native_up(request.getfixturevalue(model)) as running:
        status = running.wait_until_serving()
        (worker,) = status["plan"]["workers"]
        assert (worker["id"], worker["exposure"], worker["endpoint"]) == (CPU, ITSELF, None)
        assert status["map"]["matches"]
        assert set(status["map"]["actual"].values()) == {CPU}
        assert status["problems"] == []
        (process,) = status["processes"]
        assert (process["title"], process["workers"]) == ("llama-server", [CPU])
        assert "--rpc" not in psutil.Process(process["pid"]).cmdline()
        _memory_is_as_forecast(worker, status["buffers"])
        assert ask(status["api_url"], "w1 w2 w3")["predicted_n"] == 8
        listening = listening_addresses(processes_of(app_environment))
        port = int(status["api_url"].rpartition(":")[2])
        inner = int(process["endpoint"].rpartition(":")[2])
        ours = psutil.Process(running.pid).name()
        assert listening == {("127.0.0.1", port): ours, ("127.0.0.1", inner): "llama-server"}
        assert running.end() == 0, running.stderr
    wait_until_nothing_is_left(app_environment)


def _memory_is_as_forecast(worker, buffers):
    """KV and compute are never under what was forecast for them. Of the weights everything is counted once: what is in memory
    of llama-server's own, and of the mapped pages at most the whole file."""
    (held,) = (each for each in buffers if each["worker"] == worker["id"])
    assert not [each["worker"] for each in buffers if each["worker"] != worker["id"]], "all buffers are the worker's"
    assert worker["kv_bytes"] == pytest.approx(held["kv_bytes"], rel=0.01, abs=1 << 16)
    assert held["compute_bytes"] <= worker["compute_bytes"]
    own = held["weights_bytes"] - held["mapped_bytes"]
    assert 0 <= own <= worker["weights_bytes"] * 1.01
    assert held["weights_bytes"] >= worker["weights_bytes"] * 0.99


def test_the_same_over_rpc_when_that_is_said(app_environment, native_up, moe):
    with native_up(moe, "--native", "never") as running:
        status = running.wait_until_serving()
        assert [process["title"] for process in status["processes"]] == ["rpc-server for CPU", "llama-server"]
        assert status["plan"]["workers"][0]["exposure"] == "this machine only"
        assert running.end() == 0, running.stderr
    wait_until_nothing_is_left(app_environment)


def test_a_gpu_in_llama_server_itself_beside_a_cpu_over_rpc(vulkan_runtime, tmp_path, api_port, monkeypatch):
    """A genuine ``Vulkan0`` that llvmpipe computes. The planner would not want it, so it is told of another machine: one whose
    GPU is quick with layers and slow with a head, and whose CPU is the other way round."""
    monkeypatch.setenv(CHOSEN_VARIABLE, vulkan_runtime.folder)
    monkeypatch.setenv("GGML_VK_VISIBLE_DEVICES", "0")
    model = write_heavy_head(tmp_path / "head.gguf", n_layers=4)
    shape = RunShape(context_tokens=128, ubatch_tokens=32)
    session = Session(real_outside(), Choices(model_path=str(model), shape=shape, native=True, api_port=api_port))
    session.start()
    try:
        _reached(session, lambda state: len(state.speeds) == 4 and isinstance(state.plan, Plan), "a plan from data sheets")
        session.post(events.SpeedsMeasured(speeds=_of_a_quick_gpu(model.stat().st_size)))
        _reached(session, lambda state: [each.id for each in state.plan.used_workers] == [GPU, CPU], "both are planned")
        session.launch()
        state = _reached(session, lambda state: state.run is not None and state.run.benchmark is not None, "it has answered")
        gpu, cpu = state.run.plan.used_workers
        assert (gpu.offer.exposure, cpu.offer.exposure) == (Exposure.NATIVE, Exposure.LOOPBACK)
        assert state.run.layer_map.matches
        assert [place.actual for place in state.run.layer_map.places] == [GPU] * 4 + [CPU]
        processes = {process.title: process.worker_ids for process in state.processes}
        assert processes == {"rpc-server for CPU": (CPU,), "llama-server": (GPU,)}
        held = {buffers.worker_id: buffers for buffers in state.run.buffers}
        for worker in (gpu, cpu):
            assert held[worker.id].weights_bytes == pytest.approx(worker.weights_bytes, rel=0.1)
            assert held[worker.id].mapped_bytes == 0
            assert held[worker.id].compute_bytes <= worker.compute_bytes
    finally:
        session.close()
        assert session.join()


def _of_a_quick_gpu(model_bytes):
    """The GPU takes seconds for the head, the CPU 10 s for every layer; both ways alike but the call."""
    quick = Speed(read_bytes_per_second=model_bytes / 10, overhead_seconds=0.0, measured=True)
    slow = Speed(read_bytes_per_second=1e12, layer_overhead_seconds=10.0, measured=True)
    both = ((CPU, slow), (GPU, quick))
    return (
        *((WorkerId(id_), replace(speed, overhead_seconds=0.01)) for id_, speed in both),
        *((WorkerId(f"{id_} {ITSELF}"), speed) for id_, speed in both),
    )


def _reached(session, reached, what):
    def look():
        state = session.snapshot()
        assert state.run_phase is not RunPhase.FAILED, state.problems
        return state if reached(state) else None

    return wait_until(look, SHADERS_SECONDS, what)
