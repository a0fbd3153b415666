"""Torchvision's classification networks, their weights and preprocessing.

`pretrained` builds one, with as many outputs as its weights have. Weights are read as tensors only, never as pickled
code, and everything that can be wrong (no such network, no file, no connection, no fit) is one sentence that says what
to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from .checkpoint import find, read

if TYPE_CHECKING:
    from torch import Tensor, nn

TIMEOUT = 10
"""Seconds that a download server has for its first answer: offline shall not mean waiting."""

OUTPUTS = 1000
"""Of torchvision's networks as they are: no layer but the last is so wide."""

LEFT_OUT = re.compile(r"(aux[12]|AuxLogits)\.|(.*\.)?(total_ops|total_params|n_averaged)$")
"""Tensors that the scores do not depend on: heads for training only, counts of profilers, steps of averaging."""


@dataclass(frozen=True)
class Pretrained:
    """A network and what belongs to it."""

    model: nn.Module
    """In evaluation mode."""
    transforms: Any
    """Torchvision's preprocessing: takes an RGB picture, has ``mean`` and ``std``."""
    scores: int
    """How many outputs it has."""
    categories: list[str]
    """Name of each output; empty where the weights are of other classes than ImageNet's."""
    notes: list[str]
    """What was chosen in the file of weights, as sentences."""
    own: bool
    """Whether the weights are somebody's own, so that the names are a guess."""


def pretrained(arch: str, weights: str | Path | None = "DEFAULT", crop: int | None = None) -> Pretrained:
    """Build a torchvision classification network; parameters as in `lrpwidgets.subjects.imagenet.load`."""
    from torchvision.models import get_model, get_model_weights
    from torchvision.transforms._presets import ImageClassification

    _check_arch(arch)
    file = Path(weights) if weights is not None and _is_path(weights) else None
    member = get_model_weights(arch).DEFAULT if file or weights is None else _member(arch, str(weights))
    categories, transforms = list(member.meta["categories"]), _transforms(member, crop)
    if weights is None:
        model, transforms = get_model(arch, weights=None), ImageClassification(crop_size=crop or 224)
        return Pretrained(model.eval(), transforms, OUTPUTS, categories, [], own=False)
    model, scores, notes = _loaded(arch, member, file or _cached(arch, member), str(weights))
    categories = categories if scores == OUTPUTS else []
    return Pretrained(model.eval(), transforms, scores, categories, notes, own=file is not None)


def describe(arch: str) -> str:
    """Readable name of a torchvision network: "SqueezeNet 1.0" for "squeezenet1_0"."""
    from torchvision.models import get_model_weights

    name = get_model_weights(arch).__name__.removesuffix("_Weights")
    name = re.sub(r"(?<!\d)(\d)_(\d)", r"\1.\2", name).replace("_", " ")
    return re.sub(r"(?<=[a-z])(?=\d)", " ", name)


def fill(model: nn.Module, state: Mapping[str, Tensor], file: str, arch: str) -> None:
    """Load the weights `state` of `file` into `model`; ValueError that names what differs if they do not fit."""
    _check_kinds(model, state, file)
    problem, missing, unexpected = "", [], []
    try:
        missing, unexpected = model.load_state_dict(state, strict=False)
    except (RuntimeError, ValueError) as error:  # nearly always since shapes differ
        problem = _shapes(model, state, arch) or " ".join(str(error).split())
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]  # unknown before torch 0.4.1
    unexpected = [name for name in unexpected if not LEFT_OUT.match(name)]
    if difference := problem or _names(missing, unexpected, arch):
        remedy = "name the network that they are of (--arch), or bring your own model: --subject file.py:function"
        raise ValueError(f"The state dict {file!r} for {arch!r} does not fit: {difference}; {remedy}.")


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


def _loaded(arch: str, member: Any, file: Path, name: str) -> tuple[nn.Module, int, list[str]]:
    """The network with the weights in `file`, how many outputs it has, and what to say of it."""
    model = _built(arch, member, OUTPUTS)
    found = find(read(file), model)
    scores = _count_outputs(found.state, model)
    if scores != OUTPUTS:
        model = _built(arch, member, scores)
    fill(model, found.state, name, arch)
    rest = {key: tensor for key, tensor in found.rest.items() if not LEFT_OUT.match(key)}
    return model, scores, [*found.notes, *_unused(rest, scores, name, arch)]


def _count_outputs(state: Mapping[str, Tensor], model: nn.Module) -> int:
    """How many outputs the weights have, by those of the layer that has `OUTPUTS` in `model`."""
    heads = (name for name, tensor in model.state_dict().items() if tensor.shape[:1] == (OUTPUTS,))
    head = next((state[name] for name in heads if name in state), None)
    return OUTPUTS if head is None or head.dim() == 0 else len(head)


def _built(arch: str, member: Any, scores: int) -> nn.Module:
    """The network with weights drawn at random, as torchvision builds it for weights of its own."""
    from torchvision.models import get_model

    model: nn.Module = get_model(arch, weights=None, num_classes=scores, **_builder_options(arch, member))
    return model


def _builder_options(arch: str, member: Any) -> dict[str, Any]:
    """What torchvision's builders set when they load weights themselves, without the heads that serve training."""
    if arch in ("googlenet", "inception_v3"):
        return {"transform_input": True, "aux_logits": False, "init_weights": False}
    if arch.startswith("vit_"):
        return {"image_size": member.meta["min_size"][0]}
    return {}


def _shapes(model: nn.Module, state: Mapping[str, Tensor], arch: str) -> str:
    """The first tensor that has another shape in the file; empty if there is none."""
    for name, tensor in model.state_dict().items():
        if name in state and state[name].shape != tensor.shape:
            return f"{name} is {tuple(state[name].shape)} in the file and {tuple(tensor.shape)} in {arch}"
    return ""


def _check_kinds(model: nn.Module, state: Mapping[str, Tensor], file: str) -> None:
    """Raise ValueError for weights that are no real numbers: torch would round them, or drop their imaginary part."""
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and name in state and not state[name].is_floating_point():
            kind = str(state[name].dtype).removeprefix("torch.")
            raise ValueError(
                f"{name} of the state dict {file!r} is {kind}, not floating point; save the weights as float32, "
                "a quantized model before it was quantized."
            )


def _names(missing: list[str], unexpected: list[str], arch: str) -> str:
    """The first tensor that only one of both has; empty if there is none."""
    parts = [f"{name} of {arch} is not in the file" for name in missing[:1]]
    parts += [f"{name} of the file is not in {arch}" for name in unexpected[:1]]
    return " and ".join(parts)


def _unused(rest: Mapping[str, Tensor], scores: int, file: str, arch: str) -> list[str]:
    """What to say of tensors that lie beside the network's; ValueError if they are of a layer behind it."""
    for name, tensor in rest.items():
        if tensor.is_floating_point() and tensor.dim() == 2 and tensor.shape[1] == scores:
            what = f"{name} {tuple(tensor.shape)} goes on from the {scores} outputs of {arch}"
            remedy = "bring the whole model: --subject file.py:function"
            raise ValueError(f"The state dict {file!r} is of a larger model: {what}; {remedy}.")
    first = next(iter(rest), None)
    return [f"The file holds {len(rest)} tensors beside {arch}, such as {first!r}: they are not used."] if rest else []


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
