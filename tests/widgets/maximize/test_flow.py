"""The flow of relevance between channels of neighbouring layers, against sums of the relevance at those layers."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn
from torchvision.models import VisionTransformer

from lrpwidgets.lrp import Cancelled, Explainer, watched
from lrpwidgets.lrp.rules import Zero
from lrpwidgets.widgets.base import inside
from lrpwidgets.widgets.maximize import flow as flows
from lrpwidgets.widgets.maximize.flow import flow
from tests.lrp.networks import Fire, Residual, pictures, realistic


def plain(bias: bool = True) -> nn.Sequential:
    """Convolutions and dense layers one after the other."""
    layers = [
        *(nn.Conv2d(3, 6, 3, padding=1, bias=bias), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, bias=bias)),
        *(nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 7, bias=bias), nn.ReLU()),
        nn.Linear(7, 5, bias=bias),
    ]
    return nn.Sequential(*layers)


def perceptron(bias: bool = True) -> nn.Sequential:
    widths = [3 * 16 * 16, 9, 7, 5]
    layers = [nn.Linear(a, b, bias=bias) for a, b in pairwise(widths)]
    return nn.Sequential(nn.Flatten(), layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])


def separable() -> nn.Sequential:
    """A depthwise convolution between two that mix channels."""
    depthwise = nn.Conv2d(6, 6, 3, padding=1, groups=6)
    last = (nn.Conv2d(6, 8, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), depthwise, nn.ReLU(), *last)


def transformer() -> VisionTransformer:
    return VisionTransformer(16, 4, 2, 2, 8, 16, num_classes=5)


BLOCK = "encoder.layers.encoder_layer_1."
NETWORKS = {
    "plain": plain, "perceptron": perceptron, "separable": separable, "residual": Residual, "fire": Fire,
    "transformer": transformer,
}  # fmt: skip


def explained(network: str, rule: object = "epsilon_plus", **options: bool):
    torch.manual_seed(0)
    model = NETWORKS[network](**options)
    if network == "transformer":
        nn.init.normal_(model.heads.head.weight)  # torchvision begins with zeros
    if not options and network != "transformer":
        model = realistic(model)
    return Explainer(model.double().eval(), rule).explain(pictures(1, 16), 2)


def sums(explanation, layer):
    """Σ R of the channels, (C,), by a way of its own."""
    axis = explanation.channel_axis(layer)
    relevance = explanation[layer].relevance
    return relevance.sum([each for each in range(relevance.dim()) if each != axis])


@pytest.fixture
def everything(monkeypatch):
    """Have no channel left out."""
    monkeypatch.setattr(flows, "ABOVE", 10**6)
    monkeypatch.setattr(flows, "BELOW", 10**6)

    def everything(explanation, layer):
        return flow(explanation, layer, range(len(sums(explanation, layer))))

    return everything


def arriving(found, layer):
    """What flows into each channel of a layer, by number."""
    totals: dict[int, float] = {}
    for edge in found.edges:
        if edge.below.layer == layer:
            totals[edge.below.channel] = totals.get(edge.below.channel, 0.0) + edge.relevance
    return totals


@pytest.mark.parametrize(
    ("network", "layer"),
    [
        ("plain", "3"), ("plain", "7"), ("plain", "2"), ("perceptron", "3"), ("separable", "4"), ("residual", "two.0"),
        ("residual", "two.3"), ("fire", "cat"), ("transformer", BLOCK + "mlp.0"),
        ("transformer", BLOCK + "self_attention.matmul#2"),
    ],
)  # fmt: skip
def test_what_flows_into_a_channel_from_all_above_is_its_relevance(everything, network, layer):
    explanation = explained(network)
    found = everything(explanation, layer)
    upper, own, lower = found.layers
    pairs = [(a, b) for a, b in [(upper, own), (own, lower)] if a and b and not goes_around(explanation, a, b)]
    assert pairs
    for _, below in pairs:
        totals, expected = arriving(found, below), sums(explanation, below)
        assert len(totals) == int((expected != 0).sum())
        for channel, total in totals.items():
            assert total == pytest.approx(float(expected[channel]), rel=1e-6, abs=1e-12)


def goes_around(explanation, above, below):
    """Whether some of the relevance of the layer below did not pass the one above."""
    passed = explanation.condition({above: torch.ones(len(sums(explanation, above)))})
    return not torch.allclose(passed[below].relevance, explanation[below].relevance, rtol=1e-9, atol=1e-15)


def test_most_of_these_layers_have_no_way_around():
    explanation = explained("transformer")
    assert not goes_around(explanation, BLOCK + "mlp.3", BLOCK + "mlp.0")
    assert goes_around(explanation, BLOCK + "mlp.0", BLOCK + "add")


@pytest.mark.parametrize(("network", "layer"), [("plain", "3"), ("plain", "7"), ("perceptron", "3")])
def test_what_flows_out_of_a_channel_is_its_relevance_where_nothing_is_kept(everything, network, layer):
    explanation = explained(network, Zero(), bias=False)
    found = everything(explanation, layer)
    assert None not in found.layers
    for node in found.nodes:
        if node.layer != found.layers[2]:
            leaving = sum(edge.relevance for edge in found.edges if edge.above == node)
            assert leaving == pytest.approx(node.relevance, rel=1e-6, abs=1e-12)


def test_an_edge_is_the_relevance_under_the_condition_of_its_upper_channel_with_its_sign():
    explanation = explained("plain", "epsilon")
    found = flow(explanation, "3", [4, 1, 0])
    for edge in found.edges:
        through = explanation.condition({edge.above.layer: [edge.above.channel]})
        expected = float(sums(through, edge.below.layer)[edge.below.channel])
        assert edge.relevance == pytest.approx(expected, rel=1e-9)
    assert {edge.relevance > 0 for edge in found.edges} == {True, False}


@pytest.mark.parametrize(
    ("network", "layer", "layers"),
    [
        ("plain", "3", ("7", "3", "0")),
        ("plain", "2", ("3", "2", None)),  # a pooling hands channels of the first convolution on
        ("plain", "9", (None, "9", "7")),
        ("perceptron", "3", ("5", "3", "1")),
        ("perceptron", "1", ("3", "1", None)),
        ("separable", "4", ("8", "4", "2")),
        ("separable", "2", ("4", "2", None)),  # a depthwise convolution hands channels on, too
        ("separable", "0", ("4", "0", None)),
        ("residual", "add", ("two.0", "add", "one.0")),  # past the convolution whose channels are summed
        ("residual", "two.3", ("head", "two.3", "two.0")),
        ("fire", "cat", ("classifier.1", "cat", "squeeze")),  # past the branches that are joined
        ("fire", "wide", ("classifier.1", "wide", "squeeze")),  # past the branch beside
        ("transformer", "conv_proj", (BLOCK.replace("1", "0") + "self_attention.linear", "conv_proj", None)),
        ("transformer", BLOCK + "mlp.0", (BLOCK + "mlp.3", BLOCK + "mlp.0", BLOCK + "add")),
        (
            "transformer",
            BLOCK + "self_attention.matmul#2",
            (BLOCK + "self_attention.linear#2", BLOCK + "self_attention.matmul#2", BLOCK + "self_attention.linear"),
        ),
    ],
)
def test_the_neighbours_are_those_with_which_channels_are_mixed(network, layer, layers):
    explanation = explained(network)
    best = inside.look(explanation, layer).sums.topk(2).indices.tolist()
    assert flow(explanation, layer, best).layers == layers


def test_only_the_neighbours_with_most_relevance_are_shown():
    explanation = explained("plain")
    found = flow(explanation, "7", range(7))
    assert [node.layer for node in found.nodes] == sorted((node.layer for node in found.nodes), reverse=True)
    upper, own, lower = (found.row(layer) for layer in found.layers)
    assert [node.channel for node in upper] == [2]  # the class that is explained has all of it
    assert len(lower) == flows.BELOW
    assert [node.relevance for node in lower] == sorted((node.relevance for node in lower), reverse=True)
    arriving = [sums(explanation.condition({"7": [node.channel]}), "3") for node in own]
    most = torch.stack(arriving).abs().sum(0).topk(flows.BELOW).indices.tolist()
    assert {node.channel for node in lower} == set(most)
    expected = sums(explanation, "7")
    assert all(node.relevance == pytest.approx(float(expected[node.channel])) for node in own)
    assert all(node.relevance for node in found.nodes)


def test_the_channels_of_the_last_layer_are_classes():
    assert flow(explained("plain"), "7", [0, 1, 2]).scores == ("9",)
    assert flow(explained("fire"), "cat", [0, 1, 2]).scores == ("classifier.1",)
    assert flow(explained("plain"), "0", [0, 1, 2]).scores == ()


def test_where_no_relevance_is_there_is_no_flow():
    found = flow(explained("plain"), "9", [0, 1])
    assert found.layers == (None, "9", None)
    assert found.nodes == found.edges == ()


def test_it_ends_when_somebody_says_so():
    explanation = explained("plain")

    def stop(*_):
        raise Cancelled

    with pytest.raises(Cancelled), watched(stop):
        flow(explanation, "3", [0])


def test_a_layer_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="There is no layer 'conv9'"):
        flow(explained("plain"), "conv9", [0])
