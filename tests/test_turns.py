"""Tests that measure time run alone, whatever other processes run."""

from __future__ import annotations

import time
from threading import Thread

import pytest

from tests import conftest

pytest.importorskip("fcntl")


@pytest.fixture(autouse=True)
def other_locks(tmp_path, monkeypatch):
    """Not those that this test holds itself."""
    for name in ("DOOR", "ROOM"):
        (tmp_path / name).touch()
        monkeypatch.setattr(conftest, name, tmp_path / name)


def waiting(alone: bool, told: list[str]) -> Thread:
    """Another test that has begun, and waits for its turn if it must."""

    def run() -> None:
        with conftest.turn(alone):
            told.append("ran")

    thread = Thread(target=run)
    thread.start()
    time.sleep(0.1)
    return thread


def test_others_run_together():
    told: list[str] = []
    with conftest.turn(alone=False):
        waiting(False, told).join(10)
        assert told == ["ran"]


@pytest.mark.parametrize(("first", "then"), [(True, False), (False, True), (True, True)])
def test_one_that_is_alone_waits_for_others_and_they_for_it(first, then):
    told: list[str] = []
    with conftest.turn(first):
        thread = waiting(then, told)
        assert told == []
    thread.join(10)
    assert told == ["ran"]


def test_who_waits_to_be_alone_lets_nobody_pass():
    alone: list[str] = []
    others: list[str] = []
    with conftest.turn(alone=False):
        threads = [waiting(True, alone), waiting(False, others)]
        assert (alone, others) == ([], [])
    for thread in threads:
        thread.join(10)
    assert (alone, others) == (["ran"], ["ran"])
