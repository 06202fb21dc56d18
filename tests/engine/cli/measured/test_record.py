"""``crossplyctl record``."""

from engine.cli.main import main
from engine.cli.terminal import exit_codes
from engine.settings.history.record_json import record_from_json
from tests.fakes.states.run_records import a_record


def test_all_of_a_run(lab, capsys):
    kept = lab.fakes.history.save(a_record(9.0))
    assert main(["record", kept.id]) == exit_codes.OK
    assert record_from_json(capsys.readouterr().out, "it") == kept


def test_the_newest(lab, capsys):
    lab.fakes.history.save(a_record(9.0))
    newest = lab.fakes.history.save(a_record(8.0))
    assert main(["record", "newest"]) == exit_codes.OK
    assert record_from_json(capsys.readouterr().out, "it") == newest


def test_one_that_is_not_there(lab, capsys):
    lab.fakes.history.told = ["It was damaged."]
    assert main(["record", "newest"]) == exit_codes.BAD_USAGE
    err = capsys.readouterr().err
    assert "There is no one run 'newest'." in err
    assert "It was damaged." in err
