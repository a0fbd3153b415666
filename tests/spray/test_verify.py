"""What `verify` says of a store, what it repairs, and what a store does about links and locks."""

import os
import threading
from functools import partial

import numpy as np
import pytest
from click.testing import CliRunner

from lrpwidgets.dashboards.command import main
from lrpwidgets.maximize import references
from lrpwidgets.spray import DamagedStoreError, RelevanceStore, spray
from lrpwidgets.spray import files as disk
from lrpwidgets.spray.annotations import annotate, read_annotations
from tests.spray.attributions import attribute, digits, files


@pytest.fixture
def store(tmp_path):
    return attribute(tmp_path / "store", digits(20))


def run(*arguments):
    result = CliRunner().invoke(main, ["verify", *map(str, arguments)])
    return result.exit_code, result.output.splitlines()


def chunk(store, number, array="relevance"):
    return store.arrays[array].file(number)


def swap(one, other):
    contents = one.read_bytes(), other.read_bytes()
    other.write_bytes(contents[0])
    one.write_bytes(contents[1])


def spoil(file):
    file.write_bytes(b"\1" + file.read_bytes()[1:])


def test_a_good_store_is_good(store):
    assert run(store.path) == (0, [f"9 of 9 chunks in '{store.path}' are good."])


def test_each_damaged_file_is_named_and_its_batch_removed(store):
    whole = files(store.path)
    spoil(chunk(store, 0))
    spoil(chunk(store, 2, "samples"))
    code, lines = run(store.path)
    assert code == 1
    assert "The chunk 0 of 'relevance' (inputs 0 to 7) in the store" in lines[0]
    assert f"`lrpwidgets verify {store.path} --repair` removes '{chunk(store, 2, 'samples')}'" in lines[1]
    assert lines[2] == f"7 of 9 chunks in '{store.path}' are good."
    code, lines = run(store.path, "--repair")
    assert code == 0
    assert lines[:2] == [
        f"Removed, or written anew: '{chunk(store, 0)}'",
        f"Removed, or written anew: '{chunk(store, 2, 'samples')}'",
    ]
    assert run(store.path)[0] == 0
    assert RelevanceStore.open(store.path).missing() == [0, 2]
    attribute(store.path, digits(20))
    assert files(store.path) == whole


@pytest.mark.parametrize("array", ["relevance", "samples"])
def test_two_chunks_that_changed_places_are_noticed(store, array):
    swap(chunk(store, 0, array), chunk(store, 1, array))
    again = RelevanceStore.open(store.path)
    with pytest.raises(DamagedStoreError, match=f"chunk [01] of '{array}' .* (another one than|of another batch)"):
        again.relevance([0])
    with pytest.raises(DamagedStoreError, match=r"1 more of its files are damaged."):
        attribute(store.path, digits(20))
    assert run(store.path)[0] == 1


def test_a_store_of_references_is_verified_and_repaired(tmp_path):
    path = tmp_path / "references"
    store = references(digits(20), "conv2", path=path, batch_size=8, progress=False).store
    assert run(path) == (0, [f"9 of 9 chunks in '{path}' are good."])
    swap(chunk(store, 0, "channels.conv2"), chunk(store, 1, "channels.conv2"))
    assert run(path)[0] == 1
    assert run(path, "--repair")[0] == 0
    assert type(store).open(path).missing() == [0, 1]


def test_what_is_not_attributed_yet_is_no_damage(store):
    store.remove(1)
    code, lines = run(store.path)
    assert code == 0
    assert lines[0] == f"6 of 6 chunks in '{store.path}' are good."
    assert "computed by the same attribution as before" in lines[1]


def test_no_store_is_a_wrong_use(tmp_path):
    assert run(tmp_path)[0] == 2
    assert run(tmp_path / "nowhere")[0] == 2
    assert run()[0] == 2


def test_descriptions_of_arrays_are_written_anew(store):
    whole = files(store.path)
    spoil(store.path / "samples" / "zarr.json")
    (store.path / "relevance" / "zarr.json").unlink()
    with pytest.raises(DamagedStoreError, match="--repair` writes it anew"):
        RelevanceStore.open(store.path)
    assert run(store.path)[0] == 1
    assert run(store.path, "--repair")[0] == 0
    assert files(store.path) == whole


def test_a_damaged_description_of_the_store_is_damage_that_nobody_repairs(store):
    file = store.path / "zarr.json"
    text = file.read_text()
    file.write_text(text.replace("Small CNN", "Large CNN"))
    code, lines = run(store.path, "--repair")
    assert code == 1
    assert f"'{file}' is damaged, or was written by something else than lrpwidgets" in lines[0]
    file.unlink()
    assert run(store.path)[0] == 1
    with pytest.raises(DamagedStoreError, match=r"zarr.json' is missing: copy it again"):
        attribute(store.path, digits(20))


def test_repairing_leaves_what_people_made(store):
    annotate(spray(store, clusters=2, neighbors=3), "mine", {0: "tag"})
    store.write_notes({"a": 1})
    spoil(store.path / "clusters" / "mine" / "c.0")
    code, lines = run(store.path, "--repair")
    assert code == 1
    assert "clusters/mine/zarr.json' cannot be used" in lines[0]
    assert "write these clusters again, or remove the folder" in lines[0]
    assert (store.path / "clusters" / "mine" / "c.0").exists()
    assert store.read_notes() == {"a": 1}
    annotate(spray(store, clusters=2, neighbors=3), "mine", {0: "tag"})
    assert run(store.path)[0] == 0


# Links


