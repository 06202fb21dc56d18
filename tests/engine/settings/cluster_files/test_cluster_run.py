"""The ``[run]`` table: what is wrong in it is said with the key."""

import pytest

from engine.errors import BadClusterFile
from engine.settings.cluster_files.cluster_file import VERSION, read_cluster_file
from engine.settings.cluster_files.cluster_run import RunEntry

MACHINE = "\n[[machine]]\nname='a'\ncpu={safe_mb=1}\n"


def test_an_empty_one_means_what_is_usual():
    assert read_cluster_file(MACHINE, "lab.toml").run is None
    assert read_cluster_file("[run]" + MACHINE, "lab.toml").run == RunEntry()


WRONG = {
    "[run]\nmodle='m'": "lab.toml: unknown key 'modle' in run. Did you mean 'model'?",
    "[run]\npassword='x'": "lab.toml: unknown key 'password' in run. Known keys: ",
    "[run]\nslots=0": "lab.toml: run.slots: expected int >= 1.",
    "[run]\npolicy='best'": "lab.toml: run.policy: Invalid enum value 'best'.",
    "[run]\nprompt_share=2": "lab.toml: run.prompt_share: expected float <= 1.0.",
    "[run]\nreserve_fraction=1": "lab.toml: run.reserve_fraction: expected float < 1.0.",
    "[run]\napi_port=70000": "lab.toml: run.api_port: expected int <= 65535.",
    "[run]\ncache_type_k='q9'": "lab.toml: run.cache_type_k = 'q9' is no type of a KV cache. Choose one of f32, ",
    "[run]\nsplit={name='x', seat=[]}": "lab.toml: unknown key 'seat' in run.split. Did you mean 'seats'?",
    "[run]\nsplit={name='x', seats=[{worker='a', layer=1}]}": "lab.toml: unknown key 'layer' in run.split.seats.",
    "[run]\nsplit={name='x', seats=[{worker='a', layers=1}, {worker='a', layers=2}]}": (
        "lab.toml: run.split seats a worker twice. Name every worker once."
    ),
    "run=3": "lab.toml: run: expected ",
    f"version={VERSION + 1}\nnew='thing'": f"lab.toml was written by a newer Crossply (version {VERSION + 1} of the file).",
    "version='1'": "lab.toml: version: expected int, got str.",
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.items(), ids=range(len(WRONG)))
def test_what_is_wrong(text, sentence):
    with pytest.raises(BadClusterFile) as caught:
        read_cluster_file(text + MACHINE, "lab.toml")
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "224.0.0.1", "gpu-node", "::1", ""])
def test_an_exposure_is_one_address_of_one_machine(address):
    with pytest.raises(BadClusterFile, match="is no IPv4 address"):
        read_cluster_file(MACHINE + f"exposure='{address}'\n", "lab.toml")
