"""How much channels matter: by relevance, and by what competes with it."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchvision import models

from lrpwidgets import improve
from lrpwidgets.lrp import Explainer, rules
from lrpwidgets.progress import Cancelled, Progress
from lrpwidgets.subjects import Subject

from .small import subject_of


@pytest.fixture(scope="module")
def network() -> Subject:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.ReLU()]
    return subject_of(nn.Sequential(*layers, nn.Flatten(), nn.Linear(6 * 36, 5), nn.ReLU(), nn.Linear(5, 3)), 3, 8, 8)


@pytest.mark.parametrize("composite", [None, "auto", rules.Epsilon()])
def test_relevance_is_that_of_each_channel_of_the_explanation_summed(network, composite):
    found = improve.unit_scores(network, samples=2, composite=composite, progress=False)
    assert list(found) == ["0", "3", "6"]
    explainer = Explainer(network.model, rules.ZPlus() if composite is None else composite)
    for name, scores in found.items():
        expected = torch.zeros(len(scores), dtype=torch.float64)
        for row in found.samples:
            x, label = network.item(row)
            relevance = explainer.explain(x[None], label)[name].relevance[0]
            for channel in range(len(scores)):
                expected[channel] += float(relevance[channel].sum())
        assert_close(scores, expected, rtol=1e-6, atol=1e-6 * float(expected.abs().max()))


def test_relevance_is_conserved_from_layer_to_layer_and_not_normalized():
    torch.manual_seed(0)
    widths = [(4, 6), (6, 5), (5, 3)]
    layers = [layer for a, b in widths for layer in (nn.Linear(a, b, bias=False), nn.ReLU())][:-1]
    subject = subject_of(nn.Sequential(*layers), 4)
    found = improve.unit_scores(subject, composite=rules.Epsilon(1e-9), progress=False)
    first, second = (float(each.sum()) for each in found.values())
    assert first == pytest.approx(second, rel=1e-4)


@pytest.mark.parametrize("by", ["weight", "gradient", "taylor", "activation", "random"])
def test_competitors_have_the_norm_1_in_every_layer(network, by):
    found = improve.unit_scores(network, by, progress=False)
    for name, scores in found.items():
        assert scores.shape == (len(network.model.get_submodule(name).weight),)
        assert bool((scores >= 0).all())
        assert float(scores.norm()) == pytest.approx(1)


def test_gradient_and_taylor_are_those_of_autograd(network):
    rows = improve.unit_scores(network, "taylor", samples=2, progress=False).samples
    inputs = torch.stack([network.item(row)[0] for row in rows])
    labels = torch.tensor([network.item(row)[1] for row in rows])
    a = network.model[:3](inputs).detach().requires_grad_()  # behind norm and ReLU
    loss = nn.functional.cross_entropy(network.model[3:](a), labels, reduction="sum")
    (slope,) = torch.autograd.grad(loss, a)
    expected = {
        "gradient": slope.abs().sum((0, 2, 3)),
        "taylor": (a * slope).detach().sum((2, 3)).abs().sum(0),
        "activation": a.detach().abs().sum((0, 2, 3)),
    }
    for by, each in expected.items():
        found = improve.unit_scores(network, by, samples=2, layers=["0"], progress=False)["0"]
        assert_close(found, (each / each.norm()).double(), rtol=1e-5, atol=1e-6)


def test_weight_is_the_norm_of_each_filter(network):
    norms = network.model[3].weight.detach().flatten(1).norm(dim=1)
    found = improve.unit_scores(network, "weight", layers=["3"], progress=False)["3"]
    assert_close(found, (norms / norms.norm()).double(), rtol=1e-5, atol=1e-6)


def test_absolute_relevance_counts_each_sample_by_its_size(network):
    signed = improve.unit_scores(network, progress=False)
    sizes = improve.unit_scores(network, absolute=True, progress=False)
    assert all(bool((sizes[name] >= each.abs() - 1e-9).all()) for name, each in signed.items())


def test_the_seed_chooses_the_samples_and_so_many_of_each_class(network):
    one, same, other = (improve.unit_scores(network, samples=1, seed=s, progress=False).samples for s in (0, 0, 3))
    assert one == same != other
    assert {network.item(row)[1] for row in one} == {0, 1, 2}


def test_the_model_stays_as_it_is(network):
    before = {name: each.clone() for name, each in network.model.state_dict().items()}
    for by in ("relevance", "taylor"):
        improve.unit_scores(network, by, progress=False)
    assert all(torch.equal(each, before[name]) for name, each in network.model.state_dict().items())
    assert all(parameter.grad is None for parameter in network.model.parameters())


def test_dense_layers_of_a_transformer_have_a_score_for_each_feature():
    torch.manual_seed(0)
    small = models.VisionTransformer(16, 8, 1, 2, 12, 20, num_classes=3)
    nn.init.normal_(small.heads.head.weight)
    found = improve.unit_scores(subject_of(small, 3, 16, 16), samples=1, composite="auto", progress=False)
    assert found["encoder.layers.encoder_layer_0.mlp.0"].shape == (20,)


def test_it_is_watched_and_can_be_ended(network):
    seen: list[Progress] = []
    improve.unit_scores(network, progress=seen.append)
    assert (seen[-1].done, seen[-1].total) == (6, 6)

    def end(progress: Progress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        improve.unit_scores(network, progress=end)


# What is refused


def test_a_layer_that_is_not_there_is_told_with_the_nearest_names():
    model = models.squeezenet1_1(num_classes=3)
    with pytest.raises(ValueError, match=r"no convolution or dense layer 'features.3.squeze'.*'features.3.squeeze'"):
        improve.unit_scores(subject_of(model, 3, 64, 64), layers=["features.3.squeze"], progress=False)


def test_an_unknown_criterion_is_told_with_those_there_are(network):
    with pytest.raises(ValueError, match=r"by must be one of relevance, weight, .*, got 'magic'"):
        improve.unit_scores(network, "magic", progress=False)


@pytest.mark.parametrize("by", ["relevance", "gradient", "taylor", "activation"])
def test_without_labels_there_are_no_reference_samples(by):
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    inputs = [(torch.randn(4), None) for _ in range(3)]
    with pytest.raises(ValueError, match=f"by='{by}' needs reference samples of a known class.*by='weight'"):
        improve.unit_scores(Subject(model, inputs), by, progress=False)
    assert improve.unit_scores(Subject(model, inputs), "weight", progress=False)["0"].shape == (6,)


def test_without_inputs_nothing_is_known_of_the_layers():
    with pytest.raises(ValueError, match="The subject has no inputs, and one is needed"):
        improve.unit_scores(Subject(nn.Linear(4, 3)), "weight", progress=False)


@pytest.mark.parametrize("model", [nn.Linear(4, 3), nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU())], ids=str)
def test_a_model_of_one_layer_has_nothing_to_prune(model):
    with pytest.raises(ValueError, match="The model has no channels to prune: a convolution or dense layer"):
        improve.unit_scores(subject_of(model, 4), progress=False)


@pytest.mark.parametrize("samples", [0, -1, 1.5, True])
def test_samples_are_counted_from_1(network, samples):
    with pytest.raises(ValueError, match="samples counts reference samples of each class, from 1 on; got"):
        improve.unit_scores(network, samples=samples, progress=False)
