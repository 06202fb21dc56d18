"""``RuntimeFinder`` for real: finds llama.cpp's programs on this machine and learns what they are and take."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from engine.llama_cpp.device_list import parse_device_list
from engine.runtimes.describe_runtime import LearntFacts, fingerprint_of, has_idle_libraries, learn, list_argv, make_runtime
from engine.runtimes.find_runtimes import CHOSEN_VARIABLE, Candidate, find_candidates, packaged_folders, usual_folders
from engine.runtimes.run_program import run_to_end
from engine.settings.folders import Folders, find_folders
from engine.settings.on_disk.whole_files import write_atomically
from engine.vocabulary.device import RuntimeDevice
from engine.vocabulary.runtime import Runtime

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 30.0


class LocalRuntimeFinder:
    """Implements ``engine.ports.RuntimeFinder``. What was learnt is kept in the cache folder."""

    def __init__(
        self,
        folders: Folders | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        usual: Sequence[Path] | None = None,
        packaged: Sequence[Path] | None = None,
    ) -> None:
        """Everything has the real thing as default; tests give folders of their own."""
        self._folders = folders or find_folders()
        self._environment = os.environ if environment is None else environment
        self._usual = usual_folders(Path.home()) if usual is None else usual
        self._packaged = packaged_folders() if packaged is None else packaged

    def find(self, chosen_folder: str | None) -> tuple[Runtime, ...]:
        """Every runtime there is: the chosen one, then usable ones in order of preference, then the rest with the reason.

        Raises ``RuntimeUnavailable`` when a folder was chosen and holds no rpc-server.
        """
        chosen = chosen_folder or self._environment.get(CHOSEN_VARIABLE)
        candidates = find_candidates(
            chosen=Path(chosen) if chosen else None,
            own_builds=self._folders.runtimes,
            environment=self._environment,
            usual=self._usual,
            packaged=self._packaged,
        )
        runtimes = [make_runtime(candidate, facts) for candidate, facts in self._describe(candidates)]
        first, rest = (runtimes[:1], runtimes[1:]) if chosen else ([], runtimes)
        return (*first, *sorted(rest, key=lambda runtime: runtime.why_unusable is not None))

    def help_text(self, runtime: Runtime) -> str:
        """What ``rpc-server --help`` prints (to stderr). Raises ``ProcessFailed`` when it cannot be started."""
        return run_to_end((runtime.rpc_server, "--help"), timeout_seconds=_TIMEOUT_SECONDS).text

    def server_help_text(self, runtime: Runtime) -> str:
        """What ``llama-server --help`` prints; empty when the runtime has none. Raises ``ProcessFailed``."""
        return self._help_of(runtime.llama_server)

    def bench_help_text(self, runtime: Runtime) -> str:
        """What ``llama-bench --help`` prints; empty when the runtime has none. Raises ``ProcessFailed``."""
        return self._help_of(runtime.llama_bench)

    @staticmethod
    def _help_of(program: str | None) -> str:
        if program is None:
            return ""
        return run_to_end((program, "--help"), timeout_seconds=_TIMEOUT_SECONDS).text

    def devices(self, runtime: Runtime) -> tuple[RuntimeDevice, ...]:
        """What ``-d list`` prints. Raises ``ProcessFailed``, or ``RuntimeUnavailable`` before ``--device`` came."""
        return parse_device_list(run_to_end(list_argv(runtime.rpc_server), timeout_seconds=_TIMEOUT_SECONDS).text)

    def _describe(self, candidates: tuple[Candidate, ...]) -> list[tuple[Candidate, LearntFacts]]:
        known = self._read_known()
        described, learnt = [], dict(known)
        for candidate in candidates:
            fingerprint = fingerprint_of(candidate.programs)
            facts = known.get(str(candidate.programs))
            if facts is None or facts.fingerprint != fingerprint or _may_be_better_now(candidate, facts):
                facts = learn(candidate, fingerprint)
                learnt[str(candidate.programs)] = facts
            described.append((candidate, facts))
        if learnt != known:
            self._write_known(learnt)
        return described

    @property
    def _known_file(self) -> Path:
        return self._folders.cache / "runtimes.json"

    def _read_known(self) -> dict[str, LearntFacts]:
        try:
            return msgspec.json.decode(self._known_file.read_bytes(), type=dict[str, LearntFacts])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return {}  # a cache: learnt again

    def _write_known(self, known: dict[str, LearntFacts]) -> None:
        try:
            write_atomically(self._known_file, msgspec.json.encode(known), flushed=False)
        except OSError as error:
            logger.info("what was learnt about builds is not kept, and learnt again next time: %s", error.strerror)


def _may_be_better_now(candidate: Candidate, facts: LearntFacts) -> bool:
    """What could not be used, or not wholly, may work in a minute (a driver is installed): it is asked again every time."""
    return facts.why_unusable is not None or has_idle_libraries(candidate.programs, facts)
