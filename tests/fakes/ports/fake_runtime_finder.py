"""A ``RuntimeFinder`` that finds what it was given."""

from __future__ import annotations

from engine.errors import RuntimeUnavailable
from engine.vocabulary.device import RuntimeDevice
from engine.vocabulary.runtime import Runtime


class FakeRuntimeFinder:
    """Chosen folders are those of the runtimes it holds; any other folder is an error, as with the real one."""

    def __init__(
        self,
        runtimes: tuple[Runtime, ...],
        *,
        devices: tuple[RuntimeDevice, ...],
        help_text: str = "-d, --device",
        server_help_text: str = "",
        bench_help_text: str = "",
    ) -> None:
        self._runtimes, self._devices, self._help_text = runtimes, devices, help_text
        self._server_help_text, self._bench_help_text = server_help_text, bench_help_text

    def find(self, chosen_folder: str | None) -> tuple[Runtime, ...]:
        """The chosen one first."""
        if chosen_folder is None:
            return self._runtimes
        chosen = tuple(runtime for runtime in self._runtimes if runtime.folder == chosen_folder)
        if not chosen:
            raise RuntimeUnavailable(f"There is no ggml-rpc-server (or rpc-server) in {chosen_folder}.")
        return (*chosen, *(runtime for runtime in self._runtimes if runtime not in chosen))

    def help_text(self, runtime: Runtime) -> str:
        """The same for all."""
        return self._help_text

    def server_help_text(self, runtime: Runtime) -> str:
        """The same for all that have one."""
        return self._server_help_text if runtime.llama_server else ""

    def bench_help_text(self, runtime: Runtime) -> str:
        """The same for all that have one."""
        return self._bench_help_text if runtime.llama_bench else ""

    def devices(self, runtime: Runtime) -> tuple[RuntimeDevice, ...]:
        """The same for all."""
        return self._devices
