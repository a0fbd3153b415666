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
_MOST = 8
"""Layers that are looked at where nobody names some."""
_UNFINISHED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, nn.Flatten, nn.Dropout, nn.Identity)
"""What a nonlinearity follows, or what only moves numbers."""


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
    probe = _probe(subject)
    seen = _seen(explainer, probe)
    outputs = seen.get(layer, [])
    if why := _unfit(outputs, len(probe)):
        others = [name for name, each in seen.items() if not _unfit(each, len(probe))]
        near = ", ".join(map(repr, difflib.get_close_matches(layer, others, n=3, cutoff=0))) or "there is none"
        raise ValueError(f"The layer {layer!r} {why}; take one that can be changed: {near}.")
    return _placed(explainer, probe, layer, outputs[0])


def places(explainer: Explainer, subject: Subject, most: int = _MOST) -> list[Place]:
    """Some layers at which a direction may be looked for, from the input up, at most so many.

    Of one activation that several modules hand on, as a block and its last layer do, the outermost counts. Layers that
    a nonlinearity follows are left out, if there are others; and so are the scores.
    """
    probe = _probe(subject)
    seen = {name: each for name, each in _seen(explainer, probe).items() if not _unfit(each, len(probe))}
    outermost: dict[tuple[int, ...], str] = {}
    for name, (output,) in seen.items():
        outermost[output.data_ptr(), *output.shape] = name  # a block ends after what is in it
    scores = explainer.scores(probe)
    names = [name for name in outermost.values() if seen[name][0].shape != scores.shape]
    finished = [name for name in names if not isinstance(explainer.model.get_submodule(name), _UNFINISHED)]
    chosen = finished or names
    kept = [chosen[round(i * (len(chosen) - 1) / max(1, most - 1))] for i in range(min(most, len(chosen)))]
    return [_placed(explainer, probe, name, seen[name][0]) for name in dict.fromkeys(kept)]


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


def _probe(subject: Subject) -> Tensor:
    """Three times the first input, so that no other axis is likely to be as long."""
    return torch.stack([subject.item(0)[0]] * 3)


def _seen(explainer: Explainer, probe: Tensor) -> dict[str, list[Tensor]]:
    """What each module hands on, by its path, in the order in which they end."""
    found: dict[str, list[Tensor]] = {}
    with outputs_of(explainer.model) as seen:
        explainer.scores(probe)
    for name, output in seen:
        found.setdefault(name, []).append(output)
    return found


def _unfit(outputs: list[Tensor], samples: int) -> str:
    """Why the outputs of a layer cannot be changed, as the end of a sentence; empty if they can."""
    if len(outputs) != 1:
        return "is never called" if not outputs else f"is called {len(outputs)} times"
    (output,) = outputs
    if not isinstance(output, Tensor) or not output.is_floating_point():
        return f"gives no tensor of numbers but a {type(output).__name__}"
    if output.dim() < 2 or len(output) != samples:
        return f"gives {tuple(output.shape)} for {samples} inputs, so its first axis does not count inputs"
    return ""


def _placed(explainer: Explainer, probe: Tensor, layer: str, output: Tensor) -> Place:
    axis = 1
    if output.dim() > 2:
        tape = explainer.record(probe)
        axis = channel_axis(tape, tape.index(layer))
    return Place(layer, tuple(output.shape[1:]), axis)
