"""How bad a line of a log is."""

import pytest

from gui.what_to_show.tabs.logs_content import LogLevel, level_of, log_sources_of
from tests.fakes.states import cluster_states as states


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("0.02.037 I load_tensors: an error that is no error", LogLevel.ANY),
        ("0.02.037.123 W load: slow", LogLevel.WARNING),
        ("E srv: it ended", LogLevel.ERROR),
        ("D slot: next token", LogLevel.ANY),
        ("ggml_cuda_init: failed to initialise", LogLevel.ERROR),
        ("GGML_ASSERT(x) at ggml.c:1", LogLevel.ERROR),
        ("WARNING: Host ('127.0.0.1') is exposed", LogLevel.WARNING),
        ("Starting RPC server v4.0.0", LogLevel.ANY),
        ("no terror here", LogLevel.ANY),
    ],
)
def test_the_letter_counts_and_without_one_the_words(text, level):
    assert level_of(text) is level


def test_llama_server_comes_first():
    assert log_sources_of(states.ready())[0].process_id == "llama-server"
