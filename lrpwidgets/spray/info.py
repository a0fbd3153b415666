"""Where the numbers of a store come from: the model, the composite, the data, and what was asked.

`Origin` is what every store over a data set says of that, `Info` what a relevance store says. It is written into the
store when that is begun, and compared when somebody goes on with it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from platform import python_version
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_type_hints

import numpy as np

from .channels import LayerShape, lacking, layer_shapes
from .code import release
from .plain import is_a, plain

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..subjects import Subject

FORMAT = 3
"""Version of what a store consists of."""

CODE = "#"
"""In the text of a `select`, what comes before the digest of a function, which depends on the version of Python."""


Precision = Literal["float16", "float32"]
"""In which relevance is kept."""

ArrayKind = tuple[tuple[int, ...], np.dtype[Any], float]
"""Of an array (N, ...): the shape of one sample's part, the type on disk, and what stands where nothing was written."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where the numbers of a store over a data set come from; a subclass says what the store holds of each input."""

    key: ClassVar[str]
    """Name of this description among the attributes of the store's Zarr group."""
    store: ClassVar[str]
    """What such a store is called."""
    way: ClassVar[str]
    """How to make one."""
    asked: ClassVar[tuple[str, ...]] = ("inputs", "input_shape", "input_dtype", "targets", "batch_size")
    """Fields that must be the same when somebody goes on with a store."""

    subject: str
    """Short name of the subject."""
    title: str
    """Its heading."""
    recipe: str
    """Python that makes the subject again, after ``from lrpwidgets import subjects``; may be empty."""
    modality: str
    """Kind of data, as the subject has it."""
    classes: list[str]
    """Name of each output; may be empty."""
    inputs: int
    """Number of inputs of the data set, N."""
    input_shape: tuple[int, ...]
    """Of one input, (C, H, W); of texts, whose lengths differ, that of the first that could be explained, (T,)."""
    input_dtype: str
    """Of an input, such as ``"torch.float32"``."""
    data: str
    """SHA-256 over names and labels of the inputs and the first input that could be explained."""
    fingerprint: str
    """SHA-256 over the model: see :func:`fingerprint`."""
    composite: dict[str, Any]
    """Which rule each layer got, as :meth:`.Composite.to_dict` writes it."""
    unknown: str
    """What was done with operations that have no rule: ``"error"`` or ``"gradient"``."""
    targets: str | int
    """What is explained: ``"predicted"``, ``"label"`` or one class."""
    batch_size: int
    """Inputs in a batch and in a chunk."""
    software: dict[str, str]
    """Versions of what computed, when the store was begun."""
    code: str
    """SHA-256 over the sources that compute relevance: see :func:`.code.digest`."""
    caveats: list[str]
    """Sentences to read before trusting relevance of this model under this composite."""
    select: str
    """Where the scores are in what the model returns, as :func:`.functions.identity` has it."""
    scores: dict[str, Any]
    """Of the first input that could be explained: ``"dtype"``, and ``"values"`` of up to 1,000 classes, to 4 digits."""

    def arrays(self) -> dict[str, ArrayKind]:
        """The arrays that the store has beside those of every store, in the order in which a batch is written."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return plain({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` wrote; raises ValueError that names what is wrong."""
        if data.get("format") != FORMAT:
            raise ValueError(
                f"its format is {data.get('format')!r}; this version of lrpwidgets reads {FORMAT}. Read it with the "
                "version that made it, or make another store."
            )
        missing = [field.name for field in fields(cls) if field.name not in data]
        if missing:
            raise ValueError(f"it does not say {', '.join(missing)}.")
        known: dict[str, Any] = {field.name: data[field.name] for field in fields(cls)}
        hints = get_type_hints(cls)
        wrong = [name for name, value in known.items() if not is_a(value, hints[name])]
        if wrong := wrong or [name for name, fine in _LIMITS.items() if name in known and not fine(known[name])]:
            raise ValueError(f"its {wrong[0]} is {known[wrong[0]]!r}; copy its zarr.json again, or make another store.")
        shapes = [name for name in ("input_shape", "shape") if name in known]
        return cls(**known | {name: tuple(known[name]) for name in shapes})  # JSON has lists

    def differences(self, other: Self) -> list[str]:
        """What numbers depend on and is not the same in both: ``"batch_size (64 there, 32 here)"``, `other` is here."""
        of_model = self.differences_of_model(other.fingerprint, other.composite, other.unknown, other.select)
        return [*of_model, *self._asked(other)]

    def differences_of_model(
        self, fingerprint: str, composite: Mapping[str, Any], unknown: str, select: str
    ) -> Iterator[str]:
        """What differs in the model and the way in which it is explained."""
        if self.fingerprint != fingerprint:
            yield f"model (weights and architecture {self.fingerprint[:12]} there, {fingerprint[:12]} here)"
        if self.composite["entries"] != composite["entries"]:
            yield f"composite ({_composites(self.composite, composite)})"
        if self.unknown != unknown:
            yield f"unknown ({self.unknown!r} there, {unknown!r} here)"
        if self._other_function(select):
            yield f"select ({self.select} there, {select} here)"

    @property
    def identity(self) -> dict[str, str]:
        """The code and the release of torch that its relevance is of, as :func:`.code.identity` has those of here."""
        return {"code": self.code, "torch": release(self.software.get("torch", "unknown"))}

    def changed_software(self, other: Origin) -> list[str]:
        """Versions of other software than torch that are not the same in both, `other` is here."""
        both = ((name, there, other.software.get(name)) for name, there in self.software.items() if name != "torch")
        return [f"{name} ({there} there, {here} here)" for name, there, here in both if there != here]

    def _asked(self, other: Self) -> Iterator[str]:
        for name in self.asked:
            there, here = getattr(self, name), getattr(other, name)
            if there != here:
                yield f"{name} ({there!r} there, {here!r} here)"
        if self.data != other.data and self.inputs == other.inputs:
            yield f"data (names, labels or first input: {self.data[:12]} there, {other.data[:12]} here)"
        same = self.data == other.data and self.fingerprint == other.fingerprint
        if same:
            yield from other_scores(self.scores, other.scores)

    def _other_function(self, select: str) -> bool:
        """Whether `select` is another one than this; that of other versions of Python is not known by its code."""
        there, here = (str(each).split(CODE) for each in (self.select, select))
        comparable = self.software.get("python", "").split(".")[:2] == python_version().split(".")[:2]
        return there != here if comparable else there[0] != here[0]


