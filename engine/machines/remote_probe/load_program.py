"""Runs on the remote machine (Python 3.6 or newer, standard library only): raw counters, a line of JSON every few seconds.

Arguments: what every line begins with, seconds between lines. Differences are made on our side (``watch_load``). It ends when
its standard input ends or its output cannot be written: then the connection is gone. It waits in ``select`` on its standard
input, which is its timer. NVIDIA is asked by one long-lived ``nvidia-smi -l``, for each start of it takes a tenth of a second
of CPU or more; that child ends by SIGPIPE when we do.

Rejected: a program per sample (CPU); ``nvidia-smi dmon`` (its columns differ between versions).
"""

import glob
import json
import os
import select
import signal
import subprocess
import sys
import time

MOST_BYTES = 65536
MOST_CARDS = 64
CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal", "x86_pkg_temp", "soc_thermal")
VENDORS = ("0x1002", "0x8086")
SMI_FIELDS = "index,utilization.gpu,memory.free,temperature.gpu"


def read(path: str) -> str:
    """The text of a small file; empty when it cannot be read."""
    try:
        with open(path, "rb") as stream:
            return stream.read(MOST_BYTES).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def number(path: str) -> "int | None":
    """A file that holds a number."""
    text = read(path)
    return int(text) if text.isdigit() else None


def cpu_ticks() -> "list[int] | None":
    """(busy, idle) of all cores since the start: first line of /proc/stat (proc(5)); waiting for a disk is idle."""
    words = read("/proc/stat").split("\n")[0].split()
    if len(words) < 6 or words[0] != "cpu":
        return None
    ticks = [int(word) for word in words[1:9]]
    idle = ticks[3] + ticks[4]
    return [sum(ticks) - idle, idle]


def ram_available() -> "int | None":
    """MemAvailable, and no more than our cgroups leave us."""
    for line in read("/proc/meminfo").split("\n"):
        if line.startswith("MemAvailable:"):
            return min([int(line.split()[1]) * 1024, *cgroup_rooms()])
    return mac_ram_available()


def mac_ram_available() -> "int | None":
    """From vm_stat, as ``macos_said`` reads it. Untested: no Mac was at hand."""
    if os.uname()[0] != "Darwin":
        return None
    try:
        text = subprocess.check_output(["vm_stat"], stderr=subprocess.DEVNULL, timeout=5).decode("ascii", "replace")
    except (OSError, subprocess.SubprocessError):
        return None
    page = int("".join(letter for letter in text.split("\n")[0] if letter.isdigit()) or 4096)
    lines = [line for line in text.split("\n") if line.startswith(("Pages free", "Pages inactive", "Pages speculative"))]
    return page * sum(int(line.split(":")[1].strip(" .")) for line in lines)


def cgroup_rooms() -> "list[int]":
    """Bytes left under every memory limit above us, where the cgroups are mounted in the usual place."""
    rooms = []  # type: list[int]
    for folder, limit_name, used_name, statistic in MEMORY_FOLDERS:
        limit, used = number(folder + "/" + limit_name), number(folder + "/" + used_name)
        if limit is not None and used is not None and limit < 1 << 60:
            lines = [line.split() for line in read(folder + "/memory.stat").split("\n")]
            droppable = sum(int(line[1]) for line in lines if len(line) == 2 and line[0] == statistic)
            rooms.append(max(0, limit - max(0, used - droppable)))
    return rooms


def memory_folders() -> "list[tuple[str, str, str, str]]":
    """Folders of our memory cgroups and all above them that have a limit now."""
    found = []  # type: list[tuple[str, str, str, str]]
    for line in read("/proc/self/cgroup").split("\n"):
        _, kinds, path = [*line.split(":", 2), "", ""][:3]
        if kinds == "":
            mount, names = "/sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in kinds.split(","):
            mount, names = "/sys/fs/cgroup/memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        folder = mount + path.rstrip("/") if os.path.isdir(mount + path) else mount
        while len(folder) >= len(mount):
            limit = number(folder + "/" + names[0])
            if limit is not None and limit < 1 << 60:
                found.append((folder, *names))
            folder = os.path.dirname(folder)
    return found


MEMORY_FOLDERS = memory_folders()


def network_bytes() -> "list[int] | None":
    """(received, sent) since the start, over hardware interfaces where there are any (bridges and tunnels count the same
    bytes again), else over all but the loopback."""
    counted = []  # type: list[tuple[bool, int, int]]
    for line in read("/proc/net/dev").split("\n")[2:]:
        name, _, rest = line.strip().partition(":")
        words = rest.split()
        if name != "lo" and len(words) > 8:
            counted.append((os.path.exists("/sys/class/net/" + name + "/device"), int(words[0]), int(words[8])))
    real = [one for one in counted if one[0]] or counted
    return [sum(one[1] for one in real), sum(one[2] for one in real)] if real else None


