"""zennit as an outside referee: the composites that it shares with us, on real architectures."""

import copy
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from zennit import composites as theirs
from zennit.attribution import Gradient
from zennit.torchvision import ResNetCanonizer, VGGCanonizer

from lrpwidgets.lrp import Explainer, composites
from tests.lrp.dense import assert_near
from tests.lrp.networks import HIGH, LOW, pictures, resnet18, vgg16

COMPOSITES = {
    "epsilon_plus": theirs.EpsilonPlus,
    "epsilon_plus_flat": theirs.EpsilonPlusFlat,
    "epsilon_alpha2_beta1": theirs.EpsilonAlpha2Beta1,
    "epsilon_alpha2_beta1_flat": theirs.EpsilonAlpha2Beta1Flat,
    "epsilon_gamma_box": theirs.EpsilonGammaBox,
    "excitation_backprop": theirs.ExcitationBackprop,
}
CANONIZERS = {"vgg16": VGGCanonizer, "vgg16_bn": VGGCanonizer, "resnet18": ResNetCanonizer}
BUILD = {"vgg16": vgg16, "vgg16_bn": lambda: vgg16(norm=True), "resnet18": resnet18}


@cache
def network(name: str, dtype: torch.dtype) -> nn.Module:
    """A network whose batch norms add next to nothing to their variance.

    A batch norm that zennit 0.5.1 has merged into a convolution still divides by √(1 + eps), so that its
    scores differ from the model's by 1e-5 and its relevance, at sums near 0, by up to 1 %.
    """
    model = BUILD[name]().to(dtype)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-14
    return model


def _theirs(model: nn.Module, architecture: str, name: str, x: Tensor, target: Tensor) -> Tensor:
    """The relevance of `x` that zennit computes on a copy of `model`, from its score at `target`."""
    bounds = {}
    if name == "epsilon_gamma_box":
        bounds = {
            key: torch.tensor(bound, dtype=x.dtype)[None, :, None, None]
            for key, bound in (("low", LOW), ("high", HIGH))
        }
    composite = COMPOSITES[name](canonizers=[CANONIZERS[architecture]()], **bounds)
    with Gradient(copy.deepcopy(model), composite) as attributor:
        _, relevance = attributor(x.clone(), lambda scores: scores * target)
    return relevance


def _ours(model: nn.Module, name: str, x: Tensor):
    bounds = {"low": LOW, "high": HIGH} if name == "epsilon_gamma_box" else {}
    return Explainer(model, composites.get(name, **bounds)).explain(x)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)], ids=str)
@pytest.mark.parametrize("name", COMPOSITES)
@pytest.mark.parametrize("architecture", ["vgg16", "resnet18"])
def test_composites_agree_with_zennit(architecture, name, dtype, tolerance):
    model, x = network(architecture, dtype), pictures(1, 64, dtype)
    explanation = _ours(model, name, x)
    assert_near(explanation.relevance, _theirs(model, architecture, name, x, explanation.target), tolerance)


@pytest.mark.parametrize("name", ["epsilon_plus_flat", "epsilon_gamma_box"])
def test_batch_norm_folded_on_the_tape_agrees_with_batch_norm_merged_by_zennit(name):
    model, x = network("vgg16_bn", torch.float64), pictures(2, 32)
    explanation = _ours(model, name, x)
    assert_near(explanation.relevance, _theirs(model, "vgg16_bn", name, x, explanation.target), 1e-9)


def test_vgg16_at_full_size_agrees_with_zennit():
    model, x = network("vgg16", torch.float32), pictures(1, 224, torch.float32)
    explanation = _ours(model, "epsilon_plus_flat", x)
    expected = _theirs(model, "vgg16", "epsilon_plus_flat", x, explanation.target)
    assert_near(explanation.relevance, expected, 1e-4)
