"""Release archives over real HTTP from a local server: resumed, checked, unpacked, and refused when anything is wrong."""

import hashlib
import http.server
import io
import tarfile
import threading

import pytest

from engine.errors import BadInput, Cancelled, RuntimeUnavailable
from engine.runtimes.building.install_release import Release, fetch_archive, install_release, make_release, read_release_table
from engine.runtimes.find_runtimes import find_candidates
from engine.runtimes.manifest import find_damage, read_manifest
from engine.settings.folders import find_folders
from engine.vocabulary.runtime import RuntimeSource
from tests.fakes.cancel_tokens import CancelledWhen, NeverCancelled
from tests.fakes.llama_cpp.fake_llama_cpp import write_fake_build

NEVER = NeverCancelled()


class Server:
    """Serves one body; can refuse to resume, break off, or answer with an error."""

    def __init__(self) -> None:
        self.body = b""
        self.resumes = True
        self.breaks_off_after: int | None = None
        self.status: int | None = None
        self.ranges: list[str | None] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/llama-b11434-bin-ubuntu-x64.tar.gz"

    def answer(self, handler) -> None:
        asked = handler.headers.get("Range")
        self.ranges.append(asked)
        if self.status:
            handler.send_error(self.status)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.resumes else 0
        if start and start >= len(self.body):
            handler.send_error(416)
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(self.body) - 1}/{len(self.body)}")
        handler.send_header("Content-Length", str(len(self.body) - start))
        handler.end_headers()
        handler.wfile.write(self.body[start : self.breaks_off_after])

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def folders(tmp_path):
    return find_folders({"CROSSPLY_DATA": str(tmp_path / "data")})


def archive_of(tmp_path, **build):
    write_fake_build(tmp_path / "tree" / "llama-b11434", **build)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(tmp_path / "tree", arcname=".")
    return packed.getvalue()


def release_of(server, body, **changes):
    server.body = body
    return make_release(**{"name": None, "url": server.url, "sha256": hashlib.sha256(body).hexdigest(), **changes})


def ignore(fraction, detail):
    pass


def test_an_archive_becomes_a_runtime(server, folders, tmp_path):
    progress = []
    release = release_of(server, archive_of(tmp_path))
    folder = install_release(folders, release, lambda *step: progress.append(step), NEVER)
    assert folder.name == "llama-b11434-bin-ubuntu-x64"
    manifest = read_manifest(folder)
    assert (manifest.build_number, manifest.protocol, manifest.programs) == (11434, "7.0.0", "llama-b11434")
    assert find_damage(folder, manifest, hashes=True) is None
    (found,) = find_candidates(chosen=None, own_builds=folders.runtimes, environment={}, usual=())
    assert (found.top, found.source) == (folder, RuntimeSource.DOWNLOADED)
    assert progress[-1][0] == 1.0
    assert [path.name for path in (folders.cache / "releases").iterdir()] == []


def test_it_is_not_fetched_twice(server, folders, tmp_path):
    release = release_of(server, archive_of(tmp_path))
    assert install_release(folders, release, ignore, NEVER) == install_release(folders, release, ignore, NEVER)
    assert len(server.ranges) == 1


def test_a_broken_download_goes_on_where_it_stopped(server, folders):
    body = bytes(range(256)) * 4000
    release = release_of(server, body)
    server.breaks_off_after = 300_000
    with pytest.raises(RuntimeUnavailable, match=r"ended after 300,000 of 1,024,000 bytes.* goes on where it stopped"):
        fetch_archive(folders.cache, release, ignore, NEVER)
    server.breaks_off_after = None
    assert fetch_archive(folders.cache, release, ignore, NEVER).read_bytes() == body
    assert server.ranges == [None, "bytes=300000-"]


def test_with_a_server_that_cannot_resume_it_starts_again(server, folders):
    body = bytes(range(256)) * 4000
    release = release_of(server, body)
    (folders.cache).mkdir(parents=True)
    (folders.cache / f"{release.sha256}.part").write_bytes(body[:1000])
    server.resumes = False
    assert fetch_archive(folders.cache, release, ignore, NEVER).read_bytes() == body


