"""Cluster files, models and recent files, over a session without threads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import BadClusterFile, RuntimeUnavailable
from engine.session.choosing.cluster_document import asks_for_exposure, is_changed
from engine.session.session import Session
from engine.session.state import Choices
from engine.session.working.documents import DEMO_MODEL
from engine.vocabulary.admin_policy import AdminPolicy
from engine.vocabulary.plan import Policy
from engine.vocabulary.remote import SshTarget
from tests.fakes.ports.fake_files import DEMO_PATH
from tests.fakes.sessions.fake_outside import MODEL, OTHER_MODEL, FakeJobs, Fakes, a_model, settle

NOTHING = Choices()
PATH = "/labs/lab.crossply.toml"
NODE = SshTarget(host="gpu-node", user="ada")
EXPOSED = "[[machine]]\nname='gpu'\naddress='gpu-node'\nuser='ada'\nexposure='10.0.0.7'\n"


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()


def session_on(fakes: Fakes, choices: Choices = NOTHING, *, starts: bool = True, cluster_path: str | None = None) -> Session:
    jobs = FakeJobs()
    session = Session(fakes.outside(), choices, jobs=jobs)
    jobs.on_bug = session.on_bug
    if starts:
        session.documents.start(cluster_path)
    settle(session)
    return session


def problems(session: Session) -> list[str]:
    return [problem.happened for problem in session.snapshot().problems]


# -- models


def test_models_are_found_and_of_several_none_is_chosen(fakes) -> None:
    state = session_on(fakes).snapshot()
    assert [model.path for model in state.models_found] == [MODEL, OTHER_MODEL]
    assert state.models_searched
    assert state.choices.model_path is None


def test_the_only_model_is_chosen_and_what_a_person_chose_is_left(fakes) -> None:
    del fakes.models.models[OTHER_MODEL]
    assert session_on(fakes).snapshot().choices.model_path == MODEL
    assert session_on(fakes, Choices(model_path="/mine")).snapshot().choices.model_path == "/mine"


def test_the_command_line_searches_nothing_and_remembers_nothing(fakes) -> None:
    session = session_on(fakes, starts=False)
    session.documents.look_for_models()
    session.choose(Choices(model_path=MODEL))
    assert not settle(session).models_searched
    assert fakes.recent.noted == []


def test_a_model_that_is_chosen_is_a_recent_one(fakes) -> None:
    session = session_on(fakes)
    session.choose(Choices(model_path=MODEL))
    session.choose(Choices(model_path=OTHER_MODEL))
    assert settle(session).recent_models == (OTHER_MODEL, MODEL)


@pytest.mark.parametrize("again", ["read_model_again", "look_again"])
def test_a_model_that_could_not_be_read_is_read_again_when_it_is_there(fakes, again: str) -> None:
    late = "/models/late.gguf"
    session = session_on(fakes, starts=False)
    session.choose(Choices(model_path=late))
    assert settle(session).model_problem is not None
    fakes.models.models[late] = a_model(late)
    getattr(session, again)()
    state = settle(session)
    assert (state.model_problem, state.model.path) == (None, late)


def test_the_demo_model_is_fetched_chosen_and_found(fakes) -> None:
    fakes.models.models.clear()
    session = session_on(fakes)
    seen = []

    def look() -> None:
        session.drain()
        seen.extend(session.snapshot().activities)
        fakes.models.models[DEMO_PATH] = a_model(DEMO_PATH)

    fakes.demo.on_fetch = look
    session.documents.fetch_demo_model()
    state = settle(session)
    assert [(activity.id, activity.fraction, activity.detail) for activity in seen] == [(DEMO_MODEL, 0.5, "part 2 of 5")]
    assert state.activities == ()
    assert state.choices.model_path == DEMO_PATH
    assert [model.path for model in state.models_found] == [DEMO_PATH]


def test_fetching_can_be_cancelled_and_can_fail(fakes) -> None:
    fakes.models.models.clear()
    session = session_on(fakes)
    fakes.demo.on_fetch = lambda: session.cancel(DEMO_MODEL)
    session.documents.fetch_demo_model()
    assert settle(session).activities == ()
    assert problems(session) == []
    fakes.demo.on_fetch = lambda: None
    fakes.demo.fails = RuntimeUnavailable("The network is down.", advice="Try again.")
    session.documents.fetch_demo_model()
    assert settle(session).activities == ()
    assert problems(session) == ["The network is down."]


# -- cluster files


def test_saved_under_a_name_it_is_open_and_unchanged(fakes) -> None:
    session = session_on(fakes, Choices(targets=(NODE,), policy=Policy.EVEN))
    session.documents.save_cluster()
    assert fakes.clusters.texts == {}, "nothing has a name yet"
    session.documents.save_cluster(PATH)
    state = settle(session)
    assert state.document.path == PATH
    assert not is_changed(state)
    assert 'address = "gpu-node"' in fakes.clusters.texts[PATH]
    assert state.recent_clusters == (PATH,)
    session.choose(replace(state.choices, policy=Policy.MEMORY))
    assert is_changed(settle(session))
    session.documents.save_cluster()
    assert not is_changed(settle(session))
    assert 'policy = "memory"' in fakes.clusters.texts[PATH]


def test_what_was_saved_is_opened_again(fakes) -> None:
    session = session_on(fakes, Choices(targets=(NODE,), model_path=MODEL, cpu_workers=2))
    session.documents.save_cluster(PATH)
    other = session_on(fakes, Choices(runtime_folder="/here"))
    other.documents.open_cluster(PATH)
    state = settle(other)
    assert state.choices == replace(session.snapshot().choices, runtime_folder="/here")
    assert state.model is not None
    assert not is_changed(state)
    assert [seen.target for seen in state.remotes] == [NODE]


def test_a_file_that_opens_ports_opens_none_by_itself(fakes) -> None:
    fakes.clusters.texts[PATH] = EXPOSED
    session = session_on(fakes)
    session.documents.open_cluster(PATH)
    state = settle(session)
    assert state.choices.lan_addresses == ()
    assert not is_changed(state)
    session.choose(replace(state.choices, lan_addresses=state.document.saved.lan_addresses))
    state = settle(session)
    assert state.document.exposure_answered
    assert not is_changed(state)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("[[machine]", "is not valid TOML"),
        ("version = 99\n[[machine]]\nname='a'\naddress='a'", "written by a newer Crossply"),
        ("[[machine]]\nname='a'\naddress='-oX'", "begins with '-'"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_and_changes_nothing(fakes, text, said) -> None:
    session = session_on(fakes, Choices(targets=(NODE,)))
    session.documents.save_cluster("/labs/mine.crossply.toml")
    before = settle(session)
    if text is not None:
        fakes.clusters.texts[PATH] = text
    session.documents.open_cluster(PATH)
    state = settle(session)
    (sentence,) = problems(session)
    assert said in sentence
    assert (state.choices, state.document, state.recent_clusters) == (before.choices, before.document, before.recent_clusters)


def test_where_the_administrator_forbids_open_ports_nobody_is_asked_and_the_file_keeps_its_line(fakes) -> None:
    fakes.clusters.texts[PATH] = EXPOSED
    fakes.policy = AdminPolicy(path="/p", exposure_forbidden=True)
    session = session_on(fakes)
    session.documents.open_cluster(PATH)
    state = settle(session)
    assert asks_for_exposure(state) == ()
    assert problems(session) == ["No port is opened on the network: the administrator forbids it in /p."]
    session.choose(replace(state.choices, lan_addresses=state.document.saved.lan_addresses))
    assert settle(session).choices.lan_addresses == ()
    session.documents.save_cluster()
    settle(session)
    assert 'exposure = "10.0.0.7"' in fakes.clusters.texts[PATH]


def test_a_missing_model_is_one_sentence_and_stays_in_the_file(fakes) -> None:
    fakes.clusters.texts[PATH] = "[run]\nmodel='/gone.gguf'\n" + EXPOSED
    session = session_on(fakes)
    session.documents.open_cluster(PATH)
    state = settle(session)
    assert state.model_problem is not None
    assert not is_changed(state)
    session.documents.save_cluster()
    assert 'model = "/gone.gguf"' in fakes.clusters.texts[PATH]


def test_machines_without_an_address_are_told_of_and_kept(fakes) -> None:
    fakes.clusters.texts[PATH] = EXPOSED + "[[machine]]\nname='paper'\ncpu={safe_mb=1}\n"
    session = session_on(fakes)
    session.documents.open_cluster(PATH)
    settle(session)
    assert problems(session) == [f"paper in {PATH} cannot be reached: the file gives no address."]
    session.documents.save_cluster()
    assert 'name = "paper"' in fakes.clusters.texts[PATH]


def test_a_save_that_fails_is_told_and_counted(fakes) -> None:
    session = session_on(fakes, Choices(targets=(NODE,)))
    fakes.clusters.fails = BadClusterFile("The disk is full.")
    session.documents.save_cluster(PATH)
    state = settle(session)
    assert problems(session) == ["The disk is full."]
    assert (state.document.path, state.document.n_failed_saves) == (None, 1)


def test_a_file_that_somebody_else_changed_is_not_overwritten_unless_it_is_named_again(fakes) -> None:
    session = session_on(fakes, Choices(targets=(NODE,)))
    session.documents.save_cluster(PATH)
    settle(session)
    fakes.clusters.texts[PATH] = "theirs"
    session.documents.save_cluster()
    settle(session)
    assert fakes.clusters.texts[PATH] == "theirs"
    assert "changed by somebody else" in problems(session)[0]
    session.documents.save_cluster(PATH)
    settle(session)
    assert fakes.clusters.texts[PATH] != "theirs"


def test_the_next_start_goes_on_with_the_file(fakes) -> None:
    chosen = Choices(targets=(NODE,), model_path=MODEL, cpu_workers=2, policy=Policy.EVEN)
    session = session_on(fakes, chosen)
    session.documents.save_cluster(PATH)
    settle(session)
    remembered = replace(Choices(), targets=chosen.targets, model_path=MODEL, policy=Policy.EVEN)
    state = session_on(fakes, remembered, cluster_path=PATH).snapshot()
    assert (state.document.path, state.choices) == (PATH, chosen)
    assert not is_changed(state)
    newer = session_on(fakes, replace(remembered, policy=Policy.MEMORY), cluster_path=PATH).snapshot()
    assert newer.choices.policy is Policy.MEMORY
    assert is_changed(newer)


def test_a_file_that_has_gone_since_is_no_file_and_no_problem(fakes) -> None:
    session = session_on(fakes, Choices(targets=(NODE,)), cluster_path="/gone.crossply.toml")
    assert session.snapshot().document.path is None
    assert session.snapshot().choices.targets == (NODE,)
    assert problems(session) == []


def test_the_only_model_of_a_file_that_named_none_is_no_change(fakes) -> None:
    del fakes.models.models[OTHER_MODEL]
    fakes.clusters.texts[PATH] = EXPOSED
    session = session_on(fakes, starts=False)
    session.documents.open_cluster(PATH)
    settle(session)
    session.documents.start()
    state = settle(session)
    assert state.choices.model_path == MODEL
    assert not is_changed(state)
