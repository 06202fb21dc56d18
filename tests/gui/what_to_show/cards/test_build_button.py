"""Building there is offered where it makes sense, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.session.remotes import RemoteSeen
from engine.vocabulary.device import Vendor
from engine.vocabulary.running.problem import Problem, ProblemKind
from gui.what_to_show.cards.build_button import build_button_of
from gui.what_to_show.cards.machine_card_content import CardAction
from tests.fakes.states import remote_states as remote
from tests.gui.what_to_show.cards.every_card import machine_cards_of


def texts(seen: RemoteSeen) -> list[str]:
    return [button.text for button in build_button_of(remote.with_remotes(seen), seen)]


def with_compilers(seen: RemoteSeen, *compilers: str, vendor: Vendor = Vendor.NVIDIA, backends=("CPU", "RPC")) -> RemoteSeen:
    """With one card of ``vendor``; the build that it uses has ``backends``."""
    look = seen.look
    gpus = tuple(replace(gpu, vendor=vendor) for gpu in look.machine.gpus)
    usable = look.usable and replace(look.usable, runtime=replace(look.usable.runtime, backends=backends))
    facts = replace(look.facts, gpu_toolchains=compilers)
    return replace(seen, look=replace(look, machine=replace(look.machine, gpus=gpus), facts=facts, usable=usable))


@pytest.mark.parametrize(
    ("compilers", "vendor", "backends", "offered"),
    [
        (("CUDA",), Vendor.NVIDIA, ("CPU", "RPC"), ["Build llama.cpp with CUDA there"]),
        (("ROCm",), Vendor.AMD, ("CPU", "Vulkan"), ["Build llama.cpp with ROCm there"]),
        (("CUDA",), Vendor.NVIDIA, ("CPU", "CUDA"), []),
        (("CUDA",), Vendor.AMD, ("CPU",), []),
        ((), Vendor.NVIDIA, ("CPU",), []),
    ],
)
def test_a_ready_machine_is_offered_what_its_build_lacks(compilers, vendor, backends, offered) -> None:
    assert texts(with_compilers(remote.ready(), *compilers, vendor=vendor, backends=backends)) == offered


def test_a_machine_that_can_be_given_a_copy_is_not_offered_it() -> None:
    assert texts(remote.no_runtime()) == []


def test_one_that_cannot_is() -> None:
    seen = remote.no_runtime()
    arm = replace(seen, look=replace(seen.look, machine=replace(seen.look.machine, architecture="aarch64")))
    assert texts(arm) == ["Build llama.cpp there"]
    why = Problem(kind=ProblemKind.MACHINE, where="x", happened="It has glibc 2.17.", advice="")
    assert texts(remote.no_runtime(problem=why)) == ["Build llama.cpp there"]


def test_nobody_is_offered_it_in_another_phase_or_while_a_cluster_is_up() -> None:
    assert texts(remote.copying()) == texts(remote.asking()) == texts(remote.unreachable()) == []
    seen = with_compilers(remote.ready(), "CUDA")
    for wanted, actions in ((False, [CardAction.BUILD_RUNTIME]), (True, [])):
        state = replace(remote.with_remotes(seen), run_wanted=wanted)
        card = next(card for card in machine_cards_of(state) if card.machine_id == seen.id)
        assert [button.action for button in card.buttons] == actions
