"""The lab for a person: ``python -m tests.lab`` or ``python tests/lab/run_lab.py [HOSTS]``, as root.

Up until Enter or Ctrl-C.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.settings.folders import find_folders
from tests.lab.lab import Lab
from tests.lab.machines.box import LabFailed


def main(arguments: list[str]) -> int:
    """Exit status 1 with one line when there can be no lab."""
    try:
        with Lab(int(arguments[0]) if arguments else 4) as lab:
            _lend(lab)
            _tell(lab)
            sys.stdin.readline()
    except LabFailed as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    return 0


def _tell(lab: Lab) -> None:
    print(f"{len(lab.hosts)} machines are up; user ada, password {lab.password}, or the key of the desk:\n")
    for host in lab.hosts:
        print(f"  {host.name}  {host.address}  host key {host.fingerprint()}")
    on_desk = lab.write_desk_script()
    print("\nYour place is the desk, with a ~/.ssh of its own:\n")
    print(f"  {on_desk} sh               a shell there")
    print(f"  {on_desk} ssh lab1         one of the machines")
    for program in ("crossplyctl", "crossply"):
        print(f"  {on_desk} {shlex.quote(str(Path(sys.prefix, 'bin', program)))}")
    print("\nEnter or Ctrl-C ends it all.", flush=True)


def _lend(lab: Lab) -> None:
    """The desk sees the llama.cpp programs and the models that this machine's user has."""
    ours = Path(lab.desk_environment()["XDG_DATA_HOME"], "crossply")
    ours.mkdir()
    for lent in (find_folders().runtimes, find_folders().models):
        if lent.is_dir():
            (ours / lent.name).symlink_to(lent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