@dataclass(frozen=True, kw_only=True)
class Info(Origin):
    """What a relevance store holds, and where it comes from."""

    key = "lrpwidgets"
    store = "relevance store"
    way = "make one with RelevanceStore.create or `lrpwidgets attribute`"
    asked = (*Origin.asked, "dtype", "pool")

    dtype: Precision
    """Of relevance on disk, ``"float16"`` or ``"float32"``."""
    pool: int | None
    """Relevance is summed over channels, and over squares so that at most this many fit in each direction."""
    shape: tuple[int, ...]
    """Of one relevance map, (C, H, W); of texts (V,), the tokens of the vocabulary."""
    layers: dict[str, LayerShape]
    """Layers the relevance of whose channels is kept too, by name, in the order of the network."""

    def arrays(self) -> dict[str, ArrayKind]:
        kinds: dict[str, ArrayKind] = {"relevance": (self.shape, np.dtype(self.dtype), np.nan)}
        if self.layers:
            count = sum(layer.channels for layer in self.layers.values())
            kinds["channels"] = (count,), np.dtype(np.float32), np.nan
        return kinds

    def columns(self, layer: str) -> slice:
        """Which of the channels are those of `layer`."""
        names = list(self.layers)
        first = sum(self.layers[name].channels for name in names[: names.index(layer)])
        return slice(first, first + self.layers[layer].channels)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        # A store of another format is refused for that, whatever its layers are.
        layers = layer_shapes(data.get("layers")) if data.get("format") == FORMAT else {}
        return super().from_dict({**data, "layers": layers})

    def differences(self, other: Self) -> list[str]:
        """As those of every store; one that has more layers than `other` has no difference."""
        return [*super().differences(other), *lacking(self.layers, other.layers)]


