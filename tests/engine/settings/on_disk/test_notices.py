"""Sentences for a person reach whoever can say them, each once."""

import subprocess
import sys

from engine.settings.on_disk.notices import Listener, tell


def test_what_was_told_before_somebody_could_say_it_waits(caplog):
    said = []
    listener = Listener()
    tell("first")
    listener.pass_to(said.append)
    tell("100 % of it")
    listener.close()
    tell("later")
    assert said == ["first", "100 % of it"]
    assert [record.getMessage() for record in caplog.records][-1] == "later"


def test_the_command_line_says_it_on_stderr():
    code = "from engine.settings.on_disk.notices import tell; tell('The file is damaged.')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "The file is damaged.\n")
