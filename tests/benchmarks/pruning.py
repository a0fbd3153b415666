"""Pruning: scores of all channels beside zennit, a cut network beside the whole one, and what can be cut of each."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from zennit.attribution import Gradient
from zennit.composites import EpsilonPlus
from zennit.torchvision import ResNetCanonizer

from lrpwidgets import improve
from lrpwidgets.improve.pruning import parameters
from lrpwidgets.improve.scoring import network
from lrpwidgets.subjects import Subject, TensorSamples

from .timing import medians, table

NOTE = """
Random weights, random inputs. scores: the relevance of every channel of every layer, epsilon_plus, ten inputs of 224 by
224 pixels, from their classes; zennit has its hooks registered and batch norms merged beforehand, and a hook on each
layer that keeps the gradient of its output. × is of zennit's quickest batch size by ours.
cut: half of the channels of every layer, at random, so that all layers are half as wide.
families: of all channels but the scores', how many can be cut; the others can only be masked."""

CLASSES, IMAGES = 1000, 10

FAMILIES = [
    *("alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3"),
    *("maxvit_t", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18"),
    *("resnet50", "resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t", "swin_v2_t", "vgg11"),
    *("vgg11_bn", "vit_b_16", "wide_resnet50_2"),
]
SIZES = {"inception_v3": 96, "maxvit_t": 224}


def measure(rounds: int) -> dict[str, Any]:
    """Print the tables; returns their numbers by name."""
    found = {"scores": _scores(rounds), "cut": _cut(rounds), "families": _families()}
    print(NOTE)
    return found


def _subject(name: str, side: int, count: int) -> Subject:
    torch.manual_seed(0)
    settings: dict[str, Any] = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    settings |= {"image_size": side} if name.startswith("vit_") else {}
    model = torchvision.models.get_model(name, weights=None, **settings).eval()
    for module in model.modules():
        if isinstance(module, nn.Linear) and not module.weight.any():
            nn.init.normal_(module.weight, std=0.02)
    x = torch.randn(count, 3, side, side).clamp(-2.2, 2.7)
    return Subject(model, TensorSamples(x, list(range(count)), [str(number) for number in range(count)]))


# Scores


def _scores(rounds: int) -> dict[str, float]:
    subject = _subject("resnet50", 224, IMAGES)
    names = list(improve.unit_scores(subject, "weight", progress=False))

    def ours() -> dict[str, Tensor]:
        return improve.unit_scores(subject, samples=1, composite="epsilon_plus", progress=False).layers

    whole = subject.dataset.inputs
    theirs = {f"zennit, batch {size}": _theirs(subject.model, names, whole, size) for size in (1, 5, 10)}
    times = medians({"ours": ours, **theirs}, rounds)
    best = min(times[name] for name in theirs)
    expected, found = theirs["zennit, batch 10"](), ours()
    differ = max(float((found[n] - expected[n]).abs().max() / expected[n].abs().max()) for n in names)
    rows = [[name, f"{seconds:.2f} s", f"{seconds / times['ours']:.2f} ×"] for name, seconds in times.items()]
    table(f"scores of {sum(map(len, found.values())):,} channels of ResNet-50", ["", "time", "of ours"], rows)
    print(f"goal ≥ 3: {best / times['ours']:.2f}; largest difference, of the largest score of a layer: {differ:.1e}")
    return {**times, "ratio": best / times["ours"], "difference": differ}


def _theirs(model: nn.Module, names: list[str], x: Tensor, size: int) -> Callable[[], dict[str, Tensor]]:
    """Scores by zennit, `size` inputs at a time."""
    attributor = Gradient(model=model, composite=EpsilonPlus(canonizers=[ResNetCanonizer()]))
    targets = torch.eye(CLASSES)[: len(x)]

    def run() -> dict[str, Tensor]:
        kept: dict[str, Tensor] = {}
        total: dict[str, Tensor] = {}

        def keep(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
            def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
                output.retain_grad()
                kept[name] = output

            return hook

        with attributor:
            hooks = [model.get_submodule(name).register_forward_hook(keep(name)) for name in names]
            try:
                for part, target in zip(x.split(size), targets.split(size), strict=True):
                    attributor(part, lambda output, target=target: output * target)
                    for name, output in kept.items():
                        assert output.grad is not None
                        total[name] = total.get(name, torch.zeros(())) + output.grad.sum((0, 2, 3)).double()
            finally:
                for each in hooks:
                    each.remove()
        return total

    return run


# Cut


def _cut(rounds: int) -> dict[str, Any]:
    found, rows = {}, []
    for name, side, batch in (("vgg11", 224, 1), ("vgg11", 224, 8), ("resnet50", 224, 1)):
        subject = _subject(name, side, batch)
        whole, options = subject.model, {"fraction": 0.5, "per_layer": True, "progress": False}
        cut = improve.prune(subject, "random", **options).model
        masked = improve.prune(subject, "random", cut="never", **options).model
        x = subject.dataset.inputs
        models = {"whole": whole, "cut": cut, "masked": masked}
        times = medians({kind: _pass(model, x) for kind, model in models.items()}, rounds)
        with torch.no_grad():
            expected = masked(x)
            differ = float((cut(x) - expected).abs().max() / expected.abs().max())
        ratio = times["cut"] / times["whole"]
        found[f"{name}, batch {batch}"] = {**times, "ratio": ratio, "difference": differ}
        goal = f"≤ 0.6 {'✓' if ratio <= 0.6 else '✗'}" if name == "vgg11" else ""
        counts = f"{parameters(whole) / 1e6:.1f} → {parameters(cut) / 1e6:.1f} M"
        shown = [f"{times[kind] * 1000:.0f} ms" for kind in models]
        rows.append([f"{name}, batch {batch}", counts, *shown, f"{ratio:.2f} ×", goal, f"{differ:.0e}"])
    columns = ["half of each layer", "parameters", "whole", "cut", "masked", "cut / whole", "goal", "cut − masked"]
    table("one pass of a cut network", columns, rows)
    return found


def _pass(model: nn.Module, x: Tensor) -> Callable[[], Tensor]:
    @torch.no_grad()
    def run() -> Tensor:
        scores: Tensor = model(x)
        return scores

    return run


# Families


def _families() -> dict[str, Any]:
    found, rows = {}, []
    for name in FAMILIES:
        subject = _subject(name, SIZES.get(name, 64), 2)
        known = network(subject).channels
        numbers = [number for own in known.prunable.values() for number in own.tolist()]
        able = sum(known.lock(number) is None for number in numbers)
        layers = sum(all(known.lock(number) is None for number in own) for own in known.prunable.values())
        pruned = improve.prune(subject, "random", 0.5, progress=False)
        left = parameters(pruned.model) / parameters(subject.model)
        found[name] = {"channels": len(numbers), "cut": able, "parameters": left, "said": pruned.repair.said}
        counts = [f"{len(numbers):,}", f"{able / len(numbers):.0%}", f"{layers} of {len(known.prunable)}"]
        rows.append([name, *counts, f"{left:.0%}"])
        gc.collect()
    columns = ["", "channels", "can be cut", "layers that can", "parameters left of half the channels"]
    table("what can be cut", columns, rows)
    return found
