"""What runs on the other machine for a program that *keeps running* when we are gone. Python only; nothing is installed there.

A *keeper* is started by the program that talks to us, in a session of its own: it starts the program in its group, reads its
output into a log of at most two times ``LOG_BYTES``, and writes how it ended. A *follower* at our end of a channel speaks as a
leash does (``leash_output``), from the beginning of the log that is there: for us a kept program is a ``RemoteProcess`` like
any other, but for one thing: the end of the follower's stdin ends the follower alone.

The record of a kept program is one JSON file in ``<data folder>/kept``: pid *and* start time, from ``/proc``. Only where both
still agree is anything signalled: a pid that was given to a stranger since is never touched. So Linux only.

A system that ends a user's processes at the last logout (systemd-logind with ``KillUserProcesses=yes``) ends kept programs
too, unless its administrator allows lingering.
"""

from __future__ import annotations

import json

from engine.ssh.leashed.leash_programs import GRACE_SECONDS, PYTHON_PARTS
from engine.vocabulary.running.process import ProcessSpec

LOG_BYTES = 1024 * 1024

_KEPT_PARTS = (
    PYTHON_PARTS
    + r"""
folder = os.path.join(order["data_folder"], "kept")

def path_of(name, ending):
    return os.path.join(folder, name + ending)

def write_record(name, ending, record):
    path = path_of(name, ending)
    with os.fdopen(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(record, file)
    os.rename(path + ".new", path)

def read_record(name, ending):
    try:
        with open(path_of(name, ending)) as file:
            return json.load(file)
    except (OSError, ValueError):
        return None

def start_ticks(pid):
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])

def lives(record):
    return start_ticks(record["pid"]) == record["start_ticks"]
"""
)

