"""Rows are found by their approach."""

from engine.vocabulary.comparison import Approach, Comparison, ComparisonRow
from engine.vocabulary.plan import PlanRefused, Policy
from engine.vocabulary.worker import Layout


def test_a_row_is_found_by_its_approach():
    refused = PlanRefused(policy=Policy.FASTEST, layout=Layout.PER_DEVICE, reasons=("no",))
    rows = tuple(
        ComparisonRow(approach=approach, result=refused, usable_bytes=0, largest_context_tokens=None) for approach in Approach
    )
    assert Comparison(rows=rows, workers=()).row(Approach.HYBRID) is rows[1]
