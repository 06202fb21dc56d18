"""Heaps of the C library, counted by itself in a process of its own."""

import platform
import re
import subprocess
import sys

from engine.processes.own_memory import N_HEAPS, keep_heaps_few

COUNT = """
import ctypes, sys, threading
from engine.processes.own_memory import keep_heaps_few
if sys.argv[1] == "few":
    assert keep_heaps_few()
together = threading.Barrier(17)
def work():
    kept = [ctypes.create_string_buffer(20_000) for _ in range(50)]
    together.wait()
    together.wait()
threads = [threading.Thread(target=work) for _ in range(16)]
for thread in threads: thread.start()
together.wait()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, stream)
libc.fflush(stream)
together.wait()
"""


def heaps(how):
    said = subprocess.run([sys.executable, "-c", COUNT, how], capture_output=True, text=True, timeout=60, check=True).stdout
    return len(re.findall(r"<heap nr=", said))


def test_many_threads_share_two_heaps():
    if platform.libc_ver()[0] != "glibc":
        assert not keep_heaps_few()
        return
    assert heaps("many") > N_HEAPS
    assert heaps("few") <= N_HEAPS


def test_elsewhere_there_is_nothing_to_set(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert not keep_heaps_few()
