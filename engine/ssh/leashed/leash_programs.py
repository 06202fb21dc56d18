"""What runs on the other machine between sshd and the program: the leash, in Python and in sh. Nothing is installed there.

Both read their stdin: the *order* first (nonce, program, arguments, environment), then commands: ``.`` we live, ``T`` ask the
program to end, ``G`` ask its group, ``K`` kill its group. At the end of stdin, or after ``SILENCE_SECONDS`` without a byte (a
pulled cable sends no end), they let go: TERM to the group, ``GRACE_SECONDS``, KILL. What they say goes between the program's
output, in lines marked with the nonce (see ``leash_output``).

The order travels on stdin because the command line there is read by the user's login shell (csh and fish quote in their own
ways) and by everyone who runs ``ps``; the command itself holds nothing but constants. Both bootstraps read byte by byte: what
follows the order on the same pipe is not theirs.

The Python one is a guard in three ways: it reads the heartbeat; a forked guardian in the program's process group reads a pipe
whose other end only the leash holds, so a ``kill -9`` of the leash ends the group; and Linux ends the program itself should
both of them be killed (``PR_SET_PDEATHSIG``: the leash has one thread, so "parent" means the leash). ``PR_SET_NO_NEW_PRIVS``
keeps it from gaining rights over setuid programs. It reads the kernel's count of kills for want of memory with every
heartbeat, so it can tell such a kill from anybody's ``kill -9``. Runs on Python 3.6 and later.

What the sh one cannot do: it has no ``read`` with a timeout (dash has none), so each byte arms a new ``sleep`` that lets go,
at two forks in two seconds; it cannot tell ``exit 143`` from "killed by TERM"; a failed ``exec``
shows only after the start, as an end with 126 or 127; when it is killed itself, its reader lets go at the end of its stdin
or at the next heartbeat, up to 2 s later, and not at all if both are killed. It needs to lead its own process
group, as below OpenSSH's sshd, which calls ``setsid``; elsewhere it ends only the program itself, not its descendants.

Rejected: copying a leash program there first (a file to version, to clean up, and to be refused by ``noexec``); a terminal
(``pty``), whose hang-up ends programs too but which rewrites line ends and tells programs to colour; ``systemd-run --user``,
which is not there without a login session's bus; memory limits through cgroups for the same reason: unprivileged there is
rarely one that may be written, and the plan keeps within the limit anyway.
"""

from __future__ import annotations

import json
import shlex

from engine.vocabulary.running.process import ProcessSpec

SILENCE_SECONDS = 10
GRACE_SECONDS = 1

BEAT, ASK, TERMINATE, KILL = b".\n", b"T\n", b"G\n", b"K\n"
"""The sh leash reads lines; the Python leash takes the line end for a sign of life."""

PYTHON_COMMAND = (
    "exec python3 -I -S -c 'import sys,json;order=json.loads(sys.stdin.buffer.raw.readline().decode());"
    """exec(order["program"])'"""
)
SH_COMMAND = (
    """exec sh -c 'n=$(printf "\\nx"); n=${n%x}; s=; IFS= read -r e; """
    """while IFS= read -r l; do [ "$l" = "$e" ] && break; s=$s$l$n; done; eval "$s"'"""
)

PYTHON_PARTS = r"""
import ctypes, errno, json, os, select, shutil, signal, subprocess, sys, threading, time

os.umask(0o077)

def say(words):
    data = ("%s %s\n" % (order["nonce"], words)).encode("ascii", "replace")
    while data:
        data = data[os.write(1, data):]

def as_bytes(text):
    return text.encode("utf-8", "surrogateescape")

def memory_kills():
    try:
        with open("/proc/vmstat") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("oom_kill "))
    except (OSError, ValueError):
        return 0

def ended(code, kills_before):
    say("ended %d%s" % (code, " memory" if code == -9 and memory_kills() > kills_before else ""))

def tell_the_kernel():
    try:
        libc = ctypes.CDLL(None)
    except (OSError, TypeError):
        return lambda: None
    def call():
        if sys.platform.startswith("linux"):
            libc.prctl(1, int(signal.SIGKILL), 0, 0, 0)
            libc.prctl(38, 1, 0, 0, 0)
    return call

def start(group, output=1, unignored=()):
    argv = [as_bytes(word) for word in order["argv"]]
    environment = dict(os.environb)
    environment.update((as_bytes(name), as_bytes(value)) for name, value in order["environment"])
    prctl = tell_the_kernel()
    def prepare():
        if os.getpgrp() != group:
            os.setpgid(0, group)
        for number in unignored:
            signal.signal(number, signal.SIG_DFL)
        prctl()
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=order["folder"], env=environment,
                            preexec_fn=prepare, restore_signals=False)

def why_not(error):
    program, folder = order["argv"][0], order["folder"]
    if folder is not None and not os.path.isdir(folder):
        return "no-folder"
    if error.errno == errno.ENOENT:
        found = os.path.exists(os.path.join(folder or ".", program)) if "/" in program else shutil.which(program)
        return "no-loader" if found else "missing"
    reason = {errno.EACCES: "not-allowed", errno.ENOEXEC: "wrong-kind"}.get(error.errno, "other")
    return reason + " " + str(getattr(error, "strerror", error)).replace("\n", " ")
"""

