"""pip is asked by name, version and hash, tells its progress, and its failure is one sentence."""

import sys

import pytest

from engine.errors import RuntimeUnavailable
from engine.runtimes.building.pip_download import PinnedPackage, download_packages
from tests.fakes.cancel_tokens import NeverCancelled
from tests.fakes.llama_cpp.fake_llama_cpp import write_program

SOURCE = PinnedPackage(name="a-source", version="1.0", sha256="0" * 64, is_source=True)
WHEEL = PinnedPackage(name="a-wheel", version="2.0", sha256="1" * 64)
PIP = """#!/bin/sh
echo "$@" > "{said}"
for last; do :; done
cat "$last" >> "{said}"
echo "Progress 5 of 10"
echo "ERROR: No matching distribution"
exit {status}
"""


@pytest.fixture
def pip(tmp_path, monkeypatch):
    def make(status):
        path = write_program(tmp_path / "python", PIP.format(said=tmp_path / "said", status=status))
        monkeypatch.setattr(sys, "executable", str(path))
        return tmp_path / "said"

    return make


def test_name_version_hash_and_kind_are_given(pip, tmp_path):
    said, seen = pip(0), []
    note = lambda have, total: seen.append((have, total))  # noqa: E731
    download_packages((SOURCE, WHEEL), tmp_path / "into", what="it", on_bytes=note, token=NeverCancelled())
    text = said.read_text()
    assert "-m pip download --no-deps" in text
    assert "--no-binary a-source --only-binary a-wheel" in text
    assert f"a-source==1.0 --hash=sha256:{'0' * 64}\na-wheel==2.0 --hash=sha256:{'1' * 64}\n" in text
    assert seen == [(5, 10)]
    assert list((tmp_path / "into").iterdir()) == []


def test_a_failure_is_one_sentence_with_what_pip_said(pip, tmp_path):
    pip(1)
    with pytest.raises(RuntimeUnavailable, match=r"pip could not fetch the source \(exit status 1\)") as failure:
        download_packages((SOURCE,), tmp_path / "into", what="the source", on_bytes=print, token=NeverCancelled())
    assert failure.value.details == "ERROR: No matching distribution"
