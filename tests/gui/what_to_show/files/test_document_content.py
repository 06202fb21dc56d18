"""The open file's name and mark, and the questions."""

from __future__ import annotations

from dataclasses import replace

from engine.session.state import Choices, ClusterDocument, ClusterState
from engine.vocabulary.plan import Policy
from engine.vocabulary.remote import SshTarget
from gui.what_to_show.files.document_content import document_of, opens_ports_of, unsaved_of
from tests.fakes.states import cluster_states as states
from tests.fakes.states import remote_states as remote

PATH = "/labs/lab.crossply.toml"
NODE = SshTarget(host="10.0.0.2", user="ada")
OPEN = ClusterState(document=ClusterDocument(path=PATH, saved=Choices()))
CHANGED = replace(OPEN, choices=Choices(policy=Policy.EVEN))


def test_without_a_file_there_is_no_name_and_no_mark() -> None:
    content = document_of(ClusterState(choices=Choices(targets=(NODE,))))
    assert (content.name, content.changed, content.words) == ("", False, "")


def test_the_name_and_the_mark() -> None:
    assert (document_of(OPEN).name, document_of(OPEN).changed) == ("lab.crossply.toml", False)
    assert document_of(CHANGED).changed
    assert document_of(CHANGED).words == f"{PATH}\nChanged since it was saved (Ctrl+S saves it)"


def test_recent_files_with_their_folders_and_none_is_opened_while_it_runs() -> None:
    content = document_of(ClusterState(recent_clusters=(PATH, "lab.toml")))
    assert [known.label for known in content.recent] == ["lab.crossply.toml — /labs", "lab.toml"]
    assert content.can_open
    assert not document_of(states.ready()).can_open


def test_a_question_only_where_something_would_be_lost() -> None:
    assert unsaved_of(OPEN, leaving=True) is None
    changed = unsaved_of(CHANGED, leaving=True)
    assert changed is not None
    assert (changed.happened, changed.save) == ("lab.crossply.toml was changed.", "Save")
    never = ClusterState(choices=Choices(targets=(NODE,)))
    assert unsaved_of(never, leaving=True) is None, "they are remembered for the next start"
    another = unsaved_of(never, leaving=False)
    assert another is not None
    assert (another.happened, another.save) == ("The machines that you chose are in no file yet.", "Save as…")
    assert unsaved_of(ClusterState(), leaving=False) is None


def test_ports_are_asked_about_with_the_machines_names() -> None:
    assert opens_ports_of(OPEN) is None
    saved = Choices(targets=(NODE,), lan_addresses=((NODE.machine_id, "10.0.0.2"),))
    state = replace(remote.with_remotes(remote.ready(2)), document=ClusterDocument(path=PATH, saved=saved))
    content = opens_ports_of(state)
    assert content is not None
    assert content.happened == "lab.crossply.toml opens workers on the network."
    assert content.machines == "lab-02: on 10.0.0.2"
    assert "owns the account" in content.warning
