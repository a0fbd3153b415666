"""Torchvision's classification networks, their weights and preprocessing.

`pretrained` builds one. Weights are read as tensors only, never as pickled code, and everything that can be
wrong (no such network, no file, no connection, no fit) is one sentence that says what to do.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from torch import Tensor, nn

TIMEOUT = 10
"""Seconds that a download server has for its first answer: offline shall not mean waiting."""


@dataclass(frozen=True)
class Pretrained:
    """A network and what belongs to it."""

    model: nn.Module
    """In evaluation mode."""
    transforms: Any
    """Torchvision's preprocessing: takes an RGB picture, has ``mean`` and ``std``."""
    classes: list[str]
    """Name of each output."""


def pretrained(arch: str, weights: str | Path | None = "DEFAULT", crop: int | None = None) -> Pretrained:
    """Build a torchvision classification network; parameters as in `lrpwidgets.subjects.imagenet.load`."""
    from torchvision.models import get_model, get_model_weights
    from torchvision.transforms._presets import ImageClassification

    _check_arch(arch)
    file = Path(weights) if weights is not None and _is_path(weights) else None
    member = get_model_weights(arch).DEFAULT if file or weights is None else _member(arch, str(weights))
    if weights is None:
        model = get_model(arch, weights=None)
        transforms = ImageClassification(crop_size=crop or 224)
    else:
        state = read_state_dict(file or _cached(arch, member))
        model = get_model(arch, weights=None, **_builder_options(arch, member, state))
        fill(model, state, f"The state dict {str(weights)!r} for {arch!r}")
        transforms = _transforms(member, crop)
    return Pretrained(model.eval(), transforms, list(member.meta["categories"]))


def describe(arch: str) -> str:
    """Readable name of a torchvision network: "SqueezeNet 1.0" for "squeezenet1_0"."""
    from torchvision.models import get_model_weights

    name = get_model_weights(arch).__name__.removesuffix("_Weights")
    name = re.sub(r"(?<!\d)(\d)_(\d)", r"\1.\2", name).replace("_", " ")
    return re.sub(r"(?<=[a-z])(?=\d)", " ", name)


def read_state_dict(file: Path) -> dict[str, Tensor]:
    """Tensors by name from a .safetensors file or one that `torch.save` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, holds anything but tensors by name, or pickled objects that could run code.
    """
    import torch
    from safetensors.torch import load_file

    if not file.is_file():
        raise FileNotFoundError(f"There is no file of weights {str(file)!r}; check the path.")
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes unpicklers raise nearly anything
        why = "it is damaged, or holds pickled objects beyond tensors, which could run code when loaded"
        remedy = "save only model.state_dict() in it, or use safetensors"
        raise ValueError(f"{str(file)!r} is refused: {why}; {remedy}.") from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        remedy = "save only model.state_dict() in it"
        raise ValueError(f"{str(file)!r} holds no state dict (tensors by name); {remedy}.")
    return state


def fill(model: nn.Module, state: dict[str, Tensor], what: str) -> None:
    """Load `state`, called `what` in messages, into `model`; ValueError if it does not fit."""
    try:
        model.load_state_dict(_renamed(state))
    except (RuntimeError, ValueError) as error:
        details = textwrap.shorten(str(error).split(":\n", 1)[-1], 200, placeholder=" ...")
        raise ValueError(f"{what} does not fit, take weights of the same network: {details}") from error


def _check_arch(arch: str) -> None:
    from torchvision import models

    known = models.list_models(module=models)
    if arch not in known:
        close = get_close_matches(arch.lower(), known) or known[:3]
        raise ValueError(f"Torchvision has no classification network {arch!r}; close are {', '.join(close)}.")


def _is_path(weights: str | Path) -> bool:
    return isinstance(weights, Path) or bool(Path(weights).suffix) or "/" in weights or "\\" in weights


def _member(arch: str, name: str) -> Any:
    from torchvision.models import get_model_weights

    choices = get_model_weights(arch).__members__
    if name not in choices:
        known = ", ".join(choices)
        raise ValueError(f"{arch!r} has no weights {name!r}; take {known}, None (random) or a file's path.")
    return choices[name]


def _builder_options(arch: str, member: Any, state: dict[str, Tensor]) -> dict[str, Any]:
    """What torchvision's builders set when they load weights themselves, which they do without our care."""
    if arch in ("googlenet", "inception_v3"):
        auxiliary = any(key.lower().startswith("aux") for key in state)
        return {"transform_input": True, "aux_logits": auxiliary, "init_weights": False}
    if arch.startswith("vit_"):
        return {"image_size": member.meta["min_size"][0]}
    return {}


def _renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """`state` in today's names: DenseNet's published files are so old that they say "norm.1" for "norm1"."""
    old = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(\d\.)")
    for key in [key for key in state if old.search(key)]:
        state[old.sub(r"\1\2", key)] = state.pop(key)
    return state  # the same object: it may carry version numbers that the modules ask for


def _transforms(member: Any, crop: int | None) -> Any:
    transforms = member.transforms()
    if crop is None:
        return transforms
    return member.transforms(crop_size=crop, resize_size=max(crop, transforms.resize_size[0]))


def _cached(arch: str, member: Any) -> Path:
    """The file of torchvision's weights in torch's download cache, downloaded where it is missing."""
    import torch

    name: str = member.url.rsplit("/", 1)[-1]
    file = Path(torch.hub.get_dir()) / "checkpoints" / name
    if file.is_file():
        return file
    try:
        _download(member.url, file)
    except (OSError, RuntimeError) as error:  # no connection; or a download whose checksum is wrong
        raise FileNotFoundError(
            f"The weights {member.name} of {arch!r} are not at {str(file)!r} and cannot be downloaded"
            f" ({error}): get {member.url} and put it there, set TORCH_HOME to a folder that has"
            f" hub/checkpoints/{name}, or pass weights=<path of the file>."
        ) from error
    return file


def _download(url: str, file: Path) -> None:
    import torch

    with urlopen(Request(url, method="HEAD"), timeout=TIMEOUT):
        pass  # torch's own download would wait minutes where there is no network
    file.parent.mkdir(parents=True, exist_ok=True)
    checksum = re.search(r"-([0-9a-f]{8,})\.", file.name)
    torch.hub.download_url_to_file(url, str(file), checksum and checksum[1])
