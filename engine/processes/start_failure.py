"""Why a program could not be started, in one sentence for a person."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from engine.errors import ProcessFailed
from engine.vocabulary.running.process import ProcessSpec


def start_failure(spec: ProcessSpec, error: OSError | ValueError) -> ProcessFailed:
    """The error to raise for what ``Popen`` raised."""
    reason, advice = _reason(spec, error)
    return ProcessFailed(f"Could not start {spec.id}: {reason}.", advice=advice, details=str(error))


def _reason(spec: ProcessSpec, error: OSError | ValueError) -> tuple[str, str]:
    program = spec.argv[0] if spec.argv else ""
    if not program:
        return "no program is named", "This is a bug: please report it."
    if isinstance(error, ValueError):
        return f"the command holds a character that no command may hold ({error})", "Check the paths and options."
    if error.errno == errno.ENOENT:
        return _what_is_missing(spec, program)
    if error.errno == errno.EACCES:
        return f"{program} may not be run", f"Check that it is a program and allow it: chmod +x {program}"
    if error.errno == errno.ENOEXEC:
        return f"{program} is not a program for this machine", "Choose a build for this system and processor."
    return f"{program}: {error.strerror or error}", ""


def _what_is_missing(spec: ProcessSpec, program: str) -> tuple[str, str]:
    if spec.folder is not None and not Path(spec.folder).is_dir():
        return f"there is no folder {spec.folder}", "Check the path."
    if Path(program).exists() or shutil.which(program):
        return f"{program} needs a loader that this system does not have", "Choose a build for this system and processor."
    return f"there is no program {program}", "Check the path, or choose another llama.cpp folder."
