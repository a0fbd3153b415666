"""LRP rules: how a step hands its relevance R_k to its inputs.

A linear step z_k = Σ_j x_j w_jk + b_k obeys a :class:`LinearRule`, a product of two tensors that both depend on
the input a :class:`ProductRule`.

A rule is a small frozen dataclass whose fields carry their range and meaning. Almost all linear ones share
relevance in proportion to the contributions x_j w_jk, after weighting these by their sign: see
``_by_contribution``. Overview: Montavon et al. 2019, "Layer-Wise Relevance Propagation: An Overview".

Where a rule divides by a sum, a small ε·sign(z) with sign(0) = +1 keeps it finite. It is the field
``stabilizer`` if the rule's formula has none of its own; the ledger shows what it absorbs.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor

from ..knobs import LARGEST, Number, Turnable, knob
from ..readable import Readable
from . import pieces
from .ledger import Handover
from .linear import ONES, LinearStep, Term
from .products import Product
from .samples import Samples


def stabilizing() -> Any:
    """A dataclass field for the ε that keeps a quotient finite where the rule's formula has none of its own."""
    return field(default=1e-6, metadata={"number": Number(least=0)})


@dataclass(frozen=True, repr=False)
class Rule(Turnable):
    """How a step hands its relevance on: a :class:`LinearRule` or a :class:`ProductRule`."""

    def to_dict(self) -> dict[str, Any]:
        """``{"rule": its name, field: value, ...}`` with the fields that are not at their default."""
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        defaults = {each.name: each.default for each in dataclasses.fields(self)}
        return {"rule": type(self).__name__} | {k: v for k, v in values.items() if v != defaults[k]}


@dataclass(frozen=True, eq=False, repr=False)
class Division(Readable):
    """How a rule divides relevance: the terms that hand it on, and what is lost on the way.

    Attributes
    ----------
    terms
        What the inputs and the parameters get.
    bias, stabilizer, rules
        As in a ``Handover``: (B,) or 0.
    """

    terms: list[Term]
    bias: Tensor | float = 0.0
    stabilizer: Tensor | float = 0.0
    rules: Tensor | float = 0.0

    def __add__(self, other: Division) -> Division:
        """Both together, for rules that treat parts of the relevance differently."""
        return Division(
            self.terms + other.terms,
            self.bias + other.bias,
            self.stabilizer + other.stabilizer,
            self.rules + other.rules,
        )


class LinearRule(Rule, ABC):
    """How a linear step hands its relevance on."""

    @abstractmethod
    def divide(self, step: LinearStep, relevance: Tensor) -> Division:
        """Divide the `relevance` of ``step.output`` among ``step.inputs`` and the losses."""

    def propagate(self, step: LinearStep, relevance: Tensor) -> Handover:
        """Hand the `relevance` of ``step.output`` over to ``step.inputs``."""
        division = self.divide(step, relevance)
        return Handover(step.hand(division.terms), division.bias, division.stabilizer, division.rules)


class ProductRule(Rule, ABC):
    """How a product of two tensors that both depend on the input hands its relevance on."""

    @abstractmethod
    def propagate(self, product: Product, relevance: Tensor) -> Handover:
        """Hand the `relevance` of ``product.output`` over to the two factors."""


def from_dict(description: dict[str, Any]) -> Rule:
    """The rule that :meth:`Rule.to_dict` described.

    Raises
    ------
    ValueError
        If there is no such rule, it has no such field or needs others, or a field has a value that it cannot have.
    """
    fields = {key: tuple(v) if isinstance(v, list) else v for key, v in description.items() if key != "rule"}
    name = description.get("rule")
    if not isinstance(name, str) or name not in RULES:
        raise ValueError(f"There is no rule {name!r}; rules are {', '.join(RULES)}.")
    unknown = fields.keys() - {each.name for each in dataclasses.fields(RULES[name])}
    if unknown:
        raise ValueError(f"The rule {name} has no field {sorted(unknown)[0]!r}.")
    needed = [each.name for each in dataclasses.fields(RULES[name]) if each.default is dataclasses.MISSING]
    if missing := [field for field in needed if field not in fields]:
        raise ValueError(f"The rule {name} needs {' and '.join(map(repr, missing))}.")
    return RULES[name](**fields)


