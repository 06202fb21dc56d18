"""Keys that scripts may rely on."""

import json

from engine.planning.comparing.compare import compare
from engine.session.telling.measured_json import comparison_json, run_json
from engine.vocabulary.plan import PlanRequest
from tests.engine.planning.planning_cases import GB, model_of, offer
from tests.fakes.states.run_records import a_record


def test_a_comparison_has_a_row_per_approach_and_an_entry_per_worker():
    offers = (offer("a", gb_per_s=10, tflops=1), offer("b", gb_per_s=1, tflops=1, safe=2 * GB))
    document = comparison_json(compare(PlanRequest(model=model_of(*[1 * GB] * 4), offers=offers), offers[:1]))
    json.dumps(document)
    assert [row["approach"] for row in document["approaches"]] == [
        "traditional",
        "hybrid (all workers)",
        "llama.cpp's default split",
        "fastest",
    ]
    fastest = document["approaches"][-1]
    assert (fastest["workers"], fastest["tensor_split"], fastest["refused"]) == (["a/cpu"], [5], None)
    assert fastest["decode_predicted"] > 0
    assert [worker["id"] for worker in document["workers"]] == ["a/cpu", "b/cpu"]
    assert document["workers"][1]["sentence"].endswith("left out")


def test_a_refused_row_has_the_same_keys():
    offers = (offer("a", safe=1 * GB),)
    refused = comparison_json(compare(PlanRequest(model=model_of(9 * GB), offers=offers), offers))["approaches"]
    fits = comparison_json(compare(PlanRequest(model=model_of(1), offers=offers), offers))["approaches"]
    assert [set(row) for row in refused] == [set(row) for row in fits]
    assert all(row["refused"] and row["decode_predicted"] is None for row in refused)


def test_a_run_is_one_line():
    line = run_json(a_record(9.0, 11.0, id="1"))
    assert (line["id"], line["decode_measured"], line["decode_predicted"]) == ("1", 10.0, 10.0)
    assert len(line["decode_samples"]) == 2
