"""The same split on machines of the same names, and every difference said."""

from dataclasses import replace

import pytest

from engine.measuring.reproduce import reproduction_of
from engine.planning.offers import Reach, offers_of_machine
from engine.vocabulary.machine import THIS_MACHINE
from engine.vocabulary.worker import Exposure, Layout
from tests.engine.planning.planning_cases import GB, gpu, machine
from tests.fakes.sessions.fake_outside import RUNTIME
from tests.fakes.states.run_records import a_record, a_worker

HERE = replace(machine("desk", ram=10 * GB), id=THIS_MACHINE)
NODE = replace(machine("node", gpu(0)), id="ada@10.0.0.7")


def offers(*machines):
    return tuple(
        offer
        for one in machines
        for offer in offers_of_machine(
            one, Layout.PER_DEVICE, reach=Reach() if one.id == THIS_MACHINE else Reach(exposure=Exposure.TUNNEL)
        )
    )


WORKERS = (
    a_worker("lab@1.2.3.4/cuda:0", 6, machine_name="node", description="RTX 0", threads=None, total_bytes=10 * GB),
    a_worker("this-machine/cpu", 2, machine_id="this-machine", machine_name="desk", threads=5, holds_output=True),
)
WORKERS = (replace(WORKERS[0], exposure=Exposure.TUNNEL.value), WORKERS[1])
MACHINES = tuple(
    replace(a_record().machines[0], id=id_, name=name, cpu="EPYC", os_name="Linux", ram_total_bytes=10 * GB)
    for id_, name in (("lab@1.2.3.4", "node"), ("this-machine", "desk"))
)
RECORD = a_record(9.0, id="7", workers=WORKERS, machines=MACHINES)


def reproduced(record=RECORD, *, runtime=RUNTIME, model_hash="abc", machines=(HERE, NODE)):
    return reproduction_of(record, runtime=runtime, model_hash=model_hash, machines=machines, offers=offers(*machines))


def test_the_same_lab_gives_the_same_split_under_other_logins():
    found = reproduced()
    assert found.differences == ()
    assert found.missing == ()
    assert found.split.seats == (("ada@10.0.0.7/cuda:0", 6), ("this-machine/cpu", 2))
    assert found.split.name == "Run 7"


def test_of_two_machines_of_one_name_each_stands_for_itself():
    twin = replace(NODE, id="ada@10.0.0.8")
    first, second = (replace(WORKERS[0], id=f"{one.id}/cuda:0", machine_id=one.id, n_layers=4) for one in (twin, NODE))
    found = reproduced(replace(RECORD, workers=(first, replace(second, holds_output=True))), machines=(HERE, NODE, twin))
    assert found.split.seats == (("ada@10.0.0.8/cuda:0", 4), ("ada@10.0.0.7/cuda:0", 4))


def test_a_machine_or_a_device_that_is_not_here():
    found = reproduced(machines=(HERE,))
    assert found.split is None
    assert found.missing == ("There is no machine node here: add it with --machine.",)
    found = reproduced(machines=(HERE, replace(NODE, gpus=())))
    assert found.missing == ("node has no worker cuda:0 (RTX 0) here.",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"runtime": replace(RUNTIME, commit="fff", build_number=1)}, "llama.cpp was b11434 (0c1e570), here it is b1 (fff)."),
        ({"runtime": None}, "llama.cpp was b11434 (0c1e570), here it is none."),
        ({"model_hash": "other"}, "The model is another file than the m of the run."),
        ({"model_hash": ""}, "Whether the model is the same m is not known: one of the files has no hash."),
        ({"machines": (replace(HERE, name="other"), NODE)}, "The coordinator was desk, here it is other."),
        ({"machines": (replace(HERE, os_name="BSD"), NODE)}, "desk: the system was Linux, here it is BSD."),
        (
            {"machines": (HERE, replace(NODE, gpus=(gpu(0, name="Arc"),)))},
            "node, cuda:0: the device was RTX 0, here it is Arc 0.",
        ),
        (
            {"machines": (HERE, replace(NODE, gpus=(gpu(0, total=5 * GB),)))},
            "node, cuda:0: memory was 10.0 GB, here it is 5.0 GB.",
        ),
        (
            {"machines": (replace(HERE, cpu=replace(HERE.cpu, name="Xeon")), NODE)},
            "desk: the processor was EPYC, here it is Xeon.",
        ),
        (
            {"machines": (replace(HERE, cpu=replace(HERE.cpu, ram_total_bytes=9 * GB)), NODE)},
            "desk: RAM was 10.0 GB, here it is 9.0 GB.",
        ),
        (
            {"machines": (replace(HERE, cpu=replace(HERE.cpu, physical_cores=3)), NODE)},
            "desk, cpu: threads were 5, here they are 3.",
        ),
    ],
)
def test_each_difference_is_one_sentence_and_keeps_nothing_from_running(changes, words):
    found = reproduced(**changes)
    assert found.differences == (words,)
    assert found.split is not None


def test_another_way_there_is_a_difference():
    record = replace(RECORD, workers=(replace(WORKERS[0], exposure=Exposure.LAN.value), WORKERS[1]))
    (sentence,) = reproduced(record).differences
    assert sentence == "node, cuda:0: it was reached by open on the network, here by loopback + SSH tunnel."


def test_what_llama_server_used_itself_it_uses_itself_again():
    alone = replace(WORKERS[1], n_layers=8, exposure=Exposure.NATIVE.value)
    found = reproduced(replace(RECORD, workers=(alone,)))
    assert found.differences == ()
    assert found.split.native == {"this-machine/cpu"}
    assert reproduced().split.native == frozenset()
