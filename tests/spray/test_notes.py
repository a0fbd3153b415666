"""Notes that several people write at once: nobody's are lost, and what was removed stays removed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrpwidgets.spray import RelevanceStore
from lrpwidgets.spray.merging import merged
from lrpwidgets.spray.notes import call_cluster, names_of_clusters
from tests.spray.attributions import FORKS
from tests.spray.conftest import planted

NOTES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab", max_size=1),
    lambda inside: st.dictionaries(st.sampled_from("abc"), inside, max_size=3),
    max_leaves=6,
)
DICTS = st.dictionaries(st.sampled_from("abc"), NOTES, max_size=3)


@pytest.fixture
def store(store_of):
    return store_of(planted([10]))


def test_two_who_read_the_same_and_write_keep_both(store):
    store.write_notes({"seen": 1, "old": 2, "both": {"one": 1}})
    one, two = RelevanceStore.open(store.path), RelevanceStore.open(store.path)
    mine, yours = one.read_notes(), two.read_notes()
    mine["mine"], mine["both"]["two"] = "a", 2
    yours["yours"], yours["both"]["three"] = "b", 3
    del yours["old"]
    one.write_notes(mine)
    two.write_notes(yours)
    expected = {"seen": 1, "mine": "a", "yours": "b", "both": {"one": 1, "two": 2, "three": 3}}
    assert store.read_notes() == expected
    one.write_notes(one.read_notes())
    assert store.read_notes() == expected


def test_of_one_key_the_last_writer_wins(store):
    one, two = RelevanceStore.open(store.path), RelevanceStore.open(store.path)
    one.read_notes()
    two.read_notes()
    one.write_notes({"key": "first"})
    two.write_notes({"key": "last"})
    assert store.read_notes() == {"key": "last"}


def test_what_nobody_here_has_seen_is_not_removed(store):
    store.write_notes({"a": 1})
    RelevanceStore.open(store.path).write_notes({"b": 2})
    assert RelevanceStore.open(store.path).read_notes() == {"a": 1, "b": 2}
    store.write_notes({})
    assert RelevanceStore.open(store.path).read_notes() == {"b": 2}


@given(DICTS, DICTS, DICTS)
def test_merging_keeps_what_one_has_changed_and_the_rest(seen, mine, there):
    assert merged(seen, mine, seen) == mine
    assert merged(seen, seen, there) == there
    assert merged(seen, there, there) == there
    found = merged(seen, mine, there)
    for name in {*seen, *mine, *there}:
        untouched = (name in seen, repr(seen.get(name))) == (name in mine, repr(mine.get(name)))
        if name not in there and untouched:
            assert name not in found


def test_names_of_clusters_of_two_tabs_stay(store):
    one, two = RelevanceStore.open(store.path), RelevanceStore.open(store.path)
    call_cluster(one, "key", 0, {"name": "tag"})
    call_cluster(two, "key", 1, {"name": "hoof"})
    call_cluster(one, "key", 0, {"note": "look again"})
    assert call_cluster(two, "other", 0, {"name": "sky"}) == {0: {"name": "sky", "note": ""}}
    assert names_of_clusters(store, "key") == {
        0: {"name": "tag", "note": "look again"},
        1: {"name": "hoof", "note": ""},
    }
    call_cluster(one, "key", 1, {"name": ""})
    assert [*names_of_clusters(two, "key")] == [0]


def test_many_processes_that_write_at_once_lose_nothing(store):
    processes = [FORKS.Process(target=write_ten, args=(store.path, writer)) for writer in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert sorted(store.read_notes()) == sorted(f"{writer} {number}" for writer in range(4) for number in range(10))
    assert np.isfinite(RelevanceStore.open(store.path).relevance([0])).all()


def write_ten(path, writer):
    store = RelevanceStore.open(path)
    for number in range(10):
        notes = store.read_notes()
        store.write_notes({**notes, f"{writer} {number}": True})
