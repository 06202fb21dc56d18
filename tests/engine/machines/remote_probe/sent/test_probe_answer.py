from __future__ import annotations

from engine.machines.remote_probe.sent.parse_probe import parse_probe
from engine.machines.remote_probe.sent.probe_answer import facts_of, machine_of
from engine.vocabulary.device import RuntimeDevice
from tests.engine.machines.remote_probe.sent_documents import TARGET, nvidia, packed, recorded

MIB = 1 << 20


def answer(**said):
    document = recorded()
    document["said"].update(said)
    return parse_probe(packed(document), TARGET)


def test_the_machine_is_called_by_its_own_name_and_reached_by_ours():
    machine = machine_of(answer(), None)
    assert (machine.id, machine.name, machine.address) == (TARGET.machine_id, "vm", "10.0.0.7")
    assert machine.system_id == "3f2c1e0b9a8d47c6b5a4938271605f4e"
    assert machine.why_no_gpu is not None
    assert "nvidia-smi is not there" in machine.why_no_gpu
    assert machine.why_no_gpu.endswith("there are no llama.cpp programs yet to ask.")


def test_gpus_get_the_names_of_the_runtime():
    devices = (
        RuntimeDevice(
            runtime_name="CUDA0",
            description="NVIDIA GeForce RTX 4090",
            memory_total_bytes=24080 * MIB,
            memory_free_bytes=23000 * MIB,
        ),
    )
    machine = machine_of(answer(nvidia_smi=nvidia("two_gpus_look.txt")), devices)
    assert [(gpu.runtime_name, gpu.friendly_name) for gpu in machine.gpus] == [("CUDA0", "cuda:0"), (None, "cuda:1")]
    assert machine.why_no_gpu is None


def test_facts_carry_both_halves_of_the_identity():
    facts = facts_of(answer(), "SHA256:abc")
    assert facts.identity.host_key_fingerprint == "SHA256:abc"
    assert facts.identity.system_id == "3f2c1e0b9a8d47c6b5a4938271605f4e"
    assert (facts.user, facts.has_python, facts.gpu_toolchains) == ("root", True, ("CUDA",))