FOLLOW_PROGRAM = (
    _KEPT_PARTS
    + r"""
def keep_log(name, reader):
    log, size = None, 0
    while True:
        chunk = os.read(reader, 65536)
        if not chunk:
            return
        if log is None or size + len(chunk) > order["log_bytes"]:
            if log is not None:
                os.close(log)
                os.rename(path_of(name, ".log"), path_of(name, ".log.1"))
            log, size = os.open(path_of(name, ".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 0
        size += len(chunk)
        try:
            os.write(log, chunk)
        except OSError:
            pass

def keep(name, tell):
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    open(path_of(name, ".log"), "w").close()
    reader, writer = os.pipe()
    try:
        child = start(os.getpid(), writer, unignored=(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT))
    except (OSError, ValueError) as error:
        os.write(tell, why_not(error).encode("ascii", "replace"))
        return
    os.close(writer)
    record = {"name": name, "process_id": order["process_id"], "pid": child.pid, "start_ticks": start_ticks(child.pid) or 0,
              "group": os.getpid(), "keeper_ticks": start_ticks(os.getpid()), "argv": order["argv"],
              "started_by": order["started_by"]}
    write_record(name, ".json", record)
    os.close(tell)
    kills = keep_log_until_the_end(name, reader, child)
    for_memory = child.returncode == -9 and kills is not None and memory_kills() > kills
    write_record(name, ".ended", {"code": child.returncode, "for_memory": for_memory})
    os.killpg(os.getpid(), signal.SIGKILL)

def keep_log_until_the_end(name, reader, child):
    pump = threading.Thread(target=keep_log, args=(name, reader))
    pump.daemon = True
    pump.start()
    kills = count_kills_until_the_end(child)
    child.wait()
    pump.join(1.0)
    return kills

def count_kills_until_the_end(child):
    try:
        descriptor = os.pidfd_open(child.pid)
    except (AttributeError, OSError):
        return None
    kills = memory_kills()
    while not select.select([descriptor], [], [], 2.0)[0]:
        kills = memory_kills()
    return kills

def start_keeper(name):
    os.makedirs(folder, 0o700, True)
    listen, tell = os.pipe()
    if os.fork() == 0:
        if os.fork() == 0:
            os.close(listen)
            try:
                keep(name, tell)
            finally:
                os._exit(0)
        os._exit(0)
    os.wait()
    os.close(tell)
    refusal = os.read(listen, 512).decode()
    os.close(listen)
    return refusal

class Log:
    def __init__(self, name):
        self.name, self.file = name, None
        for ending in (".log.1", ".log"):
            if self.file is not None:
                self.copy()
            self.open(ending)

    def open(self, ending):
        try:
            self.file = open(path_of(self.name, ending), "rb", 0)
        except OSError:
            pass

    def copy(self):
        while self.file is not None:
            chunk = self.file.read(65536)
            if not chunk:
                return
            while chunk:
                chunk = chunk[os.write(1, chunk):]

    def follow(self):
        self.copy()
        try:
            moved = self.file is None or os.stat(path_of(self.name, ".log")).st_ino != os.fstat(self.file.fileno()).st_ino
        except OSError:
            return
        if moved:
            self.copy()
            self.open(".log")
            self.copy()

def obey(record, data):
    for byte in data:
        if lives(record) and byte == ord("G"):
            os.killpg(record["group"], signal.SIGTERM)
        elif lives(record) and byte in b"TK":
            os.kill(record["pid"], signal.SIGTERM if byte == ord("T") else signal.SIGKILL)

def follow(name, record):
    log = Log(name)
    while True:
        keeper_gone = start_ticks(record["group"]) != record["keeper_ticks"]  # asked first: it writes how it ended and goes
        ended = read_record(name, ".ended")
        log.follow()
        if ended is not None:
            say("ended %d%s" % (ended["code"], " memory" if ended.get("for_memory") else ""))
            return
        if keeper_gone and not lives(record):
            return
        if select.select([0], [], [], 0.2)[0]:
            data = os.read(0, 512)
            if not data:
                os._exit(0)
            obey(record, data)

def forget(name):
    for ending in (".json", ".ended", ".log", ".log.1"):
        try:
            os.unlink(path_of(name, ending))
        except OSError:
            pass

def main():
    say("begin")
    refusal = start_keeper(order["name"]) if order["argv"] else ""
    record = read_record(order["name"], ".json")
    if refusal or record is None:
        forget(order["name"])
        say("failed " + (refusal or "other it is not kept there any more"))
        return
    say("started %d %d %d" % (record["pid"], record["group"], os.getpid()))
    follow(order["name"], record)
    forget(order["name"])

try:
    main()
except OSError as error:
    try:
        say("failed other " + str(error.strerror).replace("\n", " "))
    except OSError:
        pass
"""
)

LIST_PROGRAM = (
    _KEPT_PARTS
    + r"""
def main():
    try:
        names = sorted(name[:-5] for name in os.listdir(folder) if name.endswith(".json"))
    except OSError:
        names = []
    records = [read_record(name, ".json") for name in names[:1000]]
    print(json.dumps([record for record in records if record and lives(record)]))

main()
"""
)


def keep_order(spec: ProcessSpec, nonce: str, name: str, data_folder: str, started_by: str) -> bytes:
    """Start it, keep it, and follow it."""
    return _line(
        program=FOLLOW_PROGRAM,
        nonce=nonce,
        name=name,
        data_folder=data_folder,
        process_id=spec.id,
        argv=spec.argv,
        environment=spec.environment,
        folder=spec.folder,
        started_by=started_by,
        log_bytes=LOG_BYTES,
        grace=GRACE_SECONDS,
    )


def follow_order(nonce: str, name: str, data_folder: str) -> bytes:
    """Follow one that is there."""
    return _line(program=FOLLOW_PROGRAM, nonce=nonce, name=name, data_folder=data_folder, argv=())


def list_order(data_folder: str) -> bytes:
    """Print the records of those that live."""
    return _line(program=LIST_PROGRAM, nonce="", data_folder=data_folder)


def _line(**order: object) -> bytes:
    return json.dumps(order).encode("ascii") + b"\n"