def cpu_sensor() -> str:
    """The file that holds the processor's temperature in thousandths of a degree, or nothing."""
    for path in sorted(glob.glob("/sys/class/hwmon/hwmon*/name")):
        if read(path) in CPU_SENSORS:
            return os.path.dirname(path) + "/temp1_input"
    for path in sorted(glob.glob("/sys/class/thermal/thermal_zone*/type")):
        if read(path) in CPU_SENSORS or "cpu" in read(path).lower():
            return os.path.dirname(path) + "/temp"
    return ""


def cards() -> "list[tuple[str, str]]":
    """(vendor, folder) of AMD's and Intel's cards by PCI address, as in ``sysfs_gpus``."""
    found = []  # type: list[tuple[str, str, str]]
    for folder in sorted(glob.glob("/sys/class/drm/card[0-9]*/device")):
        vendor = read(folder + "/vendor")
        if "-" not in folder.split("/")[4] and vendor in VENDORS:
            slot = [line for line in read(folder + "/uevent").split("\n") if line.startswith("PCI_SLOT_NAME=")]
            found.append(("".join(slot[:1]).lower(), vendor, folder))
    return [(vendor, folder) for _, vendor, folder in sorted(found)][:MOST_CARDS]


def card_sample(vendor: str, folder: str) -> "list[str | int | None]":
    """Vendor, busy percent, total and used bytes, thousandths of a degree."""
    sensors = sorted(glob.glob(folder + "/hwmon/hwmon*/temp1_input"))
    total, used = number(folder + "/mem_info_vram_total"), number(folder + "/mem_info_vram_used")
    return [vendor, number(folder + "/gpu_busy_percent"), total, used, number(sensors[0]) if sensors else None]


class Smi:
    """The latest answers of a long-lived nvidia-smi, by index."""

    def __init__(self, seconds: int) -> None:
        argv = ["nvidia-smi", "--query-gpu=" + SMI_FIELDS, "--format=csv,noheader,nounits", "-l", str(seconds)]
        self.rest = ""
        self.latest = {}  # type: dict[str, str]
        self.child = None  # type: subprocess.Popen[bytes] | None
        if os.path.exists("/proc/driver/nvidia") or os.path.exists("/dev/dxg"):
            try:
                self.child = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
            except OSError:
                pass  # no such program

    def fd(self) -> "list[int]":
        """What to wait on."""
        return [self.child.stdout.fileno()] if self.child is not None and self.child.stdout is not None else []

    def take(self) -> None:
        """Keep what it has just printed. When it has ended there is nothing to tell any more."""
        piece = os.read(self.fd()[0], MOST_BYTES)
        lines = (self.rest + piece.decode("ascii", "replace")).split("\n")
        self.rest = lines.pop()[-200:]
        for line in lines:
            index = line.partition(",")[0]
            if index.isdigit() and len(self.latest) < MOST_CARDS:
                self.latest[index] = line[:200]
        if not piece:
            self.stop()
            self.latest = {}

    def stop(self) -> None:
        """End it, without waiting for what may hang in a driver."""
        if self.child is not None:
            self.child.send_signal(signal.SIGKILL)
            self.child = None


def sample(sensor: str, found: "list[tuple[str, str]]", smi: Smi) -> str:
    """One line. ``t`` is this machine's own clock: lines may be late."""
    return json.dumps(
        {
            "t": round(time.monotonic(), 3),
            "cpu": cpu_ticks(),
            "ram": ram_available(),
            "net": network_bytes(),
            "cpu_mc": number(sensor) if sensor else None,
            "nv": [smi.latest[index] for index in sorted(smi.latest, key=int)],
            "drm": [card_sample(vendor, folder) for vendor, folder in found],
        },
        separators=(",", ":"),
    )


class Reader:
    """Whoever reads the lines answers each with a byte: a pulled cable sends no end of standard input."""

    def __init__(self, most_silent_seconds: int) -> None:
        self.most_silent_seconds = most_silent_seconds
        self.heard = time.monotonic()

    def is_there(self, until: float, smi: Smi) -> bool:
        """Wait until it is time for the next line; ``False`` when nobody reads any more."""
        while True:
            now = time.monotonic()
            if now - self.heard > self.most_silent_seconds:
                return False
            if now >= until:
                return True
            ready = select.select([0, *smi.fd()], [], [], until - now)[0]
            if 0 in ready:
                if not os.read(0, 4096):
                    return False
                self.heard = time.monotonic()
            if any(fd != 0 for fd in ready):
                smi.take()


def main(mark: str, seconds: int, most_silent_seconds: int) -> None:
    """Lines until nobody reads them."""
    sensor, found, smi, reader = cpu_sensor(), cards(), Smi(seconds), Reader(most_silent_seconds)
    try:
        due = time.monotonic()
        while reader.is_there(due, smi):
            os.write(1, (mark + sample(sensor, found, smi) + "\n").encode("ascii"))
            due = max(due + seconds, time.monotonic())
    except OSError:
        pass  # nobody reads
    finally:
        smi.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
