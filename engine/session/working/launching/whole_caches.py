"""Says to every machine of a run that its load came to its end: what rpc-server wrote into its cache meanwhile is whole."""

from __future__ import annotations

import logging

from engine.errors import EngineError
from engine.session.outside import Outside
from engine.session.state import RunSeen
from engine.session.working.launching.prepare_run import FindMachine
from engine.vocabulary.machine import THIS_MACHINE

logger = logging.getLogger(__name__)

WHOLE = "caches are whole"


def caches_are_whole(run: RunSeen, outside: Outside, machine_of: FindMachine) -> None:
    """A machine that does not hear it sends its share once more the next time: slower, and still right."""
    for machine_id, _program in run.programs:
        machine = machine_of(machine_id)
        try:
            if machine_id == THIS_MACHINE:
                outside.worker_cache_is_whole()
            elif machine is not None:
                machine.worker_cache_is_whole()
        except EngineError as error:
            logger.info("%s was not told that its cache is whole: %s", machine_id, error)
