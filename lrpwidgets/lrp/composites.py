"""Composites: which rule for which layer, and the presets that people know.

A composite is an ordered list of (selector → rule); the first selector that matches a layer decides.
See :mod:`.selectors` for what a selector may be. Preset names and mappings follow zennit's where it has
them, with "first" meaning first in execution order.

Sums, average pools and lone batch norms that nothing matches get the ε-rule with a tiny ε. A max pool sends
relevance to the winner, unless a selector names it in full or by its kind: then it counts as an average pool.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

from . import rules, selectors
from .rules import AlphaBeta, Epsilon, Flat, Gamma, Rule, WSquare, ZBox, Zero, ZPlus
from .selectors import Kind, Layout, Position, Selector, Stage
from .tape import Step

Bound = float | tuple[float, ...]


@dataclass(frozen=True)
class Composite:
    """An ordered list of (selector → rule); the first match wins.

    Parameters
    ----------
    entries
        Pairs of a selector (a layer name with wildcards, a kind, a position, a function of a
        :class:`~.selectors.Place`) and a rule.
    name
        What it is called on the screen.
    """

    entries: tuple[tuple[Selector, Rule], ...]
    name: str = "custom"

    def __init__(self, entries: Iterable[tuple[Selector, Rule]], name: str = "custom") -> None:
        object.__setattr__(self, "entries", tuple((selector, rule) for selector, rule in entries))
        object.__setattr__(self, "name", name)
        for selector, rule in self.entries:
            selectors.matcher(selector)
            if not isinstance(rule, Rule):
                raise TypeError(f"A composite maps selectors to rules; {selector!r} maps to {rule!r}.")

    def resolve(self, steps: Sequence[Step], layout: Layout) -> list[Rule | None]:
        """The rule of every step; None where the operation needs none.

        Raises
        ------
        ValueError
            If a convolution or dense layer is matched by no selector, or a selector's text is ambiguous.
        """
        names = [step.name for step in steps]
        matchers = [(selectors.matcher(selector, names), rule) for selector, rule in self.entries]
        resolved: list[Rule | None] = []
        for step, place in zip(steps, layout.places, strict=True):
            if place.kind not in selectors.KINDS:
                resolved.append(None)
                continue
            rule = next((rule for matches, rule in matchers if matches(place)), None)
            if rule is None and place.weighted:
                raise ValueError(
                    f"No selector of the composite {self.name!r} matches the layer {step.name!r} "
                    f"({step.kind}); end the list with ('*', Epsilon()) or another rule for all the rest."
                )
            resolved.append(rule if rule or place.kind == "maxpool" else _REST)
        return resolved

    def matches(self, layout: Layout) -> list[list[str]]:
        """For every entry the names of the layers that it decides, in execution order."""
        decided: list[list[str]] = [[] for _ in self.entries]
        matchers = [selectors.matcher(selector) for selector, _ in self.entries]
        for place in layout.places:
            if place.kind in selectors.KINDS:
                index = next((i for i, matches in enumerate(matchers) if matches(place)), None)
                if index is not None:
                    decided[index].append(place.name)
        return decided

    def with_rule(self, index: int, rule: Rule) -> Composite:
        """The same composite with another rule for one entry."""
        entries = list(self.entries)
        entries[index] = (entries[index][0], rule)
        return Composite(entries, self.name)

    def overridden(self, overrides: Mapping[str, Rule]) -> Composite:
        """The same composite with other rules for single layers, given by name."""
        return Composite(
            [*((selectors.Layer(name), rule) for name, rule in overrides.items()), *self.entries], self.name
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON or YAML.

        Raises
        ------
        ValueError
            If a selector is a function of the user's.
        """
        entries = [{"layers": selectors.to_data(selector), **rule.to_dict()} for selector, rule in self.entries]
        return {"name": self.name, "entries": entries}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Composite:
        """The composite that :meth:`to_dict` described; raises ValueError that names what is wrong."""
        entries = data.get("entries")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) and "layers" in entry for entry in entries):
            raise ValueError("A composite is {'name': ..., 'entries': [{'layers': selector, 'rule': name, ...}, ...]}.")
        described = ((dict(entry), entry["layers"]) for entry in entries)
        return cls(
            [
                (
                    selectors.from_data(layers),
                    rules.from_dict({k: v for k, v in entry.items() if k != "layers"}),
                )
                for entry, layers in described
            ],
            str(data.get("name", "custom")),
        )


_REST = Epsilon()
_CONV, _DENSE = Kind("conv"), Kind("linear")  # the words alone may also be names of layers


def epsilon(epsilon: float = 1e-6) -> Composite:
    """The ε-rule in every layer (Bach et al. 2015)."""
    return Composite([("*", Epsilon(epsilon))])


def epsilon_plus(epsilon: float = 1e-6) -> Composite:
    """z⁺ in convolutions, ε in dense layers (Kohlbrenner et al. 2020)."""
    return Composite([(_CONV, ZPlus()), (_DENSE, Epsilon(epsilon))])


def epsilon_plus_flat(epsilon: float = 1e-6) -> Composite:
    """As ``epsilon_plus``, flat in the first layer."""
    return _starting_with(Flat(), epsilon_plus(epsilon))


