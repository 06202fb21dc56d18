"""Choices to a file and back; what counts as a change; what the file says of machines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import BadClusterFile
from engine.session.choosing.cluster_document import (
    asks_for_exposure,
    choices_of_file,
    document_of,
    file_of_state,
    is_changed,
    without_address,
    would_lose,
)
from engine.session.state import Choices, ClusterDocument, ClusterState
from engine.settings.cluster_files.cluster_file import offers_of_cluster, read_cluster_file
from engine.settings.cluster_files.cluster_writer import cluster_text
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.plan import GivenSplit, Policy, RunShape
from engine.vocabulary.remote import SshTarget
from engine.vocabulary.running.recovery import RecoveryMode
from engine.vocabulary.worker import Layout, Speed, WorkerId
from tests.fakes.states import cluster_pieces as pieces
from tests.fakes.states import cluster_states as states
from tests.fakes.states import remote_states as remote

NOTHING = Choices()
PATH = "/labs/lab.crossply.toml"
NODE = SshTarget(host="gpu-node", user="ada", port=2222)
BARE = SshTarget(host="10.0.0.9")
CHOICES = Choices(
    model_path="/models/m.gguf",
    policy=Policy.EVEN,
    layout=Layout.PER_MACHINE,
    shape=RunShape(context_tokens=8192, slots=2, cache_type_k="q8_0", cache_type_v="q8_0", flash_attention=True),
    reserve_fraction=0.1,
    cpu_workers=2,
    left_out=frozenset({WorkerId("this-machine/cpu"), WorkerId(f"{NODE.machine_id}/cuda:1")}),
    given=GivenSplit(name="by hand", seats=((WorkerId(f"{NODE.machine_id}/cuda:0"), 7), (WorkerId("this-machine/cpu"), 1))),
    prompt_share=0.3,
    keep_running=True,
    api_port=9000,
    targets=(NODE, BARE),
    lan_addresses=((NODE.machine_id, "10.0.0.7"),),
)


def saved(state: ClusterState, choices: Choices) -> str:
    return cluster_text(file_of_state(state, choices))


def opened(text: str, before: Choices = NOTHING) -> tuple[ClusterState, Choices]:
    """A state with the file open, as ``Documents`` makes it, and what the file says."""
    file = read_cluster_file(text, PATH)
    choices = choices_of_file(file, PATH, before)
    document = document_of(PATH, text, file, choices, exposure_answered=False)
    return ClusterState(choices=replace(choices, lan_addresses=()), document=document), choices


def test_whether_devices_may_be_used_without_rpc_servers_is_no_matter_of_the_file() -> None:
    text = saved(states.plan_shown(), replace(CHOICES, native=True))
    state, choices = opened(text, replace(NOTHING, native=True))
    assert choices.native, "opening a file must not make the plan slower"
    assert not is_changed(state)
    assert not is_changed(replace(state, choices=replace(state.choices, native=False)))


def test_what_happens_when_a_run_breaks_is_no_matter_of_the_file() -> None:
    text = saved(states.plan_shown(), replace(CHOICES, recovery=RecoveryMode.ASK))
    state, choices = opened(text, replace(NOTHING, recovery=RecoveryMode.NEVER))
    assert choices.recovery is RecoveryMode.NEVER
    assert not is_changed(replace(state, choices=replace(state.choices, recovery=RecoveryMode.ASK)))


def test_where_models_are_looked_for_is_no_matter_of_the_file() -> None:
    text = saved(states.plan_shown(), replace(CHOICES, model_folders=("/models/here",)))
    assert "/models/here" not in text
    state, choices = opened(text, replace(NOTHING, model_folders=("/mine",)))
    assert choices.model_folders == ("/mine",), "opening a file must not take them out of the settings"
    assert not is_changed(replace(state, choices=replace(state.choices, model_folders=("/mine", "/more"))))


def test_everything_that_was_chosen_comes_back() -> None:
    _state, choices = opened(saved(ClusterState(), CHOICES))
    assert choices == CHOICES
    assert opened(saved(ClusterState(), Choices()))[1] == Choices()


def test_programs_belong_to_this_machine_and_not_to_the_file() -> None:
    text = saved(ClusterState(), replace(CHOICES, runtime_folder="/opt/llama"))
    assert "/opt/llama" not in text
    assert opened(text, Choices(runtime_folder="/here"))[1].runtime_folder == "/here"


def test_a_file_that_names_no_model_takes_none_away() -> None:
    assert opened("[[machine]]\nname='a'\naddress='a'\n", Choices(model_path="/mine.gguf"))[1].model_path == "/mine.gguf"


def test_no_secret_can_be_in_it() -> None:
    words = saved(states.ready(), CHOICES).lower()
    assert not any(word in words for word in ("password", "passphrase", "private", "key_base64"))


def test_a_model_path_begins_at_the_file() -> None:
    text = "[run]\nmodel='models/m.gguf'\n[[machine]]\nname='a'\naddress='a'\n"
    assert opened(text)[1].model_path == "/labs/models/m.gguf"


def test_hand_written_names_stand_for_targets_and_survive() -> None:
    text = """
