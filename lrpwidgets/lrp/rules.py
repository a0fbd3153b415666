"""LRP rules: how a linear step z_k = Σ_j x_j w_jk + b_k hands its relevance R_k to its inputs.

A rule is a small frozen dataclass whose fields carry their range and meaning. Almost all of them share
relevance in proportion to the contributions x_j w_jk, after weighting these by their sign: see
:func:`_by_contribution`. Overview: Montavon et al. 2019, "Layer-Wise Relevance Propagation: An Overview".

Where a rule divides by a sum, a small ε·sign(z) with sign(0) = +1 keeps it finite. It is the field
``stabilizer`` if the rule's formula has none of its own; the ledger shows what it absorbs.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor

from .ledger import Handover, per_sample
from .linear import LinearStep


@dataclass(frozen=True)
class Knob:
    """A number of a rule that a person may turn: its range, and how to show it."""

    name: str
    help: str
    symbol: str
    slider: tuple[float, float]
    """The useful range; the rule takes every number from `least` on, or above `above`."""
    logarithmic: bool
    least: float | None = None
    above: float | None = None

    def check(self, owner: str, value: float) -> None:
        """Raise ValueError if `value` is out of range."""
        wanted = f"at least {self.least:g}" if self.least is not None else f"greater than {self.above:g}"
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (
            number
            and value < float("inf")
            and (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
        ):
            raise ValueError(f"{owner}: {self.name} must be a number {wanted}, got {value!r}.")


def knob(
    default: float,
    symbol: str,
    help: str,
    slider: tuple[float, float],
    *,
    logarithmic: bool = False,
    least: float | None = None,
    above: float | None = None,
) -> Any:
    """A dataclass field that a user interface can show as a slider."""
    made = Knob("", help, symbol, slider, logarithmic, least, above)
    return field(default=default, metadata={"knob": made})


@dataclass(frozen=True)
class Rule(ABC):
    """How a linear step hands its relevance on."""

    def __post_init__(self) -> None:
        for each in self.knobs():
            each.check(type(self).__name__, getattr(self, each.name))

    @classmethod
    def knobs(cls) -> list[Knob]:
        """The numbers a person may turn, in the order of the fields."""
        described = ((each.name, each.metadata.get("knob")) for each in dataclasses.fields(cls))
        return [replace(found, name=name) for name, found in described if found]

    def turned(self, **values: float) -> Self:
        """The same rule with some knobs at other values."""
        return replace(self, **values)

    def to_dict(self) -> dict[str, Any]:
        """``{"rule": its name, field: value, ...}`` with the fields that are not at their default."""
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        defaults = {each.name: each.default for each in dataclasses.fields(self)}
        return {"rule": type(self).__name__} | {k: v for k, v in values.items() if v != defaults[k]}

    @abstractmethod
    def propagate(self, step: LinearStep, relevance: Tensor) -> Handover:
        """Hand the `relevance` of ``step.output`` over to ``step.inputs``."""


def from_dict(description: dict[str, Any]) -> Rule:
    """The rule that :meth:`Rule.to_dict` described.

    Raises
    ------
    ValueError
        If there is no such rule, or it has no such field.
    """
    fields = {key: tuple(v) if isinstance(v, list) else v for key, v in description.items() if key != "rule"}
    name = description.get("rule")
    if name not in RULES:
        raise ValueError(f"There is no rule {name!r}; rules are {', '.join(RULES)}.")
    unknown = fields.keys() - {each.name for each in dataclasses.fields(RULES[name])}
    if unknown:
        raise ValueError(f"The rule {name} has no field {sorted(unknown)[0]!r}.")
    return RULES[name](**fields)


@dataclass(frozen=True)
class Zero(Rule):
    """LRP-0: relevance in proportion to the contributions, R_j = Σ_k x_j w_jk / z_k · R_k.

    Everywhere in a piecewise linear network it equals gradient × input. Use it near the output.
    """

    def propagate(self, step: LinearStep, relevance: Tensor) -> Handover:
        return _by_contribution(step, relevance, 1, 1, stabilizer=0.0)


@dataclass(frozen=True)
class Epsilon(Rule):
    """LRP-ε: as LRP-0, but ε swallows the weak and contradictory (Bach et al. 2015, eq. 58).

    With s = R / (z + ε·sign z) the inputs get x ⊙ Wᵀs, the bias b·s and the stabilizer ε·sign(z)·s.
    """

    epsilon: float = knob(
        1e-6, "ε", "Larger: sparser, less noise, more relevance lost.", (1e-6, 1.0), logarithmic=True, above=0
    )
    relative: bool = False
    """ε counts in units of the root mean square of z over each sample, as in Montavon et al. 2019."""

    def propagate(self, step: LinearStep, relevance: Tensor) -> Handover:
        stabilizer: Tensor | float = self.epsilon
        if self.relative:
            axes = tuple(range(1, step.output.dim()))
            stabilizer = self.epsilon * step.output.square().mean(axes, keepdim=True).sqrt()
        return _by_contribution(step, relevance, 1, 1, stabilizer)


@dataclass(frozen=True)
class Gamma(Rule):
    """LRP-γ: contributions that agree with the output's sign count 1 + γ times (Montavon et al. 2019).

    This is the generalized form for inputs and outputs of any sign; on non-negative inputs and z > 0 it uses
    the weights w + γw⁺. Outputs that are exactly 0 drop their relevance. γ → ∞ is the z⁺-rule.
    """

    gamma: float = knob(
        0.25,
        "γ",
        "Larger: favours evidence in favour; denser, more stable maps.",
        (0.01, 10.0),
        logarithmic=True,
        least=0,
    )
    stabilizer: float = 1e-6

    def propagate(self, step: LinearStep, relevance: Tensor) -> Handover:
        zero = torch.zeros((), dtype=relevance.dtype, device=relevance.device)
        above = torch.where(step.output > 0, relevance, zero)
        below = torch.where(step.output < 0, relevance, zero)
        handover = _by_contribution(step, above, 1 + self.gamma, 1, self.stabilizer)
        if below.any():  # behind a ReLU there is none
            handover += _by_contribution(step, below, 1, 1 + self.gamma, self.stabilizer)
        dropped = per_sample(relevance, (step.output == 0).to(relevance.dtype))
        return replace(handover, rules=handover.rules + dropped)


@dataclass(frozen=True)
class AlphaBeta(Rule):
    """LRP-αβ: positive and negative contributions on their own, weighted α and −β (Bach et al. 2015, eq. 60).

    β is always α − 1. An output without negative contributions cannot place its share −β·R anywhere; the
    relevance that is created so appears as negative ``rules`` in the ledger.
    """

    alpha: float = knob(
        2.0, "α", "1: evidence in favour only. Larger: counter-evidence weighs more.", (1.0, 4.0), least=1
    )
    beta: float | None = None
    """α − 1; may be given, and is checked then."""
    stabilizer: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beta is None:
            object.__setattr__(self, "beta", self.alpha - 1)
        elif abs(self.alpha - self.beta - 1) > 1e-6:
            raise ValueError(f"AlphaBeta: alpha - beta must be 1, got {self.alpha:g} - {self.beta:g}; leave beta out.")

    def turned(self, **values: float) -> Self:
        """The same rule with another α, and β = α − 1."""
        return super().turned(**{"beta": None, **values})  # type: ignore[arg-type]  # None: computed anew

    def propagate(self, step: LinearStep, relevance: Tensor) -> Handover:
        handover = _by_contribution(step, self.alpha * relevance, 1, 0, self.stabilizer)
        if self.alpha == 1:
            return handover
        return handover + _by_contribution(step, (1 - self.alpha) * relevance, 0, 1, self.stabilizer)


@dataclass(frozen=True)
class ZPlus(Rule):
    """The z⁺-rule: positive contributions only, x⁺w⁺ + x⁻w⁻; the same as α1β0 (Montavon et al. 2017)."""

    stabilizer: float = 1e-6

    def propagate(self, step: LinearStep, relevance: Tensor) -> Handover:
        return _by_contribution(step, relevance, 1, 0, self.stabilizer)


@dataclass(frozen=True)
class Flat(Rule):
    """Every input of an output gets the same share, whatever its value: a coarse but stable first layer."""

    stabilizer: float = 1e-6

    def propagate(self, step: LinearStep, relevance: Tensor) -> Handover:
        share, losses = quotient(relevance, step.fan_in(), self.stabilizer, guarded=True)
        return Handover(step.spread(share), **losses)


@dataclass(frozen=True)
class WSquare(Rule):
    """The w²-rule: shares in proportion to w², for first layers on unbounded input (Montavon et al. 2017)."""

    bias: bool = True
    """Whether b² counts in the denominator and absorbs its share; sources differ."""
    stabilizer: float = 1e-6

    def propagate(self, step: LinearStep, relevance: Tensor) -> Handover:
        squares = step.squares()
        total = step.apply(squares, tuple(torch.ones_like(x[:1]) for x in step.inputs))
        bias = step.bias() if self.bias else None
        if bias is not None:
            total = total + bias**2
        share, losses = quotient(relevance, total, self.stabilizer, guarded=True)
        absorbed = 0.0 if bias is None else per_sample(share, bias**2)
        return Handover(step.pull(squares, share), bias=absorbed, **losses)


@dataclass(frozen=True)
class ZBox(Rule):
    """The zᴮ-rule for a first layer whose input lies in a box, such as pixels (Montavon et al. 2017).

    Shares in proportion to x w − l w⁺ − h w⁻. `low` and `high` are the bounds after normalization, one
    number or one per channel: (0 − mean) / std and (1 − mean) / std for pictures.
    """

    low: float | tuple[float, ...]
    high: float | tuple[float, ...]
    stabilizer: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        if not bool((torch.tensor(self.low) < torch.tensor(self.high)).all()):
            raise ValueError(f"ZBox: low must be below high in every channel, got {self.low} and {self.high}.")

    def propagate(self, step: LinearStep, relevance: Tensor) -> Handover:
        low, high = (tuple(_per_channel(bound, x) for x in step.inputs) for bound in (self.low, self.high))
        whole, positive, negative = step.matrix(1, 1), step.matrix(1, 0), step.matrix(0, 1)
        total = step.apply(whole, step.inputs) - step.apply(positive, low) - step.apply(negative, high)
        share, losses = quotient(relevance, total, self.stabilizer)
        pulled = zip(*(step.pull(matrix, share) for matrix in (whole, positive, negative)), strict=True)
        handed = tuple(
            x * at_x - least * at_low - most * at_high
            for x, least, most, (at_x, at_low, at_high) in zip(step.inputs, low, high, pulled, strict=True)
        )
        return Handover(handed, **losses)


@dataclass(frozen=True)
class Pass(Rule):
    """Relevance passes unchanged, as through an activation; input and output must have the same shape."""

    def propagate(self, step: LinearStep, relevance: Tensor) -> Handover:
        shapes = [tuple(x.shape) for x in step.inputs]
        if shapes != [tuple(relevance.shape)]:
            raise ValueError(f"Pass needs one input shaped like the output {tuple(relevance.shape)}, got {shapes}.")
        return Handover((relevance,))


RULES: dict[str, type[Rule]] = {
    rule.__name__: rule for rule in (Zero, Epsilon, Gamma, AlphaBeta, ZPlus, Flat, WSquare, ZBox, Pass)
}
"""Every rule by its name, in the order of the literature's table."""