@dataclass(frozen=True, repr=False)
class Zero(LinearRule):
    """LRP-0: relevance in proportion to the contributions, R_j = Σ_k x_j w_jk / z_k · R_k.

    Everywhere in a piecewise linear network it equals gradient × input. Use it near the output.
    """

    def divide(self, step: LinearStep, relevance: Tensor) -> Division:
        return _by_contribution(step, relevance, 1, 1, stabilizer=0.0)


@dataclass(frozen=True, repr=False)
class Epsilon(LinearRule):
    """LRP-ε: as LRP-0, but ε swallows the weak and contradictory (Bach et al. 2015, eq. 58).

    With s = R / (z + ε·sign z) the inputs get x ⊙ Wᵀs, the bias b·s and the stabilizer ε·sign(z)·s.
    """

    epsilon: float = knob(
        1e-6, "ε", "Larger: sparser, less noise, more relevance lost.", (1e-6, 1.0), logarithmic=True, above=0
    )
    relative: bool = False
    """ε counts in units of the root mean square of z over each sample, as in Montavon et al. 2019."""

    def divide(self, step: LinearStep, relevance: Tensor) -> Division:
        stabilizer: Tensor | float = self.epsilon
        if self.relative:
            axes = tuple(range(1, step.output.dim()))
            stabilizer = self.epsilon * step.output.square().mean(axes, keepdim=True).sqrt()
        return _by_contribution(step, relevance, 1, 1, stabilizer)


@dataclass(frozen=True, repr=False)
class Gamma(LinearRule):
    """LRP-γ: contributions that agree with the output's sign count 1 + γ times (Montavon et al. 2019).

    This is the generalized form for inputs and outputs of any sign (Andéol et al. 2021); on non-negative inputs and
    z > 0 it uses the weights w + γw⁺. Outputs that are exactly 0 drop their relevance. γ → ∞ is the z⁺-rule where
    z > 0, and where z < 0 its mirror image, which hands on by negative contributions alone.
    """

    gamma: float = knob(
        0.25,
        "γ",
        "Larger: favours evidence in favour; denser, more stable maps.",
        (0.01, 10.0),
        logarithmic=True,
        least=0,
    )
    stabilizer: float = stabilizing()

    def divide(self, step: LinearStep, relevance: Tensor) -> Division:
        # Behind a ReLU no relevance arrives where z ≤ 0, which is worth a look: one matrix does for all then.
        if not _falls_below(step.output, relevance):
            return _by_contribution(step, relevance, 1 + self.gamma, 1, self.stabilizer)
        # c + γc⁺ where z > 0, and c + γc⁻ = (1 + γ)c − γc⁺ where z < 0: both are sums of all contributions c
        # and of the positive ones, and neither sum cancels. Written for few passes over memory.
        z, (positive, ours), sign = step.output, step.total(1, 0), step.output.sign()
        total = torch.mul(positive, self.gamma, out=positive if ours else None).add_(self.stabilizer).mul_(sign)
        total = total.add_(z).add_(z.clamp(max=0), alpha=self.gamma)
        dropped: Tensor | float = 0.0
        if float(sign.abs().amin()) == 0:
            silent = sign == 0
            dropped = step.samples.sum(relevance, silent.to(relevance.dtype))[0]
            relevance, total = relevance.masked_fill(silent, 0.0), total.masked_fill_(silent, 1.0)
        share = torch.div(relevance, total, out=total) if total.dtype == relevance.dtype else relevance / total
        signed = share * sign
        (stabilized,) = step.samples.sum(signed, self.stabilizer)
        # 1 + γ times the share where z < 0: there, sign − 1 is −2.
        of_all = share.addcmul_(signed, sign.sub_(1), value=self.gamma / 2)
        terms = [*step.by_sign(of_all, 1, 1), *step.by_sign(signed.mul_(self.gamma), 1, 0)]
        absorbed = [step.samples.sum(term.share, term.bias)[0] for term in terms if term.bias is not None]
        return Division(terms, sum(absorbed[1:], start=absorbed[0]) if absorbed else 0.0, stabilized, dropped)


