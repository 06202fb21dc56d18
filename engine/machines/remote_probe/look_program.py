"""Runs on the remote machine (Python 3.6 or newer, standard library only): tells raw facts in one JSON document.

It is never imported here: ``launch_script`` sends its text, and ``python3 -I -S -B -c`` runs it there, so that nothing is
written to that machine's disk. It judges nothing: files and outputs of programs are sent as they are (cut to size) and parsed
on our side, in ``parse_probe``. ``look_program.sh`` sends the same document.

Every question runs in its own thread: a network file system or a driver that hangs holds up its own answer only, and the
document is sent without it when the time is over. Rejected: ``psutil`` (not there), ``platform`` (slow to import, and starts
programs), one question after the other (nvidia-smi alone takes a second or more).
"""

import fcntl
import glob
import json
import os
import pwd
import select
import signal
import socket
import subprocess
import sys
import threading
import time

WHOLE_SECONDS = 15.0
MOST_BYTES = 65536
MOST_FILES = 600
MOST_CARDS = 64
FILES = (
    "/etc/os-release",
    "/usr/lib/os-release",
    "/etc/machine-id",
    "/var/lib/dbus/machine-id",
    "/proc/device-tree/model",
    "/proc/meminfo",
    "/proc/self/cgroup",
    "/sys/devices/system/cpu/online",
)
CGROUP_FILES = (
    "cgroup.controllers",
    "memory.max",
    "memory.current",
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    "cpu.max",
    "cpu.cfs_quota_us",
    "cpu.cfs_period_us",
)
CARD_FILES = (
    "vendor",
    "device",
    "product_name",
    "uevent",
    "mem_info_vram_total",
    "mem_info_vram_used",
    "gpu_busy_percent",
    "tile*/physical_vram_size_bytes",
)
PCI_IDS = ("/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids")
SMI_FIELDS = "index,name,memory.total,memory.used,memory.free,utilization.gpu,temperature.gpu,uuid"
PROGRAMS = (
    ("nvidia_smi", ("nvidia-smi", "--query-gpu=" + SMI_FIELDS, "--format=csv,noheader,nounits"), 10.0),
    ("who", ("who",), 5.0),
)
MAC_PROGRAMS = (
    ("sw_vers", ("sw_vers",), 5.0),
    ("sysctl", ("sysctl", "hw.memsize", "hw.physicalcpu", "hw.logicalcpu", "machdep.cpu.brand_string", "hw.optional"), 5.0),
    ("vm_stat", ("vm_stat",), 5.0),
    ("ioreg", ("ioreg", "-rd1", "-c", "IOPlatformExpertDevice"), 5.0),
    ("system_profiler", ("system_profiler", "SPDisplaysDataType", "-json"), 12.0),
    ("ifconfig", ("ifconfig",), 5.0),
    ("netstat", ("netstat", "-an", "-p", "tcp"), 5.0),
    ("who", ("who",), 5.0),
)


