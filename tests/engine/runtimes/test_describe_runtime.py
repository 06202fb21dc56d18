"""What a build is, learnt by running its programs."""

import pytest

from engine.runtimes.describe_runtime import backends_of, fingerprint_of, learn, make_runtime, parse_version, runtime_id
from engine.runtimes.find_runtimes import Candidate
from engine.vocabulary.runtime import RpcProtocolVersion, RuntimeSource
from tests.fakes.llama_cpp.fake_llama_cpp import write_fake_build, write_program


def candidate_of(folder, source=RuntimeSource.CHOSEN):
    return Candidate(top=folder, programs=folder, source=source)


@pytest.mark.parametrize(
    ("text", "number", "commit"),
    [
        ("version: 6673 (d64c8104)\nbuilt with cc", 6673, "d64c8104"),
        ("version: 0.5.0-dev (build 11434, commit 0c1e570)\nbuilt", 11434, "0c1e570"),
        ("load_backend: loaded CPU\nversion: 0.5.0 (build 1, commit 0c1e570)", None, "0c1e570"),  # a shallow clone
        ("version: 0 (unknown)", None, None),
        ("usage: llama-server", None, None),
        ("", None, None),
    ],
)
def test_build_and_commit_are_read_and_never_invented(text, number, commit):
    version = parse_version(text)
    assert (version.build_number, version.commit) == (number, commit)


def test_backends_are_those_that_were_loaded():
    text = (
        "load_backend: loaded RPC backend from /a/libggml-rpc.so\nload_backend: loaded CPU backend from /a/libggml-cpu-zen4.so"
    )
    assert backends_of(text, ("libggml-vulkan.so", "libggml-cpu-zen4.so")) == ("CPU", "RPC")


def test_a_build_that_loads_nothing_shows_its_backends_as_libraries_and_devices():
    text = "  CPU: EPYC (10 MiB, 10 MiB free)\n  CUDA0: RTX (10 MiB, 10 MiB free)\n  --rpc SERVERS"
    assert backends_of(text, ("libggml-base.so", "libggml-cpu.so", "libggml.so", "libllama.so")) == ("CPU", "CUDA", "RPC")


@pytest.mark.parametrize("version", [(7, 0, 0), (4, 0, 1), (3, 6, 1), (2, 0, 0)])
def test_a_whole_build_is_learnt(tmp_path, version):
    facts = learn(candidate_of(write_fake_build(tmp_path, version=version)), "f")
    assert facts.why_unusable is None
    assert (facts.build_number, facts.commit) == (11434, "0c1e570")
    assert facts.protocol == ".".join(map(str, version))
    assert facts.backends == ("CPU", "RPC")


def test_without_llama_server_it_is_unusable_and_says_so(tmp_path):
    facts = learn(candidate_of(write_fake_build(tmp_path, without=("llama-server",))), "f")
    assert "no llama-server" in facts.why_unusable


def test_a_llama_server_without_rpc_is_unusable_and_says_so(tmp_path):
    facts = learn(candidate_of(write_fake_build(tmp_path, has_rpc=False)), "f")
    assert "without RPC" in facts.why_unusable


def test_programs_for_another_machine_are_unusable_and_say_so(tmp_path):
    write_fake_build(tmp_path)
    write_program(
        tmp_path / "ggml-rpc-server", "#!/bin/sh\necho libllama.so.0: cannot open shared object file >&2\nexit 127\n"
    )
    assert "cannot open shared object file" in learn(candidate_of(tmp_path), "f").why_unusable
    (tmp_path / "ggml-rpc-server").write_bytes(b"\x7fELF")
    assert "could not be started" in learn(candidate_of(tmp_path), "f").why_unusable


def test_the_fingerprint_changes_with_the_programs_only(tmp_path):
    write_fake_build(tmp_path)
    before = fingerprint_of(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    assert fingerprint_of(tmp_path) == before
    (tmp_path / "llama-server").write_text("another")
    assert fingerprint_of(tmp_path) != before


def test_a_runtime_carries_paths_of_what_is_there_and_none_for_what_is_not(tmp_path):
    candidate = candidate_of(write_fake_build(tmp_path, rpc_server="rpc-server", without=("llama-bench",)))
    runtime = make_runtime(candidate, learn(candidate, "f"))
    assert runtime.rpc_server == str(tmp_path / "rpc-server")
    assert runtime.llama_bench is None
    assert runtime.llama_fit_params == str(tmp_path / "llama-fit-params")
    assert runtime.protocol == RpcProtocolVersion(major=7, minor=0, patch=0)
    assert runtime.label == "b11434 (0c1e570)"


def test_the_id_is_the_folders_name_for_our_builds_and_a_stable_hash_for_others(tmp_path):
    for ours in (RuntimeSource.BUILT, RuntimeSource.DOWNLOADED, RuntimeSource.PACKAGED):
        assert runtime_id(candidate_of(tmp_path, ours)) == tmp_path.name
    assert runtime_id(candidate_of(tmp_path)) == runtime_id(candidate_of(tmp_path)) != tmp_path.name
