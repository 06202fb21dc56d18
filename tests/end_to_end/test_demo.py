"""The demo, as ``make run`` promises it: a real model, two workers, the layer map proven, everything stopped."""

import shutil
import time
from pathlib import Path

import pytest

from tests.end_to_end.crossply_programs import crossplyctl, json_of, left_of

pytestmark = pytest.mark.real

DEMO_SECONDS = 60.0


@pytest.fixture
def with_demo_model(app_environment, data_folder, gemma_model):
    """The real model in this test's own data folder: linked, with the papers that must lie beside it."""
    models = data_folder / "models"
    models.mkdir(parents=True)
    for file in Path(gemma_model).parent.glob("gemma-3-270m*"):
        if file.suffix == ".gguf":
            (models / file.name).symlink_to(file)
        else:
            shutil.copy2(file, models)
    return app_environment


def test_the_demo_measures_splits_proves_answers_and_stops(with_demo_model):
    began = time.monotonic()
    told = json_of(with_demo_model, "demo")
    took = time.monotonic() - began

    assert left_of(with_demo_model) == []
    assert [process["phase"] for process in told["processes"]] == ["ready"] * 3
    used = [worker for worker in told["plan"]["workers"] if worker["n_layers"]]
    assert len({worker["endpoint"] for worker in used}) == 2
    assert told["map"]["complete"]
    assert told["map"]["matches"]
    assert told["map"]["actual"] == told["map"]["planned"]
    assert len(told["map"]["planned"]) == told["plan"]["n_layers"] + 1
    assert "Paris" in told["asked"]["answer"]
    for figures in (told["measured"], told["plan"]["predicted"], told["asked"]["timings"]):
        assert figures["decode_tokens_per_second"] > 0
        assert figures["prefill_tokens_per_second"] > 0
    assert told["problems"] == []
    assert took < DEMO_SECONDS, "with calibration"


def test_without_its_model_the_demo_says_what_to_do(app_environment):
    done = crossplyctl(app_environment, "demo")
    assert done.returncode == 2
    assert "demo model" in done.stderr
    assert "--model" in done.stderr
    assert "Traceback" not in done.stderr
