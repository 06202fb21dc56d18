"""How a program of ours comes to run on a remote machine: as a shell script on the standard input of ``sh``.

The command line is ``exec sh``, which every login shell understands (fish and csh too, whose quoting is their own); the
program and its arguments are inside the script, quoted for POSIX sh. The script is one ``{ ... }`` block, so a connection
that breaks while it is sent starts nothing. It tries Python 3.6 or newer first and goes on with the shell program when there
is none or when it failed: one round trip in every case. What the login shell's start-up files print is told from the answer
by a nonce.

Rejected: ``python3 -`` with the program on standard input (the stream needs it for other things, and no fallback); a
here-document (bash below 5.1 writes those to the disk); ``sh -c`` with the program as argument (quoting of unknown shells);
``sftp`` and then run (leaves a file, needs a place).
"""

from __future__ import annotations

import secrets
import shlex
from functools import cache
from importlib.resources import files

from engine.errors import ProbeFailed, ProbeTimedOut
from engine.ports import CancelToken
from engine.remote_ports import CommandOutput, RemoteShell
from engine.vocabulary.remote import SshTarget

COMMAND = "exec sh"
_MOST_ANSWER_BYTES = 1024 * 1024
_FOLDERS = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/opt/homebrew/bin:/usr/lib/wsl/lib"
"""Where ``ip``, ``nvidia-smi`` and a newer Python may be although the PATH of a command over ssh does not say so."""

# On a Mac without the developer tools /usr/bin/python3 opens a window that offers to install them.
_TRY_PYTHON = """\
python=$(command -v python3 2>/dev/null)
if [ "$python" = /usr/bin/python3 ] && [ "$(uname -s)" = Darwin ] && ! xcode-select -p >/dev/null 2>&1; then python=; fi
if [ -n "$python" ]; then
"$python" -I -S -B -c {program} {arguments} 2>/dev/null
ended=$?
if [ $ended -eq 0 ] || [ $ended -gt 128 ]; then exit $ended; fi
fi
"""


def new_nonce() -> str:
    """A word that nobody else prints."""
    return secrets.token_hex(16)


def launch_script(name: str, arguments: tuple[str, ...], *, with_python: bool = True) -> bytes:
    """The script for ``<name>_program``. ``with_python`` false: the machine is known to have none."""
    words = shlex.join(arguments)
    python = _TRY_PYTHON.format(program=shlex.quote(_text(f"{name}_program.py")), arguments=words) if with_python else ""
    lines = (
        "{",
        f'LC_ALL=C PATH="$PATH:{_FOLDERS}"; export LC_ALL PATH; unset CDPATH ENV',
        python,
        f"set -- {words}",
        _text(f"{name}_program.sh"),
        "exit 0",
        "}",
        "",
    )
    return "\n".join(lines).encode()


def run_program(
    shell: RemoteShell, name: str, arguments: tuple[str, ...], *, timeout_seconds: float, token: CancelToken | None
) -> bytes:
    """Run it to its end: what it printed between its nonces.

    Raises ``ProbeFailed`` when there is no such thing (``ProbeTimedOut``: not in time), ``MachineUnreachable``, ``Cancelled``.
    """
    nonce = new_nonce()
    output = shell.run(
        COMMAND,
        stdin=launch_script(name, (nonce, *arguments)),
        timeout_seconds=timeout_seconds,
        max_output_bytes=_MOST_ANSWER_BYTES,
        token=token,
    )
    answer = between(output.stdout, nonce)
    if answer is None:
        raise _no_answer(shell.target, output, timeout_seconds)
    return answer


def between(output: bytes, nonce: str) -> bytes | None:
    """What stands between the last two lines that are the nonce: a Python that broke off was followed by the shell."""
    pieces = output.split(f"\n{nonce}\n".encode())
    return pieces[-2] if len(pieces) > 2 else None


def _no_answer(target: SshTarget, output: CommandOutput, timeout_seconds: float) -> ProbeFailed:
    if output.timed_out:
        why = f"did not answer within {timeout_seconds:.0f} s when it was asked about itself"
        advice = "It may be overloaded, or a driver or a network file system hangs on it. It is asked again."
        return ProbeTimedOut(f"{target.text} {why}.", advice=advice)
    if len(output.stdout) >= _MOST_ANSWER_BYTES:
        why, advice = "said far too much when it was asked about itself", "Look at what its login shell prints."
    else:
        why = "did not answer when it was asked about itself"
        advice = "It needs a POSIX shell (sh) and awk; log in by hand and see whether `sh` works there."
    return ProbeFailed(f"{target.text} {why}.", advice=advice, details=output.stderr[-2000:].decode("utf-8", "replace"))


@cache
def _text(file_name: str) -> str:
    return files(__package__).joinpath(file_name).read_text(encoding="utf-8")
