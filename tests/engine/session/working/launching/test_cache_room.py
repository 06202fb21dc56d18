"""A worker keeps a cache only where its disk has room for all that it is sent."""

from dataclasses import replace

from engine.session.remotes import WorkerProgram
from engine.session.working.launching.cache_room import SPARE_BYTES, with_room
from engine.vocabulary.machine import THIS_MACHINE, MachineId
from engine.vocabulary.worker import CacheBeforeLoad, native
from tests.fakes.states.cluster_states import ready

RUN = ready().run
LAB = MachineId("lab1")


def plan_on(machine_id):
    used = RUN.plan.used_workers
    offers = [replace(worker.offer, machine_id=machine_id, machine_name="lab1") for worker in used]
    return replace(RUN.plan, workers=tuple(replace(worker, offer=offer) for worker, offer in zip(used, offers, strict=True)))


def program(free_bytes=None):
    cache = CacheBeforeLoad(free_bytes=free_bytes)
    return WorkerProgram(rpc_server="rpc", dialect=RUN.dialect, cache_folder="/c", cache=cache)


def here(free_bytes):
    return CacheBeforeLoad(free_bytes=free_bytes)


NEEDED = sum(worker.weights_bytes for worker in plan_on(LAB).used_workers)


def test_a_disk_with_room_for_its_share():
    programs, notes = with_room(((LAB, program(NEEDED + SPARE_BYTES)),), plan_on(LAB), here(0))
    assert (programs[0][1].keeps_cache, notes) == (True, ())


def test_a_disk_without_it_is_said():
    programs, notes = with_room(((LAB, program(NEEDED)),), plan_on(LAB), here(None))
    assert not programs[0][1].keeps_cache
    (note,) = notes
    assert note.startswith(f"The disk of lab1 has {NEEDED // 1_000_000:,} MB left")


def test_this_machine_s_own_disk():
    programs, notes = with_room(((THIS_MACHINE, program()),), plan_on(THIS_MACHINE), here(1000))
    assert not programs[0][1].keeps_cache
    assert len(notes) == 1


def test_a_disk_of_which_nothing_is_known_and_a_machine_without_workers():
    programs, notes = with_room(((LAB, program()), (MachineId("other"), program(0))), plan_on(LAB), here(None))
    assert [one.keeps_cache for _, one in programs] == [True, True]
    assert notes == ()


def test_what_llama_server_uses_itself_has_no_cache():
    plan = plan_on(THIS_MACHINE)
    alone = tuple(replace(worker, offer=native(worker.offer, None)) for worker in plan.used_workers)
    assert with_room(((THIS_MACHINE, program()),), replace(plan, workers=alone), here(0))[1] == ()


def test_a_cache_that_somebody_else_loads_into_is_left_alone_and_said():
    taken = replace(program(), cache=CacheBeforeLoad(why_not="another Crossply loads into it"))
    programs, notes = with_room(((LAB, taken),), plan_on(LAB), here(None))
    assert not programs[0][1].keeps_cache
    assert notes == ("The workers of lab1 keep no cache this time: another Crossply loads into it.",)