[run]
left_out = ["big/cpu", "head/cpu"]
[[machine]]
name = "head"
coordinator = true
cpu = { safe_mb = 1000 }
[[machine]]
name = "big"
address = "10.0.0.7"
user = "ada"
cpu = { total_mb = 9000, safe_mb = 5000, bandwidth_gb_per_s = 40 }
[[machine]]
name = "only described"
cpu = { total_mb = 100 }
"""
    state, choices = opened(text)
    assert choices.targets == (SshTarget(host="10.0.0.7", user="ada"),)
    assert choices.left_out == {"this-machine/cpu", "ada@10.0.0.7/cpu"}
    assert without_address(read_cluster_file(text, PATH)) == ("only described",)
    again = read_cluster_file(saved(state, state.choices), PATH)
    assert [machine.name for machine in again.machine] == ["head", "big", "only described"]
    assert again.run.left_out == ("big/cpu", "head/cpu")
    assert again.machine[1:] == read_cluster_file(text, PATH).machine[1:], "nobody has looked at it: as it was described"


def test_a_new_machine_does_not_take_a_name_that_is_there() -> None:
    text = "[[machine]]\nname='b'\naddress='a'\n[[machine]]\nname='here'\ncoordinator=true\ncpu={safe_mb=1}\n"
    state, choices = opened(text)
    more = replace(choices, targets=(*choices.targets, SshTarget(host="b")))
    names = [machine.name for machine in file_of_state(state, more).machine]
    assert names == ["here", "b", "b 2"]
    assert opened(saved(state, more))[1].targets == more.targets


def test_what_is_known_of_machines_is_written_and_can_be_planned_with() -> None:
    state = remote.with_remotes(remote.ready())
    file = read_cluster_file(saved(state, state.choices), PATH)
    assert [machine.name for machine in file.machine] == [
        THIS_MACHINE,
        *(target.machine_id for target in state.choices.targets),
    ]
    assert file.machine[0].coordinator
    offers = offers_of_cluster(file.machine, Layout.PER_DEVICE)
    assert {offer.id for offer in offers} >= {offer.id for offer in state.offers}


def test_what_a_person_wrote_about_a_device_stays_and_its_memory_is_as_found() -> None:
    state = states.plan_shown()
    text = saved(state, state.choices)
    (here,) = read_cluster_file(text, PATH).machine
    assert here.cpu is not None
    limited = text.replace("cpu = { ", "cpu = { safe_mb = 1000, bandwidth_gb_per_s = 33, ").replace(
        f"total_mb = {here.cpu.total_mb}", "total_mb = 2000"
    )
    changed, _choices = opened(limited)
    again = read_cluster_file(saved(replace(state, document=changed.document), state.choices), PATH).machine[0]
    assert (again.cpu.safe_mb, again.cpu.bandwidth_gb_per_s, again.cpu.total_mb) == (1000, 33, here.cpu.total_mb)


# -- what counts as a change


def test_only_what_a_person_made_counts() -> None:
    state, choices = opened(saved(ClusterState(), replace(CHOICES, lan_addresses=())))
    assert not is_changed(state)
    assert not is_changed(replace(state, machines=states.ready().machines, speeds=states.ready().speeds))
    assert not is_changed(replace(state, choices=replace(choices, runtime_folder="/other")))
    for change in ({"policy": Policy.MEMORY}, {"targets": (NODE,)}, {"left_out": frozenset()}, {"model_path": "/n.gguf"}):
        assert is_changed(replace(state, choices=replace(choices, **change))), change
    assert not is_changed(replace(state, choices=replace(choices, policy=CHOICES.policy))), "and back"


def test_ports_are_not_opened_by_reading_a_file_and_that_is_no_change() -> None:
    state, choices = opened(saved(ClusterState(), CHOICES))
    assert asks_for_exposure(state) == ((NODE.machine_id, "10.0.0.7"),)
    assert not is_changed(state)
    answered = replace(state, document=replace(state.document, exposure_answered=True))
    assert is_changed(answered), "a tunnel instead is a decision"
    assert asks_for_exposure(answered) == ()
    assert not is_changed(replace(answered, choices=choices))
    assert "10.0.0.7" in saved(state, state.choices), "a file that is saved meanwhile loses nothing"
    assert "10.0.0.7" not in saved(answered, state.choices)


def test_what_would_be_lost() -> None:
    assert not would_lose(ClusterState(choices=Choices(model_path="/m", policy=Policy.EVEN)))
    assert would_lose(ClusterState(choices=Choices(targets=(NODE,))))
    state, choices = opened(saved(ClusterState(), replace(CHOICES, lan_addresses=())))
    assert not would_lose(state)
    assert would_lose(replace(state, choices=replace(choices, targets=())))


def test_without_a_file_nothing_is_changed() -> None:
    assert not is_changed(ClusterState(choices=CHOICES))
    assert ClusterState().document == ClusterDocument()


@pytest.mark.parametrize("host", ["-oProxyCommand=x", "a b", "this-machine"])
def test_an_address_that_ssh_must_not_see(host: str) -> None:
    text = f"[[machine]]\nname='a'\naddress='{host}'\n"
    with pytest.raises(BadClusterFile, match=r"lab\.crossply\.toml, machine 'a'"):
        choices_of_file(read_cluster_file(text, PATH), PATH, Choices())


def test_a_speed_that_was_measured_is_rounded_and_one_from_a_data_sheet_is_not_written() -> None:
    state = states.plan_shown()
    speed = Speed(read_bytes_per_second=12_345_678_901.0, compute_flops_per_second=1e12, measured=True)
    measured = replace(state, speeds=((pieces.CPU_ID, speed),))
    (here,) = file_of_state(measured, state.choices).machine
    assert here.cpu.bandwidth_gb_per_s == 12.35
    published = replace(state, speeds=((pieces.CPU_ID, replace(speed, measured=False)),))
    assert file_of_state(published, state.choices).machine[0].cpu.bandwidth_gb_per_s is None
