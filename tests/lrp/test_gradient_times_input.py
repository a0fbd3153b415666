"""LRP-0 equals gradient × input on piecewise linear networks: the best single test of the tape."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrpwidgets.lrp import Composite, Explainer
from lrpwidgets.lrp.rules import Zero
from tests.lrp.dense import assert_near
from tests.lrp.networks import SMALL, alexnet, pictures, resnet18, small_networks, small_pictures, squeezenet, vgg16


def gradient_times_input(model: nn.Module, x: Tensor, weights: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((model(leaf.clone()) * weights).sum(), leaf)
    return gradient * x


@pytest.mark.parametrize(
    "build",
    [alexnet, lambda: vgg16(norm=True), resnet18, squeezenet],
    ids=["alexnet", "vgg16_bn", "resnet18", "squeezenet"],
)
def test_zero_equals_gradient_times_input_on_torchvision_networks(build):
    model, x = build().double(), pictures(1, 64)
    explanation = Explainer(model, Zero()).explain(x)
    assert_near(explanation.relevance, gradient_times_input(model, x, explanation.target))
    assert torch.equal(explanation.scores, model(x))


@pytest.mark.parametrize("net", SMALL, ids=lambda net: net.name)
def test_zero_equals_gradient_times_input_however_the_forward_is_written(net):
    small_networks()
    x = small_pictures()
    weights = torch.linspace(-1, 1, 10, dtype=torch.float64).reshape(2, 5)
    explanation = Explainer(net, Zero()).explain(x, weights)
    assert torch.equal(explanation.scores, net(x))
    assert_near(explanation.relevance, gradient_times_input(net, x, weights))


@pytest.mark.parametrize("net", [net for net in SMALL if "roll" not in net.name], ids=lambda net: net.name)
def test_a_samples_relevance_does_not_depend_on_its_batch_mates(net):
    small_networks()
    x = small_pictures(3)
    together = Explainer(net, "epsilon_plus_flat").explain(x, 1).relevance
    for sample, alone in zip(together, x, strict=True):
        assert_near(sample, Explainer(net, "epsilon_plus_flat").explain(alone[None], 1).relevance[0])


def test_relevance_of_several_inputs_equals_gradient_times_input():
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(4, 6), nn.Linear(3, 6)
            self.head = nn.Linear(6, 2)

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return self.head(F.relu(self.left(a) - self.right(b)))

    torch.manual_seed(0)
    model = Pair().double()
    a, b = torch.randn(2, 4).double(), torch.randn(2, 3).double()
    explanation = Explainer(model, Zero()).explain((a, b), 1)
    leaves = a.clone().requires_grad_(), b.clone().requires_grad_()
    gradients = torch.autograd.grad(model(*leaves)[:, 1].sum(), leaves)
    for relevance, x, gradient in zip(explanation.relevance, (a, b), gradients, strict=True):
        assert_near(relevance, x * gradient)


def test_a_rule_for_every_layer_is_the_composite_of_that_rule():
    net, x = small_networks()[1], small_pictures()
    alone = Explainer(net, Zero()).explain(x)
    assert torch.equal(alone.relevance, Explainer(net, Composite([("*", Zero())])).explain(x).relevance)


@pytest.mark.parametrize("layout", ["channels last", "not contiguous", "expanded", "requires grad"])
def test_the_layout_of_the_input_in_memory_does_not_matter(layout):
    net, x = small_networks()[12], small_pictures()
    same = {
        "channels last": lambda: x.contiguous(memory_format=torch.channels_last),
        "not contiguous": lambda: x.transpose(2, 3).contiguous().transpose(2, 3),
        "expanded": lambda: x[:1].expand(2, -1, -1, -1),
        "requires grad": lambda: x.clone().requires_grad_(),
    }[layout]()
    expected = Explainer(net).explain(same.detach().clone().contiguous(), 1).relevance
    explanation = Explainer(net).explain(same, 1)
    assert_near(explanation.relevance, expected)
    assert not explanation.relevance.requires_grad


def test_a_channels_last_model_gives_the_same_relevance():
    model, x = resnet18().double(), pictures(1, 64)
    expected = Explainer(model, "epsilon_plus").explain(x).relevance
    model = model.to(memory_format=torch.channels_last)
    found = Explainer(model, "epsilon_plus").explain(x.contiguous(memory_format=torch.channels_last)).relevance
    assert_near(found, expected)
