"""Prune: a smaller model that decides nearly as before.

:func:`prune` removes the channels that matter least, by relevance or another criterion (see :mod:`.scoring`), cuts
them out where their layers allow it (:mod:`.cutting`), and masks the others. What was cut is compared with what is
masked, on inputs: they must give the same scores, or nothing is cut there. :func:`pruning_curve` tells what is left of
the accuracy, step by step.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from ..lrp import Composite, Explainer
from ..lrp.rules import Rule
from ..progress import Watcher, listening
from ..subjects import Samples, Subject
from .channels import Channels, Numbers
from .cutting import Structure, apply_structure, differ, structure
from .repaired import Repair, Repaired, repaired
from .scoring import By, Network, UnitScores, chosen, network, scored

Cut = Literal["possible", "only", "never"]
"""Cut what can be cut and mask the rest; raise an error if some cannot be cut; or mask all."""

SAME = 1e-4
"""Largest difference of the scores of a cut model from those of the masked one, as part of the largest score."""


def prune(
    subject: Subject,
    by: By | UnitScores = "relevance",
    fraction: float = 0.5,
    *,
    per_layer: bool = False,
    layers: Sequence[str] | None = None,
    samples: int = 10,
    composite: str | Composite | Rule | None = None,
    absolute: bool = False,
    cut: Cut = "possible",
    least: int = 1,
    data: Samples | None = None,
    seed: int = 0,
    progress: bool | Watcher = True,
) -> Repaired:
    """The subject with a model that has lost the channels that matter least.

    Channels that hang together, as by a residual sum, go together: their mean score counts, which is what costs least
    for a number of channels. The layer that makes the scores is never pruned. ``.repair.said`` tells which layers are
    really smaller and which are masked only, and why.

    Parameters
    ----------
    by
        What channels are compared by: see :func:`unit_scores`; or scores from there.
    fraction
        How many go, of all channels of these layers; between 0 and 1.
    per_layer
        Whether each layer loses that fraction; else those with the lowest scores go, wherever they are.
    layers
        Names of convolutions and dense layers; all by default.
    samples, composite, absolute, data, seed
        Of the reference samples and their relevance: see :func:`unit_scores`.
    cut
        ``"possible"``: what cannot be cut is masked, so that its output is 0. ``"only"``: that is an error.
        ``"never"``: all is masked.
    least
        How many channels every layer keeps; 0 lets whole layers go, which are masked then.

    Raises
    ------
    ValueError
        If the fraction is not between 0 and 1, or removes nothing or everything; if there is no such layer; if
        something cannot be cut that has to be; and as :func:`unit_scores` does.
    """
    _check(fraction, cut, least)
    with listening(progress) as tell:
        started = time.perf_counter()
        known = network(subject, data)
        scores = by
        settings: dict[str, Any] = {}
        if not isinstance(scores, UnitScores):
            scores = scored(subject, known, scores, samples, layers, composite, absolute, data, seed, tell)
            named = composite if composite is None or isinstance(composite, str) else repr(composite)
            settings = {"samples": samples, "composite": named, "absolute": absolute, "seed": seed}
        settings |= {"by": scores.by, "fraction": fraction, "per_layer": per_layer, "cut": cut, "least": least}
        names = _named(known, list(scores) if layers is None else layers)
        choice = _Choice(known.channels, scores, names)
        removed = choice.lowest(fraction, least, per_layer=per_layer)
        found = choice.restricted(removed)
        locked = {choice.layer_of(number): why for number in removed if (why := found.lock(number))}
        if cut == "only" and locked:
            raise ValueError(_cannot(locked))
        model, made, held = _made(subject, known, found, removed, cut)
        if cut == "only" and held:
            raise ValueError(_cannot(held))
        repair = Repair(
            "pruning",
            settings,
            made,
            _said(subject.model, model, choice, removed, made, {**locked, **held}),
            seconds=time.perf_counter() - started,
            used=frozenset(scores.samples if data is None else ()),
        )
        return repaired(subject, model, repair)


def _check(fraction: Any, cut: Any, least: Any) -> None:
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 < fraction < 1:
        raise ValueError(f"fraction is the part of the channels that goes, between 0 and 1; got {fraction!r}.")
    if cut not in get_args(Cut):
        raise ValueError(f"cut must be one of {', '.join(get_args(Cut))}, got {cut!r}.")
    if isinstance(least, bool) or not isinstance(least, int) or least < 0:
        raise ValueError(f"least counts the channels that every layer keeps, from 0 on; got {least!r}.")


def _named(known: Network, layers: Sequence[str]) -> list[str]:
    """The layers that are to be pruned; raises ValueError for those that cannot be."""
    names = chosen(known, layers)
    for name in names:
        if name in known.channels.scoring:
            raise ValueError(f"The layer {name!r} makes the scores, and keeps all of its outputs; leave it out.")
    return [name for name in names if name in known.channels.prunable]


@dataclass(frozen=True, eq=False)
class _Candidate:
    """Channels that go together, or stay."""

    numbers: list[int]
    layers: Counter[str]
    """How many of each layer."""
    score: float
    """The mean of theirs."""


class _Choice:
    """Which channels are to go."""

    def __init__(self, known: Channels, scores: Mapping[str, Tensor], names: Sequence[str]) -> None:
        self._known, self.names = known, names
        self.live = {name: len(known.prunable[name]) for name in names}
        self._layer_of: dict[int, str] = {}
        self._score_of: dict[int, float] = {}
        for name in names:
            if name not in scores:
                raise ValueError(f"There are no scores for {name!r}, only for {', '.join(scores)}.")
            if len(scores[name]) != len(known.layers[name]):
                raise ValueError(
                    f"There are {len(scores[name])} scores for {len(known.layers[name])} channels of {name!r}: they "
                    "are another model's."
                )
            by_number = dict(zip(known.layers[name].tolist(), scores[name].tolist(), strict=True))
            for number in known.prunable[name].tolist():
                self._layer_of[number], self._score_of[number] = name, by_number[number]
        others = [number for name, own in known.layers.items() if name not in names for number in own.tolist()]
        self._outside = {int(group) for group in known.group[others]} if others else set()
        self.candidates = [self._candidate(numbers) for numbers in self._together().values()]

    def lowest(self, fraction: float, least: int, *, per_layer: bool) -> list[int]:
        """Numbers of the channels with the lowest scores; raises ValueError if that is none, or all."""
        families: dict[Any, list[_Candidate]] = defaultdict(list)
        for each in self.candidates:
            families[tuple(sorted(each.layers)) if per_layer else ()].append(each)
        live, removed = Counter(self.live), list[int]()
        for family in families.values():
            most = round(fraction * sum(len(each.numbers) for each in family))
            removed += _taken(family, most, live, least)
        if not removed:
            raise ValueError(
                f"fraction={fraction} removes none of {len(self._layer_of):,} channels; take more, or other layers."
            )
        if len(removed) == len(self._layer_of) and least == 0:
            raise ValueError(
                f"fraction={fraction} removes all {len(removed):,} channels, and nothing would be left; take fewer."
            )
        return removed

    def restricted(self, removed: Sequence[int]) -> Channels:
        """The channels with locks on what nothing would be left of, or what other layers depend on."""
        left = Counter(self.live)
        left.subtract(self._layer_of[number] for number in removed)
        empty = {int(each) for name in self.names if not left[name] for each in self._groups(name)}
        outside = dict.fromkeys(self._outside, "other layers depend on its shape")
        emptied = dict.fromkeys(empty, "nothing would be left of it")
        return replace(self._known, locks={**outside, **emptied, **self._known.locks})

    def _groups(self, name: str) -> Numbers:
        return self._known.group[self._known.layers[name]]

    def layer_of(self, number: int) -> str:
        """The layer that makes the channel of that number."""
        return self._layer_of[number]

    def _together(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for number in self._layer_of:
            group = int(self._known.group[number])
            alone = group in self._outside or group in self._known.locks
            found[-number if alone else group].append(number)
        return found

    def _candidate(self, numbers: list[int]) -> _Candidate:
        score = sum(self._score_of[number] for number in numbers) / len(numbers)
        return _Candidate(numbers, Counter(self._layer_of[number] for number in numbers), score)


def _taken(candidates: Sequence[_Candidate], most: int, live: Counter[str], least: int) -> list[int]:
    """The lowest of them, `most` channels at most; counts down those that are `live`, of each layer."""
    taken: list[int] = []
    for each in sorted(candidates, key=lambda each: each.score):
        fits = all(live[name] - count >= least for name, count in each.layers.items())
        if fits and len(taken) + len(each.numbers) <= most:
            live.subtract(each.layers)
            taken += each.numbers
    return taken


def _made(
    subject: Subject, known: Network, found: Channels, removed: Sequence[int], cut: Cut
) -> tuple[nn.Module, Structure, dict[str, str]]:
    """The model without the channels, its structure, and by layer why it is only masked although it could be cut."""
    plain = structure(found, removed, cut=False)
    masked = apply_structure(known.model, plain)
    if cut == "never":
        return _final(subject, known, plain, masked), plain, {}
    held = dict[str, str]()
    inputs = [known.probe, _random_like(known.probe)]
    scores = _forward(masked, subject)
    wanted = structure(found, removed)
    made = apply_structure(known.model, wanted)
    if differ(scores, _forward(made, subject), inputs) > SAME:
        for name, numbers in _families(found, removed).items():
            alone = apply_structure(known.model, structure(found, numbers))
            expected = _forward(apply_structure(known.model, structure(found, numbers, cut=False)), subject)
            if differ(expected, _forward(alone, subject), inputs) > SAME:
                held |= dict.fromkeys(name, _FIXED)
                found = replace(found, locks={**dict.fromkeys(found.group[numbers].tolist(), _FIXED), **found.locks})
        wanted = structure(found, removed)
        made = apply_structure(known.model, wanted)
        if differ(scores, _forward(made, subject), inputs) > SAME:
            wanted, made, held = plain, masked, dict.fromkeys(found.prunable, _FIXED)
    return _final(subject, known, wanted, made), wanted, held


_FIXED = "its cut would change the scores, as where a size is written into the model's code"


def _final(subject: Subject, known: Network, made: Structure, model: nn.Module) -> nn.Module:
    """The model where the subject's own is."""
    return model if known.model is subject.model else apply_structure(subject.model, made)


