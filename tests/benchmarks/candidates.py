"""What is measured: torchvision's networks, composites, and how each library explains the one by the other.

Every candidate makes ready what it can keep from one explanation to the next, such as hooks or merged batch norms,
and gives a function of no arguments that explains once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
import torchvision
from captum.attr import LRP
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule, PropagationRule
from torch import Tensor, nn
from zennit.attribution import Gradient
from zennit.canonizers import Canonizer
from zennit.composites import EpsilonAlpha2Beta1, EpsilonGammaBox, EpsilonPlusFlat
from zennit.torchvision import ResNetCanonizer, VGGCanonizer

from lrpwidgets.lrp import Explainer, Explanation, composites

LOW, HIGH = -2.2, 2.7
PEERS = {"zennit": "zennit", "captum": "Captum"}


@dataclass(frozen=True)
class Network:
    """One of torchvision's networks, and what keeps a peer from explaining it."""

    canonizers: tuple[type[Canonizer], ...] = ()
    """What zennit needs to know of it: without a word, its relevance is wrong where one is missing."""
    obstacles: Mapping[str, str] = field(default_factory=dict)
    """By peer, why it cannot explain this network."""
    half_way: str | None = None
    """The layer whose rule is switched half-way down; None: the middle one of those with weights."""
    composites: tuple[str, ...] = ("epsilon_plus_flat", "epsilon_alpha2_beta1", "epsilon_gamma_box")


NETWORKS = {
    "vgg16": Network((VGGCanonizer,), half_way="features.14"),
    "resnet50": Network((ResNetCanonizer,), {"captum": "hands all relevance of a residual sum to both summands"}),
    "densenet121": Network(obstacles={"zennit": "has no canonizer for batch norms before convolutions"}),
    "vit_b_16": Network(
        obstacles=dict.fromkeys(PEERS, "has no rules for attention and layer norm"),
        composites=("attn_lrp", "cp_lrp"),
    ),
    "squeezenet1_0": Network(),  # no batch norm and no sum: nothing for a canonizer to do
}


@dataclass(frozen=True)
class Preset:
    """A composite of ours, and what comes nearest to it in the peers; None where nothing does."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    zennit: Callable[..., Any] | None = None
    captum: Callable[[], PropagationRule] | None = None
    """The rule of all convolutions but the first, which gets ε: Captum has neither Flat nor z^B."""


COMPOSITES = {
    "epsilon_plus_flat": Preset(zennit=EpsilonPlusFlat, captum=Alpha1_Beta0_Rule),
    "epsilon_alpha2_beta1": Preset(zennit=EpsilonAlpha2Beta1),
    "epsilon_gamma_box": Preset(
        {"low": LOW, "high": HIGH},
        partial(EpsilonGammaBox, torch.tensor(LOW), torch.tensor(HIGH)),
        partial(GammaRule, 0.25),
    ),
    "attn_lrp": Preset(),
    "cp_lrp": Preset(),
}


@dataclass(frozen=True)
class Case:
    """A network with random weights, and a batch for it."""

    network: str
    model: nn.Module
    x: Tensor

    @classmethod
    def build(cls, network: str, batch: int, device: str) -> Case:
        torch.manual_seed(0)
        model = torchvision.models.get_model(network, weights=None).eval()
        for module in model.modules():
            if isinstance(module, nn.Linear) and not module.weight.any():
                nn.init.normal_(module.weight, std=0.02)  # ViT's head starts at 0, where all scores and relevance are 0
        x = torch.randn(batch, 3, 224, 224).clamp(LOW, HIGH)
        return cls(network, model.to(device), x.to(device))


def obstacles(network: str, composite: str) -> dict[str, str]:
    """By peer, why it cannot explain the network by the composite; peers that can are left out."""
    lacking = {peer: "has no such rules" for peer in PEERS if getattr(COMPOSITES[composite], peer) is None}
    return {**lacking, **NETWORKS[network].obstacles}


def forward(case: Case) -> Callable[[], Tensor]:
    return torch.no_grad()(lambda: case.model(case.x))


def gradient(case: Case) -> Callable[[], Tensor]:
    """One forward and the gradient of the top scores with respect to the input: the unit of all ratios."""

    def run() -> Tensor:
        x = case.x.clone().requires_grad_()
        return torch.autograd.grad(case.model(x).max(1).values.sum(), x)[0]

    return run


def explainer(case: Case, composite: str) -> Explainer:
    return Explainer(case.model, composites.get(composite, **COMPOSITES[composite].parameters))


def ours(case: Case, composite: str) -> Callable[[], Explanation]:
    return partial(explainer(case, composite).explain, case.x)


def zennit(case: Case, composite: str) -> Callable[[], Tensor]:
    """zennit's relevance, of a model that is left with its hooks and merged batch norms."""
    canonizers = [canonizer() for canonizer in NETWORKS[case.network].canonizers]
    COMPOSITES[composite].zennit(canonizers=canonizers).register(case.model)
    attributor = Gradient(case.model)

    def top(scores: Tensor) -> Tensor:
        return nn.functional.one_hot(scores.argmax(1), scores.shape[1]) * scores

    return lambda: attributor(case.x, top)[1]


def captum(case: Case, composite: str) -> Callable[[], Tensor]:
    """Captum's relevance; it takes the rules off the model each time, so that they are put there each time."""
    weighted = [module for module in case.model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    top = forward(case)().argmax(1)

    def run() -> Tensor:
        for module in weighted:
            dense = isinstance(module, nn.Linear) or module is weighted[0]
            module.rule = EpsilonRule(1e-6) if dense else COMPOSITES[composite].captum()
        return LRP(case.model).attribute(case.x.clone(), target=top)

    return run
