"""Files of weights as people have them: what `torch.save` or safetensors wrote, by whatever program.

`read` gives what a file holds, as tensors and plain values only, never as code. `find` looks in it for the weights of a
network: at the top or in a nested dictionary ("state_dict", "model", "model_ema"), with the names that
DataParallel, torch.compile or a model around the network gave them.

A byte that was changed on the way is noticed in what `torch.save` writes since torch 1.6, which has checksums.
Safetensors and older files have none: only a damaged head shows there. Torchvision's own are checked as they are
downloaded.
"""

from __future__ import annotations

import argparse
import re
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
"""What DataParallel, torch.compile, FSDP and activation checkpointing put into names, at any place."""

DEPTH = 4
"""Of dictionaries in dictionaries: deeper ones are of an optimizer, or of somebody who wants us to fall."""

_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(\d\.)")


@dataclass(frozen=True)
class Found:
    """The weights of a network, found in a file."""

    state: OrderedDict[str, Tensor] = field(repr=False)
    """Tensors by the network's names, with the versions of its modules where the file tells them."""
    rest: dict[str, Tensor] = field(repr=False)
    """What lay beside them and belongs to no other copy of the network."""
    notes: list[str]
    """What was chosen, as sentences."""


@dataclass(frozen=True)
class _Place:
    """Where in a file weights may be."""

    tensors: Mapping[str, Tensor] = field(repr=False)
    """By cleaned name."""
    versions: Mapping[str, Any] = field(repr=False)
    """What torch keeps of each module beside its tensors, by cleaned name."""
    key: str
    """Of the nested dictionary, such as "state_dict"; empty at the top."""
    prefix: str
    """That all names there share, such as "backbone."; empty or with a dot at its end."""
    matches: int
    """Names of the network that are there, counted twice where the shape agrees too."""

    @property
    def name(self) -> str:
        """For people, such as "state_dict.backbone"."""
        return ".".join(filter(None, (self.key, self.prefix.rstrip(".")))) or "the top level"


def read(file: Path) -> dict[str, Any]:
    """What a .safetensors file or one that `torch.save` wrote holds: tensors and plain values, nested as it is.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, is no dictionary, or holds pickled objects that could run code.
    """
    from safetensors.torch import load_file

    if not file.is_file():
        raise FileNotFoundError(f"There is no file of weights {str(file)!r}; check the path.")
    if part := _damaged_part(file):
        raise ValueError(f"{str(file)!r} is damaged: the checksum of its part {part!r} is wrong; get it again.")
    try:
        content = load_file(file) if file.suffix == ".safetensors" else _unpickled(file)
    except Exception as error:  # a damaged file makes unpicklers raise nearly anything
        pickled = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
        what = f"the pickled object {pickled[1]}" if pickled else "pickled objects"
        why = f"it {'' if pickled else 'is damaged, or '}holds {what} beyond tensors, which could run code when loaded"
        remedy = "save only model.state_dict() in it, or use safetensors"
        raise ValueError(f"{str(file)!r} is refused: {why}; {remedy}.") from error
    if not isinstance(content, dict) or not any(True for _ in _dictionaries(content)):
        remedy = "save only model.state_dict() in it"
        raise ValueError(f"{str(file)!r} holds no state dict (tensors by name); {remedy}.")
    return content


def find(content: Mapping[str, Any], model: nn.Module) -> Found:
    """The weights in `content`, see `read`, that fit `model` best; the first of several that fit equally well."""
    wanted = {name: tuple(tensor.shape[1:]) for name, tensor in model.state_dict().items()}
    places = [place for key, tensors in _dictionaries(content) for place in _places(key, tensors, wanted)]
    best = max(places, key=lambda place: place.matches)
    others = [place for place in places if place is not best and place.matches == best.matches]
    state = OrderedDict(_below(best.prefix, best.tensors))
    # Without them torch takes the weights for very old ones, which MNASNet refuses.
    versions = {"": {"version": model._version}} | dict(_below(best.prefix, best.versions))
    state._metadata = versions  # type: ignore[attr-defined]  # it is there that torch looks for them
    copies = tuple(place.prefix for place in (best, *others) if place.key == best.key)
    rest = {name: tensor for name, tensor in best.tensors.items() if not name.startswith(copies)}
    return Found(state, rest, _told(best, others))


