"""The result of an explanation: scores, relevance at every layer, the ledger, and ways to ask on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property, partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor

from ..readable import Readable, summary
from . import composites, endings, pictures
from .batch import Packed, packed, unpacked
from .composites import Composite
from .conditions import Channels, Condition, Positions, channel_axis, conditions
from .devices import available_device
from .ledger import TRUSTED, Ledger, joined
from .operations import Linear
from .places import at_places
from .propagation import Keep, Plan, Relevance, Totals, account, propagate
from .rules import LinearRule, Pass, Rule
from .selectors import KINDS, Layout
from .tape import Step, Tape, check_unchanged
from .targets import Target, described, listed, target_weights
from .weighted import EffectiveWeights

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, eq=False, repr=False)
class Layer(Readable):
    """One step of the network in an explanation."""

    name: str
    """The module's path, with the function's name where the module makes several calls."""
    kind: str
    """Family: one of :data:`~.selectors.KINDS`, or ``"activation"``, ``"routing"``, ..."""
    rule: Rule | None
    """The rule that hands its relevance on; None where the operation needs none."""
    shape: tuple[int, ...]
    """Shape of its output, batch first."""
    find_activation: Callable[[], Tensor] = field(repr=False)
    find_relevance: Callable[[], Tensor] = field(repr=False)

    @property
    def activation(self) -> Tensor:
        """Its output; without numbers (on the meta device) if the explanation did not keep it."""
        return self.find_activation()

    @property
    def relevance(self) -> Tensor:
        """The relevance of its output, shaped like it; with a leading axis for several targets."""
        return self.find_relevance()

    @property
    def takes_rule(self) -> bool:
        """Whether a rule may be given to it."""
        return self.kind in KINDS


class Explanation:
    """Why the network gave these scores: made by :meth:`Explainer.explain`, never changed.

    :meth:`switch`, :meth:`retarget` and :meth:`condition` give new explanations that share everything that
    stays the same. For that, an explanation keeps all activations and relevances of its batch, about twice the
    memory of a forward in training; see `keep` of :meth:`Explainer.explain`.

    With several targets, every relevance and every amount has a leading axis, one entry per target.
    """

    def __init__(
        self,
        tape: Tape,
        layout: Layout,
        composite: Composite,
        targets: Sequence[Tensor],
        cache: EffectiveWeights,
        *,
        several: bool = False,
        keep: Keep = "all",
        asked: Sequence[Condition] = (),
        before: Explanation | None = None,
    ) -> None:
        self.composite = composite
        """Which rule each layer got."""
        self.layout = layout
        """The network as the selectors of a composite see it."""
        self.keep = keep
        """What is kept: ``"all"``, ``"layers"`` or ``"input"``."""
        self.several = several
        """Whether there is a leading axis for targets."""
        self._tape, self._cache, self._targets = tape, cache, targets
        self._asked = tuple(asked)
        if before:
            tape.check_weights()
        if before is None:
            plan = Plan(composite.resolve(layout))
        elif composite is before.composite:
            plan = before._plan
        else:
            plan = before._plan.switched(composite.resolve(layout))
        self._plan: Plan = plan
        starts = [{tape.output: tape.start(weights)} for weights in targets]
        earlier: Sequence[Relevance] | None = before._whole if before and len(before._targets) == len(targets) else None
        self._whole: Sequence[Relevance] = propagate(tape, plan, starts, cache, earlier, keep)
        """Without the conditions."""
        self._relevances: Sequence[Relevance] = self._whole
        again = before._relevances if before and earlier and before._asked == self._asked else None
        for condition in self._asked:
            starts = [condition.start(relevance.of) for relevance in self._relevances]
            last = condition is self._asked[-1]
            self._relevances = propagate(tape, plan, starts, cache, again if last else None)
        check_unchanged(tape.weights)

    def __repr__(self) -> str:
        inputs = " and ".join(summary(self._tape.values[value].tensor[0]) for value in self._tape.inputs)
        return (
            f"{type(self).__name__}({self.composite.name}: {self._question()}; {len(self.scores)} × {inputs}, "
            f"{len(self._tape.steps)} layers, keeps {self.keep!r})"
        )

    def _question(self) -> str:
        """What is explained, in words."""
        targets = list(self.target) if self.several else [self.target]
        through = f" through {' and '.join(each.layer for each in self._asked)}" if self._asked else ""
        scores = [f"{score:.4g}" for score in (self.scores * targets[0]).flatten(1).sum(1).tolist()]
        listed = ", ".join(scores if len(scores) <= 3 else [*scores[:3], "…"])
        first = f" (the first of {len(targets)} targets)" if len(targets) > 1 else ""
        return f"{described(targets[0])}{through}{first}, score {listed}"

    @property
    def scores(self) -> Tensor:
        """The model's output, (B, C)."""
        return self._tape.scores

    @property
    def target(self) -> Tensor:
        """Weight of every score in what is explained, (B, C)."""
        return self._each(lambda number: self._targets[number])

    @property
    def top_class(self) -> int:
        """The class with the highest score in the first sample."""
        return int(self.scores[0].argmax())

    @property
    def relevance(self) -> Packed:
        """Relevance of the input, shaped like it; a tuple or dict as several were given, zeros for constants."""
        return self._packed([self._relevance_of(value) for value in self._tape.inputs])

    @property
    def positions(self) -> Packed:
        """What constants absorb that differ from place to place, such as embeddings of positions: of tokens (B, T).

        Shaped as the places of each input are, and a tuple or dict as several were given; zeros where there is nothing.
        A vision transformer's are those of its own tokens, (B, patches and class token). It is no part of the relevance
        but of the ledger's bias, as ``ledger.positions``.

        What counts is the same for equal programs: wherever constants are added that are not all alike at all places,
        everything that these constants absorb, token types among them. What is added to scores of attention belongs to
        pairs of places and does not count, nor does a class token; rotary embeddings absorb nothing. Of numbers given
        in place of tokens, what is added before the first layer with weights is a preparation, and absorbs nothing.
        """
        return self._packed([self._at_places(number) for number in range(len(self._tape.inputs))])

    def _at_places(self, number: int) -> Tensor:
        value = self._tape.inputs[number]
        x, like = self._tape.values[value].saved, self._tape.relevance_or_zero(value, {})
        return self._each(lambda target: at_places(self._relevances[target].places, number, x, like))

    def _packed(self, explained: list[Tensor]) -> Packed:
        """Something for each explained input, and zeros for those that are constants, as the inputs were given."""
        found = list(explained)
        for position, constant in sorted(self._tape.constants.items()):
            found.insert(position, self._each(lambda _, x=constant: x.new_zeros(x.shape, dtype=explained[0].dtype)))  # type: ignore[misc]
        return packed(found, self._tape.names)

    def image(
        self,
        sample: int = 0,
        *,
        which: int = 0,
        scale: float | None = None,
        colours: str = "red–blue",
        side: int = 224,
    ) -> Image:
        """The heatmap of one sample as the widgets draw it: red speaks for what is explained, blue against it.

        Parameters
        ----------
        sample
            Which of the batch.
        which
            Which of several targets, from 0 on.
        scale
            Relevance of a pixel, summed over channels, that gets the full hue; by default the largest amount.
        colours
            The name of one of :data:`lrpwidgets.colours.MAPS`.
        side
            Pixels are repeated until the picture is about so wide or high.

        Raises
        ------
        ValueError
            If the inputs are no pictures (B, C, H, W), or there is no such map.
        IndexError
            If there is no such sample or target.
        """
        return pictures.heatmap(self, sample, which, scale, colours, side)

    def plot(self, *, scale: float | None = None, colours: str = "red–blue", side: int = 224) -> Image:
        """All heatmaps on one sheet and one scale, with their targets and scores; of several targets, a row per sample.

        The parameters are those of :meth:`image`, which draws one of them; raises as it does.
        """
        return pictures.sheet(self, scale, colours, side)

    def _repr_html_(self) -> str:
        """What a notebook shows: the heatmaps, and where the scores went."""
        return pictures.html(self)

    @cached_property
    def layers(self) -> list[Layer]:
        """Every step of the network in execution order; ``explanation["features.0"]`` finds one by name."""
        return [self._layer(index, step) for index, step in enumerate(self._tape.steps)]

    def __getitem__(self, name: str) -> Layer:
        """The layer `name`; a batch norm that was folded is found in the layer before it.

        Raises
        ------
        UnknownLayerError
            If there is none, a KeyError; the message has the nearest names.
        """
        return self.layers[self._tape.index(name)]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __bool__(self) -> bool:
        return True

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(name in step.names for step in self._tape.steps)

    @property
    def cuts(self) -> list[str]:
        """Names of the layers that every way from the inputs to the scores passes, in execution order.

        In a residual network these are the sums between its blocks. The relevance of each is all that is left at
        its depth: the explained score less what the ledger says was lost above.
        """
        return [self._tape.steps[number].name for number in self._tape.cuts]

    def channel_axis(self, name: str) -> int:
        """The axis of the layer's output that :meth:`condition` counts as its channels: heads, around attention."""
        return channel_axis(self._tape, self._tape.index(name))

    @cached_property
    def parameters(self) -> dict[str, Tensor]:
        """Relevance of the model's parameters by name, shaped like them and summed over the batch.

        What a parameter of a convolution, dense layer or norm carries of the relevance that its layer hands on;
        a bias, what it absorbs. With the stabilizer's share, a layer's parameters sum to its relevance. A norm
        that was folded shares its layer's weight; its shift counts as its bias. The joined weights of recurrent
        layers are left out.

        Raises
        ------
        ValueError
            If the tape was not kept.
        StaleExplanationError
            If the model's weights changed since they were used.
        """
        self._require("all", "the relevance of the parameters")
        self._tape.check_weights()
        each = [self._parameters(relevance) for relevance in self._relevances]
        return {name: self._each(lambda number, name=name: each[number][name]) for name in each[0]}  # type: ignore[misc]

    def to(self, device: str | torch.device) -> Explanation:
        """A copy on another `device`, with all that it keeps; itself if it is there already.

        Raises
        ------
        ValueError
            If there is no such device.
        """
        wanted = available_device(device)
        if self.scores.device == wanted:
            return self
        content = BytesIO()
        torch.save(self, content)
        content.seek(0)
        moved: Explanation = torch.load(content, map_location=wanted, weights_only=False)
        return moved

    @property
    def recomputed(self) -> list[str]:
        """Names of the layers whose relevance this explanation had to propagate again, in execution order."""
        again = set().union(*(relevance.again for relevance in self._relevances))
        return [step.name for index, step in enumerate(self._tape.steps) if index in again]

    @cached_property
    def ledger(self) -> Ledger:
        """Where the explained score went; under a condition, where the relevance that meets it went."""
        each = [self._ledger(relevance) for relevance in self._relevances]
        if not self.several:
            return each[0]
        return joined(each, torch.stack)

    @cached_property
    def caveats(self) -> list[str]:
        """Sentences to read before trusting the picture; empty if there is nothing to say."""
        found = list(self._tape.caveats)
        unknown = [step.name for step in self._tape.steps if step.operation is None]
        if unknown:
            found.append(f"No rule is known for {', '.join(unknown)}: gradient × input was used there.")
        found += endings.caveats(self._tape)
        explained, imbalance = self.ledger.explained, self.ledger.imbalance
        if bool((explained == 0).any()):
            found.append("An explained score is 0: there is nothing to share out.")
        if bool((explained < 0).any()):
            found.append(
                "An explained score is negative: rules that see positive contributions only, such as z⁺, "
                "then mark supporting evidence as negative."
            )
        if any(endings.is_turned(self._tape, self._plan.rules, weights) for weights in self._targets):
            found.append(
                "A negative score counts with its sign turned: rules that see positive contributions only, such as z⁺, "
                "then mark evidence for its class as positive."
            )
        if not all(bool(self._relevance_of(value).isfinite().all()) for value in self._tape.inputs):
            found.append("Relevance is not finite: the numbers overflowed; try a larger ε or float32.")
        elif self._is_blank():
            found.append(
                "A map is zero everywhere: biases, stabilizers and rules keep the whole score; see the ledger."
            )
        if (lost := self._lost_in_products()) > 0.05:
            found.append(
                f"Products of small numbers lose relevance to their stabilizers, {lost:.0%} of a score: give them a "
                "smaller ε, explanation.switch(rules={layer.name: layer.rule.turned(epsilon=1e-12) for layer in "
                "explanation.layers if layer.kind in ('product', 'matmul')})."
            )
        if not imbalance <= TRUSTED:  # it may be NaN
            found.append(
                f"The ledger does not balance: {imbalance:.2g} of a score is lost or made up on the way, so the map is "
                "not to be trusted."
            )
        return found

    @torch.inference_mode(False)
    def switch(
        self, composite: str | Composite | Rule | None = None, rules: Mapping[str, Rule] | None = None
    ) -> Explanation:
        """The explanation under another `composite`, or with other `rules` for some layers by name, or both.

        Only layers below the topmost changed rule are propagated again.

        Raises
        ------
        ValueError
            If a layer name is unknown, its operation takes no such rule, or the tape was not kept.
        StaleExplanationError
            If the model's weights changed since they were used.
        """
        self._require("all", "switching rules")
        new = self.composite if composite is None else composites.chosen(composite, self._tape.steps)
        for name, rule in (rules or {}).items():
            composites.check_fits(rule, name, self[name].kind)
        named = {self._tape.steps[self._tape.index(name)].name: rule for name, rule in (rules or {}).items()}
        new = new.overridden(named) if named else new
        return self._again(composite=new)

    @torch.inference_mode(False)
    def retarget(self, target: Target = None, targets: Sequence[Target] | None = None) -> Explanation:
        """The explanation of another `target`, or of several, without a new forward: see :meth:`Explainer.explain`."""
        self._require("all", "another target")
        wanted, several = listed(target, targets)
        return self._again(targets=[target_weights(each, self.scores) for each in wanted], several=several)

    @torch.inference_mode(False)
    def condition(
        self, channels: Mapping[str, Channels], positions: Mapping[str, Positions] | None = None
    ) -> Explanation:
        """The relevance that flows through some channels, or positions, of some layers only (Achtibat et al. 2023).

        Over all channels of a layer, the conditioned maps add up to the map of the relevance that passes the
        layer: the whole, unless a shortcut leads around it. Of several layers, all must be passed. Layers above
        and beside the condition get no relevance; the ledger accounts for what meets the condition.

        Parameters
        ----------
        channels
            By layer name a channel number, several, or a mask that multiplies the relevance of the layer's output.
        positions
            By layer name the positions to keep, as index tuples over the axes that are neither batch nor
            channels: ``(row, column)`` in a picture, ``(token,)`` in a sentence.

        Raises
        ------
        ValueError
            If a layer, channel or position does not exist, or no relevance flows from one layer to the other.
        """
        self._require("all", "a condition")
        new = conditions(self._tape, self._tape.index, channels, positions or {})
        return self._again(asked=sorted([*self._asked, *new], key=lambda each: each.step, reverse=True))

    def reduced(self) -> Explanation:
        """The same with no more than ``keep="input"`` keeps; this one stays as it is."""
        self.ledger, self.caveats  # noqa: B018  # of what goes; they are taken along
        found = copy(self)
        found.keep, found._plan, found._tape = "input", Plan(self._plan.rules), self._tape.reduced()
        found._whole = found._relevances = [each.reduced(self._tape.inputs) for each in self._relevances]
        for name in ("layers", "parameters"):
            vars(found).pop(name, None)
        return found

    def _lost_in_products(self) -> float:
        """How much of a score the stabilizers of products take."""
        taken = [row.stabilizer.abs() for row in self.ledger.rows if row.kind in ("product", "matmul")]
        lost = sum(taken, start=torch.zeros_like(self.ledger.explained)) / self.ledger.explained.abs()
        return float(lost.nan_to_num(0.0, posinf=0.0).max())

    def _is_blank(self) -> bool:
        """Whether nothing at all of a score that is not 0 reaches the inputs of its sample."""
        tape, blank = self._tape, False
        for number, relevance in enumerate(self._relevances):
            arrived = tape.nothing
            for value in tape.inputs:
                found = relevance.of.get(value)
                arrived = arrived + tape.per_sample(value, None if found is None else found.abs())
            explained = self.ledger.explained[number] if self.several else self.ledger.explained
            blank |= bool(((arrived == 0) & (explained != 0)).any())
        return blank

    def _again(self, **changed: Any) -> Explanation:
        known: dict[str, Any] = {
            "composite": self.composite,
            "targets": self._targets,
            "several": self.several,
            "asked": self._asked,
        }
        return Explanation(self._tape, self.layout, cache=self._cache, before=self, **(known | changed))

    def _require(self, keep: Keep, wish: str) -> None:
        if self.keep != keep:
            _refuse(self.keep, keep, wish)

    def _each(self, find: Callable[[int], Tensor]) -> Tensor:
        """What `find` says of every target, stacked; of the only one if there is just one."""
        return _stacked([find(number) for number in range(len(self._targets))], self.several)

    def _layer(self, index: int, step: Step) -> Layer:
        value = next(value for value in step.results if value is not None)
        made = self._tape.values[value]
        rule = self._plan.rules[index]
        # Not a method: a layer that kept its explanation, which keeps the layer, would outlive it.
        find: Callable[[], Tensor] = partial(_relevance, self._tape, self._relevances, self.several, value)
        if self.keep == "input":
            find = partial(_refuse, self.keep, "layers", "relevance inside the network")
        return Layer(step.name, step.kind, rule, tuple(made.saved.shape), partial(getattr, made, "tensor"), find)

    def _relevance_of(self, value: int) -> Tensor:
        return _relevance(self._tape, self._relevances, self.several, value)

    def _ledger(self, relevance: Relevance) -> Ledger:
        tape, rows, totals = self._tape, dict(relevance.rows), Totals(self._tape)
        for index, step in enumerate(tape.steps):
            row = rows.get(index) or account(
                tape,
                step,
                self._plan.rules[index],
                relevance.of,
                relevance.handovers.get(index),
                relevance.places.get(index),
                totals,
            )
            if row:
                rows[index] = row
        start, reached = tape.nothing, tape.nothing
        for value, amount in relevance.start.items():
            start = start + tape.per_sample(value, amount)
        for value in tape.inputs:
            reached = reached + totals.received(value, relevance.of)
        return Ledger([rows[index] for index in sorted(rows, reverse=True)], start, reached)

    @torch.inference_mode(False)
    @torch.no_grad()
    def _parameters(self, relevance: Relevance) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for index, step in enumerate(self._tape.steps):
            rule = self._plan.rules[index]
            if not isinstance(step.operation, Linear) or not isinstance(rule, LinearRule):
                continue
            received = relevance.of.get(step.results[0] or 0)
            if received is None:
                continue
            linear = step.operation.step(self._tape.call(step, found=self._plan.found(index)), self._cache)
            if not linear.has_parameters or isinstance(rule, Pass):
                continue
            for parameter, carried in linear.parameters(rule.divide(linear, received).terms):
                name = None if parameter is None else self._tape.name_of(parameter)
                if name is not None:
                    found[name] = found[name] + carried if name in found else carried
        return found