def test_clusters_are_not_written_through_a_link(store, tmp_path):
    atlas = spray(store, clusters=2, neighbors=3)
    outside = tmp_path / "outside"
    (outside / "mine").mkdir(parents=True)
    (outside / "mine" / "thesis.txt").write_text("years of work")
    (store.path / "clusters").symlink_to(outside)
    with pytest.raises(DamagedStoreError, match=r"clusters' is a symbolic link, and a store consists of plain files"):
        annotate(atlas, "mine")
    (store.path / "clusters").unlink()
    annotate(atlas, "other")
    (store.path / "clusters" / "mine").symlink_to(outside / "mine")
    with pytest.raises(DamagedStoreError, match=r"mine' is a symbolic link"):
        annotate(atlas, "mine")
    with pytest.raises(DamagedStoreError, match=r"mine' is a symbolic link"):
        read_annotations(store)
    assert run(store.path, "--repair")[0] == 1
    assert (outside / "mine" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("name", ["zarr.json", "samples", "relevance/zarr.json", "relevance/c.0.0.0.0"])
def test_a_link_in_a_store_is_refused_by_its_name(store, tmp_path, name):
    moved = tmp_path / "moved"
    (store.path / name).rename(moved)
    (store.path / name).symlink_to(moved)
    before = files(tmp_path)
    with pytest.raises(DamagedStoreError, match=f"{name}' is a symbolic link, and a store consists of plain files"):
        RelevanceStore.open(store.path).relevance([0])
    with pytest.raises(DamagedStoreError, match=f"{name}' is a symbolic link"):
        attribute(store.path, digits(20))
    assert run(store.path)[0] == 1
    assert files(tmp_path) == before


@pytest.mark.parametrize("name", ["zarr.json", "samples", "channels.conv2", "places.conv2/c.1.0.0"])
def test_a_link_in_a_store_of_references_is_refused_by_its_name(tmp_path, name):
    path = tmp_path / "references"
    make = partial(references, digits(20), "conv2", path=path, batch_size=8, progress=False)
    make()
    (path / name).rename(tmp_path / "moved")
    (path / name).symlink_to(tmp_path / "moved")
    before = files(tmp_path)
    with pytest.raises(DamagedStoreError, match=f"{name}' is a symbolic link"):
        make()
    assert run(path)[0] == 1
    assert files(tmp_path) == before


def test_a_link_that_leads_nowhere_is_named_too(store, tmp_path):
    (store.path / "zarr.json").unlink()
    (store.path / "zarr.json").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DamagedStoreError, match=r"zarr.json' is a symbolic link"):
        attribute(store.path, digits(20))
    assert not (tmp_path / "nowhere").exists()


def test_a_file_in_the_place_of_clusters_is_told_beside_the_others(store):
    atlas = spray(store, clusters=2, neighbors=3)
    for name in ("a", "b"):
        annotate(atlas, name)
    (store.path / "clusters" / "stray").write_text("")
    spoil(store.path / "clusters" / "b" / "c.0")
    code, lines = run(store.path)
    assert code == 1
    assert "clusters/b/zarr.json' cannot be used" in lines[0]
    assert "clusters/stray' is a special file or misplaced" in lines[1]


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes with names")
def test_a_pipe_in_a_store_is_refused_instead_of_waited_for(store):
    chunk(store, 0).unlink()
    os.mkfifo(chunk(store, 0))
    with pytest.raises(DamagedStoreError, match=r"c.0.0.0.0' is a special file"):
        store.relevance([0])
    assert run(store.path)[0] == 1
    assert run(store.path, "--repair")[0] == 0
    assert not chunk(store, 0).exists()


def test_the_folder_of_a_store_may_be_a_link(store, tmp_path):
    (tmp_path / "link").symlink_to(store.path)
    assert run(tmp_path / "link")[0] == 0
    assert attribute(tmp_path / "link", digits(20)).done.all()


# The disk


def test_what_two_writers_wrote_of_one_batch_is_of_one_of_them(store, monkeypatch):
    """The other one comes between relevance and table, and differs in the last digits."""
    samples, relevance = store.arrays["samples"].read(0)[:, :6], store.arrays["relevance"].read(0)
    other, write = relevance * np.float16(1.5), type(store.arrays["samples"]).write
    between = [lambda: write(store.arrays["relevance"], 0, other)]

    def written(array, number, values):
        if array.folder.name == "samples" and between:
            between.pop()()
        return write(array, number, values)

    monkeypatch.setattr(type(store.arrays["samples"]), "write", written)
    store.write(0, {"relevance": relevance, "channels": store.arrays["channels"].read(0), "samples": samples})
    assert run(store.path)[0] == 0
    assert np.array_equal(store.arrays["relevance"].read(0), relevance)


@pytest.mark.parametrize("settle", [disk.settle, disk.settle_each])
def test_everything_is_put_on_the_disk(store, settle, monkeypatch):
    before, synced = files(store.path), []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: (synced.append(number), fsync(number)))
    settle(store.path)
    assert files(store.path) == before
    if settle is disk.settle_each:
        assert len(synced) >= len(before)


def test_a_pass_puts_what_it_wrote_on_the_disk_and_a_complete_store_costs_nothing(tmp_path, monkeypatch):
    settled = []
    monkeypatch.setattr(disk, "settle", settled.append)
    attribute(tmp_path / "store", digits(8))
    assert settled == [tmp_path / "store"]
    attribute(tmp_path / "store", digits(8))
    assert len(settled) == 1


def test_a_lock_is_one_persons_at_a_time(tmp_path):
    file, inside, most = tmp_path / "file", [], []
    file.write_bytes(b"x")

    def enter():
        for _ in range(50):
            with disk.locked(file):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert file.read_bytes() == b"x"
