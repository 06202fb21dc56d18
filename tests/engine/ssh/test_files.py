"""Files over a real SFTP: whole, resumed, renamed, removed without following links, and errors in words."""

import errno
import os
import stat

import pytest

from engine.errors import Cancelled, MachineUnreachable, RemoteFileProblem
from engine.ssh.files import ParamikoFiles
from tests.fakes.ssh.private_sshd import private_sshd
from tests.fakes.ssh.ssh_accounts import an_account

BIG = os.urandom(1 << 20) * 20


@pytest.fixture
def sshd(tmp_path):
    with private_sshd(tmp_path / "sshd") as running:
        yield running


@pytest.fixture
def shell(sshd, tmp_path):
    account = an_account(tmp_path / "person")
    account.know(sshd)
    connected = account.connect(account.add_host("lab", sshd))
    yield connected
    connected.close()


@pytest.fixture
def files(shell):
    return shell.files()


@pytest.fixture
def there(tmp_path):
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(BIG)
    return path


def write(files, path, source, *, resume=False):
    went = []
    files.write(str(path), str(source), mode=0o700, resume=resume, on_bytes=went.append)
    return sum(went)


def test_a_file_arrives_whole_with_its_mode_and_its_bytes_are_counted(files, there, source):
    assert files.size_bytes(f"{there}/new") is None
    assert write(files, there / "new", source) == len(BIG)
    assert (there / "new").read_bytes() == BIG
    assert stat.S_IMODE((there / "new").stat().st_mode) == 0o700
    assert files.size_bytes(f"{there}/new") == len(BIG)


@pytest.mark.parametrize(("had", "goes"), [(0, len(BIG)), (7_000_001, len(BIG) - 7_000_001), (len(BIG), 0)])
def test_only_the_rest_is_sent_when_resuming(files, there, source, had, goes):
    (there / "new").write_bytes(BIG[:had])
    assert write(files, there / "new", source, resume=True) == goes
    assert (there / "new").read_bytes() == BIG


def test_what_is_longer_than_the_source_is_written_anew(files, there, source):
    (there / "new").write_bytes(b"x" * (len(BIG) + 1))
    assert write(files, there / "new", source, resume=True) == len(BIG)
    assert (there / "new").read_bytes() == BIG


def test_an_empty_file(files, there, tmp_path):
    (tmp_path / "empty").touch()
    assert write(files, there / "new", tmp_path / "empty") == 0
    assert (there / "new").read_bytes() == b""


def test_a_cancel_leaves_what_arrived_to_be_resumed(files, there, source):
    def cancel(_):
        raise Cancelled

    with pytest.raises(Cancelled):
        files.write(f"{there}/new", str(source), mode=0o700, resume=False, on_bytes=cancel)
    assert 0 < (there / "new").stat().st_size < len(BIG)
    assert write(files, there / "new", source, resume=True) < len(BIG)
    assert (there / "new").read_bytes() == BIG


def test_a_source_that_is_not_there(files, there):
    with pytest.raises(RemoteFileProblem, match="/nowhere/x cannot be read here"):
        write(files, there / "new", "/nowhere/x")


def test_small_files_and_folders(files, there):
    files.make_folder(f"{there}/a/b/c")
    files.make_folder(f"{there}/a/b/c/")
    assert stat.S_IMODE((there / "a/b/c").stat().st_mode) == 0o700
    files.write_bytes(f"{there}/a/b/c/note", b"words")
    assert (there / "a/b/c/note").read_bytes() == b"words"
    assert stat.S_IMODE((there / "a/b/c/note").stat().st_mode) == 0o600
    with pytest.raises(RemoteFileProblem, match=r"note on lab could not be made: .*there is a file of that name"):
        files.make_folder(f"{there}/a/b/c/note")


def test_renaming_never_replaces(files, there):
    (there / "one").write_text("1")
    files.rename(f"{there}/one", f"{there}/two")
    assert (there / "two").read_text() == "1"
    (there / "one").write_text("other")
    with pytest.raises(RemoteFileProblem, match="one on lab could not be renamed"):
        files.rename(f"{there}/one", f"{there}/two")
    assert (there / "two").read_text() == "1"


