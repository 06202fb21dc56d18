"""``crossplyctl compare --advise``: which machines are enough, what every worker brings."""

from __future__ import annotations

import pytest

from engine.cli.main import main
from engine.cli.measured.advice import MOST_MACHINES, print_advice
from engine.cli.terminal import exit_codes
from engine.errors import BadInput
from engine.vocabulary.plan import PlanRequest
from tests.engine.planning.planning_cases import GB, model_of, offer

LAB = """
[[machine]]
name = "small"
cpu = { safe_mb = 4000, bandwidth_gb_per_s = 10, tflops = 1 }

[[machine]]
name = "large"
cpu = { safe_mb = 9000, bandwidth_gb_per_s = 10, tflops = 1 }
gpus = [ { device = "cuda:0", safe_mb = 6000, bandwidth_gb_per_s = 300, tflops = 9 } ]
"""


@pytest.fixture
def cluster(lab, tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text(LAB)
    lab.fakes.models.models[lab.model] = model_of(*[1 * GB] * 10)
    return str(path)


def advice(lab, cluster, capsys, *more):
    assert main(["compare", lab.model, "--cluster", cluster, "--advise", *more]) == exit_codes.OK
    return capsys.readouterr().out


def test_the_machines_that_are_enough_and_what_each_worker_brings(lab, cluster, capsys):
    out = advice(lab, cluster, capsys)
    assert "Enough for the model: large." in out
    assert "Without small/cpu: no change." in out
    assert "Without large/cuda:0: " in out
    assert "tok/s instead of" in out


def test_what_a_worker_that_is_left_out_would_bring(lab, cluster, capsys):
    out = advice(lab, cluster, capsys, "--leave-out", "large/cuda:0")
    assert "With large/cuda:0 too: " in out
    assert "Without large/cpu: the model does not fit." in out


def test_a_model_that_fits_nowhere(lab, cluster, capsys):
    lab.fakes.models.models[lab.model] = model_of(*[1 * GB] * 40)
    assert main(["compare", lab.model, "--cluster", cluster, "--advise"]) == exit_codes.REFUSED
    assert "does not fit on all of these machines" in capsys.readouterr().out


def test_too_many_machines_are_one_sentence():
    offers = tuple(offer(f"m{n}") for n in range(MOST_MACHINES + 1))
    with pytest.raises(BadInput, match="17 are too many"):
        print_advice(PlanRequest(model=model_of(1, 1), offers=offers), ())