_MOST_ALPHA = 1e3
"""Every layer multiplies by it, and creates as much relevance."""


@dataclass(frozen=True, repr=False)
class AlphaBeta(LinearRule):
    """LRP-αβ: positive and negative contributions on their own, weighted α and −β (Bach et al. 2015, eq. 60).

    β is always α − 1, and what it weighs is taken away; that equation adds its own β ≤ 0, with α + β = 1. An output
    without negative contributions cannot place its share −β·R anywhere; the relevance that is created so appears as
    negative ``rules`` in the ledger.
    """

    alpha: float = knob(
        2.0,
        "α",
        "1: evidence in favour only. Larger: counter-evidence weighs more.",
        (1.0, 4.0),
        least=1,
        most=_MOST_ALPHA,
    )
    beta: float | None = field(default=None, repr=False)
    """α − 1; may be given, and is checked then."""
    stabilizer: float = stabilizing()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beta is None:
            object.__setattr__(self, "beta", self.alpha - 1)
            return
        Number(name="beta", least=0, most=_MOST_ALPHA - 1).checked("AlphaBeta", self.beta)
        if abs(self.alpha - self.beta - 1) > 1e-6:
            raise ValueError(f"AlphaBeta: alpha - beta must be 1, got {self.alpha:g} - {self.beta:g}; leave beta out.")

    def turned(self, **values: float) -> Self:
        """The same rule with another α, and β = α − 1."""
        return super().turned(**{"beta": None, **values})  # None: computed anew

    def divide(self, step: LinearStep, relevance: Tensor) -> Division:
        division = _by_contribution(step, relevance, 1, 0, self.stabilizer, self.alpha)
        if self.alpha == 1:
            return division
        return division + _by_contribution(step, relevance, 0, 1, self.stabilizer, 1 - self.alpha)


@dataclass(frozen=True, repr=False)
class ZPlus(LinearRule):
    """The z⁺-rule: positive contributions only, x⁺w⁺ + x⁻w⁻; the same as α1β0 (Montavon et al. 2017)."""

    stabilizer: float = stabilizing()

    def divide(self, step: LinearStep, relevance: Tensor) -> Division:
        return _by_contribution(step, relevance, 1, 0, self.stabilizer)


@dataclass(frozen=True, repr=False)
class Flat(LinearRule):
    """Every input of an output gets the same share, whatever its value: a coarse but stable first layer."""

    stabilizer: float = stabilizing()

    def divide(self, step: LinearStep, relevance: Tensor) -> Division:
        share, losses = _uniform_share(step, relevance, step.fan_in(), self.stabilizer)
        return Division([Term(None, ONES, share)], **losses)


@dataclass(frozen=True, repr=False)
class WSquare(LinearRule):
    """The w²-rule: shares in proportion to w², for first layers on unbounded input (Montavon et al. 2017)."""

    bias: bool = True
    """Whether b² counts in the denominator and absorbs its share; sources differ."""
    stabilizer: float = stabilizing()

    def divide(self, step: LinearStep, relevance: Tensor) -> Division:
        squares = step.squares()
        total = step.apply(squares, tuple(torch.ones_like(x[:1]) for x in step.inputs))
        bias = step.bias() if self.bias else None
        if bias is not None:
            total = total + bias**2
        share, losses = _uniform_share(step, relevance, total, self.stabilizer)
        division = Division([Term(None, squares, share, None if bias is None else bias**2)], **losses)
        return division if bias is None else replace(division, bias=step.samples.sum(share, bias**2)[0])


