"""Heaps of the C library, counted by itself, and memory given back, seen by the system: each in a process of its own."""

import platform
import re
import subprocess
import sys

import pytest

from engine.errors import Cancelled
from engine.processes import own_memory
from engine.processes.own_memory import N_HEAPS, give_back_free_memory, give_back_now_and_then, keep_heaps_few

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
    assert not give_back_free_memory()


HOLES = """
import ctypes, os, psutil
from engine.processes.own_memory import give_back_free_memory
me = psutil.Process()
blocks = [ctypes.create_string_buffer(20_000) for _ in range(2_000)]
for block in blocks: ctypes.memset(block, 1, 20_000)
kept = blocks[-1]  # at the end of the heap: nothing below it goes back by itself
del blocks, block
before = me.memory_info().rss
given = give_back_free_memory()
print(given, before, me.memory_info().rss)
"""


def test_what_lies_free_below_a_block_in_use_goes_back():
    said = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, timeout=60, check=True).stdout
    given, before, after = said.split()
    if platform.libc_ver()[0] != "glibc":
        assert given == "False"
        return
    assert given == "True"
    assert int(before) - int(after) > 30e6  # of 40


class FewTurns:
    """A token that is cancelled after some turns."""

    def __init__(self, turns):
        self.turns = turns
        self.waited = []

    def check(self):
        """Nothing is asked between two waits."""

    def wait(self, seconds):
        if len(self.waited) == self.turns:
            raise Cancelled
        self.waited.append(seconds)


def test_it_goes_on_until_cancelled(monkeypatch):
    given = []
    monkeypatch.setattr(own_memory, "give_back_free_memory", lambda: given.append(1))
    token = FewTurns(3)
    with pytest.raises(Cancelled):
        give_back_now_and_then(token)
    assert len(given) == 3
    assert token.waited == [own_memory.GIVE_BACK_SECONDS] * 3
