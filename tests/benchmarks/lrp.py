"""The backend against one forward + input gradient of the same network, the floor of any gradient method, and zennit.

Random weights: arithmetic takes as long for them as for trained ones.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torchvision
from torch import nn
from zennit.attribution import Gradient
from zennit.composites import EpsilonAlpha2Beta1, EpsilonGammaBox, EpsilonPlusFlat
from zennit.torchvision import ResNetCanonizer, VGGCanonizer

from lrpwidgets.lrp import Explainer, composites, rules

from .timing import medians, table

NETWORKS = {"vgg16": VGGCanonizer, "resnet50": ResNetCanonizer, "squeezenet1_0": None}
LOW, HIGH = -2.2, 2.7
COMPOSITES: dict[str, tuple[dict[str, Any], Callable[..., Any]]] = {
    "epsilon_plus_flat": ({}, EpsilonPlusFlat),
    "epsilon_alpha2_beta1": ({}, EpsilonAlpha2Beta1),
    "epsilon_gamma_box": (
        {"low": LOW, "high": HIGH},
        lambda canonizers: EpsilonGammaBox(torch.tensor(LOW), torch.tensor(HIGH), canonizers=canonizers),
    ),
}


def measure(device: str, rounds: int) -> list[dict[str, Any]]:
    """Print and return times relative to forward + gradient."""
    torch.manual_seed(0)
    measured = [
        _network(name, batch, composite, device, rounds)
        for name in NETWORKS
        for batch in (1, 8)
        for composite in COMPOSITES
    ]
    columns = [
        "network",
        "batch",
        "composite",
        "fwd+grad ms",
        "full",
        "zennit",
        "first layer",
        "half-way",
        "retarget",
    ]
    rows = [
        [m["network"], str(m["batch"]), m["composite"], f"{1000 * m['gradient']:.0f}"]
        + [_ratio(m, key) for key in ("full", "zennit", "switch first", "switch half-way", "retarget")]
        for m in measured
    ]
    table("Times relative to one forward + input gradient; the switches and retarget are ours", columns, rows)
    return measured


def _ratio(measured: dict[str, Any], key: str) -> str:
    return f"{measured[key] / measured['gradient']:.2f} ×" if key in measured else "—"


def _network(name: str, batch: int, composite: str, device: str, rounds: int) -> dict[str, Any]:
    model = torchvision.models.get_model(name, weights=None).eval().to(device)
    x = torch.randn(batch, 3, 224, 224, device=device).clamp(LOW, HIGH)
    parameters, peer = COMPOSITES[composite]
    explainer = Explainer(model, composites.get(composite, **parameters))
    explained = explainer.explain(x)
    weighted = [layer.name for layer in explained.layers if layer.kind in ("conv", "linear")]
    first, half = weighted[0], weighted[len(weighted) // 2]

    def gradient() -> None:
        leaf = x.clone().requires_grad_()
        torch.autograd.grad(model(leaf).max(1).values.sum(), leaf)

    candidates: dict[str, Callable[[], object]] = {
        "gradient": gradient,
        "full": lambda: explainer.explain(x),
        "switch first": lambda: explained.switch(rules={first: rules.WSquare()}),
        "switch half-way": lambda: explained.switch(rules={half: rules.Gamma(0.1)}),
        "retarget": lambda: explained.retarget(5),
    }
    canonizer = NETWORKS[name]
    if canonizer:
        attributor = Gradient(copy.deepcopy(model), peer(canonizers=[canonizer()]))
        candidates["zennit"] = lambda: _zennit(attributor, x)
    times = medians(candidates, rounds, device)
    return {"network": name, "batch": batch, "composite": composite, **times}


def _zennit(attributor: Any, x: torch.Tensor) -> None:
    with attributor:
        attributor(x, lambda scores: nn.functional.one_hot(scores.argmax(1), scores.shape[1]) * scores)
