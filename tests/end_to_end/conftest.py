"""Small models with random weights, a Crossply that is ended after every test, and nobody who gets in meanwhile."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.settings.folders import DATA_VARIABLE
from tests.end_to_end.crossply_programs import Up, up
from tests.end_to_end.security.nobody_in import ListenerWatch, is_of, open_to_others
from tests.fakes.llama_cpp.gguf_writer import write_heavy_head, write_llama, write_moe


@pytest.fixture(autouse=True)
def _nobody_gets_in(request: pytest.FixtureRequest, data_folder: Path) -> Iterator[None]:
    """At no moment of a test does anything of ours listen where another machine reaches it (but in tests marked
    ``opens_ports``: there somebody said yes to it), and no file of ours is open to another user of this machine."""
    if not {"lab", "clean_lab"} & set(request.fixturenames):  # whose hosts read files that the lab makes for them
        os.umask(0o077)  # what the test itself puts there is no finding; programs are started with CARELESS_UMASK
    before = set(open_to_others(data_folder))
    with ListenerWatch(lambda pid: is_of(pid, DATA_VARIABLE, str(data_folder))) as watch:
        yield
    if request.node.get_closest_marker("opens_ports") is None:
        assert watch.seen == set(), "other machines could reach this"
    # models are put there as a person might, with the modes that they have elsewhere
    assert set(open_to_others(data_folder, but=("models",))) - before == set(), "other users of this machine could get at this"


@pytest.fixture(scope="session")
def llama_40(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 equal layers, 4 MB."""
    return write_llama(tmp_path_factory.mktemp("models") / "llama-40.gguf")


@pytest.fixture(scope="session")
def llama_4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four equal layers, half a megabyte: for devices that take long over each."""
    return write_llama(tmp_path_factory.mktemp("models") / "llama-4.gguf", n_layers=4)


@pytest.fixture(scope="session")
def heavy_head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """18 layers and a head heavier than all of them, 22 MB."""
    return write_heavy_head(tmp_path_factory.mktemp("models") / "heavy-head.gguf")


@pytest.fixture(scope="session")
def moe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 layers of 8 experts, 3 MB."""
    return write_moe(tmp_path_factory.mktemp("models") / "moe.gguf")


@pytest.fixture
def api_port() -> int:
    """A port that was free a moment ago; Crossply takes the next one if it no longer is."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def crossply_up(app_environment: dict[str, str], tmp_path: Path, api_port: int) -> Iterator[Callable[..., Up]]:
    """Starts ``crossplyctl up MODEL ...`` with two CPU workers; ends it, and all that it started, after the test."""
    with ExitStack() as started:
        count = 0

        def start(model: Path | str, *arguments: str) -> Up:
            nonlocal count
            count += 1
            choices = ("--cpu-workers", "2", "--policy", "even", "--port", str(api_port), *arguments)
            return started.enter_context(up(app_environment, tmp_path / f"up-{count}", model, *choices))

        yield start
