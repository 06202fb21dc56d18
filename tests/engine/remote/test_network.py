"""The search with the real things of this user."""

import pytest

from engine.errors import Cancelled
from engine.remote.network import real_finder
from tests.fakes.cancel_tokens import CancelledWhen
from tests.fakes.ssh.ssh_accounts import an_account


def test_names_of_the_users_ssh_files_are_found_with_where_they_lead(tmp_path):
    account = an_account(tmp_path)
    account.add_lines("Host gpu-node", "HostName 127.0.0.1", "Port 1")
    found = []
    finder = real_finder(tmp_path, account.ssh, account.our_known_hosts)

    def seen() -> bool:
        return any(machine.name == "gpu-node" for machine in found)

    with pytest.raises(Cancelled):
        finder.find(lambda machines: found.extend(machines), wide=False, progress=lambda *_: None, token=CancelledWhen(seen))
    assert seen()
