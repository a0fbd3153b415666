"""What a process keeps to be quick: its order, its room, and the limit of the process."""

from __future__ import annotations

import pytest
import torch

from lrpwidgets import memory, shelves
from lrpwidgets.shelves import Shelf, Shelves

GB = 10**9
SIZE = 4000
"""Bytes of what stands on the shelves here."""


def made() -> torch.Tensor:
    return torch.zeros(SIZE // 4)


def refused() -> torch.Tensor:
    raise AssertionError("it was not there any more")


@pytest.fixture
def kept(monkeypatch):
    """Shelves of their own, with room for three."""
    kept = Shelves()
    kept.room = 3 * SIZE
    monkeypatch.setattr(shelves, "SHELVES", kept)
    return kept


@pytest.fixture
def process(monkeypatch):
    """What the process takes and the machine has, and how often the process gave something back."""

    class Process:
        taken, has, given_back = GB, 64 * GB, 0

        def give_back(self):
            self.given_back += 1

    process = Process()
    monkeypatch.setattr(memory, "resident", lambda: process.taken)
    monkeypatch.setattr(memory, "total", lambda: process.has)
    monkeypatch.setattr(memory, "give_back", process.give_back)
    return process


def test_what_was_used_least_recently_goes_first_on_whichever_shelf_it_stands(kept):
    one, other = Shelf(), Shelf()
    one.find("a", made)
    other.find("b", made)
    one.find("c", made)
    one.find("a", refused)  # used again
    other.find("d", made)
    assert (list(one._items), list(other._items)) == (["c", "a"], ["d"])
    other.find("e", made)
    assert (list(one._items), list(other._items)) == (["a"], ["d", "e"])
    assert kept.bytes == kept.room


def test_what_is_larger_than_the_room_is_not_kept_and_nothing_goes_for_it(kept):
    shelf = Shelf()
    shelf.find("small", made)
    assert len(shelf.find("large", lambda: torch.zeros(SIZE))) == SIZE
    assert list(shelf._items) == ["small"]


def test_a_shelf_goes_with_its_owner(kept):
    shelf = Shelf()
    shelf.find("a", made)
    assert kept.bytes == SIZE
    del shelf
    assert kept.bytes == 0


def test_without_a_limit_an_eighth_of_the_machine_is_there_for_the_shelves(process):
    kept = Shelves()
    kept.settle()
    assert (kept.limit, kept.room, kept.told()) == (None, 8 * GB, "")


@pytest.mark.parametrize(("has", "more"), [(4 * GB, GB // 2), (12 * GB, 3 * GB // 4), (64 * GB, GB)])
def test_a_dashboard_takes_a_share_of_the_machine_beyond_what_it_begins_with(process, has, more):
    process.has = has
    kept = Shelves()
    kept.hold()
    assert kept.limit == GB + more
    process.taken = 3 * GB
    kept.hold()  # as another exploration does
    assert kept.limit == GB + more


def test_half_of_what_the_process_leaves_is_for_the_shelves(kept, process):
    kept.hold(2 * GB)
    assert kept.room == GB // 2
    shelf = Shelf()
    shelf.find("a", made)
    process.taken = GB + SIZE  # the shelves are a part of it
    kept.settle()
    assert kept.room == GB // 2
    process.taken = 3 * GB
    kept.settle()
    assert (kept.room, len(shelf)) == (0, 0)


def test_holes_are_given_back_once_they_are_worth_it(kept, process):
    kept.hold(2 * GB)
    process.taken += GB // 8
    kept.settle()
    assert process.given_back == 0
    process.taken += GB // 4
    kept.settle()
    kept.settle()
    assert process.given_back == 1


def test_what_is_in_use_is_told_in_words(kept, process):
    kept.hold(2 * GB)
    process.taken = 1_249_000_000
    assert kept.told() == "1.2 of 2.0 GB of memory in use"
