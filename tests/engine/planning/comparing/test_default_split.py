"""llama.cpp's own split: free memory as listed, the head one layer like any other."""

from dataclasses import replace

from engine.planning.comparing.default_split import default_split
from tests.engine.planning.planning_cases import GB, offer


def test_shares_are_memory_and_the_head_is_a_layer_of_the_last_device():
    # Two equal CPUs report 10 GB each: 19 layers and the head are 20 units, 10 each.
    split = default_split(19, (offer("a"), offer("b")))
    assert split.seats == (("a/cpu", 10), ("b/cpu", 9))


def test_a_gpu_reports_what_is_free_and_a_cpu_all_it_has():
    gpu = replace(offer("a", "cuda:0", safe=8 * GB), used_by_others_bytes=5 * GB)
    cpu = replace(offer("a", safe=8 * GB), used_by_others_bytes=5 * GB)
    assert default_split(29, (cpu, gpu)).seats == (("a/cpu", 20), ("a/cuda:0", 9))


def test_the_last_device_may_hold_the_head_alone_and_an_empty_one_holds_nothing():
    small, none = offer("b", safe=1 * GB), replace(offer("c", "cuda:0"), used_by_others_bytes=100 * GB)
    split = default_split(3, (offer("a", safe=3 * GB), small, none))
    assert split.seats == (("a/cpu", 3), ("b/cpu", 0))


def test_without_any_known_memory_everybody_gets_the_same():
    unknown = [replace(offer(name), total_bytes=0) for name in "ab"]
    assert default_split(3, unknown).seats == (("a/cpu", 2), ("b/cpu", 1))
