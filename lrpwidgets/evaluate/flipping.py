"""Region perturbation, or pixel flipping: what is left of the score when an input is taken away bit by bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, get_args

import torch
from torch import Tensor, nn

from ..lrp import Explainer
from ..lrp.targets import Target, target_weights
from ..progress import Pace, Watcher, listening
from .fills import Bounds, Fill, Filler, filler
from .intervals import Interval, interval
from .regions import Order, regions, space, turns

Output = Literal["score", "probability"]
"""What is followed: the score that the model gives, or its probability."""


def check_counts(settings: Any, *names: str) -> None:
    """Raise ValueError if one of these settings is no whole number from 1 on."""
    for name in names:
        count = getattr(settings, name)
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"{name} must be a whole number from 1 on, got {count!r}.")


def check_names(settings: Any, **known: tuple[str, ...]) -> None:
    """Raise ValueError if one of these settings is none of the names that are known for it."""
    for name, names in known.items():
        if (value := getattr(settings, name)) not in names:
            raise ValueError(f"{name} must be one of {', '.join(names)}, got {value!r}.")


def check_single(scores: Tensor, output: Output) -> None:
    """Raise ValueError if the probability of a single score is to be followed."""
    if output == "probability" and scores.dim() > 1 and scores.shape[1] == 1:
        raise ValueError(
            "The probability of a single score is always 1: follow output='score', or give an Explainer with "
            "select=TwoClasses() if it tells two classes apart."
        )


@dataclass(frozen=True)
class Flipping:
    """How regions are taken away.

    Raises
    ------
    ValueError
        If a number is out of range, or there is no such fill or output.
    """

    fill: Fill = "uniform"
    """What stands there then. It decides which method looks best: see :data:`lrpwidgets.evaluate.fills.Fill`."""
    region: int = 8
    """Positions of a region along each axis; 1 flips single pixels."""
    steps: int = 100
    """Points of the curve after the first, at most: with more regions several go at once."""
    share: float = 1.0
    """Of all regions, that is taken away in the end."""
    repeats: int = 1
    """How often it is done, with other noise each time; fills without noise need one."""
    output: Output = "score"
    bounds: Bounds | None = None
    """Lowest and highest valid value, between which noise is drawn: numbers, one for each channel, or (C, 1, ...); by
    default those in `x`."""
    seed: int = 0
    batch: int = 64
    """Inputs that go through the model at once: they bound the memory."""

    def __post_init__(self) -> None:
        check_counts(self, "region", "steps", "repeats", "batch")
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and 1 at most, got {self.share!r}.")
        check_names(self, fill=get_args(Fill), output=get_args(Output))

    def cuts(self, count: int) -> Tensor:
        """How many of `count` regions are gone at each step, (L + 1,), from 0 on."""
        last = max(1, round(self.share * count))
        return torch.linspace(0, last, min(self.steps, last) + 1, dtype=torch.float64).round().long()

    def forwards(self, x: Tensor, orders: int = 1) -> int:
        """How many inputs will go through the model for the curves of `x` (B, ...): what it costs."""
        points = len(self.cuts(int(regions(space(x), self.region).max()) + 1)) - 1
        return len(x) * (1 + orders * self.repeats * points)


class Seeded(Protocol):
    """How parts are taken away, of which the seed makes chance the same again."""

    @property
    def seed(self) -> int:
        """Of all that is drawn."""


@dataclass(frozen=True, eq=False)
class Curves:
    """What is left of the score of each sample, step by step."""

    scores: Tensor = field(repr=False)
    """(B, L + 1), the mean over repeats; the first is that of the whole input."""
    taken: Tensor = field(repr=False)
    """Share of the regions that is taken away at each step, (L + 1,), 0 to `share`."""
    order: Order
    how: Seeded

    @property
    def aopc(self) -> Tensor:
        """Area over the perturbation curve of each sample, (B,): the mean of f(x⁰) − f(xᵏ) over k = 0 … L.

        What Montavon et al. 2018 call selectivity is the same read from below, the area under the curve.
        """
        return (self.scores[:, :1] - self.scores).mean(1)

    @property
    def area(self) -> Tensor:
        """Area under the curve of each sample, (B,): the mean of f(xᵏ) over k = 0 … L."""
        return self.scores.mean(1)

    @property
    def auc(self) -> Tensor:
        """Area under the curve of each sample by trapezoids, (B,), of the mean f(xᵏ): both ends count half."""
        return torch.trapezoid(self.scores, self.taken.double()) / self.taken[-1]

    def band(self, level: float = 0.95) -> list[Interval]:
        """At each step the mean over samples, with its bootstrap interval."""
        return [interval(column, level=level, seed=self.how.seed) for column in self.scores.T.numpy()]


@dataclass(frozen=True, eq=False)
class Gain:
    """Symmetric relevance gain: how much more is left if the least relevant regions go first (Blücher et al. 2024).

    It depends less on what regions are filled with than the area of one curve does, as that moves both.
    """

    most: Curves = field(repr=False)
    least: Curves = field(repr=False)

    @property
    def values(self) -> Tensor:
        """Area between both curves of each sample, (B,); 0 for an order at random. Also called ABPC."""
        return self.least.area - self.most.area

    @classmethod
    def joined(cls, parts: Sequence[Gain]) -> Gain:
        """That of all samples, from gains of parts of them that were found in the same way."""
        most, least = (
            replace(curves[0], scores=torch.cat([each.scores for each in curves]))
            for curves in ([part.most for part in parts], [part.least for part in parts])
        )
        return cls(most, least)

    @property
    def interval(self) -> Interval:
        """Its mean over samples, with its bootstrap interval."""
        return interval(self.values, seed=self.most.how.seed)


def flip(
    model: nn.Module | Explainer,
    x: Tensor,
    relevance: Tensor,
    target: Target = None,
    *,
    order: Order = "most",
    progress: bool | Watcher = True,
    **settings: Any,
) -> Curves:
    """Take regions away in the order of their relevance, and follow what is explained (Samek et al. 2017).

    Parameters
    ----------
    model
        A network, or an explainer of it: that knows where the scores are (`select`) and on which device.
    x
        Inputs (B, C, ...) or (B, N), any number of axes.
    relevance
        Shaped like `x`, or without its channels, as any method gives it.
    target
        As for :meth:`.Explainer.explain`; by default the class that the model predicts for the whole input.
    order
        ``"most"`` relevant regions first, ``"least"`` relevant ones, or ``"random"``: the baseline.
    progress
        True writes a line; a function gets a :class:`.Progress` of the inputs that went through the model, and may
        raise to end it.
    settings
        As for :class:`Flipping`.

    Returns
    -------
    Curves
        (B, L + 1); the seed makes them the same again.

    Raises
    ------
    ValueError
        If relevance has another shape or is not finite, or an argument is out of range.
    """
    return _curves(model, x, relevance, target, [order], Flipping(**settings), progress)[0]


def srg(
    model: nn.Module | Explainer,
    x: Tensor,
    relevance: Tensor,
    target: Target = None,
    *,
    progress: bool | Watcher = True,
    **settings: Any,
) -> Gain:
    """Symmetric relevance gain: the area between the curves of both orders; parameters and errors as for :func:`flip`.

    What regions are filled with is the same in both.
    """
    most, least = _curves(model, x, relevance, target, ["most", "least"], Flipping(**settings), progress)
    return Gain(most, least)


def flipped(x: Tensor, relevance: Tensor, cut: int, *, order: Order = "most", **settings: Any) -> Tensor:
    """The inputs without their `cut` most, or least, relevant regions, as :func:`flip` gives them to the model.

    Parameters and errors as for :func:`flip`; of several `repeats` it is the first.
    """
    how = Flipping(**settings)
    number = regions(space(x), how.region)
    turn = turns(relevance, x, number, order, how.seed)
    fill = filler(how.fill, x, how.bounds, how.region, how.seed)
    return fill(torch.arange(len(x)), (turn < cut).to(x.device))


def deletion(
    model: nn.Module | Explainer,
    x: Tensor,
    relevance: Tensor,
    target: Target = None,
    *,
    progress: bool | Watcher = True,
    **settings: Any,
) -> Tensor:
    """Area under the curve of what is left as the most relevant regions go, (B,): the less the better (RISE).

    It is :func:`flip` with Petsiuk et al.'s (2018) choices: probabilities, and zeros for what is gone, both of which
    `settings` may change; their single pixels are ``region=1``. Parameters and errors as for :func:`flip`.
    """
    chosen = {"fill": "zero", "output": "probability"} | settings
    return flip(model, x, relevance, target, order="most", progress=progress, **chosen).auc


def insertion(
    model: nn.Module | Explainer,
    x: Tensor,
    relevance: Tensor,
    target: Target = None,
    *,
    progress: bool | Watcher = True,
    **settings: Any,
) -> Tensor:
    """Area under the curve of what comes back as the most relevant regions do, (B,): the more the better (RISE).

    At first everything is filled. That is :func:`flip` of the least relevant regions first, read backwards: what is put
    back last is what goes first. Petsiuk et al. (2018) begin with the blurred input and follow probabilities, both of
    which `settings` may change; the blur is as wide as a region, so that of single pixels leaves much to be seen.
    Parameters and errors as for :func:`flip`; all must be gone in the end, so there is no `share`.
    """
    if "share" in settings:
        raise ValueError(f"Insertion begins with an input that is all filled, got share={settings['share']!r}.")
    chosen = {"fill": "blur", "output": "probability"} | settings
    return flip(model, x, relevance, target, order="least", progress=progress, **chosen).auc


def _curves(
    model: nn.Module | Explainer,
    x: Tensor,
    relevance: Tensor,
    target: Target,
    orders: Sequence[Order],
    how: Flipping,
    progress: bool | Watcher,
) -> list[Curves]:
    explainer = model if isinstance(model, Explainer) else Explainer(model)
    number = regions(space(x), how.region)
    cuts = how.cuts(int(number.max()) + 1)
    each = [turns(relevance, x, number, order, how.seed) for order in orders]
    fills = [filler(how.fill, x, how.bounds, how.region, how.seed + repeat) for repeat in range(how.repeats)]
    found = []
    with listening(progress) as tell:
        followed = _Followed(explainer, x, target, how, Pace(tell, 0, how.forwards(x, len(orders))))
        for order, turn in zip(orders, each, strict=True):
            scores = torch.stack([followed.along(turn, cuts[1:], fill) for fill in fills]).mean(0)
            curve = torch.cat([followed.whole[:, None], scores], 1)
            found.append(Curves(curve, cuts / (number.max() + 1), order, how))
    return found


class _Followed:
    """What is followed of inputs, whole and without some parts."""

    def __init__(self, explainer: Explainer, x: Tensor, target: Target, how: Flipping, pace: Pace) -> None:
        self._explainer, self._x, self._how, self._pace = explainer, x, how, pace
        scores = torch.cat([self._told(x[first : first + how.batch]) for first in range(0, len(x), how.batch)])
        check_single(scores, how.output)
        self._weights = target_weights(target, scores)
        self.whole = self._weighed(scores, torch.arange(len(x)))
        """(B,), of the whole inputs."""

    def along(self, turn: Tensor, cuts: Tensor, fill: Filler) -> Tensor:
        """Of inputs without all positions whose `turn` (B, ...) is below each of the `cuts` (L,): (B, L)."""
        pairs = torch.cartesian_prod(torch.arange(len(self._x)), cuts)
        found = []
        for first in range(0, len(pairs), self._how.batch):
            which, cut = pairs[first : first + self._how.batch].unbind(1)
            missing = turn[which] < cut.reshape(-1, *[1] * (turn.dim() - 1))
            found.append(self._weighed(self._told(fill(which, missing.to(self._x.device))), which))
        return torch.cat(found).reshape(len(self._x), len(cuts))

    def _told(self, inputs: Tensor) -> Tensor:
        scores = self._explainer.scores(inputs).cpu()
        self._pace.advance(len(inputs))
        return self._explainer.probabilities(scores) if self._how.output == "probability" else scores

    def _weighed(self, told: Tensor, which: Tensor) -> Tensor:
        return (told * self._weights[which].cpu()).flatten(1).sum(1).double()
