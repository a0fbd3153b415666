"""Directions: their formulas, how well they separate, files, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC
from torch import nn

from lrpwidgets import subjects
from lrpwidgets.improve import Direction, direction, ends, sides
from lrpwidgets.improve.projection import summarized, units_of
from lrpwidgets.lrp import rules
from lrpwidgets.spray import spray

from ..spray.conftest import make_store
from .nets import COUNT, WITH, WITHOUT, conv, dense, handed_on, subject_of

HAS = np.isin(np.arange(COUNT), WITH)


@pytest.fixture(scope="module")
def subject():
    return subject_of(conv(), 3, 8, 8)


@pytest.fixture(scope="module")
def tagged():
    """A network that fell for a tag, threes with it and without."""
    subject = subjects.load("tagged-digits")
    threes = np.equal(subject.dataset.labels, 3)
    return subject, *(np.flatnonzero(threes & (subject.dataset.tagged == each)) for each in (True, False))


@pytest.mark.parametrize("over", ["units", "channels"])
def test_the_signal_is_the_covariance_with_the_side_over_its_variance(subject, over):
    way = direction(subject, "pool", WITH[:7], WITHOUT, over=over)
    numbers = [*WITH[:7], *WITHOUT]
    h = summarized(handed_on(subject.model, "pool", subject.dataset.inputs[numbers]), way.axis).double()
    y = torch.tensor([1.0] * 7 + [0.0] * len(WITHOUT), dtype=torch.float64)
    signal = ((h - h.mean(0)) * (y - y.mean())[:, None]).sum(0) / (y - y.mean()).square().sum()
    torch.testing.assert_close(way.vector, signal / signal.norm())
    assert float(way.vector.norm()) == pytest.approx(1)


@pytest.mark.parametrize("over", ["units", "channels"])
def test_the_clean_mean_is_that_of_all_inputs_and_positions_without(subject, over):
    way = direction(subject, "pool", WITH, WITHOUT, over=over)
    units = units_of(handed_on(subject.model, "pool", subject.dataset.inputs), way.axis).double() @ way.vector
    assert way.clean == pytest.approx(float(units[WITHOUT].mean()))
    furthest = units.reshape(COUNT, -1).amax(1)
    assert way.artefact == pytest.approx(float(furthest[WITH].mean()))
    along = way.along(handed_on(subject.model, "pool", subject.dataset.inputs))
    torch.testing.assert_close(along, units.float(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", ["svm", "logistic"])
def test_weights_of_a_linear_classifier_separate_too(tagged, method):
    subject, there, elsewhere = tagged
    way, signal = (direction(subject, "relu3", there, elsewhere, method=each) for each in (method, "signal"))
    assert way.method == method
    assert way.auroc.value == pytest.approx(1)
    assert 0.2 < float(way.vector @ signal.vector) < 0.999
    values = handed_on(subject.model, "relu3", torch.stack([subject.item(i)[0] for i in (*there, *elsewhere)])).flatten(
        1
    )
    if method == "svm":
        scale = float(values.square().sum(1).mean().sqrt())
        own = LinearSVC(max_iter=20_000).fit(values / scale, [1] * len(there) + [0] * len(elsewhere)).coef_[0]
        torch.testing.assert_close(way.vector, torch.tensor(own / np.linalg.norm(own)), atol=1e-3, rtol=0)


def test_a_random_split_is_told_apart_by_chance_and_says_so(tagged):
    subject = tagged[0]
    areas = []
    for seed in range(3):
        numbers = np.random.default_rng(seed).permutation(len(subject.dataset))[:120]
        way = direction(subject, "relu3", numbers[:60], numbers[60:])
        areas.append(way.auroc.value)
        assert way.auroc.low <= way.auroc.value <= way.auroc.high
    assert np.mean(areas) == pytest.approx(0.5, abs=0.1)
    noise = replace(way, auroc=replace(way.auroc, value=0.47))
    assert noise.caveat.startswith("The direction in 'relu3' tells inputs with and without hardly apart: ")
    assert "area under the curve 0.47, by chance .5" in noise.caveat


def test_a_tag_is_told_apart_perfectly_and_heights_show_it(tagged):
    subject, there, elsewhere = tagged
    way = direction(subject, "relu3", there, elsewhere, source="cluster 1")
    assert (way.auroc.value, way.caveat, way.source) == (1, "", "cluster 1")
    assert way.heights[0].min() > way.heights[1].max()
    assert way.numbers == (tuple(there), tuple(elsewhere))
    weights, threshold = way.detector
    x = torch.stack([subject.item(int(i))[0] for i in (*there, *elsewhere)])
    detected = handed_on(subject.model, "relu3", x).flatten(1).double() @ weights > threshold
    assert detected.tolist() == [True] * len(there) + [False] * len(elsewhere)


def test_inputs_themselves_are_as_good_as_their_numbers(subject):
    x = subject.dataset.inputs
    one, other = direction(subject, "pool", WITH, WITHOUT), direction(subject, "pool", x[WITH], x[WITHOUT])
    assert torch.equal(one.vector, other.vector)
    assert (one.numbers, other.numbers) == ((tuple(WITH), tuple(WITHOUT)), ((), ()))
    third = direction(subject, "pool", torch.tensor(WITH), np.array(WITHOUT))
    assert third.numbers == one.numbers


def test_a_random_one_is_orthogonal_with_its_own_clean_mean_and_as_far_an_artefact(subject):
    way = direction(subject, "pool", WITH, WITHOUT)
    one, again, other = way.random(1), way.random(1), way.random(2)
    assert torch.equal(one.vector, again.vector)
    assert not torch.equal(one.vector, other.vector)
    assert float(one.vector @ way.vector) == pytest.approx(0, abs=1e-12)
    assert float(one.vector.norm()) == pytest.approx(1)
    h = handed_on(subject.model, "pool", subject.dataset.inputs[WITHOUT])
    assert one.clean == pytest.approx(float(one.along(h).mean()), rel=1e-4)
    assert one.artefact - one.clean == pytest.approx(way.artefact - way.clean)
    with pytest.raises(ValueError, match="A random direction has no detector"):
        one.projection(reactive=True)


def test_its_explainer_explains_how_far_inputs_lie_along_it(tagged):
    subject, there, elsewhere = tagged
    way = direction(subject, "relu3", there, elsewhere)
    x = torch.stack([subject.item(int(i))[0] for i in there[:5]])
    explanation = way.explainer(subject.explainer(rules.Zero())).explain(x)
    height = way.along(handed_on(subject.model, "relu3", x))
    torch.testing.assert_close(explanation.scores[:, 0], height)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(way.along(subject.model[:7](leaf)).sum(), leaf)
    torch.testing.assert_close(explanation.relevance, gradient * x, rtol=1e-4, atol=1e-5)
    plus = way.explainer(subject.explainer("epsilon_plus_flat")).explain(x).relevance
    assert float(plus[..., 17:, :3].abs().sum() / plus.abs().sum()) > 0.2  # the tag has 2 % of the pixels


def test_the_ends_are_the_inputs_that_lie_furthest(tagged):
    subject, there, elsewhere = tagged
    back, on = ends(subject, direction(subject, "relu3", there, elsewhere), count=6)
    assert set(on) <= set(there.tolist())
    assert not set(back) & set(there.tolist())


def test_a_file_gives_the_same_direction_back(subject, tmp_path):
    for way in (
        direction(subject, "pool", WITH, WITHOUT, source="a cluster"),
        direction(subject, "block", WITH, WITHOUT, over="channels").random(3),
    ):
        path = way.save(tmp_path / f"{way.layer}.safetensors")
        again = Direction.load(path)
        assert torch.equal(again.vector, way.vector)
        for name in ("place", "over", "clean", "artefact", "extent"):
            assert getattr(again, name) == getattr(way, name)
        assert (again.auroc, again.method, again.numbers, again.source) == (
            way.auroc,
            way.method,
            way.numbers,
            way.source,
        )
        assert all(map(torch.equal, again.heights, way.heights))
        assert (again.detector is None) == (way.detector is None)
        if way.detector:
            assert all(map(torch.equal, again.detector, way.detector))
        with pytest.raises(FileExistsError, match="is there already; take another name"):
            way.save(path)


def test_files_that_hold_none_are_refused(tmp_path):
    from safetensors.torch import save_file

    other, text = tmp_path / "other.safetensors", tmp_path / "text"
    save_file({"vector": torch.ones(2)}, other)
    text.write_text("a direction")
    with pytest.raises(ValueError, match="holds no direction; one is written by"):
        Direction.load(other)
    with pytest.raises(ValueError, match="is no safetensors file"):
        Direction.load(text)
    with pytest.raises(FileNotFoundError):
        Direction.load(tmp_path / "gone")


@pytest.mark.parametrize(
    ("there", "elsewhere", "message"),
    [
        ([0], WITHOUT, "needs two inputs at least on each side; with it there are 1"),
        (WITH, [], "needs two inputs at least on each side; without it there are 0"),
        (WITH, [*WITHOUT, 4, 2], r"with or without it, not both; on both sides are \[2, 4\]"),
        (WITH, [1, COUNT], f"inputs 0 to {COUNT - 1}, there is no {COUNT}"),
        ([-1, 2], WITHOUT, f"inputs 0 to {COUNT - 1}, there is no -1"),
        ([2, 2, 4], WITHOUT, "with it are to be different ones, but 2 is named 2 times"),
        (HAS, ~HAS, r"with it are given by a mask; give their numbers, numpy\.flatnonzero\(mask\)"),
    ],
)
def test_sides_that_are_none_are_refused(subject, there, elsewhere, message):
    with pytest.raises(ValueError, match=message):
        direction(subject, "pool", there, elsewhere)


def test_sides_that_are_the_same_to_the_layer_are_refused(subject):
    x = subject.dataset.inputs
    with pytest.raises(ValueError, match="are the same to the layer 'pool'; take another layer"):
        direction(subject, "pool", x[:4], x[:4])


def test_numbers_that_are_not_finite_are_refused():
    class Root(nn.Module):
        def forward(self, x):
            return x.sqrt()

    subject = subject_of(nn.Sequential(nn.Flatten(), Root(), nn.Linear(16, 3)), 1, 4, 4)
    with pytest.raises(ValueError, match="The layer '1' gives numbers that are not finite; take a layer before"):
        direction(subject, "1", WITH, WITHOUT)


def test_other_methods_and_ways_are_refused(subject):
    with pytest.raises(ValueError, match="method must be 'signal', 'svm', 'logistic', got 'pca'"):
        direction(subject, "pool", WITH, WITHOUT, method="pca")
    with pytest.raises(ValueError, match="over must be 'units' or 'channels', got 'pixels'"):
        direction(subject, "pool", WITH, WITHOUT, over="pixels")


def test_a_layer_with_very_many_units_goes_by_channels(subject, monkeypatch):
    from lrpwidgets.improve import directions

    monkeypatch.setattr(directions, "MOST_UNITS", 50)
    assert direction(subject, "pool", WITH, WITHOUT).over == "channels"
    assert direction(subject, "pool", WITH, WITHOUT, over="units").over == "units"


def test_the_sides_of_a_cluster_are_its_inputs_and_those_of_its_class_elsewhere(tmp_path):
    maps = np.random.default_rng(0).random((60, 1, 6, 6)) * 0.1
    maps[:20, :, 0, 0] += 3
    maps[20:, :, 5, 5] += 3
    store = make_store(tmp_path / "store", maps)
    atlas = spray(store, clusters=2)
    number = int(atlas.clusters[0])
    there, elsewhere = sides(atlas, number)
    assert (sorted(there), sorted(elsewhere)) == (list(range(20)), list(range(20, 60)))
    with pytest.raises(ValueError, match="no cluster 2"):
        sides(atlas, 2)
    with pytest.raises(ValueError, match="is the only one of its class; name inputs without it"):
        sides(spray(store, clusters=1), 0)


def test_a_dense_network_has_one_way_of_both_kinds():
    subject = subject_of(dense(), 1, 4, 4)
    units, channels = (direction(subject, "relu", WITH, WITHOUT, over=over) for over in ("units", "channels"))
    torch.testing.assert_close(units.vector, channels.vector)
    assert units.clean == pytest.approx(channels.clean)