class Answer:
    """What was found so far."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.files = {}  # type: dict[str, str]
        self.said = {}  # type: dict[str, str]

    def keep_file(self, path: str, text: str) -> None:
        """A file that is empty or not there is not sent."""
        with self.lock:
            if text and len(self.files) < MOST_FILES:
                self.files[path] = text

    def say(self, name: str, text: str) -> None:
        """The answer to a question."""
        with self.lock:
            self.said[name] = text[:MOST_BYTES]

    def document(self) -> str:
        """One line of JSON, in ASCII."""
        with self.lock:
            return json.dumps({"format": 1, "program": "python", "files": self.files, "said": self.said})


def read(path: str, most_bytes: int = MOST_BYTES) -> str:
    """The text of a file; empty when it cannot be read."""
    try:
        with open(path, "rb") as stream:
            return stream.read(most_bytes).decode("utf-8", "replace")
    except OSError:
        return ""


def run(argv: "tuple[str, ...]", seconds: float) -> "str | None":
    """What a program prints, ``None`` when there is no such program. It is killed at its deadline and not waited for: a
    driver that hangs cannot be killed."""
    try:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except OSError:
        return None
    deadline = time.monotonic() + seconds
    output = b""
    while child.stdout is not None and len(output) < MOST_BYTES:
        left = max(0.0, deadline - time.monotonic())
        if not select.select([child.stdout], [], [], left)[0]:
            output = b"no answer in %d seconds" % seconds
            break
        piece = os.read(child.stdout.fileno(), MOST_BYTES)
        if not piece:
            break
        output += piece
    if child.stdout is not None:
        child.stdout.close()
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except OSError:
        pass  # it has ended
    return output.decode("utf-8", "replace")


def look_at_files(answer: Answer) -> None:
    """Small files, as they are."""
    for path in FILES + tuple(glob.glob("/sys/class/net/*/speed")):
        answer.keep_file(path, read(path))
    allowed = [line for line in read("/proc/self/status").split("\n") if line.startswith("Cpus_allowed_list")]
    answer.keep_file("/proc/self/status", "\n".join(allowed))


def look_at_cpu(answer: Answer) -> None:
    """/proc/cpuinfo, of every key its first line only (256 cores are 400 KB); and how many cores are not hyper-threads."""
    seen = {}  # type: dict[str, str]
    for line in read("/proc/cpuinfo", 4 << 20).split("\n"):
        if ":" in line:
            seen.setdefault(line.split(":")[0].strip(), line)
    answer.keep_file("/proc/cpuinfo", "\n".join(seen.values()))
    for name in ("core_cpus_list", "thread_siblings_list"):
        cores = {read(path) for path in glob.glob("/sys/devices/system/cpu/cpu[0-9]*/topology/" + name)} - {""}
        if cores:
            answer.say("physical_cores", str(len(cores)))
            return


def look_at_cgroups(answer: Answer) -> None:
    """The limits of our cgroups and of all above them, wherever they are mounted (proc(5), cgroups(7))."""
    mounts = [line for line in read("/proc/self/mountinfo", 1 << 20).split("\n") if " - cgroup" in line]
    answer.keep_file("/proc/self/mountinfo", "\n".join(mounts))
    paths = {line.split(":", 2)[2] for line in read("/proc/self/cgroup").split("\n") if line.count(":") >= 2}
    for mount in mounts:
        fields = mount.split(" ")
        for path in paths:
            if len(fields) > 4 and ".." not in path:
                root = fields[3].rstrip("/")
                look_at_cgroup(answer, fields[4], path[len(root) :] if path.startswith(root + "/") else "/")


def look_at_cgroup(answer: Answer, mount: str, inner: str) -> None:
    """One folder and its parents up to the mount."""
    folder = (mount + "/" + inner.strip("/")).rstrip("/")
    while len(folder) >= len(mount):
        for name in CGROUP_FILES:
            answer.keep_file(folder + "/" + name, read(folder + "/" + name))
        stat = [line for line in read(folder + "/memory.stat").split("\n") if "inactive_file " in line]
        answer.keep_file(folder + "/memory.stat", "\n".join(stat))
        folder = os.path.dirname(folder)


def look_at_cards(answer: Answer) -> None:
    """Graphics cards as the kernel shows them, and their names where the system has a list."""
    folders = sorted(glob.glob("/sys/class/drm/card[0-9]*/device"))[:MOST_CARDS]
    for folder in folders:
        if "-" not in folder.split("/")[4]:
            for pattern in CARD_FILES:
                for path in glob.glob(folder + "/" + pattern):
                    answer.keep_file(path, read(path))
    wanted = {(read(folder + "/vendor").strip()[2:], read(folder + "/device").strip()[2:]) for folder in folders}
    for path in PCI_IDS:
        answer.keep_file(path, names_of(wanted, read(path, 4 << 20) if wanted else ""))


def names_of(wanted: "set[tuple[str, str]]", pci_ids: str) -> str:
    """The lines of pci.ids that name these cards."""
    found = []
    vendor = ""
    for line in pci_ids.split("\n"):
        if line and line[0] not in "\t#":
            vendor = line
        elif line[:1] == "\t" and (vendor[:4], line[1:5]) in wanted:
            found += [vendor, line]
    return "\n".join(found)


def look_at_network(answer: Answer) -> None:
    """Listening ports; and the addresses where there is no ``ip``."""
    listening = [line.split()[1] for path in ("/proc/net/tcp", "/proc/net/tcp6") for line in listening_lines(path)]
    answer.say("tcp_listening", "\n".join(sorted(set(listening))))
    text = run(("ip", "-4", "-o", "addr", "show"), 5.0)
    answer.say("ip_addr", text or "\n".join(addresses_by_ioctl()))


def listening_lines(path: str) -> "list[str]":
    """Lines of /proc/net/tcp in state 0A (LISTEN)."""
    lines = read(path, 4 << 20).split("\n")
    return [line for line in lines if len(line.split()) > 3 and line.split()[3] == "0A"][:4096]


def addresses_by_ioctl() -> "list[str]":
    """As ``ip -o`` prints them; SIOCGIFADDR of netdevice(7)."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for index, name in socket.if_nameindex():
            try:
                address = fcntl.ioctl(asked.fileno(), 0x8915, name.encode()[:15].ljust(256, b"\0"))[20:24]
            except OSError:
                continue  # an interface without an IPv4 address
            found.append("{}: {} inet {}/32".format(index, name, socket.inet_ntoa(address)))
    return found