@dataclass(frozen=True, repr=False)
class ZBox(LinearRule):
    """The zᴮ-rule for a first layer whose input lies in a box, such as pixels (Montavon et al. 2017).

    Shares in proportion to x w − l w⁺ − h w⁻. `low` and `high` are the bounds after normalization, one
    number or one per channel: (0 − mean) / std and (1 − mean) / std for pictures.
    """

    low: float | tuple[float, ...]
    high: float | tuple[float, ...]
    stabilizer: float = stabilizing()

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("low", "high"):
            object.__setattr__(self, name, _bound(name, getattr(self, name)))
        low, high = torch.tensor(self.low), torch.tensor(self.high)
        if low.dim() == high.dim() == 1 and len(low) != len(high):
            raise ValueError(f"ZBox: low has {len(low)} channels, high has {len(high)}; give one number for each.")
        if not bool((low < high).all()):
            raise ValueError(f"ZBox: low must be below high in every channel, got {self.low} and {self.high}.")

    def divide(self, step: LinearStep, relevance: Tensor) -> Division:
        low, high = step.box(self.low, self.high)
        whole, positive, negative = step.matrix(1, 1), step.matrix(1, 0), step.matrix(0, 1)
        total = step.output - step.least(self.low, self.high)
        share, stabilizer = signed_share(step.samples, relevance, total, self.stabilizer)
        terms = [
            Term(step.inputs, whole, share),
            Term(tuple(-x for x in low), positive, share),
            Term(tuple(-x for x in high), negative, share),
        ]
        return Division(terms, stabilizer=stabilizer)


@dataclass(frozen=True, repr=False)
class Pass(LinearRule):
    """Relevance passes unchanged, as through an activation; input and output must have the same shape."""

    def divide(self, step: LinearStep, relevance: Tensor) -> Division:
        raise ValueError("Pass shares nothing by weight, so parameters have no relevance under it")

    def propagate(self, step: LinearStep, relevance: Tensor) -> Handover:
        shapes = [tuple(x.shape) for x in step.inputs]
        if shapes != [tuple(relevance.shape)]:
            raise ValueError(f"Pass needs one input shaped like the output {tuple(relevance.shape)}, got {shapes}.")
        return Handover((relevance,))


@dataclass(frozen=True, repr=False)
class Signal(ProductRule):
    """Everything to the factor that is no gate; half each where that cannot be told.

    A gate is a factor that only scales: an output of a sigmoid or softmax, one minus such, a reciprocal. In an
    LSTM this is LRP-all (Arras et al. 2017), for attention it is CP-LRP (Ali et al. 2022): the attention
    weights count as constants.
    """

    epsilon: float = knob(
        1e-6, "ε", "Larger: more relevance lost in sums of products.", (1e-6, 1.0), logarithmic=True, above=0
    )

    def propagate(self, product: Product, relevance: Tensor) -> Handover:
        signal = product.signal
        if signal is None:
            return Half(self.epsilon).propagate(product, relevance)
        if product.elementwise:
            return product.hand(relevance, (float(signal == 0), float(signal == 1)))
        return _of_sum(product, relevance, (signal,), self.epsilon)


@dataclass(frozen=True, repr=False)
class Half(ProductRule):
    """Half to each factor: LRP-half in an LSTM, the uniform rule of AttnLRP for products (Achtibat et al. 2024)."""

    epsilon: float = knob(
        1e-6, "ε", "Larger: more relevance lost in sums of products.", (1e-6, 1.0), logarithmic=True, above=0
    )

    def propagate(self, product: Product, relevance: Tensor) -> Handover:
        if product.elementwise:
            return product.hand(relevance, (0.5, 0.5))
        return _of_sum(product, relevance, (0, 1), self.epsilon)


