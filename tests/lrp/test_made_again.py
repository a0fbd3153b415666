"""What an explanation does not save but makes again, or looks up: the numbers are those of the forward."""

import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lrpwidgets.lrp import Explainer
from lrpwidgets.lrp.rules import ZBox, Zero
from tests.lrp.dense import assert_near
from tests.lrp.networks import Fire, pictures, realistic


@pytest.mark.parametrize("inplace", [False, True])
def test_the_output_of_a_relu_is_not_saved_and_is_what_it_was(inplace):
    parts = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace), nn.Conv2d(4, 5, 3), nn.ReLU(inplace), nn.Flatten()
    model, x = realistic(nn.Sequential(*parts)).double().eval(), pictures(2, 16)
    outputs = {}
    for name in ("2", "4"):
        model[int(name)].register_forward_hook(lambda *call, name=name: outputs.update({name: call[2].clone()}))
    explanation = Explainer(model).explain(x)
    for step in explanation._tape.steps:
        if step.name in outputs:
            made = explanation._tape.values[step.outputs[0]]
            assert made.saved.is_meta
            assert torch.equal(made.tensor, outputs.pop(step.name))
            assert torch.equal(explanation[step.name].activation, made.tensor)
    assert not outputs


def test_a_layer_shows_what_it_was_after_pickling_and_nothing_where_nothing_is_kept():
    model, x = realistic(Fire()).double(), pictures(2, 16)
    explanation = Explainer(model).explain(x)
    name = next(layer.name for layer in explanation.layers if "relu" in layer.name or layer.kind == "activation")
    activation = explanation[name].activation
    assert bool((activation > 0).any())
    assert torch.equal(pickle.loads(pickle.dumps(explanation))[name].activation, activation)
    kept = Explainer(model).explain(x, keep="layers")[name]
    assert kept.activation.is_meta
    assert kept.shape == activation.shape


def test_a_relu_whose_input_the_model_changes_afterwards_is_what_it_was():
    class Changing(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(6, 5), nn.Linear(5, 3)

        def forward(self, x, *, alone):
            z = self.first(x)
            y = F.relu(z)
            if not alone:
                z.mul_(-3).add_(1)
            return self.last(y)

    class Alone(nn.Module):
        def __init__(self, inner, alone):
            super().__init__()
            self.inner, self.alone = inner, alone

        def forward(self, x):
            return self.inner(x, alone=self.alone)

    inner, x = realistic(Changing()).double(), torch.randn(2, 6, dtype=torch.float64)
    maps = [Explainer(Alone(inner, alone), "epsilon_plus").explain(x, target=1).relevance for alone in (True, False)]
    assert_near(maps[1], maps[0], 1e-9)


@pytest.mark.parametrize("pool", [F.max_pool2d, torch.max_pool2d, torch.ops.aten.max_pool2d.default])
def test_relevance_goes_to_the_maxima_however_the_windows_overlap(pool):
    class Pooled(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(2 * 6 * 6, 3)

        def forward(self, x):
            return self.head(pool(x, [3, 3], [2, 2], [1, 1], [1, 1], True).flatten(1))

    model, x = realistic(Pooled()).double(), torch.randn(2, 2, 11, 11, dtype=torch.float64)
    leaf = x.clone().requires_grad_()
    scores = model(leaf)
    (gradient,) = torch.autograd.grad(scores[:, 1].sum(), leaf)
    assert_near(Explainer(model, Zero()).explain(x, target=1).relevance, leaf.detach() * gradient, 1e-9)


POOLS = {
    "torch": lambda x: torch.adaptive_max_pool1d(x.flatten(2), 7)[0],
    "functional": lambda x: F.adaptive_max_pool2d(x, 5),
    "with places": lambda x: F.adaptive_max_pool2d(x, 5, return_indices=True)[0],
    "aten": lambda x: torch.ops.aten.adaptive_max_pool2d(x, [5, 5])[0],
    "module": nn.AdaptiveMaxPool3d((2, 5, 5)),
    "a single dimension": lambda x: F.max_pool1d(x.flatten(2), 3, 2),
    "unpooled": lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
}


@pytest.mark.parametrize("name", POOLS)
def test_every_spelling_of_a_pooling_hands_to_its_maxima(name):
    class Pooled(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.LazyLinear(3)

        def forward(self, x):
            return self.head(POOLS[name](x).flatten(1))

    model, x = Pooled().double(), torch.randn(2, 2, 10, 10, dtype=torch.float64)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaf)[:, 1].sum(), leaf)
    assert_near(Explainer(model, Zero()).explain(x, target=1).relevance, leaf.detach() * gradient, 1e-9)


def test_bounds_of_one_weight_that_is_used_with_two_strides_are_not_mistaken_for_each_other():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4, 3, 3, 3))
            self.head = nn.Linear(4, 3)

        def forward(self, x):
            # Both outputs are of one shape.
            near, far = (
                F.conv2d(x, self.weight, stride=2, padding=1),
                F.conv2d(x, self.weight, stride=2, dilation=2, padding=2),
            )
            return self.head(F.relu(near * self.one + far * (1 - self.one)).mean((2, 3)))

    torch.manual_seed(0)
    model, x = Twice().double(), torch.rand(2, 3, 9, 9, dtype=torch.float64)
    rule = ZBox(0.0, 1.0)
    both = Explainer(model, rule)
    for one in (1.0, 0.0):
        model.one = one
        assert_near(both.explain(x, target=0).relevance, Explainer(model, rule).explain(x, target=0).relevance, 1e-12)
