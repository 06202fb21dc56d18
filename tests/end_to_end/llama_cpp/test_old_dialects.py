"""Every rpc-server line that Crossply writes for this runtime is taken by the real program.

An option that it does not know ends rpc-server with status 0 and without a word, so only a server that answers HELLO proves
the line. The coordinator's line is proven with every layout in ``test_hybrid_vulkan`` and with random plans beside it.
"""

import subprocess
import sys

import pytest

from engine.llama_cpp.command_lines import rpc_server_argv
from engine.llama_cpp.dialects import dialect_of
from engine.machines.asking.rpc_asker import SocketRpcAsker
from engine.runtimes.runtime_finder import LocalRuntimeFinder
from engine.settings.folders import find_folders
from engine.vocabulary.machine import MachineId
from engine.vocabulary.worker import RpcServerSpec, WorkerId
from tests.end_to_end.crossply_programs import wait_until

pytestmark = pytest.mark.real

DEVICES = {"cpu": ("CPU",), "gpu": ("Vulkan0",), "both": ("CPU", "Vulkan0")}


@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no cache"])
@pytest.mark.parametrize("devices", DEVICES.values(), ids=DEVICES)
def test_the_real_rpc_server_takes_the_line_and_offers_its_devices(
    vulkan_runtime, app_environment, tmp_path, api_port, devices, cache
):
    dialect = dialect_of(LocalRuntimeFinder(find_folders()).help_text(vulkan_runtime))
    spec = RpcServerSpec(
        machine_id=MachineId("this-machine"),
        machine_name="this machine",
        endpoint=f"127.0.0.1:{api_port}",
        worker_ids=tuple(WorkerId(f"this-machine/{device}") for device in devices),
        runtime_names=devices,
        threads=1,
        memory_limit_bytes=(1 << 30,) * len(devices),
    )
    argv = rpc_server_argv(spec, vulkan_runtime.rpc_server, dialect, cache=cache)
    environment = {**app_environment, "GGML_VK_VISIBLE_DEVICES": "0", "LLAMA_CACHE": str(tmp_path)}
    server = subprocess.Popen(argv, env=environment, stdout=sys.stderr, stderr=subprocess.STDOUT)
    try:

        def idle():
            assert server.poll() is None, f"it ended with {server.returncode}: {argv}"
            state = SocketRpcAsker().ask(spec.host, spec.port)
            return state if state.state == "idle" else None

        answer = wait_until(idle, 15, "it answers HELLO").answer
        assert len(answer.device_memory) == len(devices)
        assert all(total > 0 for _free, total in answer.device_memory)
    finally:
        server.kill()
        server.wait()
