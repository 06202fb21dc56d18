"""What every ``RuntimeFinder`` promises, on the fake and on the real one with the real programs."""

import pytest

from engine.errors import RuntimeUnavailable
from engine.runtimes.runtime_finder import LocalRuntimeFinder
from engine.settings.folders import find_folders
from engine.vocabulary.device import RuntimeDevice
from tests.fakes.ports.fake_runtime_finder import FakeRuntimeFinder

CPU = RuntimeDevice(runtime_name="CPU", description="AMD EPYC", memory_total_bytes=1 << 34, memory_free_bytes=1 << 34)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
def finder(request, runtime, data_folder):
    if request.param == "fake":
        return FakeRuntimeFinder((runtime,), devices=(CPU,))
    return LocalRuntimeFinder(find_folders(), environment={}, usual=())


def test_the_chosen_folder_comes_first_and_is_described(finder, runtime):
    found = finder.find(runtime.folder)[0]
    assert found.folder == runtime.folder
    assert found.rpc_server == runtime.rpc_server
    assert found.commit == runtime.commit
    assert found.protocol == runtime.protocol
    assert found.why_unusable is None


def test_a_folder_without_programs_is_an_error_that_names_it(finder, tmp_path):
    with pytest.raises(RuntimeUnavailable, match=str(tmp_path)):
        finder.find(str(tmp_path))


def test_there_is_a_cpu_device_with_memory(finder, runtime):
    (cpu,) = [device for device in finder.devices(runtime) if device.runtime_name == "CPU"]
    assert cpu.memory_total_bytes >= cpu.memory_free_bytes > 0


def test_the_help_names_the_device_option(finder, runtime):
    assert "--device" in finder.help_text(runtime)


def test_finding_twice_gives_the_same(finder, runtime):
    assert finder.find(runtime.folder) == finder.find(runtime.folder)
