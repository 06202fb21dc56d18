"""What of a build is sent."""

import subprocess
from pathlib import Path

import pytest

from engine.errors import RuntimeUnavailable
from engine.runtimes.manifest import sha256_of
from engine.runtimes.remote.copying.shipment import build_id, shipment_of, with_file
from tests.engine.runtimes.remote.builds_here import a_build, a_runtime


def _shipment(runtime):
    return shipment_of(runtime, os_family="Linux", architecture="x86_64")


@pytest.mark.real
def test_of_the_real_build_goes_what_rpc_server_loads_and_no_more(runtime):
    shipment = _shipment(runtime)
    names = {Path(file.path).name for file in shipment.files}
    links = {path.rpartition("/")[2] for path, _ in shipment.links}
    listed = subprocess.run(["ldd", runtime.rpc_server], capture_output=True, text=True, check=True).stdout
    needed = {line.split()[0] for line in listed.splitlines() if runtime.folder in line}
    assert needed <= names | links
    assert {path.name for path in Path(runtime.folder).glob("libggml-*.so")} <= names | links
    assert not [name for name in names if "llama" in name or "mtmd" in name]
    assert shipment.size_bytes == sum(Path(file.source).stat().st_size for file in shipment.files) < 60_000_000
    assert all(file.sha256 == sha256_of(file.source) for file in shipment.files)
    assert shipment.needs.glibc is not None
    assert shipment.manifest.commit == runtime.commit
    assert {entry.path for entry in shipment.manifest.files} == {file.path for file in shipment.files}


def test_links_are_not_sent_as_files(tmp_path):
    shipment = _shipment(a_build(tmp_path / "llama.cpp-x"))
    assert shipment.id == "llama.cpp-x"
    assert ("bin/libggml.so", "libggml.so.0.25.3") in shipment.links
    assert ("bin/libggml.so.0", "libggml.so.0.25.3") in shipment.links
    assert [file.path for file in shipment.files].count("bin/libggml.so.0.25.3") == 1
    assert [file.runs for file in shipment.files if file.path == shipment.rpc_server] == [True]


def test_a_build_without_manifest_gets_one(tmp_path):
    runtime = a_build(tmp_path / "build", manifest=False)
    shipment = _shipment(runtime)
    assert shipment.id == f"llama.cpp-{runtime.commit}-{runtime.id}" == build_id(runtime)
    assert shipment.manifest.protocol == "7.0.0"
    assert {file.sha256 for file in shipment.files} == {entry.sha256 for entry in shipment.manifest.files}


def test_a_link_out_of_the_folder_is_sent_as_the_file_it_leads_to(tmp_path):
    runtime = a_build(tmp_path / "build", manifest=False)
    elsewhere = tmp_path / "elsewhere.so"
    elsewhere.write_bytes(b"elsewhere")
    (Path(runtime.folder) / "libggml-extra.so").symlink_to(elsewhere)
    sent = {file.path: file for file in _shipment(runtime).files}
    assert sent["bin/libggml-extra.so"].sha256 == sha256_of(elsewhere)


@pytest.mark.parametrize("name", ["libggml-a b.so", "libggml-;rm.so", "libggml-ü.so"])
def test_odd_names_do_not_leave(tmp_path, name):
    runtime = a_build(tmp_path / "build", manifest=False)
    (Path(runtime.folder) / name).write_bytes(b"x")
    with pytest.raises(RuntimeUnavailable, match="cannot be copied"):
        _shipment(runtime)


@pytest.mark.parametrize("name", ["..", ".hidden", "-rf", "a b"])
def test_odd_folders_do_not_leave(tmp_path, name):
    if name == "..":
        runtime = a_build(tmp_path / "build", manifest=False)
        runtime = a_runtime(Path(runtime.folder), id="../../x")
    else:
        runtime = a_build(tmp_path / name)
    with pytest.raises(RuntimeUnavailable, match="cannot be copied"):
        _shipment(runtime)


def test_a_build_that_is_gone_is_said(tmp_path):
    with pytest.raises(RuntimeUnavailable, match="cannot be read"):
        _shipment(a_runtime(tmp_path / "nowhere"))


def test_a_library_of_the_system_can_go_along(tmp_path):
    library = tmp_path / "libgomp.so.1.0.0"
    library.write_bytes(b"gomp")
    shipment = with_file(_shipment(a_build(tmp_path / "build")), "libgomp.so.1", library)
    assert shipment.files[-1].path == "bin/libgomp.so.1"
    assert shipment.manifest.files[-1].sha256 == sha256_of(library)
