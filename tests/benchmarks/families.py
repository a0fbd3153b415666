"""Every classifier of torchvision's, explained without options: does it work, does the ledger add up, how long?

Random weights, with batch norms that have seen the input once, and nothing left at zero. Small inputs, since what is
asked is whether every operation is known: 64 pixels wherever the network takes them, see :data:`SIZES`.
"""

from __future__ import annotations

import gc
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models.video import mvit

from lrpwidgets.lrp import Explainer

from .timing import medians, table

FAMILIES = {
    "AlexNet": "alexnet",
    "VGG": r"vgg\d+(_bn)?",
    "ResNet": r"resnet\d+",
    "ResNeXt": "resnext.*",
    "Wide ResNet": "wide_resnet.*",
    "SqueezeNet": "squeezenet.*",
    "DenseNet": "densenet.*",
    "GoogLeNet": "googlenet",
    "Inception v3": "inception_v3",
    "ShuffleNet v2": "shufflenet.*",
    "MobileNet v2": "mobilenet_v2",
    "MobileNet v3": "mobilenet_v3.*",
    "MNASNet": "mnasnet.*",
    "EfficientNet": r"efficientnet_b\d",
    "EfficientNet v2": "efficientnet_v2.*",
    "RegNet X": "regnet_x.*",
    "RegNet Y": "regnet_y.*",
    "ConvNeXt": "convnext.*",
    "Vision Transformer": "vit_.*",
    "Swin": "swin_[bst]",
    "Swin v2": "swin_v2.*",
    "MaxViT": "maxvit_t",
    "R3D": "r3d_18",
    "MC3": "mc3_18",
    "R(2+1)D": "r2plus1d_18",
    "S3D": "s3d",
    "MViT": "mvit_v2_s",
    "Video Swin": "swin3d_t",
}
"""Families by their builders' names; of the video classifiers one each."""

SIZES: dict[str, tuple[int, ...]] = {
    "inception_v3": (96, 96),
    "maxvit_t": (224, 224),
    "vit_h_14": (56, 56),
    "s3d": (16, 224, 224),
    "mvit_v2_s": (16, 64, 64),
    "swin3d_t": (4, 64, 64),
    **dict.fromkeys(("r3d_18", "mc3_18", "r2plus1d_18"), (4, 64, 64)),
}
"""Inputs that are not 64 by 64 pixels; frames first."""


def measure(pattern: str = "") -> list[dict[str, Any]]:
    """Print the families' table and return a line for each of the networks whose name matches `pattern`."""
    found = []
    for family, names in _members().items():
        for name in names:
            if re.search(pattern, name):
                found.append({"family": family, "network": name, **_network(name)})
                print(
                    "{network}: {composite}, {layers} layers, ledger {imbalance:.1e}".format_map(found[-1]), flush=True
                )
                gc.collect()
    _print(found)
    return found


def _members() -> dict[str, list[str]]:
    """Names of the builders of every family.

    Raises
    ------
    ValueError
        If torchvision has a classifier that belongs to none.
    """
    pictures = models.list_models(module=models)
    known = [*pictures, *models.list_models(module=models.video)]
    members = {family: [n for n in known if re.fullmatch(names, n)] for family, names in FAMILIES.items()}
    if forgotten := set(pictures).difference(*members.values()):
        raise ValueError(f"of no family: {', '.join(sorted(forgotten))}")
    return members


def _network(name: str) -> dict[str, Any]:
    """What there is to say of one network."""
    size = SIZES.get(name, (64, 64))
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    with _sized(size):
        model = _lively(models.get_model(name, **_settings(name, size)), x)
    explainer, made = Explainer(model), []

    def explain() -> None:
        made.clear()  # two at a time take twice the memory
        made[:] = [explainer.explain(x)]

    @torch.no_grad()
    def forward() -> Tensor:
        return model(x)

    seconds = medians({"forward": forward, "explanation": explain}, 1)
    (explanation,) = made
    difference = float((explanation.scores - forward()).abs().max() / explanation.scores.abs().max())
    return {
        "input": list(size),
        "composite": explanation.composite.name,
        "layers": len(explanation.layers),
        "imbalance": explanation.ledger.imbalance,
        "scores": difference,
        "finite": bool(explanation.relevance.isfinite().all()) and bool(explanation.relevance.any()),
        "seconds": seconds,
    }


@contextmanager
def _sized(size: tuple[int, ...]) -> Iterator[None]:
    """Video transformers for inputs of this `size`, which their builders do not let choose."""
    build = mvit.MViT

    def sized(**settings: Any) -> nn.Module:
        return build(**{**settings, "spatial_size": size[1:], "temporal_size": size[0]})

    mvit.MViT = sized
    try:
        yield
    finally:
        mvit.MViT = build


def _settings(name: str, size: tuple[int, ...]) -> dict[str, Any]:
    """What the builder must be told of the input's size."""
    if name.startswith("vit_"):
        return {"image_size": size[0]}
    return {"init_weights": False} if name in ("googlenet", "inception_v3") else {}


@torch.no_grad()
def _lively(model: nn.Module, x: Tensor) -> nn.Module:
    """`model` with no head, scale or bias at zero, and batch norms that know the statistics of `x`."""
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if name.endswith("layer_scale"):
            parameter.fill_(0.2)  # torchvision's 1e-6 would leave nothing but the shortcuts
        elif not parameter.any():
            parameter.normal_(0, 0.1)
    model.eval()
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    if norms:
        model(torch.cat([x, x.flip(-1)]))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.running_var.clamp_(min=1e-3)  # a map of one pixel may not vary
    return model.eval()


def _print(found: list[dict[str, Any]]) -> None:
    families: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in found:
        families[each["family"]].append(each)
    rows = [
        [
            family,
            str(len(members)),
            ", ".join(sorted({each["composite"] for each in members})),
            _range([each["layers"] for each in members]),
            f"{max(each['imbalance'] for each in members):.1e}",
            f"{max(each['scores'] for each in members):.1e}",
            "{:.1f} ×".format(
                statistics.median(m["seconds"]["explanation"] / m["seconds"]["forward"] for m in members)
            ),
        ]
        for family, members in families.items()
    ]
    columns = ["", "members", 'composite="auto"', "layers", "ledger", "scores", "explanation / forward"]
    table("Largest imbalance of the ledger and difference of the scores in float32, batch 2", columns, rows)


def _range(numbers: list[int]) -> str:
    return str(numbers[0]) if len(set(numbers)) == 1 else f"{min(numbers)}–{max(numbers)}"
