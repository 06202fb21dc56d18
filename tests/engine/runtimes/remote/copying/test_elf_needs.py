"""What a compiled file needs, read from the file."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.runtimes.remote.copying.elf_needs import ElfNeeds, read_elf_needs


@pytest.mark.real
def test_it_says_what_the_loader_says(runtime):
    path = Path(runtime.rpc_server)
    needs = read_elf_needs(path)
    assert "libc.so.6" in needs.libraries
    listed = subprocess.run(["ldd", "-v", str(path)], capture_output=True, text=True, check=True).stdout
    own = listed.partition(f"{path}:")[2].split("\n\t/")[0]  # the first block of the version information is its own
    versions = {tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_(\d+\.\d+(?:\.\d+)?)", own)}
    assert needs.glibc == max(versions)


def test_what_is_no_elf_file_needs_nothing_that_we_know(tmp_path):
    script = tmp_path / "x"
    script.write_text("#!/bin/sh\n")
    assert read_elf_needs(script) is None


def test_a_damaged_file_is_no_crash(tmp_path):
    data = Path(shutil.which("ls") or sys.executable).resolve().read_bytes()
    assert data[:4] == b"\x7fELF"
    damaged = tmp_path / "x"
    for length in (6, 40, 64, 5000, len(data) // 2, len(data) - 100):
        damaged.write_bytes(data[:length])
        assert read_elf_needs(damaged) in (None, ElfNeeds(libraries=(), glibc=None))


def test_nonsense_in_the_tables_is_no_crash(tmp_path):
    data = bytearray(Path(shutil.which("ls") or sys.executable).resolve().read_bytes())
    data[0x28:0x30] = b"\xff" * 8  # where the section table is
    damaged = tmp_path / "x"
    damaged.write_bytes(data)
    assert read_elf_needs(damaged) is None