def test_a_tree_is_removed_and_no_link_followed(files, there, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").touch()
    (there / "tree/a/b").mkdir(parents=True)
    (there / "tree/a/file").touch()
    (there / "tree/a/link").symlink_to(outside)
    (there / "tree/dangling").symlink_to("/nowhere")
    (there / "top").symlink_to(outside)
    files.remove_tree(f"{there}/tree/")
    files.remove_tree(f"{there}/top")
    files.remove_tree(f"{there}/never was")
    assert sorted(path.name for path in there.iterdir()) == []
    assert (outside / "keep").exists()


@pytest.mark.parametrize("path", ["", "/"])
def test_everything_is_never_removed(files, path):
    with pytest.raises(RemoteFileProblem, match="that is everything"):
        files.remove_tree(path)


def test_a_full_disk_is_said_even_when_the_last_bytes_do_not_fit(files, source):
    with pytest.raises(RemoteFileProblem, match=r"/dev/full on lab could not be written.*full disk.*See how much room"):
        write(files, "/dev/full", source)
    with pytest.raises(RemoteFileProblem, match="full disk"):
        files.write_bytes("/dev/full", b"x")


def test_missing_folders_are_named(files, there, source):
    with pytest.raises(RemoteFileProblem, match="no/new on lab could not be written: there is no such file or folder"):
        write(files, there / "no/new", source)


def test_the_channel_is_kept_and_made_anew_when_it_was_closed(shell, there):
    first = shell.files()
    assert shell.files() is first
    first.close()
    with pytest.raises(MachineUnreachable, match="was lost"):
        first.size_bytes(str(there))
    assert shell.files().size_bytes(f"{there}/x") is None


def test_sshd_killed_in_the_middle_of_a_copy(files, sshd, there, source):
    def kill(_):
        sshd.kill_sessions()

    with pytest.raises(MachineUnreachable, match="The connection to lab was lost"):
        files.write(f"{there}/new", str(source), mode=0o600, resume=False, on_bytes=kill)


def test_a_server_without_file_transfer(tmp_path):
    with private_sshd(tmp_path / "sshd", extra=["Subsystem sftp /nowhere/sftp-server"]) as sshd:
        account = an_account(tmp_path / "person")
        account.know(sshd)
        shell = account.connect(account.add_host("lab", sshd))
        with pytest.raises(MachineUnreachable, match="lab does not transfer files"):
            shell.files()
        shell.close()


class LyingClient:
    """A server whose listings lead out of the folder, or without end."""

    def __init__(self, names):
        self.names = names
        self.removed = []

    def lstat(self, path):
        return type("Attributes", (), {"st_mode": stat.S_IFDIR if not path.endswith("file") else stat.S_IFREG})

    def listdir(self, path):
        return self.names

    def remove(self, path):
        self.removed.append(path)

    def rmdir(self, path):
        self.removed.append(path)


@pytest.mark.parametrize("names", [[".."], ["a/../../file"], [""], ["deeper"]])
def test_a_server_that_lies_leads_nowhere(files, names):
    lying = LyingClient(names)
    files._sftp = lying
    with pytest.raises(RemoteFileProblem, match=r"cannot be|too many folders"):
        files.remove_tree("/home/ada/ours")
    assert lying.removed == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "x"), "the disk is full"),
        (OSError(errno.EDQUOT, "x"), "the disk is full"),
        (PermissionError(errno.EACCES, "x"), "it is not allowed. Let that user write there"),
        (OSError("Failure"), "its server gives no reason .a full disk is the usual one"),
        (OSError("bad \x1b[31mtext\n"), r"could not be looked at: bad \[31mtext"),
        (TimeoutError(), "no answer for 60 s"),
    ],
)
def test_errors_in_words(files, error, words):
    class Failing:
        def stat(self, path):
            raise error

    files._sftp = Failing()
    with pytest.raises(RemoteFileProblem, match=words):
        files.size_bytes("/x")
    assert isinstance(files, ParamikoFiles)