PYTHON_LEASH = (
    PYTHON_PARTS
    + r"""
def start_guardian():
    reader, writer = os.pipe()
    guardian = os.fork()
    if guardian:
        os.close(reader)
        return guardian
    os.setpgid(0, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    os.close(writer)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    while os.read(reader, 1):
        pass
    os.kill(0, signal.SIGTERM)
    time.sleep(order["grace"])
    os.kill(0, signal.SIGKILL)

class Leash:
    def __init__(self, group, child, wakeup):
        self.group, self.child, self.wakeup = group, child, wakeup
        self.inputs, self.deadline, self.letting_go = [0, wakeup], time.monotonic() + order["silence"], False
        self.kills = memory_kills()

    def signal_group(self, number):
        try:
            os.killpg(self.group, number)
        except OSError:
            pass

    def let_go(self):
        if self.letting_go:
            self.signal_group(signal.SIGKILL)
            self.deadline = time.monotonic() + 3600
        else:
            self.letting_go, self.inputs, self.deadline = True, [self.wakeup], time.monotonic() + order["grace"]
            self.signal_group(signal.SIGTERM)

    def obey(self, data):
        self.deadline = time.monotonic() + order["silence"]
        if self.child.poll() is None:
            self.kills = memory_kills()
        for byte in data:
            if byte == ord("T"):
                self.child.send_signal(signal.SIGTERM)
            elif byte == ord("G"):
                self.signal_group(signal.SIGTERM)
            elif byte == ord("K"):
                self.signal_group(signal.SIGKILL)

    def watch(self):
        while self.child.poll() is None:
            ready = select.select(self.inputs, [], [], max(0.0, self.deadline - time.monotonic()))[0]
            if self.wakeup in ready and any(number != signal.SIGCHLD for number in os.read(self.wakeup, 512)):
                self.let_go()
            if 0 in ready and 0 in self.inputs:
                data = os.read(0, 512)
                self.obey(data) if data else self.let_go()
            if time.monotonic() >= self.deadline:
                self.let_go()
        self.signal_group(signal.SIGKILL)

def main():
    wakeup, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    group = start_guardian()
    try:
        os.setpgid(group, group)
    except OSError:
        pass
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    say("begin")
    try:
        child = start(group)
    except (OSError, ValueError) as error:
        os.killpg(group, signal.SIGKILL)
        say("failed " + why_not(error))
        return
    leash = Leash(group, child, wakeup)
    try:
        say("started %d %d %d" % (child.pid, group, os.getpid()))
    except OSError:
        leash.let_go()
    leash.watch()
    signal.alarm(5)
    ended(child.returncode, leash.kills)

try:
    main()
except OSError:
    pass
"""
)

SH_LEASH = r"""
umask 077
exec 3<&0 </dev/null
trap "" PIPE
say() { printf "%s\n" "$nonce $1"; }
kind() { od -A n -t x1 -N 20 "$1" 2>/dev/null | tr -d " \n" | sed -n "s/^7f454c46.\{28\}\(....\)$/\1/p"; }
say begin
if [ -n "$folder" ]; then cd "$folder" 2>/dev/null || { say "failed no-folder"; exit 0; }; fi
case $1 in
*/*)
    [ -e "$1" ] || { say "failed missing"; exit 0; }
    [ -f "$1" ] && [ -x "$1" ] || { say "failed not-allowed"; exit 0; }
    theirs=$(kind "$1"); ours=$(kind "$(command -v sh)")
    case $theirs in ""|0300|2800|"$ours") ;; *) [ -z "$ours" ] || { say "failed wrong-kind"; exit 0; };; esac;;
*) command -v "$1" >/dev/null 2>&1 || { say "failed missing"; exit 0; };;
esac
(
    exec 3<&- 2>&1
    add_environment
    exec "$@"
) &
child=$!
exec 2>/dev/null
trap "" TERM INT HUP QUIT
leader=
if [ -r /proc/$$/stat ]; then read -r a b c d leader rest </proc/$$/stat; else leader=$(ps -o pgid= -p $$ | tr -d " "); fi
if [ "$leader" = $$ ]; then all=0; else all=$child; fi
say "started $child $$ $$"
(
    let_go() { kill -TERM $all; sleep "$grace"; kill -KILL "$child"; kill -KILL $all; }
    arm() { (sleep "$silence"; let_go) & bomb=$!; }
    arm
    while IFS= read -r order <&3 && kill -0 $$; do
        kill -KILL $bomb
        wait $bomb
        case $order in
        T) kill -TERM "$child";;
        G) kill -TERM $all;;
        K) kill -KILL "$child";;
        esac
        arm
    done
    let_go
) >/dev/null 2>&1 &
exec 3<&-
wait "$child"
say "ended $?"
[ $all = 0 ] && kill -KILL 0
"""


def python_order(spec: ProcessSpec, nonce: str) -> bytes:
    """What ``PYTHON_COMMAND`` reads first: one line."""
    order = {
        "program": PYTHON_LEASH,
        "nonce": nonce,
        "argv": spec.argv,
        "environment": spec.environment,
        "folder": spec.folder,
        "silence": SILENCE_SECONDS,
        "grace": GRACE_SECONDS,
    }
    return json.dumps(order).encode("ascii") + b"\n"


def sh_order(spec: ProcessSpec, nonce: str) -> bytes:
    """What ``SH_COMMAND`` reads first: a line that says which line is the end, and the script up to there."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in spec.environment]
    lines = (
        f"nonce={nonce} silence={SILENCE_SECONDS} grace={GRACE_SECONDS}",
        f"folder={shlex.quote(spec.folder or '')}",
        "\n".join(("add_environment() {", ":", *exports, "}")),
        f"set -- {shlex.join(spec.argv)}",
        SH_LEASH,
    )
    end = f"# {nonce}"
    return "\n".join((end, *lines, end, "")).encode("utf-8", "surrogateescape")
