"""Channels that are cut: the smaller model gives what the masked one gives, whatever its layers hang together by."""

from __future__ import annotations

import copy
import io
import json
import pickle

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from lrpwidgets import improve
from lrpwidgets.improve.masks import Mask, mask
from lrpwidgets.lrp import Explainer

from .small import NETWORKS, Sigmoids, Written, network, subject_of


@pytest.fixture(scope="module", params=NETWORKS)
def pruned(request):
    """A network, and what is left of it when half of its channels are masked, or cut where they can be."""
    subject = network(request.param)
    options = {"by": "random", "fraction": 0.5, "per_layer": True, "progress": False}
    return request.param, subject, improve.prune(subject, cut="never", **options), improve.prune(subject, **options)


def inputs_of(subject):
    return torch.stack([subject.item(number)[0] for number in range(len(subject.dataset))])


def size(model):
    return sum(each.numel() for each in model.parameters())


def test_a_cut_model_gives_what_the_masked_one_gives(pruned):
    _, subject, masked, cut = pruned
    x = inputs_of(subject)
    with torch.no_grad():
        before, expected, found = subject.model(x), masked.model(x), cut.model(x)
    assert_close(found, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))
    assert float((before - expected).abs().max()) > 1e-3  # something has changed


def test_what_can_be_cut_is_cut(pruned):
    name, subject, _, cut = pruned
    assert size(cut.model) < 0.95 * size(subject.model)
    masked = cut.repair.structure["masked"]
    assert bool(masked) == (NETWORKS[name][2] == "in part")
    assert any("Only masked" in sentence for sentence in cut.repair.said) == bool(masked)


def test_the_model_before_stays_as_it_is(pruned):
    name, subject, *_ = pruned
    fresh = network(name).model.state_dict()
    assert all(torch.equal(each, fresh[key]) for key, each in subject.model.state_dict().items())


def test_saved_weights_fit_a_fresh_model_of_the_same_structure(pruned):
    name, subject, _, cut = pruned
    structure = json.loads(json.dumps(cut.repair.structure))
    fresh = network(name).model
    for parameter in fresh.parameters():
        nn.init.zeros_(parameter)
    made = improve.apply_structure(fresh, structure)
    made.load_state_dict(cut.model.state_dict())
    x = inputs_of(subject)
    with torch.no_grad():
        assert torch.equal(made(x), cut.model(x))


def test_it_is_explained_as_any_other_model(pruned):
    _, subject, _, cut = pruned
    explanation = cut.explainer().explain(inputs_of(subject)[:2])
    assert float(explanation.ledger.imbalance) < 1e-4
    assert bool(explanation.relevance.isfinite().all())


def test_it_can_be_pruned_once_more(pruned):
    _, subject, _, cut = pruned
    again = improve.prune(cut, "weight", 0.2, progress=False)
    x, model = inputs_of(subject), subject.model
    for repair in again.repairs:
        model = improve.apply_structure(model, repair.structure)
    assert size(again.model) <= size(cut.model)
    with torch.no_grad():
        assert_close(model(x), again.model(x))


# Masks


@pytest.mark.parametrize("layer", [nn.Conv2d(3, 4, 3), nn.Linear(5, 4)], ids=str)
def test_a_masked_channel_is_0_with_its_bias_and_so_it_stays(layer):
    axis, x = (-3, torch.randn(2, 3, 5, 5)) if isinstance(layer, nn.Conv2d) else (-1, torch.randn(2, 5))
    mask(layer, [1, 3], of=4, axis=axis)
    mask(layer, [2], of=4, axis=axis)
    assert isinstance(layer.mask, Mask)
    assert "mask.keep" in layer.state_dict()
    for made in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        y = made(x).movedim(axis, 0)
        assert not bool(y[1:].any())
        assert bool(y[0].all())
    saved = io.BytesIO()
    torch.save(layer, saved)
    saved.seek(0)
    assert torch.equal(torch.load(saved, weights_only=False)(x), layer(x))


def test_a_masked_model_has_relevance_in_other_channels_only():
    subject = network("perceptron")
    masked = improve.prune(subject, cut="never", progress=False)
    silent = masked.repair.structure["masked"]["0"]["channels"]
    relevance = Explainer(masked.model).explain(inputs_of(subject))["0"].relevance
    assert not bool(relevance[:, silent].any())
    assert bool(relevance.any())


def test_a_mask_that_is_something_else_is_not_replaced():
    layer = nn.Linear(3, 4)
    layer.mask = nn.ReLU()
    with pytest.raises(ValueError, match="Linear has a `mask` of its own"):
        mask(layer, [1], of=4, axis=-1)


# What cannot be cut, and why


def test_what_is_no_longer_0_behind_a_function_is_masked_only():
    pruned = improve.prune(subject_of(Sigmoids(), 12), "random", per_layer=True, progress=False)
    assert list(pruned.repair.structure["masked"]) == ["second"]
    assert pruned.model.first.out_features == 4
    assert "Only masked, in whole or in part: second: what last reads of it is not 0" in pruned.repair.said[1]


def test_a_size_that_is_written_into_the_code_is_found_by_trying():
    pruned = improve.prune(subject_of(Written(), 3, 8, 8), "random", per_layer=True, progress=False)
    assert list(pruned.repair.structure["masked"]) == ["second"]
    assert pruned.model.first.out_channels == 3
    assert "as where a size is written into the model's code" in pruned.repair.said[1]


def test_a_grouped_convolution_loses_whole_groups():
    pruned = improve.prune(network("resnext"), "random", per_layer=True, progress=False).model.layer1[0].conv2
    assert (pruned.groups, pruned.in_channels, pruned.out_channels) == (2, 16, 16)
    assert pruned.weight.shape == (16, 8, 3, 3)


@pytest.mark.parametrize(
    ("structure", "words"),
    [
        ({"kind": "clarc"}, "has the kind 'pruning', got 'clarc'"),
        ({"kind": "pruning", "cut": {"9": {"out": [1]}}, "masked": {}}, "The model has no module '9'"),
        ({"kind": "pruning", "cut": {"0": {"out": [99]}}, "masked": {}}, "What was pruned does not fit"),
        ({"kind": "pruning", "cut": {"1": {"out": [0]}}, "masked": {}}, "ReLU is no module whose channels"),
    ],
)
def test_a_structure_of_another_model_is_refused(structure, words):
    with pytest.raises(ValueError, match=words):
        improve.apply_structure(network("perceptron").model, structure)