class JoinedExplanation(Explanation):
    """The explanations of the parts of a batch that did not fit memory as a whole."""

    def __init__(self, parts: Sequence[Explanation]) -> None:
        self.parts = parts
        self.composite, self.layout, self.keep = parts[0].composite, parts[0].layout, parts[0].keep
        self._tape, self.several, self._asked = parts[0]._tape, parts[0].several, parts[0]._asked

    @property
    def scores(self) -> Tensor:
        return torch.cat([part.scores for part in self.parts])

    @property
    def target(self) -> Tensor:
        return self._joined([part.target for part in self.parts])

    @property
    def relevance(self) -> Packed:
        return self._joined_inputs([part.relevance for part in self.parts])

    @property
    def positions(self) -> Packed:
        return self._joined_inputs([part.positions for part in self.parts])

    def _joined_inputs(self, parts: Sequence[Packed]) -> Packed:
        same = zip(*map(unpacked, parts), strict=True)
        return packed([self._joined(each) for each in same], self._tape.names)

    @cached_property
    def layers(self) -> list[Layer]:
        return [self._joined_layer(list(same)) for same in zip(*(part.layers for part in self.parts), strict=True)]

    @property
    def recomputed(self) -> list[str]:
        return self.parts[0].recomputed

    def reduced(self) -> Explanation:
        return JoinedExplanation([part.reduced() for part in self.parts])

    @cached_property
    def ledger(self) -> Ledger:
        each = [part.ledger for part in self.parts]
        return joined(each, self._joined)

    @cached_property
    def caveats(self) -> list[str]:
        split = f"The batch did not fit memory: it was explained in {len(self.parts)} parts, and {self.keep} kept."
        return [split, *dict.fromkeys(caveat for part in self.parts for caveat in part.caveats)]

    def _require(self, keep: Keep, wish: str) -> None:
        if self.keep != keep:
            raise ValueError(
                f"The batch did not fit memory, so {self.keep!r} was kept only; {wish} needs explain(...) with fewer "
                "samples at a time."
            )

    def _joined(self, parts: Sequence[Tensor]) -> Tensor:
        return _joined(parts, self.several)

    def _joined_layer(self, same: Sequence[Layer]) -> Layer:
        first = same[0]
        shape = (sum(layer.shape[0] for layer in same), *first.shape[1:])
        return Layer(
            first.name,
            first.kind,
            first.rule,
            shape,
            partial(_joined_activation, same),
            partial(_joined_relevance, same, self.several),
        )


def _joined_activation(same: Sequence[Layer]) -> Tensor:
    return torch.cat([layer.activation for layer in same])


def _refuse(kept: str, needed: str, wish: str) -> NoReturn:
    raise ValueError(f"This explanation kept {kept!r} only; {wish} needs explain(..., keep={needed!r}).")


def _relevance(tape: Tape, relevances: Sequence[Relevance], several: bool, value: int) -> Tensor:
    """The relevance of a value, for one target or several."""
    return _stacked([tape.relevance_or_zero(value, each.of) for each in relevances], several)


def _stacked(found: Sequence[Tensor], several: bool) -> Tensor:
    return torch.stack(list(found)) if several else found[0]


def _joined(parts: Sequence[Tensor], several: bool) -> Tensor:
    return torch.cat(list(parts), 1 if several else 0)


def _joined_relevance(same: Sequence[Layer], several: bool) -> Tensor:
    return _joined([layer.relevance for layer in same], several)
