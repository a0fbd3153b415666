"""Products of two tensors that both depend on the input: gate ⊙ signal, query · key, attention weights · values."""

from __future__ import annotations

from functools import cached_property

from torch import Tensor

from . import affine
from .call import Call
from .ledger import Handover

Pair = tuple[Tensor, Tensor]


class Product:
    """z = a ⊙ b elementwise, or any bilinear z = B(a, b) such as a matrix product, with actual factors and result.

    A constant scale that follows is part of B.
    """

    def __init__(self, call: Call, *, elementwise: bool) -> None:
        self._call = call
        self.factors: Pair = (call.inputs[0], call.inputs[1])
        self.output = call.output
        self.samples = call.samples
        self.elementwise = elementwise

    @cached_property
    def signal(self) -> int | None:
        """The slot of the factor that is no gate, if the other one is."""
        gates = self._call.gates
        return None if gates[0] == gates[1] else gates.index(False)

    @cached_property
    def unsquashed(self) -> Pair:
        """What the activation that made each factor was applied to; the factor itself where there was none."""
        one, other = self._call.unsquashed
        return one, other

    def hand(self, relevance: Tensor, portions: tuple[Tensor | float, Tensor | float]) -> Handover:
        """To each factor its portion of the `relevance` of an elementwise product; nothing at portion 0."""
        handed: list[Tensor | None] = []
        for factor, portion in zip(self.factors, portions, strict=True):
            nothing = isinstance(portion, float) and portion == 0
            whole = isinstance(portion, float) and portion == 1
            part = relevance if whole else relevance * portion
            handed.append(None if nothing else part.sum_to_size(factor.shape))
        return Handover(tuple(handed))

    def contributions(self, share: Tensor) -> tuple[Tensor, ...]:
        """For each factor, Σ over the products that it takes part in, times the `share` of their sum."""
        scale = affine.chain(self._call.folded).scale if self._call.folded else 1
        pulled = self._call.pull([share * scale])
        return tuple(x * c for x, c in zip(self.factors, pulled, strict=True))