def test_a_part_that_is_whole_already_is_used(server, folders):
    release = release_of(server, b"whole")
    (folders.cache).mkdir(parents=True)
    (folders.cache / f"{release.sha256}.part").write_bytes(b"whole")
    assert fetch_archive(folders.cache, release, ignore, NEVER).read_bytes() == b"whole"


def test_a_wrong_hash_is_refused_and_nothing_is_kept(server, folders, tmp_path):
    release = release_of(server, archive_of(tmp_path), sha256="0" * 64)
    with pytest.raises(RuntimeUnavailable, match="It was deleted"):
        install_release(folders, release, ignore, NEVER)
    assert list((folders.cache / "releases").iterdir()) == []
    assert [path.name for path in folders.runtimes.iterdir()] == [".lock"]


def test_an_answer_of_the_server_that_is_an_error_is_said(server, folders):
    server.status = 404
    with pytest.raises(RuntimeUnavailable, match="the server answered 404"):
        fetch_archive(folders.cache, release_of(server, b""), ignore, NEVER)


def test_nobody_listening_is_said(folders):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    release = Release(name="x", url=f"http://127.0.0.1:{port}/x.zip", sha256="0" * 64)
    with pytest.raises(RuntimeUnavailable, match=r"could not be fetched: .*refused"):
        fetch_archive(folders.cache, release, ignore, NEVER)


def test_it_can_be_cancelled_and_resumed(server, folders):
    body = bytes(2_000_000)
    release = release_of(server, body)
    seen = []
    with pytest.raises(Cancelled):
        fetch_archive(folders.cache, release, lambda *step: seen.append(step), CancelledWhen(lambda: bool(seen)))
    assert fetch_archive(folders.cache, release, ignore, NEVER).read_bytes() == body
    assert server.ranges[1] is not None


def test_an_archive_without_programs_or_with_unusable_ones_is_refused(server, folders, tmp_path):
    with pytest.raises(RuntimeUnavailable, match="no rpc-server in"):
        install_release(folders, release_of(server, archive_of(tmp_path / "a", without=("ggml-rpc-server",))), ignore, NEVER)
    with pytest.raises(RuntimeUnavailable, match="without RPC"):
        install_release(folders, release_of(server, archive_of(tmp_path / "b", has_rpc=False)), ignore, NEVER)
    assert [path.name for path in folders.runtimes.iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"url": "file:///etc/passwd"}, "no address of an archive"),
        ({"url": "archive.zip"}, "no address of an archive"),
        ({"sha256": "abc"}, "no SHA-256"),
        ({"name": "../escaped"}, "no name for a runtime"),
        ({"name": ".hidden"}, "no name for a runtime"),
    ],
)
def test_what_a_person_gives_is_checked(given, expected):
    facts = {"name": None, "url": "https://example.org/llama-b1-bin.zip", "sha256": "0" * 64, **given}
    with pytest.raises(BadInput, match=expected):
        make_release(**facts)


def test_the_name_comes_from_the_address():
    assert make_release(name=None, url="https://example.org/a/llama-b1-bin.tar.gz", sha256="A" * 64).name == "llama-b1-bin"


def test_a_table_of_releases_is_read():
    text = f'[[release]]\nname = "b11434"\nurl = "https://example.org/b.zip"\nsha256 = "{"0" * 64}"\n'
    assert read_release_table(text) == (Release(name="b11434", url="https://example.org/b.zip", sha256="0" * 64),)
    assert read_release_table("") == ()


@pytest.mark.parametrize(
    "text",
    ["[", "x = 1", "release = 1", "[[release]]\nname = 'x'", "[[release]]\nname = 1\nurl = 'https://e.org/x'\nsha256 = ''"],
)
def test_any_other_table_is_an_error(text):
    with pytest.raises(BadInput):
        read_release_table(text)
