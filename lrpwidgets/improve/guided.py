"""Explanation-guided training for cross-domain few-shot classification (Sun et al. 2020).

In every episode the network says which class each query is of, p. Relevance R of the features of that pair is traced
back from its score through the relation module, and brought to [−1, 1] by its largest amount. Then the pair is scored
again, with features w ⊙ f where w = 1 + R: what spoke for the class counts more, what spoke against it less. The loss
is

    ξ · CE(p) + λ · CE(p′)

and no gradient passes R. Afterwards the network is used as any other: nothing is explained to classify.

Every score depends on its own pair alone, so only the pair that won is explained and scored again. The relevance starts
at its score, as in any explanation here. The code that Sun et al. published explains all pairs, and starts at the
logarithms of their odds relative to chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..knobs import Turnable, knob
from ..lrp import Composite, Explainer, composites
from ..lrp.rules import Rule
from .relation_network import RelationNetwork


@dataclass(frozen=True, repr=False)
class Guidance(Turnable):
    """How explanations guide a training.

    Raises
    ------
    ValueError
        If there is no such composite, it needs bounds, or a number is out of range.
    """

    composite: str | Composite | Rule = "epsilon_plus"
    """Rules of the relation module; the default, ε in dense layers and z⁺ in convolutions, is what Sun et al. take."""
    permuted: bool = False
    """Whether relevance is dealt out anew among the features of each pair, at random: the same weights without their
    meaning, as a control."""
    plain: float = knob(1.0, "ξ", "Weight of the loss of plain features.", (0.0, 2.0), least=0)
    guided: float = knob(0.5, "λ", "Weight of the loss of features weighted by their relevance.", (0.0, 2.0), least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.composite, str) and self.composite != "auto":
            composites.get(self.composite)

    def explainer(self, network: RelationNetwork) -> Explainer:
        """What explains the relation module.

        Raises
        ------
        ValueError
            If the module normalizes by its batch: then a score depends on other pairs, and cannot be traced to its own.
        """
        for name, module in network.relation.named_modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                raise ValueError(
                    f"The relation module has a {type(module).__name__}, {name!r}: while it trains, a score depends on "
                    "the other pairs, and a pair cannot be explained alone. Take a GroupNorm there, or no norm."
                )
        return Explainer(network.relation, self.composite)


def relevance(explainer: Explainer, pairs: Tensor) -> Tensor:
    """Relevance of the features of `pairs` (P, 2C, ...) for their scores, each pair's in [−1, 1]; without a gradient.

    The largest amount of a pair is 1; where nothing is relevant all are 0.
    """
    found = explainer.explain(pairs.detach(), 0, keep="input").relevance
    assert isinstance(found, Tensor)
    return normalized(found)


def normalized(relevance: Tensor) -> Tensor:
    """`relevance` (P, ...) over the largest amount of each sample; 0 where that is 0."""
    largest = relevance.abs().flatten(1).amax(1).reshape(-1, *[1] * (relevance.dim() - 1))
    return relevance / torch.where(largest == 0, 1, largest)


def permuted(relevance: Tensor, generator: torch.Generator) -> Tensor:
    """`relevance` (P, ...) dealt out anew among the features of each sample."""
    flat = relevance.flatten(1)
    order = torch.rand(flat.shape, generator=generator).argsort(1).to(flat.device)
    return flat.gather(1, order).reshape(relevance.shape)


@dataclass(frozen=True)
class GuidedLoss:
    """The loss of an episode, for one network."""

    network: RelationNetwork
    guidance: Guidance | None
    """None: the loss is CE(p)."""
    explainer: Explainer | None
    generator: torch.Generator
    """Of permutations."""

    @classmethod
    def of(cls, network: RelationNetwork, guidance: Guidance | None, seed: int) -> GuidedLoss:
        """For a `network`; raises as `Guidance.explainer` does."""
        explainer = None if guidance is None else guidance.explainer(network)
        return cls(network, guidance, explainer, torch.Generator().manual_seed(seed))

    def __call__(self, support: Tensor, query: Tensor, labels: Tensor) -> Tensor:
        """Its mean over queries (Q, ...) with `labels` (Q,), with a support (N, K, ...); no number if p has none."""
        pairs = self.network.pairs(*self.network.features(support, query))
        scores = self.network.scores(pairs)
        plain = F.cross_entropy(scores, labels)
        if self.guidance is None or self.explainer is None or not bool(scores.isfinite().all()):
            return plain
        again = self._weighted(pairs, scores)
        return self.guidance.plain * plain + self.guidance.guided * F.cross_entropy(again, labels)

    def _weighted(self, pairs: Tensor, scores: Tensor) -> Tensor:
        """`scores` (Q, N) with that of the class that won from features weighted by their relevance."""
        won = scores.argmax(1)
        chosen = pairs[torch.arange(len(won)), won]
        weights = 1 + self._relevance(chosen)
        return scores.scatter(1, won[:, None], self.network.relation(weights * chosen).reshape(-1, 1))

    def _relevance(self, pairs: Tensor) -> Tensor:
        assert self.guidance is not None
        assert self.explainer is not None
        found = relevance(self.explainer, pairs)
        return permuted(found, self.generator) if self.guidance.permuted else found