@dataclass(frozen=True, repr=False)
class Proportional(ProductRule):
    """Each factor in proportion to its value before its activation, LRP-prop; in sums of products half each.

    Kept for comparison: it does not find the evidence (Arras et al. 2019, "Explaining and Interpreting LSTMs").
    """

    epsilon: float = knob(1e-6, "ε", "Keeps the quotient finite.", (1e-6, 1.0), logarithmic=True, above=0)

    def propagate(self, product: Product, relevance: Tensor) -> Handover:
        if not product.elementwise:
            return Half(self.epsilon).propagate(product, relevance)
        one, other = product.unsquashed
        total = (one + other).expand(relevance.shape)
        share, stabilizer = signed_share(product.samples, relevance, total, self.epsilon)
        return replace(product.hand(share, (one, other)), stabilizer=stabilizer)


RULES: dict[str, type[Rule]] = {
    rule.__name__: rule
    for rule in (
        *(Zero, Epsilon, Gamma, AlphaBeta, ZPlus, Flat, WSquare, ZBox, Pass),
        *(Signal, Half, Proportional),
    )
}
"""Every rule by its name, in the order of the literature's table; those for products last."""


def register(rule: type[Rule]) -> type[Rule]:
    """Add a class of rules to :data:`RULES`, for saved composites and the widgets; of two of a name the last counts.

    Usable as a decorator, above ``@dataclass(frozen=True)``.

    Raises
    ------
    TypeError
        If it is no class of rules.
    """
    if not (isinstance(rule, type) and issubclass(rule, Rule) and dataclasses.is_dataclass(rule)):
        raise TypeError(f"register takes a frozen dataclass that is a LinearRule or a ProductRule, got {rule!r}.")
    RULES[rule.__name__] = rule
    return rule


def shares_sums(rule: Rule | None, signal: int | None) -> tuple[tuple[int, ...], float] | None:
    """Which factors get equal parts of a sum of products, and the ε; None under a rule that is none of these.

    `signal` is the slot of the factor that is no gate, if the other one is.
    """
    if type(rule) not in (Half, Signal, Proportional):
        return None
    assert isinstance(rule, Half | Signal | Proportional)
    return (signal,) if isinstance(rule, Signal) and signal is not None else (0, 1), rule.epsilon


def _of_sum(product: Product, relevance: Tensor, slots: tuple[int, ...], epsilon: float) -> Handover:
    """Equal parts of a sum of products to the factors in `slots`."""
    share, stabilizer = signed_share(product.samples, relevance, product.output, epsilon, times=len(slots))
    return Handover(product.contributions(share, slots), stabilizer=stabilizer)


def _by_contribution(
    step: LinearStep, relevance: Tensor, p: float, n: float, stabilizer: Tensor | float, factor: float = 1.0
) -> Division:
    """Share `factor` · relevance by contributions that count `p` times if positive and `n` times if negative.

    R_j = Σ_k c_jk s_k with s_k = R_k / (Σ_j c_jk + bias + ε sign), the bias weighted like the contributions.
    """
    bias = step.signed_bias(p, n)
    weights = [] if bias is None else [finite(bias)]
    if p * n > 0 or isinstance(stabilizer, Tensor):
        total, _ = step.total(p, n)
        if isinstance(stabilizer, float | int) and stabilizer == 0:
            share, losses = _unstabilized_share(step, relevance, total)
        else:
            share, absorbed = signed_share(step.samples, relevance, total, stabilizer)
            losses = {"stabilizer": absorbed}
        if bias is not None:
            (losses["bias"],) = step.samples.sum(share, *weights)
        return Division(step.by_sign(share, p, n), **losses)
    # Terms of one sign: so is their sum, and the stabilizer is one number that can be added like a bias.
    offset = stabilizer if p > n else -stabilizer
    total, ours = step.total(p, n, offset)
    rules: Tensor | float = 0.0
    least = total.amin() if p > n else total.amax()
    if float(least.abs()) <= stabilizer:  # somewhere there is nobody to share with
        nobody = total.abs() <= stabilizer
        (rules,) = step.samples.sum(relevance, factor * nobody.to(relevance.dtype))
        relevance = relevance.masked_fill(nobody, 0.0)
        total = total.masked_fill(nobody, 1.0) if stabilizer == 0 else total
    share = torch.div(relevance, total, out=total) if ours and total.dtype == relevance.dtype else relevance / total
    if factor != 1:
        share = share.mul_(factor)
    *biased, stabilized = step.samples.sum(share, *weights, offset)
    return Division(step.by_sign(share, p, n), biased[0] if biased else 0.0, stabilized, rules)


