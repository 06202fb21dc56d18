"""Archives from outside: whole ones are unpacked, hostile ones leave nothing outside."""

import io
import tarfile
import zipfile

import pytest

from engine.errors import Cancelled, RuntimeUnavailable
from engine.runtimes.building import unpack_archive as unpacking
from engine.runtimes.building.unpack_archive import unpack_archive
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled

NEVER = NeverCancelled()


def tar_of(path, *members):
    with tarfile.open(path, "w:gz") as tar:
        for name, content, kind in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode = kind, 0o755
            if kind == tarfile.REGTYPE:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.linkname = content
                tar.addfile(info)
    return path


def test_a_tar_is_unpacked_with_links_and_modes(tmp_path):
    archive = tar_of(
        tmp_path / "a.tar.gz",
        ("b/lib.so.0", b"library", tarfile.REGTYPE),
        ("b/lib.so", "lib.so.0", tarfile.SYMTYPE),
    )
    unpack_archive(archive, tmp_path / "out", token=NEVER)
    assert (tmp_path / "out/b/lib.so").read_bytes() == b"library"
    assert (tmp_path / "out/b/lib.so").is_symlink()
    assert (tmp_path / "out/b/lib.so.0").stat().st_mode & 0o777 == 0o700


def test_a_zip_is_unpacked_with_links_and_modes(tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        program, link = zipfile.ZipInfo("bin/program"), zipfile.ZipInfo("bin/link")
        program.external_attr, link.external_attr = 0o100755 << 16, 0o120777 << 16
        bundle.writestr(program, b"x")
        bundle.writestr(link, "program")
        bundle.writestr("notes.txt", b"y")
    unpack_archive(archive, tmp_path / "out", token=NEVER)
    assert (tmp_path / "out/bin/program").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "out/bin/link").readlink().name == "program"
    assert (tmp_path / "out/notes.txt").stat().st_mode & 0o777 == 0o600


def test_only_what_is_kept_is_unpacked_under_its_new_name(tmp_path):
    archive = tar_of(tmp_path / "a.tar.gz", ("x/keep", b"1", tarfile.REGTYPE), ("x/drop", b"2", tarfile.REGTYPE))
    unpack_archive(archive, tmp_path / "out", token=NEVER, keep=lambda name: "kept" if name == "x/keep" else None)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["kept"]


@pytest.mark.parametrize(
    "members",
    [
        [("../escaped", b"x", tarfile.REGTYPE)],
        [("a/../../escaped", b"x", tarfile.REGTYPE)],
        [("/tmp/escaped-from-archive", b"x", tarfile.REGTYPE)],
        [("..\\escaped", b"x", tarfile.REGTYPE)],
        [("C:escaped", b"x", tarfile.REGTYPE)],
        [("link", "../..", tarfile.SYMTYPE)],
        [("link", "/etc", tarfile.SYMTYPE)],
        [("hard", "/etc/passwd", tarfile.LNKTYPE)],
        [("pipe", "", tarfile.FIFOTYPE)],
        [("device", "", tarfile.CHRTYPE)],
    ],
)
def test_nothing_is_written_outside(tmp_path, members):
    (tmp_path / "deep").mkdir()
    archive = tar_of(tmp_path / "a.tar.gz", *members)
    with pytest.raises(RuntimeUnavailable, match="was not unpacked"):
        unpack_archive(archive, tmp_path / "deep/out", token=NEVER)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a.tar.gz"]


def test_a_file_is_not_written_through_an_earlier_link(tmp_path):
    archive = tar_of(
        tmp_path / "a.tar.gz",
        ("real", b"first", tarfile.REGTYPE),
        ("link", "real", tarfile.SYMTYPE),
        ("link", b"second", tarfile.REGTYPE),
    )
    unpack_archive(archive, tmp_path / "out", token=NEVER)
    assert (tmp_path / "out/real").read_bytes() == b"first"


def test_an_archive_that_grows_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "LARGEST_BYTES", 10)
    archive = tar_of(tmp_path / "a.tar.gz", ("a", b"123456", tarfile.REGTYPE), ("b", b"123456", tarfile.REGTYPE))
    with pytest.raises(RuntimeUnavailable, match="more than any build"):
        unpack_archive(archive, tmp_path / "out", token=NEVER)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04broken", b"\x1f\x8b\x08broken"])
def test_what_is_no_archive_is_one_clear_error(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(RuntimeUnavailable, match="could not be unpacked"):
        unpack_archive(tmp_path / "a", tmp_path / "out", token=NEVER)


def test_a_truncated_archive_is_one_clear_error(tmp_path):
    import os

    archive = tar_of(tmp_path / "a.tar.gz", ("a", os.urandom(100_000), tarfile.REGTYPE))
    archive.write_bytes(archive.read_bytes()[:50_000])
    with pytest.raises(RuntimeUnavailable, match="could not be unpacked"):
        unpack_archive(archive, tmp_path / "out", token=NEVER)


def test_it_can_be_cancelled(tmp_path):
    archive = tar_of(tmp_path / "a.tar.gz", ("a", b"1", tarfile.REGTYPE))
    with pytest.raises(Cancelled):
        unpack_archive(archive, tmp_path / "out", token=CancelledWhen(lambda: True))


def test_nothing_leads_out_over_links_that_each_stay_inside(tmp_path):
    """``x`` stays inside by its words alone; over the link ``d`` it leads above the folder."""
    links = [("a/b/d", "../..", tarfile.SYMTYPE), ("a/b/x", "d/..", tarfile.SYMTYPE)]
    (tmp_path / "deep").mkdir()
    into = tmp_path / "deep/out"
    for number, more in enumerate(([], [("a/b/x/made/f", b"1", tarfile.REGTYPE)])):
        archive = tar_of(tmp_path / f"{number}.tar.gz", ("a/b/f", b"1", tarfile.REGTYPE), *links, *more)
        with pytest.raises(RuntimeUnavailable, match="leads out of the folder"):
            unpack_archive(archive, into, token=NEVER)
        assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"], "no folder either"


def test_links_in_a_circle_and_before_what_they_lead_to(tmp_path):
    circle = [("a", "b", tarfile.SYMTYPE), ("b", "a", tarfile.SYMTYPE), ("a/f", b"1", tarfile.REGTYPE)]
    with pytest.raises(RuntimeUnavailable, match="leads out of the folder"):
        unpack_archive(tar_of(tmp_path / "c.tar.gz", *circle), tmp_path / "c", token=NEVER)
    early = [("x", "y/..", tarfile.SYMTYPE), ("d/y", "..", tarfile.SYMTYPE), ("y", "d/y", tarfile.SYMTYPE)]
    with pytest.raises(RuntimeUnavailable, match="over other links"):
        unpack_archive(tar_of(tmp_path / "e.tar.gz", *early), tmp_path / "e", token=NEVER)
