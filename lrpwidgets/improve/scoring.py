"""How much every channel, or head of an attention, matters: by relevance, or by what relevance competes with.

:func:`unit_scores` gives a number for every channel of every layer with weights. Relevance is that of a channel summed
over its positions and over reference samples, each explained as its true class (Yeom et al. 2021, "Pruning by
explaining: a novel criterion for deep neural network pruning"). It is conserved from layer to layer, and so compared
between them as it is; the other criteria have no common unit, and each layer's are divided by their Euclidean norm.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..lrp import Composite, Explainer
from ..lrp.call import key
from ..lrp.conditions import channel_axis
from ..lrp.families import Activation
from ..lrp.propagation import Plan, propagate
from ..lrp.rules import Rule, ZPlus
from ..lrp.tape import Step, Tape, UnknownLayerError
from ..lrp.weighted import EffectiveWeights
from ..methods.along import Derivative, made_by
from ..progress import Progress, Watcher, listening
from ..readable import Readable
from ..subjects import Samples, Subject
from .channels import Channels, channels, scoring
from .channels import layers as layers_of

By = Literal["relevance", "weight", "gradient", "taylor", "activation", "random"]
"""Criteria by which channels are compared."""

BATCH = 16
"""Samples at a time: more take no less time on a CPU, and memory."""


@dataclass(frozen=True, eq=False, repr=False)
class UnitScores(Readable, Mapping[str, Tensor]):
    """A score for every channel of some layers; ``scores["features.0"]`` is (channels,)."""

    by: str
    """The criterion."""
    layers: dict[str, Tensor]
    """By layer, float64 on the CPU."""
    samples: tuple[int, ...] = ()
    """Numbers of the reference samples; empty for criteria that need none."""
    seconds: float = field(default=0.0)
    """How long it took."""

    def __getitem__(self, layer: str) -> Tensor:
        return self.layers[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)


def unit_scores(
    subject: Subject,
    by: By = "relevance",
    *,
    samples: int = 10,
    layers: Sequence[str] | None = None,
    composite: str | Composite | Rule | None = None,
    absolute: bool = False,
    data: Samples | None = None,
    seed: int = 0,
    progress: bool | Watcher = True,
) -> UnitScores:
    """How much each channel of each layer matters.

    Parameters
    ----------
    by
        ``"relevance"``: summed over positions and reference samples, from the score of the true class. ``"weight"``:
        the norm of its filter. Of its activation a, behind the activation function that follows the layer, and the
        cross-entropy L of the true class: ``"activation"``, the mean of ``|a|``; ``"gradient"``, that of ``|∂L/∂a|``;
        ``"taylor"``, the size of the sum of a·∂L/∂a over positions, as a mean over samples (Molchanov et al. 2017).
        ``"random"``: a number at random.
    samples
        Reference samples of each class, drawn at random; all of a class that has no more.
    layers
        Names of modules, convolutions and dense layers; by default all but those that make the scores.
    composite
        Rules for the relevance: as `lrpwidgets.lrp.Explainer` takes them, ``"auto"`` among them; by default z⁺
        everywhere.
    absolute
        Whether the relevance of each sample counts by its size.
    data
        Where reference samples come from; the subject's own inputs by default.
    progress
        See :mod:`lrpwidgets.progress`.

    Raises
    ------
    ValueError
        If there is no such criterion or layer, no layer has channels to compare, or there are no labelled samples for a
        criterion that needs them.
    """
    with listening(progress) as tell:
        return scored(subject, network(subject, data), by, samples, layers, composite, absolute, data, seed, tell)


@dataclass(frozen=True, eq=False)
class Network:
    """A model that was looked at with one input, on the CPU."""

    explainer: Explainer
    """Of the model, or of a copy of it that is on the CPU."""
    tape: Tape
    """Its own calls."""
    probe: Tensor = field(repr=False)
    """The input (1, ...)."""

    @property
    def model(self) -> nn.Module:
        """The model, or a copy of it that is on the CPU."""
        return self.explainer.model

    @cached_property
    def channels(self) -> Channels:
        """Which channels belong together."""
        return channels(self.model, self.tape)

    @cached_property
    def layers(self) -> list[str]:
        """The layers with channels."""
        return layers_of(self.model, self.tape)

    @cached_property
    def prunable(self) -> list[str]:
        """Those of them that do not make the scores."""
        ends = scoring(self.tape)
        return [name for name in self.layers if name not in ends]


def network(subject: Subject, data: Samples | None = None) -> Network:
    """The model of `subject`, looked at with its first input.

    Raises
    ------
    ValueError
        If there is no input to look at it with.
    """
    inputs = subject.dataset if data is None else data
    if not len(inputs):
        raise ValueError("The subject has no inputs, and one is needed to see how its layers hang together.")
    probe = inputs[0][0][None]
    explainer = Explainer(subject.model, device="cpu", select=subject.select)
    return Network(explainer, explainer.record(probe, rewritten=False), probe)


def scored(
    subject: Subject,
    known: Network,
    by: str,
    samples: int,
    layers: Sequence[str] | None,
    composite: str | Composite | Rule | None,
    absolute: bool,
    data: Samples | None,
    seed: int,
    tell: Watcher,
) -> UnitScores:
    """As :func:`unit_scores`, of a model that was looked at."""
    started = time.perf_counter()
    if by not in get_args(By):
        raise ValueError(f"by must be one of {', '.join(get_args(By))}, got {by!r}.")
    wanted = chosen(known, layers)
    rows: tuple[int, ...] = ()
    if by == "random":
        draw = np.random.default_rng(seed)
        found = {name: torch.from_numpy(draw.random(len(_norms(known.model.get_submodule(name))))) for name in wanted}
    elif by == "weight":
        found = {name: _norms(known.model.get_submodule(name)) for name in wanted}
    else:
        source, labels = labels_of(subject, data)
        rows = references(labels, samples, seed, by)
        explainer = known.explainer if known.model is subject.model else subject.explainer()
        if by == "relevance":
            explainer = explainer.under(ZPlus() if composite is None else composite)
            of = partial(channel_relevance, explainer, wanted, absolute)
        else:
            of = partial(_slopes, explainer, wanted, by)
        found = summed(of, source, labels, rows, by, tell)
    if by != "relevance":
        found = {name: each / (float(each.norm()) or 1.0) for name, each in found.items()}
    return UnitScores(by, found, rows, time.perf_counter() - started)


def chosen(known: Network, layers: Sequence[str] | None) -> list[str]:
    """The layers to score: those asked for, or all that can be pruned."""
    if layers is None:
        if not known.prunable:
            raise ValueError(_NOTHING)
        return known.prunable
    names = [layers] if isinstance(layers, str) else list(layers)
    for name in names:
        if name not in known.layers:
            raise UnknownLayerError(f"There is no convolution or dense layer {name!r}; {_nearest(name, known)}.")
    if not names:
        raise ValueError("layers is empty; leave it out for all layers that can be pruned.")
    return names


_NOTHING = (
    "The model has no channels to prune: a convolution or dense layer of torch.nn is needed beside the one that makes "
    "the scores."
)


def _nearest(name: str, known: Network) -> str:
    near = difflib.get_close_matches(str(name), known.layers, n=3, cutoff=0)
    return f"the nearest names are {', '.join(map(repr, near)) or 'none'}"


def labels_of(subject: Subject, data: Samples | None) -> tuple[Samples, NDArray[np.int64]]:
    """The samples that references come from, and the label of each, −1 where unknown."""
    if data is None:
        return subject.dataset, subject.labels()
    return data, Subject(subject.model, data).labels()


def references(labels: NDArray[np.int64], samples: int, seed: int, by: str) -> tuple[int, ...]:
    """Numbers of reference samples, so many of each class, in their order.

    Raises
    ------
    ValueError
        If nothing has a label, or `samples` is not above 0.
    """
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise ValueError(f"samples counts reference samples of each class, from 1 on; got {samples!r}.")
    if not (labels >= 0).any():
        raise ValueError(
            f"by={by!r} needs reference samples of a known class, and no input has a label; give the subject a dataset "
            "with labels, or use by='weight'."
        )
    draw = np.random.default_rng(seed)
    each = [draw.permutation(np.flatnonzero(labels == label))[:samples] for label in np.unique(labels[labels >= 0])]
    return tuple(sorted(np.concatenate(each).tolist()))


def summed(
    of: Callable[[Tensor, Tensor], dict[str, Tensor]],
    source: Samples,
    labels: NDArray[np.int64],
    rows: Sequence[int],
    by: str,
    tell: Watcher,
) -> dict[str, Tensor]:
    """What `of` says of batches, summed over all samples."""
    total: dict[str, Tensor] = {}
    for start in range(0, len(rows), BATCH):
        part = list(rows[start : start + BATCH])
        inputs = torch.stack([source[row][0] for row in part])
        if inputs.dim() == 4:  # quicker on a CPU
            inputs = inputs.to(memory_format=torch.channels_last)
        for name, each in of(inputs, torch.from_numpy(labels[part])).items():
            total[name] = total.get(name, torch.zeros(())) + each
        tell(Progress(start + len(part), len(rows), f"scores by {by}"))
    return total


def _norms(module: Any) -> Tensor:
    """Of the filter of every channel that a layer makes."""
    weight = module.weight.detach().double().cpu()
    if isinstance(module, nn.modules.conv._ConvTransposeNd):
        parts = weight.unflatten(0, (module.groups, -1)).transpose(1, 2)
        weight = parts.flatten(0, 1)
    norms: Tensor = weight.flatten(1).norm(dim=1)
    return norms


def channel_relevance(
    explainer: Explainer, layers: Sequence[str], absolute: bool, inputs: Tensor, labels: Tensor
) -> dict[str, Tensor]:
    """Relevance of channels, summed over positions and samples."""
    explanation = explainer.explain(inputs, labels.tolist(), keep="all")  # closes no accounts
    found = {}
    for name in layers:
        relevance, axis = explanation[name].relevance, explanation.channel_axis(name)
        each = by_channel(relevance, axis)
        found[name] = (each.abs() if absolute else each).sum(0)
    return found


def by_channel(tensor: Tensor, axis: int) -> Tensor:
    """A tensor (B, ...) summed over all axes but the first and `axis`: (B, C), in float64 on the CPU."""
    rest = [each for each in range(1, tensor.dim()) if each != axis % tensor.dim()]
    return (tensor.sum(rest) if rest else tensor).double().cpu()


def _slopes(explainer: Explainer, layers: Sequence[str], by: str, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """What criteria of the activation and its gradient say of channels, summed over samples."""
    tape = explainer.record(inputs, rewritten=False)
    slopes = {} if by == "activation" else _gradients(tape, labels)
    found = {}
    for name in layers:
        value, axis = _activated(tape, name)
        a = tape.values[value].tensor
        slope = a if by == "activation" else slopes.get(value, torch.zeros_like(a))
        each = by_channel(a * slope, axis).abs() if by == "taylor" else by_channel(slope.abs(), axis)
        found[name] = each.sum(0)
    return found


def _gradients(tape: Tape, labels: Tensor) -> Mapping[int, Tensor]:
    """Of the cross-entropy of each sample, by every value of the tape."""
    scores = tape.scores
    truth = torch.nn.functional.one_hot(labels.to(scores.device), scores.shape[1]).to(scores.dtype)
    steps = [replace(step, operation=Derivative()) for step in tape.steps]
    start = {tape.output: scores.softmax(1) - truth}
    (found,) = propagate(replace(tape, steps=steps), Plan([None] * len(steps)), [start], EffectiveWeights())
    return found.of


def _activated(tape: Tape, name: str) -> tuple[int, int]:
    """The value of a layer behind its norm and activation function, if these follow; and the axis of its channels."""
    places = (place for place, step in enumerate(tape.steps) if step.module == name and step.kind in ("conv", "linear"))
    index = next(places)
    value, axis = made_by(tape.steps[index]), channel_axis(tape, index)
    while (after := _only_reader(tape, value)) is not None and key(after.function) in _BETWEEN:
        value = made_by(after)
    is_activation = after is not None and type(after.operation) is Activation
    return (made_by(after) if after is not None and is_activation else value), axis


_BETWEEN = ("batch_norm", "mul", "dropout")
"""Functions between a layer and its activation function: norms, masks, and what does nothing."""


def _only_reader(tape: Tape, value: int) -> Step | None:
    readers = [step for step in tape.steps if value in step.inputs]
    return readers[0] if len(readers) == 1 and len(readers[0].inputs) == 1 else None
