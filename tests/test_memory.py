"""How much memory is free: of the machine, and of the control groups around the server."""

from __future__ import annotations

import psutil
import pytest

from lrpwidgets import memory

MIB = 2**20


@pytest.fixture
def group(tmp_path, monkeypatch):
    """Describe a control group of so many MiB, in one of the two versions."""
    monkeypatch.setattr(memory, "PROCESS", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "MOUNTED", tmp_path / "fs")
    (tmp_path / "cgroup").write_text("4:memory:/outer/inner\n1:cpu:/elsewhere\n0::/outer/inner\n")

    def group(version, name, limit, usage, cache):
        limits, usages, caches = memory.FILES[version]
        folder = tmp_path / "fs" / ("memory" if version else "") / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / limits).write_text(f"{limit}\n" if isinstance(limit, str) else f"{limit * MIB}\n")
        (folder / usages).write_text(f"{usage * MIB}\n")
        (folder / "memory.stat").write_text(f"anon 1\n{caches} {cache * MIB}\n")

    return group


def test_without_a_limit_it_is_what_the_machine_has(monkeypatch, tmp_path, group):
    group(0, "outer/inner", "max", 3, 1)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 123}))
    assert memory.free() == 123
    monkeypatch.setattr(memory, "PROCESS", tmp_path / "nothing")  # as on macOS and Windows
    assert memory.free() == 123


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("name", ["outer/inner", "outer", ""])
def test_a_limit_of_any_group_around_holds_and_caches_count_as_free(group, version, name):
    group(version, name, limit=4, usage=3, cache=2)
    assert memory.free() == 3 * MIB


def test_the_tightest_limit_holds_and_nothing_is_less_than_none(group):
    group(0, "outer", limit=8, usage=3, cache=0)
    group(0, "outer/inner", limit=2, usage=3, cache=0)
    assert memory.free() == 0


def test_all_memory_is_what_the_machine_has_or_a_group_around_allows(monkeypatch, group):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"total": 8 * MIB}))
    group(0, "outer", "max", 3, 1)
    assert memory.total() == 8 * MIB
    group(0, "outer/inner", limit=4, usage=3, cache=0)
    assert memory.total() == 4 * MIB


@pytest.mark.parametrize("text", ["", "2", "GB", "-1GB", "2 apples", "2GBs", "1e3GB", "nanGB", "9999999GB"])
def test_what_is_no_size_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=f"such as 2GB or 1.5GB; got '{text}'"):
        memory.size(text)


def test_what_was_freed_is_given_back():
    memory.give_back()  # without glibc nothing is done
    assert memory.resident() > MIB
