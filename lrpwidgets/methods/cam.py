"""Class activation maps: what the last maps of a network say, as fine as these are."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from ..lrp.conditions import channel_axis
from ..lrp.tape import Tape
from .along import gradient, made_by
from .derivatives import GuidedBackprop
from .method import Cost, Found, Method
from .question import Question
from .spreading import enlarged, spread

FINE = 7
"""Values along an axis, as ResNets have them of 224 pixels, below which it is told how coarse a map is."""


@dataclass(frozen=True, repr=False)
class GradCam(Method):
    """The last maps of the network, weighted by the mean gradient of each and summed (Selvaraju et al. 2017).

    What is negative in the sum is left out. Behind a global average pooling it is the class activation map (Zhou et
    al. 2016).
    """

    layer: str | None = None
    """Its name, as an explanation has it; by default the last layer whose output has spatial maps."""

    def cost(self, x: Tensor) -> Cost:
        return Cost(1, 1)

    def obstacle(self, question: Question) -> str | None:
        if self.layer is not None:
            index = question.tape.index(self.layer)
            return (
                None
                if _has_maps(question.tape, index, question.x)
                else f"the layer {self.layer!r} has no spatial maps."
            )
        return _without_default(question.tape, question.x)

    def attribute(self, question: Question) -> Found:
        index = self._index(question)
        coarse = activation_map(question.tape, index, question.weights)
        told = [*question.tape.caveats, *_coarseness(question.tape.steps[index].name, coarse, question.x)]
        if bool((coarse.flatten(1).amax(1) == 0).any()):
            told.append("A map is zero everywhere: nothing in its weighted sum is positive.")
        return Found(spread(enlarged(coarse, question.x), question.x), told)

    def _index(self, question: Question) -> int:
        tape = question.tape
        return _last(tape, question.x) if self.layer is None else tape.index(self.layer)


@dataclass(frozen=True, repr=False)
class GuidedGradCam(GradCam):
    """Guided backprop where Grad-CAM is: sharp, and of the class (Selvaraju et al. 2017)."""

    def cost(self, x: Tensor) -> Cost:
        return Cost(1, 2)

    def obstacle(self, question: Question) -> str | None:
        return super().obstacle(question) or GuidedBackprop().obstacle(question)

    def attribute(self, question: Question) -> Found:
        where, sharp = super().attribute(question), GuidedBackprop().attribute(question)
        channels = question.x.shape[1]
        return Found(sharp.relevance * where.relevance * channels, [*where.caveats, *sharp.caveats])


def _coarseness(name: str, coarse: Tensor, x: Tensor) -> list[str]:
    """What to know of a map (B, 1, h, w) that is drawn as fine as inputs (B, C, H, W)."""
    places, wide = coarse.shape[2:], x.shape[2:]
    if all(count >= min(FINE, whole) for count, whole in zip(places, wide, strict=True)):
        return []
    size = " × ".join(map(str, places))
    covered = " × ".join(f"{whole / count:.3g}" for count, whole in zip(places, wide, strict=True))
    unit = "pixels" if len(wide) == 2 else "positions"
    return [f"Each of the {size} values of {name} covers {covered} {unit}: nothing finer than that is known."]


def activation_map(tape: Tape, index: int, weights: Tensor) -> Tensor:
    """ReLU(Σₖ mean(∂f/∂Aₖ) · Aₖ) of a layer, (B, 1, h, w)."""
    step, axis = tape.steps[index], channel_axis(tape, index)
    call = tape.call(step)
    maps = call.replay(*call.inputs)[0].movedim(axis, 1)
    by_maps = gradient(tape, weights, of=index).movedim(axis, 1)
    return (
        (by_maps.flatten(2).mean(2).reshape(*maps.shape[:2], *[1] * (maps.dim() - 2)) * maps).sum(1, True).clamp(min=0)
    )


def _last(tape: Tape, x: Tensor, stop: int | None = None) -> int:
    """The last layer with spatial maps, before the `stop`-th if there is one; -1 if there is none.

    All must come through it, so it is no branch of several. What only pools maps comes later and is coarser; the scores
    themselves are no such maps.
    """
    needed = {tape.output}
    for index in reversed(range(len(tape.steps))):
        step = tape.steps[index]
        trunk = needed == {made_by(step)} != {tape.output} and (stop is None or index < stop)
        if trunk and step.kind not in ("pool", "maxpool") and _has_maps(tape, index, x):
            return index
        needed = needed.difference(step.results) | {*step.inputs}
    return -1


def _has_maps(tape: Tape, index: int, x: Tensor) -> bool:
    made = tape.values[made_by(tape.steps[index])]
    shape = list(made.saved.shape)
    of_samples = shape[0] == len(x) and (made.samples.leading or len(x) == 1)
    if x.dim() < 3 or len(shape) != x.dim() or not of_samples:
        return False
    del shape[channel_axis(tape, index)]
    return math.prod(shape[1:]) > 1


def _without_default(tape: Tape, x: Tensor) -> str | None:
    index = _last(tape, x)
    if index < 0:
        return "no layer of the network has spatial maps."
    if any(step.kind == "matmul" for step in tape.steps[index + 1 :]):
        first = next(i for i, step in enumerate(tape.steps) if step.kind == "matmul")
        name = tape.steps[_last(tape, x, first)].name
        return f"attention mixes places behind the last spatial maps; layer={name!r} takes those before it."
    return None
