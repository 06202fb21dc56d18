"""The lock that proves that somebody runs."""

from engine.run_files.file_lock import try_lock


def test_one_holder_at_a_time(tmp_path):
    path = tmp_path / "lock"
    with path.open("a+") as one, path.open("a+") as other:
        assert try_lock(one)
        assert not try_lock(other)
        assert not try_lock(other, shared=True)
        one.close()
        assert try_lock(other)


def test_those_who_only_look_do_not_see_each_other(tmp_path):
    path = tmp_path / "lock"
    with path.open("a+") as one, path.open("a+") as other, path.open("a+") as holder:
        assert try_lock(one, shared=True)
        assert try_lock(other, shared=True)
        assert not try_lock(holder)
