"""The lab for a person: ``python -m tests.lab`` or ``python tests/lab/run_lab.py [HOSTS]``, as root.

Up until Enter or Ctrl-C.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.lab.box import LabFailed
from tests.lab.lab import Lab


def main(arguments: list[str]) -> int:
    """Exit status 1 with one line when there can be no lab."""
    try:
        with Lab(int(arguments[0]) if arguments else 4) as lab:
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
    prefix = shlex.join(lab.command_prefix())
    print(f"\nYour place is the desk. Put this before a command to run it there:\n\n  {prefix}\n")
    print(f"The window:  {prefix} {shlex.quote(str(Path(sys.prefix, 'bin/crossply')))}")
    print(f"A shell:     {prefix} sh\n\nEnter or Ctrl-C ends it all.", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