def epsilon_alpha2_beta1(epsilon: float = 1e-6) -> Composite:
    """α2β1 in convolutions, ε in dense layers (Kohlbrenner et al. 2020)."""
    return Composite([(_CONV, AlphaBeta(2, 1)), (_DENSE, Epsilon(epsilon))])


def epsilon_alpha2_beta1_flat(epsilon: float = 1e-6) -> Composite:
    """As ``epsilon_alpha2_beta1``, flat in the first layer."""
    return _starting_with(Flat(), epsilon_alpha2_beta1(epsilon))


def epsilon_gamma_box(low: Bound, high: Bound, gamma: float = 0.25, epsilon: float = 1e-6) -> Composite:
    """z^B in the first layer, γ in convolutions, ε in dense layers; `low` and `high` bound the input."""
    return _starting_with(ZBox(low, high), Composite([(_CONV, Gamma(gamma)), (_DENSE, Epsilon(epsilon))]))


def deep_taylor(low: Bound | None = None, high: Bound | None = None) -> Composite:
    """z⁺ everywhere; in the first layer z^B for bounded input, else w² (Montavon et al. 2017)."""
    first = WSquare() if low is None or high is None else ZBox(low, high)
    return _starting_with(first, Composite([(_CONV, ZPlus()), (_DENSE, ZPlus())]))


def excitation_backprop() -> Composite:
    """z⁺ everywhere: the marginal winning probability (Zhang et al. 2016)."""
    return Composite([(_CONV, ZPlus()), (_DENSE, ZPlus())])


def vgg_tutorial(low: Bound, high: Bound, gamma: float = 0.25, epsilon: float = 0.25) -> Composite:
    """The layer ranges of Montavon et al. 2019 for VGG-16.

    z^B in the first layer, γ through the third pooling, ε = 0.25 · RMS(z) through the fifth, then LRP-0.
    Max pools count as average pools, as they do there.
    """
    lower, upper = Gamma(gamma), Epsilon(epsilon, relative=True)
    ranges: list[tuple[Selector, Rule]] = [
        (Stage(0, 2, "conv"), lower),
        (Stage(0, 2, "maxpool"), lower),
        (Stage(3, 4, "conv"), upper),
        (Stage(3, 4, "maxpool"), upper),
        ("*", Zero()),
    ]
    return _starting_with(ZBox(low, high), Composite(ranges))


def _starting_with(rule: Rule, composite: Composite) -> Composite:
    return Composite([(Position(0), rule), *composite.entries])


_PRESETS: dict[str, Callable[..., Composite]] = {
    preset.__name__: preset
    for preset in (
        epsilon_plus_flat,
        epsilon_plus,
        epsilon,
        epsilon_gamma_box,
        epsilon_alpha2_beta1_flat,
        epsilon_alpha2_beta1,
        deep_taylor,
        excitation_backprop,
        vgg_tutorial,
    )
}


def names() -> list[str]:
    """Names of the presets."""
    return list(_PRESETS)


def chosen(composite: str | Composite | Rule, steps: Sequence[Step]) -> Composite:
    """`composite` in any of the forms that an explainer takes, for a network of these `steps`.

    A name, a composite, one rule for every layer, or ``"auto"``: ``epsilon_plus_flat`` for networks with
    convolutions, else ``epsilon``.
    """
    if isinstance(composite, Composite):
        return composite
    if isinstance(composite, Rule):
        return Composite([("*", composite)], type(composite).__name__)
    if composite == "auto":
        composite = "epsilon_plus_flat" if any(step.kind == "conv" for step in steps) else "epsilon"
    return get(composite)


def takes_bounds(name: str) -> bool:
    """Whether the preset takes the bounds of the input, `low` and `high`."""
    return "low" in signature(_PRESETS[name]).parameters


def requires_bounds(name: str) -> bool:
    """Whether the preset cannot do without the bounds of the input."""
    return takes_bounds(name) and signature(_PRESETS[name]).parameters["low"].default is Parameter.empty


def get(name: str, **parameters: Any) -> Composite:
    """The preset `name` with its `parameters`; ``composites.get("epsilon_gamma_box", low=-2.1, high=2.6)``.

    Raises
    ------
    ValueError
        If there is no such preset or parameter, or one that the preset needs is missing.
    """
    if name not in _PRESETS:
        near = difflib.get_close_matches(name, _PRESETS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Presets are {', '.join(_PRESETS)}."
        raise ValueError(f"There is no composite {name!r}. {hint}")
    known = signature(_PRESETS[name]).parameters
    for parameter in parameters.keys() - known.keys():
        takes = ", ".join(known) or "none"
        raise ValueError(f"The composite {name!r} has no parameter {parameter!r}; it takes {takes}.")
    missing = [each.name for each in known.values() if each.default is each.empty and each.name not in parameters]
    if missing:
        raise ValueError(
            f"The composite {name!r} needs {' and '.join(missing)}: the bounds of the input after "
            f"normalization, as in composites.get({name!r}, low=-2.1, high=2.6); a subject has them as "
            "subject.bounds."
        )
    return Composite(_PRESETS[name](**parameters).entries, name)
