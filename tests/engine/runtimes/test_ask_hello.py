"""One HELLO to a server that is started for it."""

import pytest

from engine.errors import ProcessFailed
from engine.runtimes.ask_hello import ask_protocol
from engine.vocabulary.runtime import RpcProtocolVersion
from tests.fakes.llama_cpp.fake_llama_cpp import write_fake_build, write_program


@pytest.mark.parametrize("version", [(7, 0, 0), (4, 0, 1), (3, 6, 1), (1, 0, 0)])
def test_every_generation_answers(tmp_path, version):
    build = write_fake_build(tmp_path, version=version)
    major, minor, patch = version
    expected = RpcProtocolVersion(major=major, minor=minor, patch=patch)
    assert ask_protocol(build / "ggml-rpc-server", has_device_option=version >= (3, 0, 0)) == expected


def test_a_program_that_ends_at_once_has_no_version(tmp_path):
    program = write_program(tmp_path / "rpc-server", "#!/bin/sh\nexit 0\n")
    assert ask_protocol(program, has_device_option=True) is None


def test_a_program_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ProcessFailed):
        ask_protocol(tmp_path / "rpc-server", has_device_option=True)


@pytest.mark.real
def test_the_real_server_answers(runtime):
    from pathlib import Path

    assert ask_protocol(Path(runtime.rpc_server), has_device_option=True) == runtime.protocol
