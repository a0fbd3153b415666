"""Foreign packages' networks, explained without options and compared with a reference: what can be explained?

Small configurations with random weights; nothing is downloaded. ``pip install ".[zoo]"`` brings the packages; those
that are not there are left out.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from importlib import import_module
from typing import Any

from .member import Member, Outcome, outcome
from .reference import words

MODULES = {
    "timm_": ["timm"],
    "transformers_": ["transformers"],
    "torchvision_": ["torchvision"],
    "vision": words("""
segmentation-models-pytorch monai vit-pytorch open_clip_torch efficientnet-pytorch resnest mlp-mixer-pytorch
g-mlp-pytorch lambda-networks axial-attention perceiver-pytorch torchxrayvision kornia diffusers
dynamic-network-architectures
"""),
    "signals": words("braindecode torchaudio pytorch-tcn ncps conformer"),
    "tokens": words("""
x-transformers peft performer-pytorch linformer linear-attention-transformer nystrom-attention sentence-transformers
"""),
    "graphs": ["torch-geometric", "egnn-pytorch"],
    "tables": words("""
pytorch-tabnet rtdl_revisiting_models rtdl_num_embeddings tab-transformer-pytorch deepctr-torch pykan
"""),
}
"""The modules beside this one, and whose members they list."""

PACKAGES = {package: module for module, packages in MODULES.items() for package in packages}


def measure(packages: list[str] | None = None) -> list[dict[str, Any]]:
    """Print what becomes of every member of the `packages` (default: all), and a table; return the outcomes."""
    found = []
    for package in packages or PACKAGES:
        for member in members(package):
            found.append(outcome(member))
            print(_line(found[-1]), flush=True)
            gc.collect()
    _print(found)
    return [each.to_dict() for each in found]


def members(package: str) -> list[Member]:
    """The configurations of `package`; none if it is not installed."""
    try:
        module = import_module(f".{PACKAGES[package]}", __name__)
    except ImportError as error:
        print(f"{package} is left out: {error}")
        return []
    return [Member(package, name, build) for name, build in module.MEMBERS[package].items()]


def _line(each: Outcome) -> str:
    numbers = "" if each.difference is None else f" {each.difference:.0e}"
    return f"{each.package} {each.name}: {each.outcome}{numbers} {each.sentence}".strip()


def _print(found: list[Outcome]) -> None:
    """The table of the packages, in the README's form."""
    packages: dict[str, list[Outcome]] = defaultdict(list)
    for each in found:
        if each.outcome != "not built":
            packages[each.package].append(each)
    rows = [[package, *_summary(own)] for package, own in packages.items()]
    rows.append(["all", *_summary([each for own in packages.values() for each in own])])
    columns = ["package", "members", "explained", "refused", "wrong", "crashed", "largest difference"]
    for line in [columns, ["---"] * len(columns), *rows]:
        print(f"| {' | '.join(line)} |")


def _summary(own: list[Outcome]) -> list[str]:
    """How many there are and what became of them; the largest difference of those that are explained."""
    differences = [each.difference for each in own if each.outcome == "explained" and each.difference is not None]
    counts = (sum(each.outcome == name for each in own) for name in ("explained", "refused", "wrong", "crashed"))
    largest = f"{max(differences):.0e}" if differences else "–"
    return [str(len(own)), *(str(count) if count else "–" for count in counts), largest]
