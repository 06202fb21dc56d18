"""Everything of the outside world that a session is given, in one frozen bundle. ``open_session`` makes the real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.ports import (
    ApiKeys,
    CancelToken,
    Clock,
    ClusterFiles,
    CoordinatorClient,
    Gateway,
    MachineProbe,
    ModelReader,
    ProcessStarter,
    RecentFiles,
    RpcAsker,
    RunHistory,
    RuntimeFinder,
    RuntimeInstaller,
    SpeedStore,
)
from engine.remote_ports import MachineConnector, MachineFinder
from engine.vocabulary.admin_policy import AdminPolicy
from engine.vocabulary.worker import CacheBeforeLoad


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The ports."""

    clock: Clock
    starter: ProcessStarter
    probe: MachineProbe
    asker: RpcAsker
    finder: RuntimeFinder
    installer: RuntimeInstaller
    models: ModelReader
    speeds: SpeedStore
    history: RunHistory
    coordinator_client: Callable[[str], CoordinatorClient]
    """Makes a client for an URL."""
    coordinator_key_file: Callable[[], str]
    """A file with the key that llama-server is to ask for; the client and the gateway know it. Raises ``BadInput``."""
    api_keys: ApiKeys
    own_addresses: Callable[[], tuple[str, ...]]
    """Addresses of this machine in its networks, the loopback not among them."""
    gateway: Gateway
    """The address that clients talk to."""
    worker_cache_folder: str
    """``LLAMA_CACHE`` of the rpc-servers we start."""
    prune_worker_cache: Callable[[], CacheBeforeLoad]
    """Brings that folder within its size, before a launch, and says what can be kept there."""
    worker_cache_is_whole: Callable[[], None]
    """A load came to its end: what it wrote into that folder may be used by the next one."""
    written_bytes: Callable[[int], int | None]
    """What a process of ours has written so far (a tunnel: what it carried); ``None`` where the system does not tell."""
    connector: MachineConnector
    """Logs in to other machines."""
    network: MachineFinder
    """Searches for other machines."""
    policy: AdminPolicy = AdminPolicy()  # noqa: RUF009 - frozen
    """What the administrator of this machine locked."""
    clusters: ClusterFiles
    recent: RecentFiles
    demo_model: Callable[[Callable[[float, str], None], CancelToken], str]
    """Fetches the small demo model and says where it is. Raises ``RuntimeUnavailable`` and ``Cancelled``."""
