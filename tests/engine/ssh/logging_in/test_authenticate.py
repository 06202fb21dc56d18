"""Which secret answers which question, what a server's prompt means, and how wrong ones are counted."""

import pytest

from engine.remote_ports import Secret
from engine.ssh.logging_in.authenticate import MOST_WRONG, Answers, Strikes, _kind_of, _shown, public_blob_of
from engine.ssh.logging_in.secrets_store import SecretsStore
from engine.vocabulary.remote import SecretKind, SecretQuestion
from tests.fakes.ssh.private_sshd import new_key

QUESTION = SecretQuestion(kind=SecretKind.PASSWORD, prompt="Password of ada on gpu")
CODE = SecretQuestion(kind=SecretKind.ONE_TIME_CODE, prompt="Code of ada on gpu")


def a_password(value, prompt=""):
    return Secret(kind=SecretKind.PASSWORD, value=value, prompt=prompt)


def answers(*given, is_last_stop=True, kept=None):
    store = SecretsStore(use_keyring=False)
    for question, value in (kept or {}).items():
        store.keep(question, value)
    return Answers(given=given, store=store, is_last_stop=is_last_stop)


def value_of(found):
    return None if found is None else found.value


@pytest.mark.parametrize(
    ("known", "value"),
    [
        (answers(), None),
        (answers(a_password("first"), a_password("last")), "last"),
        (answers(a_password("of the machine"), is_last_stop=False), None),
        (answers(a_password("of the jump", QUESTION.prompt), is_last_stop=False), "of the jump"),
        (answers(a_password("of another", "Password of ada on other")), None),
        (answers(Secret(kind=SecretKind.PASSPHRASE, value="of a key")), None),
        (answers(kept={QUESTION.prompt: "kept"}), "kept"),
        (answers(a_password("typed"), kept={QUESTION.prompt: "kept"}), "typed"),
    ],
)
def test_which_secret_answers(known, value):
    assert value_of(known.find(QUESTION)) == value


def test_a_code_is_never_taken_from_the_store():
    assert answers(kept={CODE.prompt: "123456"}).find(CODE) is None


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("Password: ", SecretKind.PASSWORD),
        ("(ada@gpu) Password for ada@gpu:", SecretKind.PASSWORD),
        ("Passwort: ", SecretKind.PASSWORD),
        ("Verification code: ", SecretKind.ONE_TIME_CODE),
        ("One-time password (OATH) for `ada': ", SecretKind.ONE_TIME_CODE),
        ("Passcode or option (1-3): ", SecretKind.ONE_TIME_CODE),
        ("Enter PASSCODE:", SecretKind.ONE_TIME_CODE),
        ("Token: ", SecretKind.ONE_TIME_CODE),
    ],
)
def test_what_a_prompt_asks_for(prompt, kind):
    assert _kind_of(prompt) == kind


def test_a_prompt_is_shown_without_what_could_hurt():
    assert _shown("\x1b[31mCode\n: ") == "[31mCode"
    assert _shown("") == "One-time code"
    assert len(_shown("x" * 5000)) == 120


def test_strikes_are_counted_by_question_and_forgiven():
    strikes = Strikes()
    assert [strikes.is_one_too_many(QUESTION) for _ in range(MOST_WRONG)] == [False] * (MOST_WRONG - 1) + [True]
    assert not strikes.is_one_too_many(QUESTION)
    assert not strikes.is_one_too_many(QUESTION)
    strikes.forgive(QUESTION)
    assert not strikes.is_one_too_many(QUESTION)
    assert not strikes.is_one_too_many(CODE)


def test_the_public_half_of_a_key_file(tmp_path):
    path = new_key(tmp_path / "key", passphrase="secret words")
    assert public_blob_of(path) == public_blob_of(tmp_path / "key.pub")
    assert b"ssh-ed25519" in public_blob_of(path)
    (tmp_path / "bad.pub").write_text("ssh-ed25519 !!!")
    (tmp_path / "short.pub").write_text("ssh-ed25519")
    assert [public_blob_of(tmp_path / name) for name in ("bad", "short", "missing")] == [None] * 3
