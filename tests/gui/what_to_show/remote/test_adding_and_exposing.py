"""What is said of machines that were found, of their questions and of their exposure, without Qt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.vocabulary.remote import HostKeyQuestion, SecretKind, SshTarget
from gui.what_to_show.remote.exposure_content import UNKNOWN_COORDINATOR, exposure_of, firewall_lines, why_not_bound
from gui.what_to_show.remote.found_machines_content import add_machines_of, additions_of, user_to_offer
from gui.what_to_show.remote.questions_content import HostKeyContent, SecretContent, question_of, questions_of
from tests.fakes.states import remote_states as remote


def rows() -> dict[str, object]:
    return {row.name: row for row in add_machines_of(remote.found()).rows}


def test_what_cannot_be_added_says_why_and_comes_last() -> None:
    content = add_machines_of(remote.found())
    assert [(row.name, row.why_not) for row in content.rows] == [
        ("10.0.0.23", ""),
        ("gpu-node", ""),
        ("ollama-box.local", ""),
        ("ada-desktop", "this machine"),
        ("lab-02", "already added"),
        ("printer.local", "no SSH answers there"),
    ]


def test_rpc_servers_and_ollama_are_named_for_what_they_are() -> None:
    assert rows()["10.0.0.23"].things == (
        "rpc-server on port 50052: idle, RPC 7.0.0, 2 devices",
        "   11.0 GB of 12.0 GB free",
        "   30.0 GB of 32.0 GB free",
        "rpc-server on port 50053: busy, a coordinator is using it",
    )
    assert " ".join(rows()["ollama-box.local"].things) == (
        "Ollama: cannot be a worker (no RPC), but its model files can be used"
    )


def test_an_added_machine_is_known_by_its_host_key_under_any_name() -> None:
    state = remote.found()
    twin = replace(remote.found_machines()[1], host_key_fingerprint="SHA256:2")
    state = replace(state, finding=replace(state.finding, found=(twin,)))
    assert add_machines_of(state).rows[0].why_not == "already added"


def test_another_port_of_an_added_address_is_another_machine() -> None:
    state = remote.found()
    other = replace(remote.found_machines()[0], target=SshTarget(host="10.0.0.2", port=2222))
    state = replace(state, finding=replace(state.finding, found=(other,)))
    assert add_machines_of(state).rows[0].can_be_added


def test_an_empty_list_says_whether_it_is_still_searching() -> None:
    assert add_machines_of(remote.found(running=True, n=0)).nothing == "Searching…"
    assert add_machines_of(remote.found(n=0)).nothing == "No machine was found. Type an address above."


def test_the_user_name_is_the_targets_or_left_to_ssh() -> None:
    found = rows()
    assert user_to_offer([found["gpu-node"]]) == "lab"
    assert user_to_offer([found["10.0.0.23"]]) == "", "ssh's files may say another one than ours"
    assert user_to_offer([found["gpu-node"], found["lab-02"]]) == "", "they differ"


def test_typed_and_checked_are_added_together_once() -> None:
    row = rows()["gpu-node"]
    assert additions_of("lab@gpu-node", [row], None).targets == (SshTarget(host="gpu-node", user="lab"),)
    both = additions_of("ada@10.0.0.50:2222", [row], "grace")
    assert both.targets == (SshTarget(host="10.0.0.50", user="ada", port=2222), SshTarget(host="gpu-node", user="grace"))
    assert both.button == "Add 2 machines"
    assert additions_of("", [row], " ").targets == (SshTarget(host="gpu-node"),)


@pytest.mark.parametrize("typed", ["-oProxyCommand=x", "a b", "host:99999", "user@"])
def test_a_bad_address_is_one_sentence_and_adds_nothing(typed: str) -> None:
    additions = additions_of(typed, [rows()["gpu-node"]], None)
    assert additions.targets == ()
    assert "Write it as user@host" in additions.problem


def test_a_bad_user_name_is_refused() -> None:
    assert additions_of("", [rows()["gpu-node"]], "-x").problem != ""


def test_questions_in_the_order_of_the_cards() -> None:
    key, password = questions_of(remote.with_remotes(remote.ready(), remote.asking(8), remote.asks_password(9)))
    assert isinstance(key, HostKeyContent)
    assert key.compare_command == "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
    assert isinstance(password, SecretContent)
    assert password.can_be_kept


def test_the_command_to_compare_names_the_file_of_that_kind_of_key() -> None:
    for kind, file in (("ecdsa-sha2-nistp256", "ecdsa"), ("ssh-rsa", "rsa"), ("rsa-sha2-512", "rsa")):
        question = question_of(remote.asking(8, HostKeyQuestion(key=replace(remote.KEY, key_type=kind))))
        assert isinstance(question, HostKeyContent)
        assert question.compare_command.endswith(f"/ssh_host_{file}_key.pub")


def test_a_code_cannot_be_kept_and_no_question_is_no_content() -> None:
    code = question_of(remote.asks_password(kind=SecretKind.ONE_TIME_CODE))
    assert isinstance(code, SecretContent)
    assert not code.can_be_kept
    assert question_of(remote.ready()) is None


def test_only_addresses_that_can_be_bound_are_offered() -> None:
    content = exposure_of(remote.with_remotes(remote.ready()), remote.target(2).machine_id)
    assert content is not None
    assert [address.label for address in content.addresses] == [
        "10.0.0.2 · eth0 · 1.0 Gbit/s",
        "192.168.9.2 · ib0 · 40.0 Gbit/s",
    ]
    assert (content.chosen, content.ports) == (None, (50052, 50053))
    assert "owns the account ada on lab-02" in content.warning


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::1", "lab-02", ""])
def test_these_are_never_bound(address: str) -> None:
    assert why_not_bound(address) is not None


def test_a_named_address_may_be_bound() -> None:
    assert why_not_bound("10.0.0.2") is None


def test_firewall_lines_let_in_the_coordinator_and_nobody_else() -> None:
    ufw, nft, firewalld = firewall_lines("10.0.0.2", (50052, 50053), "10.0.0.1")
    allow, deny = ufw.command.split(" && ")
    assert allow == "sudo ufw allow proto tcp from 10.0.0.1 to 10.0.0.2 port 50052:50053"
    assert deny == "sudo ufw deny proto tcp from any to 10.0.0.2 port 50052:50053"
    assert nft.command.endswith("ip daddr 10.0.0.2 tcp dport 50052-50053 ip saddr != 10.0.0.1 drop")
    assert 'source address="10.0.0.1" destination address="10.0.0.2" port port="50052-50053"' in firewalld.command
    assert UNKNOWN_COORDINATOR in firewall_lines("10.0.0.2", (50052, 50052), None)[0].command


def test_a_machine_that_was_never_looked_at_has_no_exposure() -> None:
    assert exposure_of(remote.with_remotes(remote.asking()), remote.asking().id) is None
