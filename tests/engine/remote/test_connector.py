"""From a target to a machine, over a real sshd: the question, the tunnel, and more programs than one connection carries."""

import socket
import time

import pytest

from engine.errors import HostKeyUnknown
from engine.processes.local_process import LocalProcessStarter
from engine.remote.connector import SshConnector
from engine.vocabulary.remote import Forward
from engine.vocabulary.running.process import ProcessId, ProcessSpec
from tests.fakes.cancel_tokens import NeverCancelled
from tests.fakes.ssh.private_sshd import free_port, private_sshd
from tests.fakes.ssh.ssh_accounts import an_account


@pytest.fixture
def connected(tmp_path):
    with private_sshd(tmp_path / "sshd") as sshd:
        account = an_account(tmp_path / "person")
        connector = SshConnector(account.our_known_hosts, account.ssh, LocalProcessStarter())
        target = account.add_host("lab", sshd)
        with pytest.raises(HostKeyUnknown) as asked:
            connector.connect(target, (), NeverCancelled())
        connector.accept_host_key(asked.value.key)
        machine = connector.connect(target, (), NeverCancelled())
        yield machine, sshd
        machine.close()


def test_a_tunnel_leads_to_a_port_of_its_loopback(connected):
    machine, _sshd = connected
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = free_port()
        spec = machine.tunnel((Forward(local_port=port, remote_port=listener.getsockname()[1]),))
        process = LocalProcessStarter().start(spec, lambda _line: None, lambda _outcome: None)
        try:
            listener.settimeout(15)
            _connect_when_it_listens(port)
            accepted, _ = listener.accept()
            accepted.close()
        finally:
            process.stop()


def _connect_when_it_listens(port):
    """It listens once it has logged in."""
    deadline = time.monotonic() + 15
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            return
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the tunnel never listened"
            time.sleep(0.05)


def test_twelve_programs_run_at_once_on_a_server_that_allows_ten_sessions(connected):
    machine, sshd = connected
    machine.look(None, NeverCancelled())
    spec = ProcessSpec(id=ProcessId("sleep"), argv=("/bin/sleep", "60"))
    processes = [machine.starter.start(spec, lambda _line: None, lambda _outcome: None) for _ in range(12)]
    assert all(process.is_alive() for process in processes)
    assert len(sshd.session_pids()) >= 2
    assert len({process.pid for process in processes}) == len(processes)
