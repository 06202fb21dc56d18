"""When a machine is offered to build llama.cpp from source: where copying cannot help, or where it has a GPU compiler and a
card that the build it uses makes nothing of.
"""

from __future__ import annotations

from engine.session.remotes import RemoteSeen
from engine.session.state import ClusterState
from engine.vocabulary.device import Vendor
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.remote import RemotePhase
from gui.texts.translation import tr
from gui.what_to_show.cards.machine_card_content import CardAction, CardButton
from gui.what_to_show.formatting import and_text

_VENDORS = {"CUDA": Vendor.NVIDIA, "ROCm": Vendor.AMD}


def build_button_of(state: ClusterState, remote: RemoteSeen) -> tuple[CardButton, ...]:
    """The button, or nothing."""
    offered = remote.phase in (RemotePhase.READY, RemotePhase.NO_RUNTIME)
    if state.runtime is None or remote.look is None or not offered:
        return ()
    unused = _unused_compilers(state, remote)
    cannot_copy = remote.phase is RemotePhase.NO_RUNTIME and (_is_another_kind(state, remote) or remote.problem is not None)
    if not unused and not cannot_copy:
        return ()
    words = tr("Build llama.cpp with {compilers} there", compilers=and_text(unused)) if unused else tr("Build llama.cpp there")
    return (
        CardButton(
            action=CardAction.BUILD_RUNTIME,
            text=words,
            primary=cannot_copy,
        ),
    )


def _unused_compilers(state: ClusterState, remote: RemoteSeen) -> list[str]:
    """Compilers there, with a card of their vendor, whose backend is in no build that is used or would be copied."""
    if remote.look is None or state.runtime is None:
        return []
    used = remote.look.usable.runtime if remote.look.usable else state.runtime
    vendors = {gpu.vendor for gpu in remote.look.machine.gpus}
    compilers = [name for name in remote.look.facts.gpu_toolchains if _VENDORS.get(name) in vendors]
    return [name for name in compilers if name not in used.backends]


def _is_another_kind(state: ClusterState, remote: RemoteSeen) -> bool:
    own = next((machine for machine in state.machines if machine.id == THIS_MACHINE), None)
    return own is not None and remote.look is not None and own.architecture != remote.look.machine.architecture