def other_scores(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    """What differs in the scores of the first input, beyond what another device or version of torch makes of them."""
    if there["dtype"] != here["dtype"]:
        yield f"scores ({there['dtype']} there, {here['dtype']} here)"
    olds, news = there["values"], here["values"]
    if len(olds) != len(news):
        yield f"scores of the first input ({len(olds)} there, {len(news)} here)"
        return
    slack = 0.01 * max(map(abs, olds), default=0)
    for index, (old, new) in enumerate(zip(olds, news, strict=True)):
        if abs(old - new) > slack:
            yield f"scores of the first input (that of class {index} is {old:g} there, {new:g} here)"
            return


def _are_scores(value: dict[str, Any]) -> bool:
    """Whether it is what :func:`first_scores` gives."""
    dtype, numbers = value.get("dtype"), value.get("values")
    return isinstance(dtype, str) and isinstance(numbers, list) and all(type(each) is float for each in numbers)


def _is_composite(value: dict[str, Any]) -> bool:
    """Whether it has what :meth:`.Composite.to_dict` gives, as far as stores are compared by it."""
    return isinstance(value.get("name"), str) and isinstance(value.get("entries"), list)


_LIMITS: dict[str, Callable[[Any], bool]] = {
    "input_dtype": lambda value: re.fullmatch(r"torch\.\w+", value) is not None,
    "targets": lambda value: isinstance(value, int) or value in ("predicted", "label"),
    "inputs": bool,
    "batch_size": bool,
    "composite": _is_composite,
    "scores": _are_scores,
}
"""What a value must be beside its type."""


def _composites(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """The names of two composites, or, of two of one name, the first entry in which they differ."""
    if there["name"] != here["name"]:
        return f"{there['name']!r} there, {here['name']!r} here"
    pairs = enumerate(zip(_padded(there, here), _padded(here, there), strict=True))
    number, (first, second) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
    return f"entry {number + 1} of {there['name']!r} is {first} there, {second} here"


def _padded(composite: Mapping[str, Any], other: Mapping[str, Any]) -> list[Any]:
    entries = composite["entries"]
    return [*entries, *["missing"] * (len(other["entries"]) - len(entries))]


def first_scores(scores: Tensor) -> dict[str, Any]:
    """Scores (1, C) as a store keeps them: their type, and the first thousand to 4 digits."""
    return {"dtype": str(scores.dtype), "values": [float(f"{score:.4g}") for score in scores[0, :1000].tolist()]}


def fingerprint(model: nn.Module) -> str:
    """SHA-256 over the architecture as torch prints it, and name, shape, type and bytes of parameters and buffers."""
    found = hashlib.sha256(re.sub(r" at 0x[0-9a-f]+", "", repr(model)).encode())  # addresses change with the process
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        found.update(bytes_of(tensor))
    return found.hexdigest()


def fingerprint_of_data(subject: Subject, first: Tensor) -> str:
    """SHA-256 over names and labels of the inputs, as far as they are known without decoding, and one input."""
    names, labels = (getattr(subject.dataset, what, None) for what in ("names", "labels"))
    known = [*map(str, [] if names is None else names)], [*map(_number, [] if labels is None else labels)]
    return hashlib.sha256(json.dumps(known).encode() + bytes_of(first)).hexdigest()


def bytes_of(tensor: Tensor) -> bytes:
    """The numbers of a tensor of any type."""
    import torch

    # As bytes, since numpy does not know every type of torch's.
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def _number(label: Any) -> int | None:
    return None if label is None else int(label)


def software() -> dict[str, str]:
    """Versions of what numbers depend on."""
    return {"python": python_version(), **{name: version(name) for name in ("lrpwidgets", "torch", "numpy")}}
