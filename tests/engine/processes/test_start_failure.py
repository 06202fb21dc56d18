from __future__ import annotations

import errno
from pathlib import Path

import pytest

from engine.errors import ProcessFailed
from engine.processes.local_process import LocalProcessStarter
from engine.processes.run_command import run_command
from engine.processes.start_failure import start_failure
from engine.vocabulary.running.process import ProcessId, ProcessSpec


def refused(*argv: str, folder: str | None = None) -> str:
    spec = ProcessSpec(id=ProcessId("worker"), argv=argv, folder=folder)
    with pytest.raises(ProcessFailed) as caught:
        LocalProcessStarter().start(spec, print, print)
    return str(caught.value)


def test_a_missing_program() -> None:
    assert refused("/no/such") == (
        "Could not start worker: there is no program /no/such. Check the path, or choose another llama.cpp folder."
    )


def test_a_missing_folder_is_not_taken_for_a_missing_program() -> None:
    assert "there is no folder /no/such" in refused("/bin/sh", folder="/no/such")


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"#!/bin/sh\n")
    assert f"{program} may not be run" in refused(str(program))
    program.write_bytes(b"\x00\x01\x02\x03")
    program.chmod(0o755)
    assert f"{program} is not a program for this machine" in refused(str(program))


def test_a_program_whose_loader_is_missing(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/no/such/loader\n")
    program.chmod(0o755)
    assert f"{program} needs a loader that this system does not have" in refused(str(program))


def test_an_empty_command() -> None:
    assert "no program is named" in refused()


def test_a_null_character_in_the_command() -> None:
    assert "no command may hold" in refused("/bin/echo", "a\0b")


def test_any_other_reason_is_the_system_s() -> None:
    spec = ProcessSpec(id=ProcessId("worker"), argv=("/bin/x",))
    failure = start_failure(spec, OSError(errno.ENOMEM, "Cannot allocate memory"))
    assert str(failure) == "Could not start worker: /bin/x: Cannot allocate memory."


def test_short_commands_fail_the_same_way() -> None:
    with pytest.raises(ProcessFailed, match="there is no program /no/such"):
        run_command(["/no/such"], 5)