def _families(known: Channels, removed: Sequence[int]) -> dict[tuple[str, ...], list[int]]:
    """The channels that are to be cut by the layers that lose some of them together."""
    layer_of = {number: name for name, own in known.layers.items() for number in own.tolist()}
    groups: dict[int, list[int]] = defaultdict(list)
    for number in removed:
        if not known.lock(number):
            groups[int(known.group[number])].append(number)
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for numbers in groups.values():
        found[tuple(sorted({layer_of[number] for number in numbers}))] += numbers
    return found


def _forward(model: nn.Module, subject: Subject) -> Any:
    explainer = Explainer(model, select=subject.select)
    return torch.no_grad()(lambda x: explainer.forward((x,)))


def _random_like(x: Tensor) -> Tensor:
    """Two random inputs of the mean and spread of `x`; of whole numbers, `x` itself."""
    if not x.is_floating_point():
        return x
    generator = torch.Generator().manual_seed(0)
    return torch.randn((2, *x.shape[1:]), generator=generator, dtype=x.dtype) * x.std() + x.mean()


def _cannot(locked: Mapping[str, str]) -> str:
    name, reason = next(iter(locked.items()))
    more = f" (and of {len(locked) - 1} more layers)" if len(locked) > 1 else ""
    return (
        f"Channels of {name!r}{more} cannot be cut: {reason}. Leave the layer out of `layers`, or mask what cannot be "
        "cut, with cut='possible'."
    )


def parameters(model: nn.Module) -> int:
    """How many numbers a model has learned."""
    return sum(each.numel() for each in model.parameters())


def _said(
    before: nn.Module,
    after: nn.Module,
    choice: _Choice,
    removed: Sequence[int],
    made: Structure,
    locked: Mapping[str, str],
) -> tuple[str, ...]:
    touched = {choice.layer_of(number) for number in removed}
    cut = [name for name in made["cut"] if name in touched and "out" in made["cut"][name]]
    total = sum(choice.live.values())
    said = [
        f"{len(removed):,} of {total:,} channels went, of {len(touched)} of {len(choice.names)} layers; {len(cut)} of "
        f"these are smaller now, and the model has {parameters(after):,} parameters, before {parameters(before):,}."
    ]
    reasons: dict[str, list[str]] = defaultdict(list)
    for name in sorted(touched):
        if name in locked:
            reasons[locked[name]].append(name)
        elif name not in cut:
            reasons["that was asked for"].append(name)
    said += [f"Only masked, in whole or in part: {_listed(names)}: {reason}." for reason, names in reasons.items()]
    return tuple(said)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