def look_at_disk(answer: Answer) -> None:
    """Free bytes for this user where our folder is or will be."""
    folder = answer.said["data_folder"]
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    seen = os.statvfs(folder)
    answer.say("disk_free_bytes", str(seen.f_bavail * seen.f_frsize))


def look_for_compilers(answer: Answer) -> None:
    """Compilers of GPU backends, on PATH and where their installers put them."""
    path = [folder for folder in os.environ.get("PATH", "").split(":") if folder.startswith("/")]
    usual = ("/usr/local/cuda*/bin", "/opt/cuda/bin", "/usr/lib/cuda/bin", "/opt/rocm*/bin", "/opt/rocm/hip/bin")
    folders = path + [folder for pattern in usual for folder in sorted(glob.glob(pattern))]
    for name in ("nvcc", "hipcc"):
        found = [folder + "/" + name for folder in folders if os.access(folder + "/" + name, os.X_OK)]
        if found:
            answer.say(name, found[0])


def look_at_user(answer: Answer, system: str) -> None:
    """Who we are and where our files belong."""
    try:
        user, home = pwd.getpwuid(os.getuid())[0], pwd.getpwuid(os.getuid())[5]
    except KeyError:
        user, home = str(os.getuid()), "/"  # a container's user without an entry
    home = os.environ.get("HOME") or home
    data = os.environ.get("XDG_DATA_HOME", "")
    if system == "Darwin":
        data = home.rstrip("/") + "/Library/Application Support"
    elif not data.startswith("/"):
        data = home.rstrip("/") + "/.local/share"
    answer.say("user", user)
    answer.say("home", home)
    answer.say("data_folder", data.rstrip("/") + "/crossply")


def ask_program(answer: Answer, name: str, argv: "tuple[str, ...]", seconds: float) -> None:
    """A program that is not there has no answer."""
    text = run(argv, seconds)
    if text is not None:
        answer.say(name, text)


def main(nonce: str) -> None:
    """Ask everything at once, wait for most of it, print."""
    os.environ["LC_ALL"] = "C"
    answer = Answer()
    uname = os.uname()
    answer.say("system", uname[0])
    answer.say("hostname", uname[1])
    answer.say("release", uname[2])
    answer.say("architecture", uname[4])
    look_at_user(answer, uname[0])
    looks = [look_at_disk, look_for_compilers]
    programs = MAC_PROGRAMS if uname[0] == "Darwin" else PROGRAMS
    if uname[0] != "Darwin":
        looks += [look_at_files, look_at_cpu, look_at_cgroups, look_at_cards, look_at_network]
    threads = [threading.Thread(target=look, args=(answer,), daemon=True) for look in looks]
    threads += [threading.Thread(target=ask_program, args=(answer, *program), daemon=True) for program in programs]
    deadline = time.monotonic() + WHOLE_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    sys.stdout.write("\n{0}\n{1}\n{0}\n".format(nonce, answer.document()))
    sys.stdout.flush()
    os._exit(0)  # without waiting for what hangs


if __name__ == "__main__":
    main(sys.argv[1])
