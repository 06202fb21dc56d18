"""Installs an official release archive of llama.cpp: fetched with resume, checked against its hash, unpacked with suspicion.

An archive is named by its address and its hash, both given by the caller (``crossplyctl runtime install URL --sha256 HASH``,
or a table of releases in TOML): no address is written down here, and without a hash nothing is installed. What is fetched is
kept under its hash in the cache folder until it is whole, so that a broken download goes on where it stopped; with a server
that cannot resume it starts again. Rejected: "latest" (an archive that nobody checked), and curl in a shell.
"""

from __future__ import annotations

import http.client
import re
import shutil
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from engine.errors import BadInput, RuntimeUnavailable
from engine.ports import CancelToken
from engine.runtimes.building.build_lock import only_one_builds
from engine.runtimes.building.disk_trouble import disk_trouble
from engine.runtimes.building.unpack_archive import unpack_archive
from engine.runtimes.describe_runtime import learn
from engine.runtimes.find_runtimes import RPC_SERVER_NAMES, Candidate, find_program
from engine.runtimes.manifest import FORMAT, Manifest, list_files, sha256_of, write_manifest
from engine.settings.folders import Folders
from engine.settings.on_disk.whole_files import private_folder
from engine.vocabulary.runtime import RuntimeSource

OnProgress = Callable[[float, str], None]
"""Fraction done (0 to 1), and what is being done."""

_TIMEOUT_SECONDS = 60.0
_BLOCK = 1 << 18
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_DOWNLOAD_SHARE = 0.85
_PARTIAL = 206


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One archive. ``name`` becomes the name of the folder: ``b11434-ubuntu-x64``."""

    name: str
    url: str
    sha256: str


def make_release(*, name: str | None, url: str, sha256: str) -> Release:
    """A release out of what a person gave. Raises ``BadInput``."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.netloc:
        raise BadInput(f"{url!r} is no address of an archive.", advice="It must begin with https://.")
    if not _SHA256.fullmatch(sha256.lower()):
        raise BadInput(
            f"{sha256!r} is no SHA-256.", advice="Give the 64 hexadecimal digits that are published with the archive."
        )
    name = name or re.sub(r"\.(zip|tgz|tar\.\w+)$", "", parts.path.rpartition("/")[2])
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name!r} is no name for a runtime.", advice="Use letters, digits, dots, dashes.")
    return Release(name=name, url=url, sha256=sha256.lower())


def read_release_table(text: str) -> tuple[Release, ...]:
    """Releases from TOML: ``[[release]]`` with ``name``, ``url``, ``sha256``. Anything else raises ``BadInput``."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"The table of releases is not TOML: {error}.") from None
    entries = table.pop("release", [])
    if table or not isinstance(entries, list):
        raise BadInput("A table of releases holds [[release]] entries and nothing else.")
    releases = []
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or set(entry) != {"name", "url", "sha256"} or not all(map(_is_text, entry.values())):
            raise BadInput(f"[[release]] number {number} must have name, url and sha256, all text, and nothing else.")
        releases.append(make_release(name=entry["name"], url=entry["url"], sha256=entry["sha256"]))
    return tuple(releases)


@disk_trouble("The release of llama.cpp")
def install_release(folders: Folders, release: Release, on_progress: OnProgress, token: CancelToken) -> Path:
    """Fetch, check, unpack, describe; gives the folder. What is installed already is not fetched again.

    Raises ``RuntimeUnavailable`` (no network, a wrong hash, a hostile archive, programs that do not run) and ``Cancelled``.
    """
    final = folders.runtimes / release.name
    waiting = "another Crossply is building: waiting for it"
    with only_one_builds(folders.runtimes, token=token, on_waiting=lambda: on_progress(0.0, waiting)):
        if (final / "manifest.json").is_file():
            return final
        archive = fetch_archive(folders.cache / "releases", release, on_progress, token)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=folders.runtimes) as work:
            on_progress(_DOWNLOAD_SHARE, "unpacking")
            made = Path(work) / "made"
            made.mkdir()
            unpack_archive(archive, made, token=token)
            on_progress(0.95, "checking the programs")
            _describe(made, release)
            shutil.rmtree(final, ignore_errors=True)
            made.rename(final)
    archive.unlink(missing_ok=True)
    on_progress(1.0, "ready")
    return final


def fetch_archive(into: Path, release: Release, on_progress: OnProgress, token: CancelToken) -> Path:
    """Download, or go on with a download that was broken off. Raises ``RuntimeUnavailable`` and ``Cancelled``."""
    private_folder(into)
    whole, part = into / release.sha256, into / f"{release.sha256}.part"
    if whole.is_file() and sha256_of(whole) == release.sha256:
        return whole
    try:
        _download(release.url, part, on_progress, token)
    except urllib.error.HTTPError as error:
        raise RuntimeUnavailable(f"{release.url} could not be fetched: the server answered {error.code}.") from None
    except (OSError, http.client.HTTPException) as error:
        raise RuntimeUnavailable(
            f"{release.url} could not be fetched: {error}.", advice="Try again: it goes on where it stopped."
        ) from None
    found = sha256_of(part)
    if found != release.sha256:
        part.unlink()
        raise RuntimeUnavailable(
            f"What {release.url} gave has SHA-256 {found} and not {release.sha256}. It was deleted.",
            advice="Check the address and the hash; do not use this archive.",
        )
    part.replace(whole)
    return whole


def _download(url: str, part: Path, on_progress: OnProgress, token: CancelToken) -> None:
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 - checked
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)  # noqa: S310 - http(s) only, see make_release
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:  # nothing after what we have: it is whole, or another file
            return
        raise
    with answer:
        resumes = answer.status == _PARTIAL and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if resumes else 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length and length.isdecimal() else None
        with part.open("ab" if resumes else "wb") as out:
            while block := answer.read(_BLOCK):
                token.check()
                out.write(block)
                have += len(block)
                _tell(have, total, on_progress)
    if total is not None and have < total:
        raise ConnectionError(f"the connection ended after {have:,} of {total:,} bytes")


def _tell(have: int, total: int | None, on_progress: OnProgress) -> None:
    if total:
        on_progress(_DOWNLOAD_SHARE * min(1.0, have / total), f"{have / 1e6:.1f} of {total / 1e6:.1f} MB")
    else:
        on_progress(0.0, f"{have / 1e6:.1f} MB")


def _describe(made: Path, release: Release) -> None:
    """Find the programs, run them, write the manifest. Raises ``RuntimeUnavailable`` when they cannot be used."""
    folders = [made, *sorted(path for path in made.rglob("*") if path.is_dir())]
    programs = next((folder for folder in folders if find_program(folder, *RPC_SERVER_NAMES)), None)
    if programs is None:
        raise RuntimeUnavailable(f"There is no rpc-server in {release.url}.", advice="Choose an archive for this system.")
    facts = learn(Candidate(top=made, programs=programs, source=RuntimeSource.DOWNLOADED), "")
    if facts.why_unusable:
        raise RuntimeUnavailable(f"{release.name} cannot be used: {facts.why_unusable}")
    manifest = Manifest(
        format=FORMAT,
        programs=programs.relative_to(made).as_posix(),
        origin=f"{release.url} sha256 {release.sha256}",
        build_number=facts.build_number,
        commit=facts.commit,
        protocol=facts.protocol,
        backends=facts.backends,
        options=(),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        files=list_files(made),
    )
    write_manifest(made, manifest)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
