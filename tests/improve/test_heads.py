"""Heads of attention: their relevance, and silence for some."""

from __future__ import annotations

import json

import pytest
import torch
from torch.testing import assert_close

from lrpwidgets import improve
from lrpwidgets.lrp import Explainer

from .small import network

ATTENTION = {"vit": ("encoder.layers.encoder_layer_0.self_attention", 2), "swin": ("features.1.0.attn", 2)}


@pytest.mark.parametrize("name", ATTENTION)
def test_the_score_of_a_head_is_the_relevance_of_its_slice(name):
    subject, (module, heads) = network(name), ATTENTION[name]
    found = improve.head_scores(subject, samples=1, progress=False)
    expected = torch.zeros(heads, dtype=torch.float64)
    for row in found.samples:
        x, label = subject.item(row)
        explanation = Explainer(subject.model).explain(x[None], label)
        products = [each for each in explanation if each.kind == "matmul" and each.name.startswith(module)]
        relevance = products[-1].relevance
        for head in range(heads):
            expected[head] += float(relevance[:, head].sum())
    assert_close(found[module], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ATTENTION)
def test_a_silent_head_has_no_part_in_the_scores(name):
    subject, (module, _) = network(name), ATTENTION[name]
    silent = improve.silence_heads(subject, {module: [1]})
    x = torch.stack([subject.item(number)[0] for number in range(3)])
    before, found = subject.model(x), silent.model(x)
    assert float((before - found).detach().abs().max()) > 1e-6
    relevance = improve.head_scores(silent, samples=1, progress=False)[module]
    assert float(relevance[1]) == pytest.approx(0, abs=1e-9)
    assert float(relevance[0]) != 0
    structure = json.loads(json.dumps(silent.repair.structure))
    assert torch.equal(improve.apply_structure(subject.model, structure)(x), found)
    assert "cannot be cut" in silent.repair.said[0]


def test_what_is_not_there_is_refused(digits):
    with pytest.raises(ValueError, match="The model has no attention"):
        improve.head_scores(digits, progress=False)
    subject, (module, _) = network("vit"), ATTENTION["vit"]
    with pytest.raises(ValueError, match=f"There is no attention 'other'; there are {module}"):
        improve.silence_heads(subject, {"other": [0]})
    with pytest.raises(ValueError, match="has the heads 0 to 1, there is no 2"):
        improve.silence_heads(subject, {module: [2]})
    with pytest.raises(ValueError, match="No head is named"):
        improve.silence_heads(subject, {})
