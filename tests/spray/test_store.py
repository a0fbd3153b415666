"""What a relevance store gives back, how it lies on disk, and what it says when it is damaged or misused."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr

from lrpwidgets.lrp import Composite, Explainer
from lrpwidgets.lrp.rules import Epsilon, Zero
from lrpwidgets.spray import DamagedStoreError, RelevanceStore
from tests.spray.attributions import assert_near, attribute, digits, explained, files, linear

HALF = 2.0**-11
"""Of the largest value of a map: how far 16 bits may be off."""


@pytest.fixture(scope="module")
def subject():
    return digits()


@pytest.fixture(scope="module")
def store(subject, tmp_path_factory):
    return attribute(tmp_path_factory.mktemp("stores") / "digits", subject)


@pytest.fixture
def own(subject, tmp_path):
    """A store that a test may harm."""
    return attribute(tmp_path / "digits", subject)


# What it gives back


@pytest.mark.parametrize("rows", [range(50), [3], [49, 0, 17, 17, 8, 7], np.array([9, 1], np.uint8), []], ids=str)
def test_relevance_is_that_of_the_explainer_in_any_order(store, subject, rows):
    found = store.relevance(rows)
    assert found.dtype == np.float32
    assert found.shape == (len(rows), 1, 8, 8)
    if len(rows):
        assert_near(found, explained(subject, rows).relevance, HALF)


def test_32_bits_are_exact(subject, tmp_path):
    store = attribute(tmp_path / "store", subject, dtype="float32", batch_size=25)
    together = np.concatenate([explained(subject, rows).relevance for rows in (range(25), range(25, 50))])
    assert np.array_equal(store.relevance(range(50)), together)


def test_scores_and_classes_are_those_of_the_explanation(store, subject):
    explanation = explained(subject, range(50))
    assert np.allclose(store.score, explanation.scores.amax(1), rtol=1e-5)
    assert np.array_equal(store.prediction, explanation.scores.argmax(1))
    assert np.array_equal(store.target, store.prediction)
    assert np.array_equal(store.label, subject.dataset.labels)
    assert np.array_equal(store.index, np.arange(50))
    assert store.done.all()
    assert len(store) == 50
    assert store.classes == subject.classes


@pytest.mark.parametrize("targets", ["label", 3])
def test_other_targets_are_explained(subject, tmp_path, targets):
    store = attribute(tmp_path / "store", subject, targets=targets)
    wanted = subject.dataset.labels if targets == "label" else [targets] * 50
    explanation = explained(subject, range(50), target=wanted)
    assert_near(store.relevance(range(50)), explanation.relevance, HALF)
    assert np.allclose(store.score, explanation.scores[range(50), wanted], rtol=1e-5, atol=1e-5)
    assert np.array_equal(store.target, wanted)
    assert np.array_equal(store.prediction, explanation.scores.argmax(1))


@pytest.mark.parametrize("layers", [None, ("relu1", "linear")])
def test_relevance_of_channels_is_kept_too(subject, tmp_path, layers):
    store = attribute(tmp_path / "store", subject, layers=layers)
    explanation = explained(subject, range(50))
    assert list(store.info.layers) == list(layers or ["conv2", "conv3"])
    for name in store.info.layers:
        sums = (
            explanation[name].relevance[[4, 2]].flatten(2).sum(2)
            if name != "linear"
            else explanation[name].relevance[[4, 2]]
        )
        np.testing.assert_allclose(store.relevance([4, 2], name), sums, rtol=1e-4, atol=1e-5)
    assert_near(store.relevance([4, 2]), explanation.relevance[[4, 2]], HALF)


@pytest.mark.parametrize(("pool", "side"), [(8, 8), (7, 4), (3, 3), (2, 2), (1, 1)])
def test_pooled_maps_are_small_and_keep_their_sum(subject, tmp_path, pool, side):
    store = attribute(tmp_path / "store", subject, pool=pool, dtype="float32")
    found = store.relevance(range(50))
    assert found.shape == (50, 1, side, side)
    whole = explained(subject, range(50)).relevance.numpy()
    assert np.allclose(found.sum((1, 2, 3)), whole.sum((1, 2, 3)), rtol=1e-4, atol=1e-4)
    square = -(-8 // pool)
    assert np.allclose(found[:, 0, 0, 0], whole[:, 0, :square, :square].sum((1, 2)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("weight", [1e-30, 1e-5, 1.0, 1e5, 1e30])
def test_16_bits_neither_overflow_nor_underflow(tmp_path, weight):
    subject = linear(weight, [1.0, 3.0, 1e-3])
    store = attribute(tmp_path / "store", subject, Zero(), pool=1)
    assert_near(store.relevance(range(3)), explained(subject, range(3), Zero()).relevance, HALF)
    assert store.relevance(range(3)).all()


def test_all_zero_maps_stay_zero(tmp_path):
    store = attribute(tmp_path / "store", linear(0.0, [1.0, 2.0]), "epsilon")
    assert not store.relevance([0, 1]).any()


def test_relevance_that_is_not_finite_stays_what_it_is(monkeypatch, tmp_path):
    spoiled = explained(digits(8), range(8)).relevance.clone()
    spoiled[1, 0, 2, 3], spoiled[2, 0, 4, 4], spoiled[3, 0, 0, 0] = np.nan, np.inf, -np.inf
    monkeypatch.setattr("lrpwidgets.spray.maps.of_input", lambda explanation, pool: spoiled[: len(explanation.scores)])
    found = attribute(tmp_path / "store", digits(8)).relevance(range(8))
    assert np.array_equal(np.isnan(found), np.isnan(spoiled.numpy()))
    assert (found[2, 0, 4, 4], found[3, 0, 0, 0]) == (np.inf, -np.inf)
    assert_near(np.nan_to_num(found, posinf=0, neginf=0), spoiled.nan_to_num(0, 0, 0).numpy(), HALF)


def test_chunks_are_read_once_each_in_the_order_of_the_store(store, monkeypatch):
    read, numbers = type(store.arrays["relevance"]).read, []
    _ = store.done
    monkeypatch.setattr(
        type(store.arrays["relevance"]), "read", lambda self, n, *rest: (numbers.append(n), read(self, n, *rest))[1]
    )
    rows = np.array([40, 1, 41, 2, 9, 1])
    found = list(store.batches(rows))
    assert numbers == [0, 1, 5]
    assert [rows[positions].tolist() for positions, _ in found] == [[1, 1, 2], [9], [40, 41]]
    monkeypatch.undo()
    for positions, relevance in found:
        assert np.array_equal(relevance, store.relevance(rows[positions]))


def test_kept_numbers_cannot_be_written_into(store):
    with pytest.raises(ValueError, match="read-only"):
        store.label[0] = 3


# How it lies on disk


def test_any_zarr_library_reads_it(store):
    group = zarr.open_group(store.path, mode="r")
    samples = group["samples"]
    columns = {name: samples[:, at] for at, name in enumerate(samples.attrs["columns"])}
    assert np.array_equal(columns["score"].astype(np.float32), store.score)
    scale = columns["scale"].astype(np.float32)[:, None, None, None]
    assert np.array_equal(group["relevance"][:].astype(np.float32) * scale, store.relevance(range(50)))
    assert group.attrs["lrpwidgets"]["composite"] == store.info.composite


def test_zarr_lists_nothing_that_it_does_not_know(store, recwarn):
    assert {name for name, _ in zarr.open_group(store.path, mode="r").members()} == {*store.arrays}
    assert not recwarn


def test_it_says_where_its_numbers_come_from(store, subject):
    info = RelevanceStore.open(store.path).info
    assert info == store.info
    assert info.recipe == "subjects.load('digits')"
    assert info.composite["name"] == "epsilon_plus_flat"
    assert info.targets == "predicted"
    assert info.software.keys() == {"python", "lrpwidgets", "torch", "numpy"}
    assert info.shape == info.input_shape == (1, 8, 8)


def test_a_repr_says_how_much_is_there(store):
    assert repr(store).endswith("digits': Small CNN · handwritten digits, epsilon_plus_flat, 50 of 50 inputs)")


# Selecting


def test_rows_are_selected_by_label(store, subject):
    selection = store.select(label=3)
    assert selection.rows.tolist() == [i for i, label in enumerate(subject.dataset.labels) if label == 3]
    assert (selection.by, selection.value, selection.name, len(selection)) == (
        "label",
        3,
        'label "3"',
        len(selection.rows),
    )


def test_rows_are_selected_by_prediction(store):
    assert np.array_equal(store.select(prediction=7).rows, np.flatnonzero(store.prediction == 7))


def test_chosen_rows_are_sorted_without_repetitions(store):
    selection = store.select(rows=[9, 4, 4])
    assert selection.rows.tolist() == [4, 9]
    assert selection.name == "2 chosen inputs"


def test_without_a_choice_all_rows_are_selected(store):
    assert store.select().rows.tolist() == list(range(50))
    assert store.select().name == "all 50 inputs"


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"label": 3, "rows": [1]}, "Select by one of label, prediction and rows; got label and rows."),
        ({"label": 10}, "There is no class 10; the store has classes 0 to 9."),
        ({"prediction": -1}, "There is no class -1; the store has classes 0 to 9."),
        ({"label": "3"}, "label must be the number of a class, got '3'."),
        ({"label": True}, "label must be the number of a class, got True."),
        ({"rows": [50]}, "There is no row 50; the store has rows 0 to 49."),
        ({"rows": [0.5]}, "rows must be whole numbers (n,), got float64 of shape (1,)."),
        ({"rows": [[1]]}, "rows must be whole numbers (n,), got int64 of shape (1, 1)."),
    ],
    ids=str,
)
def test_a_wrong_choice_is_refused(store, choice, sentence):
    with pytest.raises(ValueError, match="^" + re.escape(sentence)):
        store.select(**choice)


def test_a_layer_that_was_not_kept_cannot_be_read(store):
    with pytest.raises(
        ValueError, match=r"not keep the layer 'conv1'; it keeps 'conv2', 'conv3'. .* layers=\['conv1'\]"
    ):
        store.relevance([0], "conv1")


# Opening


def test_opening_nothing_says_how_to_make_a_store(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no relevance store in .*; make one with RelevanceStore.create"):
        RelevanceStore.open(tmp_path)


def test_a_store_opens_with_the_explainer_that_made_it(store, subject):
    RelevanceStore.open(store.path, Explainer(subject.model, "epsilon_plus_flat"))
    RelevanceStore.open(store.path, Explainer(subject.model))  # "auto" is the same preset here


def test_a_store_of_another_composite_is_refused_with_both_names(store, subject):
    with pytest.raises(ValueError, match=r"composite \('epsilon_plus_flat' there, 'epsilon' here\)"):
        RelevanceStore.open(store.path, Explainer(subject.model, "epsilon"))


def test_a_changed_parameter_of_a_composite_is_told(store, subject):
    changed = Explainer(subject.model, "epsilon_plus_flat").composite.with_rule(2, Epsilon(0.5))
    with pytest.raises(ValueError, match=r"entry 3 of 'epsilon_plus_flat' is .* there, .*0.5.* here"):
        RelevanceStore.open(store.path, Explainer(subject.model, changed))


def test_a_composite_that_is_longer_is_told(store, subject):
    composite = Explainer(subject.model, "epsilon_plus_flat").composite
    longer = Composite([*composite.entries, ("*", Epsilon())], composite.name)
    with pytest.raises(ValueError, match=r"entry 4 of 'epsilon_plus_flat' is missing there, .* here"):
        RelevanceStore.open(store.path, Explainer(subject.model, longer))


def test_a_store_of_another_model_is_refused(store):
    other = digits().model
    other.linear.bias.data[0] += 1e-6
    with pytest.raises(ValueError, match=r"model \(weights and architecture [0-9a-f]{12} there, [0-9a-f]{12} here\)"):
        RelevanceStore.open(store.path, Explainer(other, "epsilon_plus_flat"))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda text: text[: len(text) // 2], "does not describe a relevance store"),
        (lambda text: "[]", "does not describe a relevance store"),
        (lambda text: text.replace('"lrpwidgets": {', '"others": {'), "does not describe a relevance store"),
        (
            lambda text: text.replace('"format": 3', '"format": 2'),
            "its format is 2; this version .* reads 3. Read it with the version that made it, or make another store.",
        ),
        (lambda text: text.replace('"batch_size"', '"size"'), "it does not say batch_size"),
    ],
    ids=["cut off", "other", "foreign", "older", "a key lacks"],
)
def test_a_damaged_description_is_told(own, spoil, sentence):
    file = own.path / "zarr.json"
    file.write_text(spoil(file.read_text()))
    with pytest.raises(ValueError, match=sentence):
        RelevanceStore.open(own.path)


# Damage


def chunk(store, array="relevance", number=2):
    return next((store.path / array).glob(f"c.{number}.*"))


def test_a_chunk_that_was_cut_off_is_named_with_the_way_out(own):
    file = chunk(own)
    file.write_bytes(file.read_bytes()[:-5])
    assert own.relevance(range(16)).shape == (16, 1, 8, 8)
    with pytest.raises(
        DamagedStoreError, match=r"chunk 2 of 'relevance' \(inputs 16 to 23\).* is cut off: run the same"
    ):
        own.relevance([3, 17])


def test_a_chunk_that_is_missing_is_named(own):
    chunk(own).unlink()
    with pytest.raises(DamagedStoreError, match=r"chunk 2 of 'relevance'.* is missing: run the same attribution again"):
        own.relevance([17])


def test_a_flipped_bit_is_found(own):
    file = chunk(own)
    content = bytearray(file.read_bytes())
    content[7] ^= 1
    file.write_bytes(content)
    with pytest.raises(
        DamagedStoreError, match=f"checksum is wrong: `lrpwidgets verify {own.path} --repair` removes '{file}'"
    ):
        own.relevance([17])


def test_an_array_that_is_missing_is_named(own, subject):
    shutil.rmtree(own.path / "relevance")
    with pytest.raises(DamagedStoreError, match="has no 'relevance': copy all of the store again, or make another one"):
        attribute(own.path, subject)


def test_a_reason_that_was_lost_leaves_the_rest_readable(tmp_path):
    spoiled = digits(20)
    spoiled.dataset.inputs[[3, 17]] = float("nan")
    with pytest.warns(RuntimeWarning):
        store = attribute(tmp_path / "store", spoiled)
    chunk(store, "failure", 0).unlink()
    again = RelevanceStore.open(store.path)
    assert again.relevance([4]).shape == (1, 1, 8, 8)
    with pytest.raises(DamagedStoreError, match=r"chunk 0 of 'failure'.* is missing: run the same attribution again"):
        _ = again.failures
    with pytest.warns(RuntimeWarning):
        assert list(attribute(store.path, spoiled).failures) == [3, 17]


@pytest.mark.parametrize("array", ["relevance", "samples"])
@pytest.mark.parametrize(
    "spoil", [lambda file: file.write_bytes(file.read_bytes()[:9]), Path.unlink], ids=["cut", "gone"]
)
def test_the_way_out_works_and_says_what_was_lost(own, subject, array, spoil, recwarn):
    whole, file = files(own.path), chunk(own, array)
    spoil(file)
    attribute(own.path, subject)
    assert files(own.path) == whole
    lost = [str(warning.message) for warning in recwarn]
    begun = array == "samples" and not lost  # a batch without its table may be one that somebody is writing
    assert begun or lost == [
        f"Files of the store '{own.path}' were lost (1), and their inputs are computed again. The first is '{file}'."
    ]


def test_rows_of_a_cut_off_table_count_as_not_attributed(own):
    chunk(own, "samples").write_bytes(b"half")
    store = RelevanceStore.open(own.path)
    assert store.done.sum() == 42
    assert store.prediction[16] == -2
    assert store.index[16] == 16
    assert 16 not in store.select().rows
    with pytest.raises(ValueError, match="Row 16 is not attributed yet: run the same attribution again"):
        store.relevance([16])


def test_a_damaged_table_is_told(own):
    file = chunk(own, "samples")
    file.write_bytes(b"\1" + file.read_bytes()[1:])
    with pytest.raises(DamagedStoreError, match="chunk 2 of 'samples'"):
        _ = RelevanceStore.open(own.path).label


# Notes


def test_notes_persist(own):
    assert own.read_notes() == {}
    own.write_notes({"clusters": {"2": "the tag"}, "marked": [1, 2]})
    assert RelevanceStore.open(own.path).read_notes() == {"clusters": {"2": "the tag"}, "marked": [1, 2]}


def test_notes_leave_everything_else_as_it_was(own, subject):
    before = files(own.path)
    own.write_notes({"a": 1})
    after = files(own.path)
    assert {name for name in before if before[name] != after[name]} == {"zarr.json"}
    assert before.keys() == after.keys()
    assert RelevanceStore.open(own.path).info == own.info
    assert zarr.open_group(own.path).attrs["notes"] == {"a": 1}
    attribute(own.path, subject)


@pytest.mark.parametrize("wrong", [{"a": {1, 2}}, {"a": float("nan")}], ids=str)
def test_notes_that_json_cannot_hold_leave_those_before(own, wrong):
    own.write_notes({"a": 1})
    with pytest.raises((TypeError, ValueError)):
        own.write_notes(wrong)
    assert own.read_notes() == {"a": 1}
    assert json.loads((own.path / "zarr.json").read_text())["attributes"]["lrpwidgets"]


def test_importing_the_package_loads_neither_torch_nor_zarr():
    script = "import sys, lrpwidgets.spray; assert not {'torch', 'zarr', 'sklearn', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
