"""Composites: which rule for which layer, and the presets that people know.

A composite is an ordered list of (selector → rule); the first selector that matches a layer decides.
See :mod:`.selectors` for what a selector may be. Preset names and mappings follow zennit's where it has
them, with "first" meaning first in execution order.

A rule for products is passed over by linear layers, and the other way round. Sums, average pools and norms that
nothing matches get the ε-rule with a tiny ε; elementwise products give all to the signal, matrix products half
to each factor. A max pool sends relevance to the winner, unless a selector names it in full or by its kind: then
it counts as an average pool.

A network without dense layers, such as SqueezeNet, whose classes are channels of a convolution, has no ε in any layer
with weights under ``epsilon_plus`` and its kin.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

from . import rules, selectors
from .rules import (
    AlphaBeta,
    Epsilon,
    Flat,
    Gamma,
    Half,
    ProductRule,
    Rule,
    Signal,
    WSquare,
    ZBox,
    Zero,
    ZPlus,
)
from .selectors import PRODUCTS, Down, Exactly, Inside, Kind, Layout, Place, Position, Selector, Stage
from .tape import Step

_SHOWN = 12
"""Entries that are printed."""

MOST_ENTRIES = 2_000
"""Of a composite that is read: every layer of a network is held against each of them."""

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

    def __repr__(self) -> str:
        shown = [f"    {entry!r}," for entry in self.entries[:_SHOWN]]
        more = len(self.entries) - _SHOWN
        lines = [*shown, f"    # and {more} more"] if more > 0 else shown
        return "\n".join(["Composite([", *lines, f"], {self.name!r})"])

    def resolve(self, layout: Layout) -> list[Rule | None]:
        """The rule of every step; None where the operation needs none.

        Raises
        ------
        ValueError
            If a convolution or dense layer is matched by no selector, a selector names a layer that is not there, or
            its text is ambiguous.
        """
        self._check_names(layout)
        resolved: list[Rule | None] = []
        for place, suiting in zip(layout.places, self._suiting(layout), strict=True):
            if not suiting and place.weighted:
                raise ValueError(
                    f"No selector of the composite {self.name!r} matches the layer {place.name!r} "
                    f"({place.kind}); end the list with ('*', Epsilon()) or another rule for all the rest."
                )
            resolved.append(self.entries[suiting[0]][1] if suiting else _default(place))
        return resolved

    def rules_in(self, layout: Layout) -> dict[str, Rule | None]:
        """The rule of every layer of :data:`~.selectors.KINDS` by its name, in execution order; raises as `resolve`."""
        resolved = zip(layout.places, self.resolve(layout), strict=True)
        return {place.name: rule for place, rule in resolved if place.kind in selectors.KINDS}

    def matches(self, layout: Layout) -> list[list[str]]:
        """For every entry the names of the layers that it decides, in execution order."""
        decided: list[list[str]] = [[] for _ in self.entries]
        for place, suiting in zip(layout.places, self._suiting(layout), strict=True):
            if suiting:
                decided[suiting[0]].append(place.name)
        return decided

    def revised(self, selector: Selector, rule: Rule, layout: Layout) -> Composite:
        """The same composite with `rule` for the layers of `selector`, in front of all other entries.

        Entries for a layer, a module or from a layer down that make no difference in that network, the new one among
        them, are left out.
        """
        return Composite([(selector, rule), *self.entries], self.name)._trimmed(layout)

    def _trimmed(self, layout: Layout) -> Composite:
        ways = list(zip(layout.places, self._suiting(layout), strict=True))
        kept = list(self.entries)
        for index, (selector, _) in reversed(list(enumerate(self.entries))):
            decided = [way for way in ways if way[1][:1] == [index]]
            if isinstance(selector, Exactly | Inside | Down) and all(self._same_without(*way) for way in decided):
                del kept[index]
                for _, suiting in ways:
                    if index in suiting:
                        suiting.remove(index)
        return Composite(kept, self.name)

    def _same_without(self, place: Place, suiting: Sequence[int]) -> bool:
        """Whether `place` gets the same rule if the first of the entries that speak of it goes."""
        rule, *rest = (self.entries[number][1] for number in suiting)
        return rule == (rest[0] if rest else _default(place))

    def _suiting(self, layout: Layout) -> list[list[int]]:
        """For every place the numbers of the entries that speak of it; the first decides."""
        names = [place.name for place in layout.places]
        matchers = [(selectors.matcher(selector, names), rule) for selector, rule in self.entries]

        def suiting(place: Place) -> list[int]:
            fit = (number for number, (_, rule) in enumerate(matchers) if fits(rule, place.kind))
            return [number for number in fit if matchers[number][0](place)]

        return [suiting(place) if place.kind in selectors.KINDS else [] for place in layout.places]

    def _check_names(self, layout: Layout) -> None:
        """Raise ValueError if an entry names a layer or module that is not there."""
        layers = [place.name for place in layout.places]
        for selector, _ in self.entries:
            if isinstance(selector, Exactly | Down):
                _check_name(
                    self.name, "layer", selector.name if isinstance(selector, Exactly) else selector.layer, layers
                )
            elif isinstance(selector, Inside):
                _check_name(
                    self.name, "module", selector.module, [path for place in layout.places for path in place.above]
                )

    def with_rule(self, index: int, rule: Rule) -> Composite:
        """The same composite with another rule for one entry."""
        entries = list(self.entries)
        entries[index] = (entries[index][0], rule)
        return Composite(entries, self.name)

    def flat_from(self, layer: str) -> Composite:
        """The same composite with the flat rule in `layer` and all layers below it."""
        return Composite([(Down(layer), Flat()), *self.entries], self.name)

    def overridden(self, overrides: Mapping[str, Rule]) -> Composite:
        """The same composite with other rules for single layers, given by name."""
        return Composite(
            [*((selectors.Exactly(name), rule) for name, rule in overrides.items()), *self.entries], self.name
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
        if len(entries) > MOST_ENTRIES:
            raise ValueError(f"A composite that is read has {MOST_ENTRIES:,} entries at most, got {len(entries):,}.")
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


_REST: dict[str, Rule | None] = {"maxpool": None, "product": Signal(), "matmul": Half()}


def _default(place: Place) -> Rule | None:
    """The rule of a place that no entry speaks of."""
    return _REST.get(place.kind, Epsilon()) if place.kind in selectors.KINDS else None


def _check_name(composite: str, what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, dict.fromkeys(known), n=3, cutoff=0.3)
        raise ValueError(
            f"The composite {composite!r} speaks of a {what} {name!r} that is not there; the nearest "
            f"names are {', '.join(map(repr, near)) or 'none'}."
        )


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
    """z⁺ everywhere: the marginal winning probability (Zhang et al. 2016).

    Theirs begins at a probability of 1 and has no biases; this begins at the score, and positive biases keep their
    share.
    """
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


def attn_lrp(epsilon: float = 1e-6, gamma: float = 0.0, conv_gamma: float = 0.0) -> Composite:
    """AttnLRP: ε in linear layers, half of a matrix product to each factor (Achtibat et al. 2024).

    For vision transformers the authors put the γ-rule into the linear layers and the first convolution; 0 is ε.
    """
    dense = Gamma(gamma) if gamma else Epsilon(epsilon)
    conv = Gamma(conv_gamma) if conv_gamma else Epsilon(epsilon)
    return Composite([(_CONV, conv), (_DENSE, dense), (Kind("matmul"), Half(epsilon)), ("*", Epsilon(epsilon))])


def attn_lrp_vision(gamma: float = 0.05, conv_gamma: float = 0.25, epsilon: float = 1e-6) -> Composite:
    """AttnLRP with γ in linear layers and convolutions: for pictures, where plain ε is noisy (Achtibat et al. 2024).

    The amounts are from within the ranges that the paper searches for a ViT: γ in 0 to 0.1 for linear layers, 0.1 to
    100 for convolutions.
    """
    return attn_lrp(epsilon, gamma, conv_gamma)


def cp_lrp(epsilon: float = 1e-6) -> Composite:
    """CP-LRP: attention weights and gates count as constants, ε everywhere else (Ali et al. 2022)."""
    return Composite([(Kind("matmul"), Signal(epsilon)), (Kind("product"), Signal(epsilon)), ("*", Epsilon(epsilon))])


def lstm_lrp(epsilon: float = 0.001) -> Composite:
    """LRP-all for recurrent networks: gated products give all to the signal, ε elsewhere (Arras et al. 2017)."""
    return Composite([(Kind("product"), Signal(epsilon)), ("*", Epsilon(epsilon))])


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
        attn_lrp,
        attn_lrp_vision,
        cp_lrp,
        lstm_lrp,
    )
}


def names() -> list[str]:
    """Names of the presets."""
    return list(_PRESETS)


def described(name: str) -> str:
    """What the preset `name` does, in a sentence: the first line of what its maker says of itself."""
    return (_PRESETS[name].__doc__ or "").strip().partition("\n")[0]


def register(name: str, make: Callable[..., Composite]) -> None:
    """Add the preset `name`, which `make` makes of its parameters; of two the last counts.

    Raises
    ------
    TypeError
        If `make` cannot be called.
    """
    if not callable(make):
        raise TypeError(f"register takes a function that returns a Composite, got {make!r}.")
    _PRESETS[name] = make


def family(steps: Sequence[Step]) -> str:
    """The preset for a network of these `steps`, by what it consists of.

    ``attn_lrp`` where there is attention, ``attn_lrp_vision`` where there are convolutions as well;
    ``epsilon_plus_flat`` for other networks with convolutions; ``lstm_lrp`` for gates without convolutions;
    ``epsilon`` for the rest. Convolutions over the embeddings of tokens are no such: their inputs have signs, and a
    flat rule would hand as much to padding as to words.
    """
    kinds = {step.kind for step in steps}
    convolves = "conv" in kinds and not _over_tokens(steps)
    if "matmul" in kinds:
        return "attn_lrp_vision" if convolves else "attn_lrp"
    if convolves:
        return "epsilon_plus_flat"
    return "lstm_lrp" if "product" in kinds else "epsilon"


def _over_tokens(steps: Sequence[Step]) -> bool:
    """Whether the first convolution reads embeddings, as they are looked up or moved."""
    maker = {value: step for step in steps for value in step.results}
    step = next(step for step in steps if step.kind == "conv")
    while (before := maker.get(step.inputs[0])) is not None and before.kind in ("routing", "activation", "product"):
        step = before
    return before is not None and before.kind == "embedding"


def chosen(composite: str | Composite | Rule, steps: Sequence[Step]) -> Composite:
    """`composite` in any of the forms that an explainer takes, for a network of these `steps`.

    A name, a composite, one rule for every layer, or ``"auto"``: see :func:`family`.
    """
    if isinstance(composite, Composite):
        return composite
    if isinstance(composite, Rule):
        return Composite([("*", composite)], type(composite).__name__)
    return get(family(steps) if composite == "auto" else composite)


def fits(rule: Rule, kind: str) -> bool:
    """Whether layers of that kind can take the `rule`: products take rules for products, all others linear ones."""
    return isinstance(rule, ProductRule) == (kind in PRODUCTS)


def check_fits(rule: Rule, name: str, kind: str) -> None:
    """Raise ValueError if the layer `name` of that kind cannot take the `rule`."""
    if kind not in selectors.KINDS:
        raise ValueError(f"The layer {name!r} takes no rule: it is of kind {kind!r}.")
    if not fits(rule, kind):
        known = [each for each, made in rules.RULES.items() if issubclass(made, ProductRule) == (kind in PRODUCTS)]
        raise ValueError(
            f"The layer {name!r} is of kind {kind!r} and cannot take {type(rule).__name__}; use {', '.join(known)}."
        )


def parameters(name: str) -> list[str]:
    """What the preset `name` takes."""
    return list(signature(_PRESETS[name]).parameters)


def takes_bounds(name: str) -> bool:
    """Whether the preset takes the bounds of the input, `low` and `high`."""
    return "low" in parameters(name)


def requires_bounds(name: str) -> bool:
    """Whether the preset cannot do without the bounds of the input."""
    return takes_bounds(name) and signature(_PRESETS[name]).parameters["low"].default is Parameter.empty


def get(name: str, *, flat_from: str | None = None, **parameters: Any) -> Composite:
    """The preset `name` with its `parameters`; ``composites.get("epsilon_gamma_box", low=-2.1, high=2.6)``.

    `flat_from` names the layer from which downward relevance is spread uniformly, whatever the preset says: the
    decomposition depth, which sets the resolution of the heatmap (Bach et al. 2016, ICIP).

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
    composite = Composite(_PRESETS[name](**parameters).entries, name)
    return composite if flat_from is None else composite.flat_from(flat_from)
