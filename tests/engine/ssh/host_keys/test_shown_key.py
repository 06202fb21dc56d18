"""The key that a server shows to anybody."""

import base64
import hashlib
import socket
import threading

from engine.ssh.host_keys.shown_key import shown_fingerprint
from tests.fakes.ssh.private_sshd import private_sshd


def test_a_real_sshd_shows_the_key_that_its_file_holds(tmp_path):
    with private_sshd(tmp_path) as sshd:
        blob = base64.b64decode(sshd.host_key.split()[1])
        expected = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
        assert shown_fingerprint(sshd.address, sshd.port) == f"SHA256:{expected}"


def test_what_is_no_ssh_server_shows_none():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address, port = listener.getsockname()

        def hang_up() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert shown_fingerprint(address, port) is None
        thread.join()
    assert shown_fingerprint(address, port) is None
