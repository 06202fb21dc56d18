"""What an error says can always be shown: bounded, and writable."""

from engine.errors import LONGEST_DETAILS, LONGEST_SENTENCE, BadInput


def test_a_sentence_and_its_advice():
    error = BadInput("It is broken.", advice="Mend it.")
    assert (str(error), error.happened, error.advice) == ("It is broken. Mend it.", "It is broken.", "Mend it.")
    assert str(BadInput("It is broken.")) == "It is broken."


def test_what_is_quoted_from_elsewhere_is_bounded():
    error = BadInput("x" * 100_000, advice="y" * 100_000, details="z" * 200_000)
    assert len(error.details) == LONGEST_DETAILS
    assert error.happened == "x" * LONGEST_SENTENCE + "…"
    assert len(str(error)) == 2 * (LONGEST_SENTENCE + 1) + 1


def test_a_file_name_that_is_not_utf_8_can_be_said():
    assert BadInput("m\udcff.gguf is none.").happened == r"m\udcff.gguf is none."
