"""Layers whose output can be read and changed: modules that hand on one tensor, once, a row for each input."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from ..lrp import Explainer
from ..lrp.conditions import channel_axis
from ..lrp.outputs import module_of, output_through, outputs_of
from ..readable import Readable
from ..subjects import Subject

_BATCH = 64
_MOST = 10
"""Layers that are looked at where nobody names some."""
_LINEAR = (nn.modules.conv._ConvNd, nn.Linear)
_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)
_NOTHING = (nn.modules.dropout._DropoutNd, nn.Identity)
_UNFINISHED = (*_LINEAR, *_NORMS, *_NOTHING, nn.Flatten)
"""What a nonlinearity follows, or what only moves numbers."""
_PROBES = (2, 3)
"""Inputs at once that layers are tried with, so that no other axis is as long as the batch's in both."""


@dataclass(frozen=True, repr=False)
class Place(Readable):
    """A layer, and how its output lies."""

    layer: str
    shape: tuple[int, ...]
    """Of one input's output."""
    axis: int
    """Which axis counts channels, the batch's being 0."""

    @property
    def units(self) -> int:
        """Numbers in one input's output."""
        return prod(self.shape)

    @property
    def channels(self) -> int:
        """How many channels it has."""
        return self.shape[self.axis - 1]


def place(explainer: Explainer, subject: Subject, layer: str) -> Place:
    """Where the layer is, found with the subject's first input.

    Raises
    ------
    NoOutputError
        If it is no module.
    ValueError
        If the model has no such layer, calls it more than once or never, or it does not hand on a tensor with a row
        for each input.
    """
    module_of(explainer.model, layer)
    tried = _tried(explainer, subject)
    if why := _unfit(layer, tried):
        others = [name for name in tried[-1] if not _unfit(name, tried)]
        near = ", ".join(map(repr, difflib.get_close_matches(layer, others, n=3, cutoff=0))) or "there is none"
        raise ValueError(f"The layer {layer!r} {why}; take one that can be changed: {near}.")
    return _placed(explainer, subject, layer, tried[-1][layer][0])


def places(explainer: Explainer, subject: Subject, most: int = _MOST) -> list[Place]:
    """Some layers at which a direction may be looked for, from the input up, at most so many.

    Of one activation that several modules hand on, as a block and its last layer do, the outermost counts. Layers that
    a nonlinearity follows are left out, if there are others; and so are the scores.
    """
    tried = _tried(explainer, subject)
    seen = {name: outputs[0] for name, outputs in tried[-1].items() if not _unfit(name, tried)}
    outermost: dict[tuple[int, ...], str] = {}
    for name, output in seen.items():
        if not isinstance(explainer.model.get_submodule(name), _NOTHING):
            outermost[output.data_ptr(), *output.shape] = name  # a block ends after what is in it
    scores = explainer.scores(_probe(subject, _PROBES[-1]))
    names = [name for name in outermost.values() if seen[name].numel() != scores.numel()]
    chosen = [name for name in names if not _unfinished(explainer.model.get_submodule(name))] or names
    count = min(most, len(chosen))
    kept = [chosen[round(i * (len(chosen) - 1) / max(1, count - 1))] for i in range(count)]
    return [_placed(explainer, subject, name, seen[name]) for name in kept]


def activations(explainer: Explainer, layer: str, inputs: Tensor) -> Iterator[Tensor]:
    """What the layer hands on for `inputs` (B, ...), in parts, on the CPU."""
    seen: list[Tensor] = []

    def see(output: Tensor) -> Tensor:
        seen.append(output.detach().cpu().clone())  # what comes next may change it in place
        return output

    module = module_of(explainer.model, layer)
    for part in inputs.split(_BATCH):  # type: ignore[no-untyped-call]
        with output_through(module, see):
            explainer.scores(part)
        yield seen.pop()


def _unfinished(module: nn.Module) -> bool:
    """Whether what the module, or the last one in it, hands on is still to go through a nonlinearity."""
    while isinstance(module, nn.Sequential) and len(module):
        module = module[-1]
    return isinstance(module, _UNFINISHED)


def _probe(subject: Subject, samples: int) -> Tensor:
    return torch.stack([subject.item(0)[0]] * samples)


def _tried(explainer: Explainer, subject: Subject) -> list[dict[str, list[Tensor]]]:
    """What each module hands on, by its path, in the order in which they end; for each of the `_PROBES`."""
    return [_seen(explainer, _probe(subject, samples)) for samples in _PROBES]


def _seen(explainer: Explainer, probe: Tensor) -> dict[str, list[Tensor]]:
    found: dict[str, list[Tensor]] = {}
    with outputs_of(explainer.model) as seen:
        explainer.scores(probe)
    for name, output in seen:
        found.setdefault(name, []).append(output)
    return found


def _unfit(layer: str, tried: list[dict[str, list[Tensor]]]) -> str:
    """Why the outputs of a layer cannot be changed, as the end of a sentence; empty if they can."""
    whys = (_fault(seen.get(layer, []), samples) for seen, samples in zip(tried, _PROBES, strict=True))
    return next(filter(None, whys), "")


def _fault(outputs: list[Tensor], samples: int) -> str:
    if len(outputs) != 1:
        return "is never called" if not outputs else f"is called {len(outputs)} times"
    (output,) = outputs
    if not isinstance(output, Tensor) or not output.is_floating_point():
        return f"gives no tensor of numbers but a {type(output).__name__}"
    if output.dim() < 2 or len(output) != samples:
        return f"gives {tuple(output.shape)} for {samples} inputs, so its first axis does not count inputs"
    return ""


def _placed(explainer: Explainer, subject: Subject, layer: str, output: Tensor) -> Place:
    axis = 1
    if output.dim() > 2:
        tape = explainer.record(_probe(subject, 1))
        axis = channel_axis(tape, tape.index(layer))
    return Place(layer, tuple(output.shape[1:]), axis)
