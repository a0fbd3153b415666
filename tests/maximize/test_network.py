"""Layers seen while a model runs with gradients: the activations that an explanation tells of, and nothing touched."""

import copy
import re

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from lrpwidgets.lrp import Explainer, TwoClasses
from lrpwidgets.maximize.network import Network
from tests.lrp.networks import pictures, realistic


class Styles(nn.Module):
    """Functions and modules, in place and not, a batch norm behind a convolution, a shared module, a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.norm, self.two = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, padding=1)
        self.act, self.head = nn.ReLU(inplace=True), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.norm(self.one(x)))
        y = F.relu_(self.two(x))
        y = self.act(y + x)
        y += 0.5
        return self.head(F.adaptive_avg_pool2d(y, 1).flatten(1))


def vit() -> nn.Module:
    torch.manual_seed(0)
    return torchvision.models.VisionTransformer(16, 4, 2, 2, 8, 16, num_classes=3).eval()


@pytest.mark.parametrize("make", [Styles, vit, lambda: torchvision.models.resnet18(num_classes=3)])
def test_what_is_seen_is_the_activation_of_the_explanation(make):
    model, x = realistic(make()), pictures(2, 32 if make is not vit else 16, torch.float32)
    explainer = Explainer(model, "epsilon", unknown="gradient")
    explanation = explainer.explain(x)
    seen, refusals = 0, set()
    for layer in explanation.layers:
        try:
            network = Network(explainer, [layer.name], x[:1])
        except ValueError as error:
            refusals.add(re.sub("'.*?'", "…", str(error)).split(",")[0])
            continue
        found = network.run(x).layers[layer.name]
        assert network.shapes[layer.name][1:] == found.shape[1:]
        torch.testing.assert_close(found, layer.activation, rtol=1e-4, atol=1e-5)
        seen += 1
    assert seen >= 0.35 * len(explanation.layers)
    assert refusals <= {
        "The layer … is a part of what torch computes in one call",
        "The first axis of the layer … does not count samples",
    }


def test_a_layer_whose_first_axis_counts_no_samples_is_refused():
    name = "encoder.layers.encoder_layer_0.self_attention.linear"
    with pytest.raises(ValueError, match="does not count samples") as refused:
        Network(Explainer(vit(), "epsilon"), [name], pictures(1, 16, torch.float32))
    way_out = str(refused.value).split("'")[-2]
    Network(Explainer(vit(), "epsilon"), [way_out], pictures(1, 16, torch.float32))


def test_the_name_of_a_block_means_its_last_layer():
    model, x = realistic(torchvision.models.squeezenet1_1(num_classes=3)), pictures(1, 64, torch.float32)
    explanation = Explainer(model).explain(x)
    assert explanation["features.12"] is explanation["features.12.cat"]
    network = Network(Explainer(model), ["features.12"], x)
    assert network.channels("features.12") == 512
    torch.testing.assert_close(network.run(x).layers["features.12"], explanation["features.12"].activation)


def test_channels_of_a_transformer_are_its_features_and_positions_its_tokens():
    network = Network(Explainer(vit()), ["encoder.layers.encoder_layer_1.mlp.3"], pictures(1, 16, torch.float32))
    assert network.channels("encoder.layers.encoder_layer_1.mlp.3") == 8
    assert network.positions("encoder.layers.encoder_layer_1.mlp.3") == (17,)


def test_gradients_of_a_layer_are_those_of_a_hook():
    model, x = realistic(Styles()), pictures(2, 12, torch.float32).requires_grad_()
    kept = []
    model.two.register_forward_hook(lambda module, inputs, output: kept.append(output.clone()))
    model(x)
    (expected,) = torch.autograd.grad(kept[0][:, 1].sum(), x)
    seen = Network(Explainer(model), ["two"], x.detach()[:1]).run(x)
    (found,) = torch.autograd.grad(seen.layers["two"][:, 1].sum(), x)
    torch.testing.assert_close(found, expected)


def test_a_pass_ends_as_soon_as_all_is_seen():
    model, x = realistic(Styles()), pictures(1, 12, torch.float32)
    calls = []
    model.head.register_forward_hook(lambda *_: calls.append(1))
    network = Network(Explainer(model), ["one", "two"], x)
    calls.clear()
    assert network.run(x, scores=False).scores is None
    assert calls == []
    assert network.run(x).scores.shape == (1, 3)


def test_the_model_is_left_as_it_was():
    model, x = realistic(Styles()).train(), pictures(2, 12, torch.float32).requires_grad_()
    before = copy.deepcopy(model.state_dict())
    seen = Network(Explainer(model), ["one"], x.detach()[:1]).run(x, redirect=True)
    seen.layers["one"].sum().backward()
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, before[name])


def test_a_model_that_goes_another_way_is_not_read_wrong():
    class Forked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.head = nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = F.silu(self.layer(torch.sigmoid(x)) if float(x.detach().sum()) > 0 else self.layer(x))
            return self.head(x)

    network = Network(Explainer(Forked(), unknown="gradient"), ["silu"], torch.ones(1, 4))
    with pytest.raises(ValueError, match="another way"):
        network.run(-torch.ones(1, 4))


def test_an_unknown_layer_is_named_with_its_neighbours():
    with pytest.raises(ValueError, match=r"no layer 'tow'; the nearest names are 'two'"):
        Network(Explainer(realistic(Styles())), ["tow"], pictures(1, 12, torch.float32))


@pytest.mark.parametrize("inplace", [False, True])
def test_redirected_gradients_pass_where_they_would_end_and_push_up(inplace):
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(inplace), nn.Linear(3, 2))
    with torch.no_grad():
        model[1].bias.copy_(torch.tensor([-9.0, -9.0, 9.0]))
    x = torch.rand(2, 4, requires_grad=True)
    network = Network(Explainer(model), ["2"], x.detach()[:1])

    def gradient(channel: int, sign: float, redirect: bool) -> Tensor:
        seen = network.run(x, redirect=redirect).layers["2"]
        return torch.autograd.grad(sign * seen[:, channel].sum(), x)[0]

    weight = model[1].weight.detach()
    assert not gradient(0, 1.0, redirect=False).any()
    torch.testing.assert_close(gradient(0, 1.0, redirect=True), weight[0].expand(2, 4))
    assert not gradient(0, -1.0, redirect=True).any()  # would push down what is 0 anyway
    torch.testing.assert_close(gradient(2, 1.0, redirect=True), weight[2].expand(2, 4))


def test_two_classes_by_one_score_are_two_scores():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    x = torch.rand(3, 4)
    seen = Network(Explainer(model, select=TwoClasses()), [], x[:1]).run(x)
    torch.testing.assert_close(seen.scores, model(x) * torch.tensor([-1.0, 1.0]))