def _by_contribution(step: LinearStep, relevance: Tensor, p: float, n: float, stabilizer: Tensor | float) -> Handover:
    """Share `relevance` by contributions that count `p` times if positive and `n` times if negative.

    R_j = Σ_k c_jk s_k with s_k = R_k / (Σ_j c_jk + bias + ε sign), the bias weighted like the contributions.
    """
    one_signed = p == 0 or n == 0
    share, losses = quotient(relevance, step.total(p, n), stabilizer, guarded=one_signed)
    bias = step.signed_bias(p, n)
    absorbed = 0.0 if bias is None else per_sample(share, bias)
    return Handover(step.hand(share, p, n), bias=absorbed, **losses)


def quotient(
    relevance: Tensor, total: Tensor, stabilizer: Tensor | float, *, guarded: bool = False
) -> tuple[Tensor, dict[str, Any]]:
    """The share s = R / (z + ε·sign z) with sign(0) = +1 for z = `total`, and what it loses of R.

    `guarded`: z is a sum of terms of one sign, so z = 0 means that there is nobody to share with. Such an
    output drops its relevance, which is the rule's doing and not the stabilizer's.
    """
    guarded = guarded or (isinstance(stabilizer, float | int) and stabilizer == 0)
    # A tensor of ε may differ by sample. copysign takes −0 for negative; all its terms are zero then.
    offset = torch.copysign(torch.as_tensor(stabilizer, dtype=total.dtype, device=total.device), total)
    share = relevance / (total + offset)
    if not guarded:
        return share, {"stabilizer": per_sample(share, offset)}
    nobody = total == 0
    share = share.masked_fill(nobody, 0.0)
    return share, {
        "stabilizer": per_sample(share, offset),
        "rules": per_sample(relevance, nobody.to(relevance.dtype)),
    }


def _per_channel(bound: float | Sequence[float], x: Tensor) -> Tensor:
    """`bound` as one sample shaped like those of `x` (B, C, ...)."""
    values = torch.as_tensor(bound, dtype=x.dtype, device=x.device)
    if values.dim() and len(values) != x.shape[1]:
        raise ValueError(
            f"ZBox has bounds for {len(values)} channels, but its input {tuple(x.shape)} has {x.shape[1]}."
        )
    return values.reshape(1, -1, *[1] * (x.dim() - 2)).expand(1, *x.shape[1:])
