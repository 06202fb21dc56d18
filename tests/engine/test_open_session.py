"""The composition root: it builds, and settings become choices. Nothing is started."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine import open_session as open_session_module
from engine.errors import BadInput
from engine.open_session import (
    RunningSession,
    choices_from,
    open_session,
    place_from,
    real_outside,
    remembered_choices,
    settings_from,
    with_changes,
)
from engine.run_files.run_file import LOCK_FILE as RUN_LOCK
from engine.run_files.run_file import RunPublisher
from engine.session.outside import Outside
from engine.session.state import Choices
from engine.settings.folders import find_folders
from engine.settings.settings_file import FILE_NAME, RememberedMachine, Settings, load_settings
from engine.vocabulary.admin_policy import AdminPolicy
from engine.vocabulary.plan import Policy
from engine.vocabulary.remote import SshTarget
from engine.vocabulary.running.api import ApiPlace
from engine.vocabulary.worker import Layout
from tests.fakes.llama_cpp.scripted_llama_server import scripted_llama_server
from tests.fakes.sessions.fake_outside import FakeJobs, Fakes


def test_every_port_is_there(data_folder):
    outside = real_outside(find_folders())
    assert isinstance(outside, Outside)
    assert outside.worker_cache_folder.startswith(str(data_folder))
    assert outside.coordinator_client("http://127.0.0.1:8081").is_ready() is False
    assert outside.clock.now_seconds() <= outside.clock.now_seconds()
    assert outside.models.found() == ()
    assert outside.speeds.load("k") is None


def test_default_settings_are_default_choices():
    assert choices_from(Settings()) == Choices()


def test_the_window_lets_llama_server_use_this_machines_devices_itself():
    assert remembered_choices(find_folders()) == Choices(native=True)


def test_a_settings_file_of_a_newer_crossply_is_told_left_alone_and_no_reason_not_to_start(data_folder, caplog):
    folders = find_folders()
    folders.state.mkdir(parents=True)
    path = folders.state / FILE_NAME
    path.write_text('{"version": 99}')
    assert remembered_choices(folders) == Choices(native=True)
    assert "newer Crossply (version 99). It is left alone: the defaults hold" in caplog.text
    session = RunningSession(Fakes().outside(), Choices(), RunPublisher(folders.state), remember=folders.state)
    session._jobs = FakeJobs()
    session.add_machines(*TARGETS)
    assert path.read_text() == '{"version": 99}'


def test_what_a_person_must_hear_about_our_files_is_a_problem_in_the_window(data_folder, caplog):
    folders = find_folders()
    folders.state.mkdir(parents=True)
    (folders.state / FILE_NAME).write_text("{")
    (folders.state / RUN_LOCK).mkdir()  # what cannot be claimed is told too
    session = open_session(folders=folders)
    deadline = time.monotonic() + 30
    while len(session.snapshot().problems) < 2 and time.monotonic() < deadline:
        pass
    session.close()
    assert session.join()
    said = [problem.happened for problem in session.snapshot().problems if problem.where == "our files"]
    (aside,) = folders.state.glob("settings.json.damaged-*")
    assert len(said) == 2
    assert str(aside) in said[0]
    assert "cannot be written (Is a directory)" in said[1]


def test_what_was_chosen_last(tmp_path):
    model = tmp_path / "m.gguf"
    model.write_text("")
    settings = Settings(
        model_path=str(model), policy="even", layout="traditional", context_tokens=512, slots=2, reserve_fraction=0.1
    )
    choices = choices_from(settings)
    assert (choices.policy, choices.layout) == (Policy.EVEN, Layout.TRADITIONAL)
    assert (choices.shape.context_tokens, choices.shape.slots) == (512, 2)
    assert (choices.model_path, choices.reserve_fraction) == (str(model), 0.1)


def test_a_model_that_has_gone_is_not_chosen():
    assert choices_from(Settings(model_path="/no/such.gguf")).model_path is None


TARGETS = (SshTarget(host="gpu-node", user="ada", port=2222), SshTarget(host="10.0.0.7"))


def test_machines_are_remembered_and_what_they_were_opened_to_is_not():
    opened = Choices(targets=TARGETS, lan_addresses=((TARGETS[0].machine_id, "10.0.0.7"),))
    settings = settings_from(opened, Settings(policy="even"))
    assert [(machine.host, machine.user, machine.port) for machine in settings.machines] == [
        ("gpu-node", "ada", 2222),
        ("10.0.0.7", None, None),
    ]
    choices = choices_from(settings)
    assert (choices.targets, choices.lan_addresses) == (TARGETS, ())
    assert choices_from(Settings(machines=settings.machines * 2)).targets == TARGETS, "each once"


def test_the_window_remembers_what_is_chosen(tmp_path):
    outside, publisher = Fakes().outside(), RunPublisher(tmp_path)
    session = RunningSession(outside, Choices(), publisher, remember=tmp_path)
    session._jobs = FakeJobs()
    session.add_machines(*TARGETS)
    assert choices_from(load_settings(tmp_path)).targets == TARGETS


def test_two_windows_keep_each_others_machines_and_folders(tmp_path):
    one, two = (RunningSession(Fakes().outside(), Choices(), RunPublisher(tmp_path), remember=tmp_path) for _ in range(2))
    one._jobs, two._jobs = FakeJobs(), FakeJobs()
    one.choose(replace(one.chosen, targets=TARGETS, model_folders=("/big",)))
    two.choose(replace(two.chosen, policy=Policy.EVEN))
    two.add_machines(SshTarget(host="third"))
    one.choose(replace(one.chosen, targets=TARGETS[:1]))
    kept = choices_from(load_settings(tmp_path))
    assert kept.targets == (TARGETS[0], SshTarget(host="third"))
    assert (kept.policy, kept.model_folders) == (Policy.EVEN, ("/big",))


@pytest.mark.parametrize(
    ("stored", "old", "new", "after"),
    [
        ("ab", "ab", "ba", "ba"),
        ("abc", "ab", "ba", "abc"),
        ("abc", "ab", "abd", "abcd"),
        ("b", "ab", "abd", "bd"),
        ("abc", "ab", "b", "bc"),
        ("abd", "ab", "abd", "abd"),
    ],
)
def test_lists_of_two_windows(stored, old, new, after):
    chosen = {name: Settings(model_folders=tuple(folders)) for name, folders in (("old", old), ("new", new))}
    merged = with_changes(Settings(model_folders=tuple(stored)), choices_from(chosen["old"]), choices_from(chosen["new"]))
    assert "".join(merged.model_folders) == after


def test_a_disk_on_which_choices_cannot_be_remembered_is_told_once(tmp_path, caplog, monkeypatch):
    def full(_folder, _change):
        raise OSError(28, "No space left on device")

    session = RunningSession(Fakes().outside(), Choices(), RunPublisher(tmp_path), remember=tmp_path)
    session._jobs = FakeJobs()
    with monkeypatch.context() as patched:
        patched.setattr(open_session_module, "update_settings", full)
        session.add_machines(TARGETS[0])
        session.add_machines(TARGETS[1])
    (sentence,) = [record.getMessage() for record in caplog.records]
    assert sentence == f"What is chosen is not remembered: {tmp_path} cannot be written (No space left on device)."
    session.choose(Choices(targets=TARGETS))
    assert choices_from(load_settings(tmp_path)).targets == TARGETS


def test_one_more_folder_of_models_is_kept_and_then_searched(tmp_path):
    session = RunningSession(Fakes().outside(), Choices(), RunPublisher(tmp_path), remember=tmp_path)
    session._jobs = FakeJobs()
    searched = []
    session.documents.look_for_models = lambda: searched.append(load_settings(tmp_path).model_folders)
    session.choose(Choices(model_folders=("/big",)))
    session.choose(Choices(model_folders=("/big",), cpu_workers=2))
    assert searched == [("/big",)]


@pytest.mark.parametrize(
    "settings",
    [
        Settings(policy="best"),
        Settings(layout="round"),
        Settings(machines=(RememberedMachine(host="-oProxyCommand=x"),)),
        Settings(machines=(RememberedMachine(host="h", port=0),)),
    ],
)
def test_words_that_mean_nothing(settings):
    with pytest.raises(BadInput, match="The settings file says"):
        choices_from(settings)


def test_what_the_administrator_locked_is_not_remembered_as_the_persons_own():
    policy = AdminPolicy(path="/p", reserve_fraction=0.4, model_folders=("/srv",))
    locked = Choices(reserve_fraction=0.4, model_folders=("/srv",))
    settings = settings_from(locked, Settings(reserve_fraction=0.1, model_folders=("/home/ada/models",)), policy)
    assert (settings.reserve_fraction, settings.model_folders) == (0.1, ("/home/ada/models",))


def test_the_port_that_was_had_is_tried_first_the_next_time_but_not_one_that_was_named(data_folder):
    folders = find_folders()
    gateway = real_outside(folders).gateway
    try:
        got = int(gateway.open(ApiPlace(port=8080)).url.rpartition(":")[2])
    finally:
        gateway.close()
    assert load_settings(folders.state).api_port == got
    named = real_outside(folders).gateway
    try:
        assert int(named.open(ApiPlace(port=28080)).url.rpartition(":")[2]) >= 28080
    finally:
        named.close()
    settings = load_settings(folders.state)
    assert (settings.api_port, choices_from(settings).api_port) == (got, got)


def test_llama_servers_key_is_made_once_and_known_to_its_client(data_folder):
    outside = real_outside(find_folders())
    file = Path(outside.coordinator_key_file())
    key = file.read_text().strip()
    assert outside.coordinator_key_file() == str(file)
    assert file.read_text().strip() == key
    with scripted_llama_server(lambda asked: asked.answer("{}")) as server:
        assert outside.coordinator_client(server.url).is_ready()
    assert server.asked[0].header("authorization") == [f"Bearer {key}"]
    assert outside.api_keys.load() is None, "that is another one"


def test_what_was_opened_on_the_network_is_not_remembered_and_the_rest_is(tmp_path):
    session = RunningSession(Fakes().outside(), Choices(), RunPublisher(tmp_path), remember=tmp_path)
    session._jobs = FakeJobs()
    session.open_api(ApiPlace(network_address="10.0.0.7", key_on_loopback=True, wait_seconds=5.0))
    settings = load_settings(tmp_path)
    assert place_from(settings, Choices(api_port=9000)) == ApiPlace(port=9000, key_on_loopback=True, wait_seconds=5.0)
    assert "10.0.0.7" not in (tmp_path / FILE_NAME).read_text()