def signed_share(
    samples: Samples, relevance: Tensor, total: Tensor, stabilizer: Tensor | float, times: int = 1
) -> tuple[Tensor, Tensor]:
    """s = R / (z + ε·sign z) with sign(0) = +1 for z = `times` `total`, and what the stabilizer absorbs per sample."""
    if isinstance(stabilizer, int | float) and pieces.pay(samples, relevance, total):
        return pieces.signed_share(samples.count, relevance, total, stabilizer, times)
    # A tensor of ε may differ by sample. copysign takes −0 for negative; all its terms are zero then.
    offset = torch.copysign(torch.as_tensor(stabilizer, dtype=total.dtype, device=total.device), total)
    share = torch.add(offset, total, alpha=times)
    share = torch.div(relevance, share, out=share) if share.dtype == relevance.dtype else relevance / share
    return share, samples.sum(share, offset)[0]


def _unstabilized_share(step: LinearStep, relevance: Tensor, total: Tensor) -> tuple[Tensor, dict[str, Tensor | float]]:
    """s = R / z; an output that is exactly 0 drops its relevance, which is the rule's doing."""
    nobody = total == 0
    if not bool(nobody.any()):
        return relevance / total, {}
    share = (relevance / total).masked_fill_(nobody, 0.0)
    return share, {"rules": step.samples.sum(relevance, nobody.to(relevance.dtype))[0]}


def _uniform_share(
    step: LinearStep, relevance: Tensor, total: Tensor, stabilizer: float
) -> tuple[Tensor, dict[str, Tensor | float]]:
    """s = R / (z + ε) for z = `total` ≥ 0 that does not depend on the input; z = 0 means nobody to share with."""
    nobody = total == 0
    share = relevance / (total + stabilizer)
    if not bool(nobody.any()):
        return share, {"stabilizer": step.samples.sum(share, stabilizer)[0]}
    share = share.masked_fill_(nobody.expand(share.shape), 0.0)
    return share, {
        "stabilizer": step.samples.sum(share, stabilizer)[0],
        "rules": step.samples.sum(relevance, nobody.to(relevance.dtype))[0],
    }


def _falls_below(z: Tensor, relevance: Tensor) -> bool:
    """Whether any `relevance` falls where z ≤ 0; without truth values, which take torch several times as long."""
    signed = torch.copysign(relevance, z - torch.finfo(z.dtype).tiny)
    return bool(signed.numel() and signed.amin() < 0)


def finite(bias: Tensor) -> Tensor:
    """Without the −∞ of a mask, which makes the share 0 wherever it is added."""
    return bias.nan_to_num(nan=float("nan"), posinf=0.0, neginf=0.0)


def _bound(name: str, given: Any) -> float | tuple[float, ...]:
    """One number, or a tuple of one per channel; ValueError if it is neither."""
    plain = given.tolist() if hasattr(given, "tolist") else given
    try:
        numbers = torch.as_tensor(plain, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        numbers = torch.empty(0)
    truth = any(isinstance(each, bool) for each in (plain if isinstance(plain, list | tuple) else [plain]))
    if truth or numbers.dim() > 1 or not numbers.numel() or not bool((numbers.abs() <= LARGEST).all()):
        wanted = f"a number from {-LARGEST:g} to {LARGEST:g}"
        raise ValueError(f"ZBox: {name} must be {wanted}, or one per channel, got {given!r}.")
    return numbers.item() if numbers.dim() == 0 else tuple(numbers.tolist())
