"""Readers of files: ours, the person's, other programs', and archives that were fetched."""

from __future__ import annotations

import io
import logging
import shutil
import tarfile
import tempfile
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from engine.errors import BadClusterFile, BadInput, RemoteProblem, RuntimeUnavailable
from engine.measuring.reproduce import reproduction_of
from engine.runtimes.building.unpack_archive import unpack_archive
from engine.runtimes.manifest import Manifest, ManifestFile, manifest_text, parse_manifest
from engine.runtimes.models.found_models import search_stores
from engine.runtimes.models.model_places import Store
from engine.runtimes.models.ollama_manifest import BadManifest, blob_names_of, model_name_of
from engine.runtimes.remote.copying.elf_needs import read_elf_needs
from engine.session.choosing.cluster_document import choices_of_file, without_address
from engine.session.state import Choices
from engine.session.telling.measured_json import run_json
from engine.settings.cluster_files.cluster_file import coordinator_of_cluster, offers_of_cluster, read_cluster_file
from engine.settings.cluster_files.cluster_writer import cluster_text
from engine.settings.history.record_json import record_from_json, record_to_json
from engine.settings.settings_file import FILE_NAME, load_settings
from engine.settings.speed_file import SpeedFile
from engine.settings.ssh_files import host_names, known_host_names
from engine.settings.ssh_target import parse_target
from engine.ssh.host_keys.known_hosts import check_host_key, host_key_of, known_keys
from engine.ssh.logging_in.ssh_options import parse_jump, parse_ssh_g
from engine.vocabulary.model import ModelPlace
from engine.vocabulary.worker import Layout
from gui.what_to_show.settings.preferences import preferences_from
from gui.what_to_show.tabs.history_content import history_csv_rows
from tests.engine.planning.planning_cases import machine, offer
from tests.fakes.cancel_tokens import NeverCancelled
from tests.fakes.states.run_records import a_record
from tests.fuzz.bounds import Reader
from tests.fuzz.readers_llama_cpp import small_models