def _damaged_part(file: Path) -> str | None:
    """The first part of the archive that `torch.save` wrote whose checksum is wrong, which torch does not look at."""
    try:
        with zipfile.ZipFile(file) as archive:
            checked = any(part.CRC for part in archive.infolist())  # they can be left out
            return archive.testzip() if checked else None
    except Exception:  # another format, or none: who reads it says more
        return None


def _unpickled(file: Path) -> Any:
    """What `torch.save` wrote, if it is tensors, plain values, and what training scripts keep beside weights."""
    import torch

    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception:  # the same again, with classes that hold values and do nothing
        with torch.serialization.safe_globals(_harmless()):  # new in torch 2.5
            return torch.load(file, map_location="cpu", weights_only=True)


def _harmless() -> list[Any]:
    """Options of a script, paths, and NumPy's numbers, such as the best accuracy."""
    import numpy as np

    scalar: Any = np.float64(0).__reduce__()[0]
    names = [f"numpy.{core}.multiarray.scalar" for core in ("core", "_core")]  # NumPy 1 and 2
    numbers = [(scalar, name) for name in names] + [type(np.dtype(kind)) for kind in "efdilqB?"]
    plain = {"PosixPath": PurePosixPath, "WindowsPath": PureWindowsPath}
    paths = [(plain[name], f"{module}.{name}") for name in plain for module in ("pathlib", "pathlib._local")]
    return [argparse.Namespace, np.dtype, *numbers, *paths]


def _dictionaries(content: Mapping[Any, Any], key: str = "", depth: int = DEPTH) -> Iterator[tuple[str, Any]]:
    """The dictionaries with tensors by name, and their keys from the top, such as "model.state_dict"."""
    import torch

    if any(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in content.items()):
        yield key, content
    for name, value in content.items() if depth else ():
        if isinstance(value, Mapping):
            yield from _dictionaries(value, f"{key}.{name}" if key else str(name), depth - 1)


def _places(key: str, content: Mapping[Any, Any], wanted: Mapping[str, tuple[int, ...]]) -> Iterator[_Place]:
    """Where in one dictionary the network may be: at the top, or below a prefix."""
    import torch

    named = ((name, value) for name, value in content.items() if isinstance(name, str))
    tensors = {_cleaned(name): value for name, value in named if isinstance(value, torch.Tensor)}
    versions = {_cleaned(name): value for name, value in getattr(content, "_metadata", {}).items()}
    names, shapes = Counter({"": 0}), Counter({"": 0})
    for name, tensor in tensors.items():
        for prefix, inner in _splits(name):
            names[prefix] += inner in wanted
            # But for the first dimension, which in the head is the number of classes.
            shapes[prefix] += wanted.get(inner) == tuple(tensor.shape[1:])
    for prefix, count in names.items():
        yield _Place(tensors, versions, key, prefix, count + shapes[prefix])


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """All ways to take a name for a prefix and the rest: "", "a.b"; "a.", "b"."""
    yield "", name
    for dot in re.finditer(r"\.", name):
        yield name[: dot.end()], name[dot.end() :]


def _cleaned(name: str) -> str:
    """`name` without what wrappers put into it, and in today's form: DenseNet's old files say "norm.1" for "norm1"."""
    inner = ".".join(part for part in name.split(".") if part not in WRAPPERS)
    return _OLD_DENSENET.sub(r"\1\2", inner)


def _below(prefix: str, named: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What has the prefix, without it; the module of that name itself becomes the root, ""."""
    for name, value in named.items():
        if f"{name}.".startswith(prefix):
            yield name[len(prefix) :], value


def _told(best: _Place, others: list[_Place]) -> list[str]:
    if not others:
        return []
    names = " and ".join(repr(place.name) for place in others)
    return [
        f"The file has several weights that fit: those of {best.name!r} are taken, not those of {names}, for which "
        "you can save a file of their own."
    ]