def _on_disk(content: bytes, name: str, read: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        read(path)


def _quietly(read: object, path: Path) -> None:
    """What is said of a damaged file goes to nobody here."""
    logger = logging.getLogger("crossply.files")
    logger.disabled = True
    try:
        read(path)
    finally:
        logger.disabled = False


def search_models(content: bytes) -> None:
    """Folders, an Ollama and a Hugging Face store in which everything is these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        places = (
            *("m/a.gguf", "m/b-00001-of-00003.gguf", "m/b-00002-of-00003.gguf", "o/blobs/sha256-" + "0" * 64),
            *("o/manifests/registry.ollama.ai/library/gemma/270m", "h/models--x--y/snapshots/1/a.gguf"),
        )
        for place in places:
            (top / place).parent.mkdir(parents=True, exist_ok=True)
            (top / place).write_bytes(content)
        stores = tuple(
            Store(place=place, folder=top / name)
            for name, place in (("m", ModelPlace.FOLDER), ("o", ModelPlace.OLLAMA), ("h", ModelPlace.HUGGING_FACE))
        )
        logging.disable(logging.CRITICAL)  # what is skipped is told in the log
        try:
            found = [model for models in search_stores(stores, NeverCancelled()) for model in models]
        finally:
            logging.disable(logging.NOTSET)
        assert all(Path(model.path).resolve().is_relative_to(top.resolve()) for model in found)


def read_cluster(content: bytes) -> None:
    """Opened, planned from, and written again."""
    text = content.decode("utf-8", "replace")
    file = read_cluster_file(text, "lab.toml")
    coordinator_of_cluster(file.machine)
    without_address(file)
    for layout in (Layout.PER_DEVICE, Layout.TRADITIONAL):
        offers_of_cluster(file.machine, layout)
    with suppress(BadClusterFile):
        choices_of_file(file, "/lab.toml", Choices())
    written = cluster_text(file)
    assert read_cluster_file(written, "lab.toml") == file or "nan" in written


def read_record(content: bytes) -> None:
    """A run of somebody else: listed, exported, written again."""
    record = record_from_json(content, "run.json")
    history_csv_rows((record,))
    offers = (offer("a"), offer("g", "cuda:0"))
    reproduction_of(record, runtime=None, model_hash="abc", machines=(machine("a"), machine("g")), offers=offers)
    run_json(record)
    assert record_from_json(record_to_json(record), "again") == record


def read_settings(content: bytes) -> None:
    """Whatever stands there, there are settings, or it is a newer Crossply's."""
    _on_disk(content, FILE_NAME, lambda path: _quietly(lambda p: load_settings(p.parent), path))


def read_speeds(content: bytes) -> None:
    """The same for speeds."""
    _on_disk(content, "speeds.json", lambda path: _quietly(lambda p: SpeedFile(p).load("k"), path))


def read_known_hosts(content: bytes) -> None:
    """Names in it, keys in it, and whether a key is known."""

    def read(path: Path) -> None:
        names = known_host_names([path])
        assert all(name.isprintable() and not name.startswith("-") for name in names)
        for name in ("gpu-node", "[gpu-node]:2222", *names[:5]):
            known_keys(name, [path])
            with suppress(RemoteProblem):
                check_host_key(host_key_of(name, "ssh-ed25519", b"another"), [path], machine=name)

    _on_disk(content, "known_hosts", read)


def read_ssh_config(content: bytes) -> None:
    """Names only."""

    def read(path: Path) -> None:
        for name in host_names(path):
            assert name.isprintable()
            assert not name.startswith("-")

    _on_disk(content, "config", read)


def read_ssh_g(content: bytes) -> None:
    """What ``ssh -G`` says, and the words of a jump."""
    text = content.decode("utf-8", "replace")
    with suppress(BadInput):
        parse_jump(text)
    options = parse_ssh_g(text, typed_host="gpu", home=Path("/nowhere"), local_user="me")
    assert options.text


def read_target(content: bytes) -> None:
    """What a person types; nothing that ssh or a shell could misread comes out."""
    target = parse_target(content.decode("utf-8", "replace"))
    for word in (target.host, target.user or "x"):
        assert not word.startswith("-")
        assert not set(word) & set("'`\";&<>|(){}\n ")


def unpack(content: bytes) -> None:
    """Nothing comes to be outside the folder."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        (top / "archive").write_bytes(content)
        (top / "into").mkdir()
        (top / "secret").write_text("not yours")
        try:
            unpack_archive(top / "archive", top / "into", token=NeverCancelled())
        finally:
            outside = sorted(path.name for path in top.iterdir())
            inside = [path for path in (top / "into").rglob("*") if path.is_symlink()]
            led_out = [path for path in inside if not path.resolve().is_relative_to(top / "into")]
            secret = (top / "secret").read_text()
            shutil.rmtree(top / "into", ignore_errors=True)
        assert (outside, led_out, secret) == (["archive", "into", "secret"], [], "not yours")


def _archives() -> tuple[bytes, ...]:
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("bin/rpc-server", b"x" * 300)
        link = zipfile.ZipInfo("bin/lib.so")
        link.external_attr = 0o120777 << 16
        bundle.writestr(link, "rpc-server")
    with tarfile.open(fileobj=tarred, mode="w:gz") as tar:
        for name, kind, to in (("bin/a", tarfile.REGTYPE, ""), ("bin/l", tarfile.SYMTYPE, "a"), ("d", tarfile.DIRTYPE, "")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size = kind, to, 300 if kind == tarfile.REGTYPE else 0
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        member = tarfile.TarInfo("bin/a")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"hello"))
    return zipped.getvalue(), tarred.getvalue(), plain.getvalue()


_CLUSTER = b"""version = 1
[run]
model = "/m.gguf"
context_tokens = 4096
cache_type_k = "q8_0"
policy = "even"
prompt_share = 0.5
left_out = ["gpu-node/cpu"]
split = { name = "by hand", seats = [ { worker = "gpu-node/cuda:0", layers = 12 } ] }
[[machine]]
name = "here"
coordinator = true
cpu = { total_mb = 8000, threads = 2 }
[[machine]]
name = "gpu-node"
address = "10.0.0.7"
user = "ada"
port = 22
exposure = "10.0.0.7"
link = { rtt_ms = 0.3, mbit_per_s = 1000 }
cpu  = { total_mb = 12500, safe_mb = 10000, threads = 8, bandwidth_gb_per_s = 40, tflops = 1.0, overhead_ms = 0.5 }
gpus = [ { device = "cuda:0", name = "RTX 3060", total_mb = 12000, safe_mb = 9600, bandwidth_gb_per_s = 360, tflops = 25 } ]
"""
_MANIFEST = Manifest(
    format=1, programs="bin", origin="source", build_number=1, commit="abc", protocol="7.0.0", backends=("CPU",), options=(),
    made_at="2026-11-26T00:00:00+00:00", files=(ManifestFile("bin/rpc-server", 12, "0" * 64),),
)  # fmt: skip
_OLLAMA = b'{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:' + b"0" * 64 + b'"}]}'
_SPEEDS = (
    b'{"version": 2, "speeds": {"k": {"read_bytes_per_second": 1.0, "compute_by_ubatch": [[8, 1e12]], "measured": true}}}'
)
_SETTINGS = (
    b'{"version": 4, "policy": "even", "layout": "per-device", "slots": 2, '
    b'"machines": [{"host": "h", "user": "u", "port": 22}], "model_folders": ["/m"], "recent_models": ["/m/a.gguf"], '
    b'"cluster_path": "/c.toml", "reserve_fraction": 0.2}'
)
_KNOWN = (
    b"gpu-node,10.0.0.7 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGs=\n[gpu-node]:2222 ssh-rsa AAAA\n"
    b"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-rsa AAAA\n@revoked *.lab,!x ssh-rsa AAAB\n# c\n"
)
_CONFIG = b'Host gpu-node "lab two" !not *.lab\n  HostName=10.0.0.7\nInclude other conf.d/*\nMatch host x exec "true"\n'
_SSH_G = (
    b"hostname gpu.lab\nport 22\nuser ada\nidentityfile ~/.ssh/id_%h\nproxyjump ada@jump:2222,other\n"
    b"identityagent $SSH_AUTH_SOCK\nuserknownhostsfile ~/.ssh/known_hosts /dev/null\nproxycommand nc %h %p\nhostkeyalias a\n"
    b"identitiesonly yes\nconnecttimeout 10\n"
)


@cache
def readers() -> tuple[Reader, ...]:
    """All of them."""
    record = record_to_json(a_record(9.0, 11.0)).encode()
    manifest = manifest_text(_MANIFEST).encode()
    elf = Path("/bin/true").read_bytes()[: 1 << 16]
    return (
        Reader("cluster-toml", (_CLUSTER,), read_cluster, (BadClusterFile,)),
        Reader("run-record", (record,), read_record, (BadInput,)),
        Reader("settings", (_SETTINGS, b'{"version": 1}', b'{"version": 3, "model_path": "/m"}'), read_settings, (BadInput,)),
        Reader("speeds", (_SPEEDS,), read_speeds),
        Reader("known-hosts", (_KNOWN,), read_known_hosts),
        Reader("ssh-config", (_CONFIG,), read_ssh_config),
        Reader("ssh-g", (_SSH_G,), read_ssh_g, (BadInput,)),
        Reader("ssh-target", (b"ada@gpu-node:2222", b"[fe80::1%eth0]:22", b"10.0.0.7"), read_target, (BadInput,)),
        Reader("build-manifest", (manifest,), lambda c: parse_manifest(c, "m", "f"), (RuntimeUnavailable,)),
        Reader("ollama-manifest", (_OLLAMA,), _ollama, (BadManifest,)),
        Reader("model-stores", (_OLLAMA, *small_models()), search_models),
        Reader("archive", _archives(), unpack, (RuntimeUnavailable,)),
        Reader("elf", (elf,), lambda c: _on_disk(c, "program", read_elf_needs)),
        Reader("preferences", (b"dark", b"1.25", b"true"), _preferences),
    )


def _ollama(content: bytes) -> None:
    with suppress(BadManifest):
        model_name_of(tuple(content.decode("utf-8", "replace").split("/")))
    for name in blob_names_of(content):
        assert "/" not in name
        assert ".." not in name


def _preferences(content: bytes) -> None:
    text = content.decode("utf-8", "replace")
    preferences_from(dict.fromkeys(("scheme", "text_scale", "language", "tray", "notify", "view"), text))
