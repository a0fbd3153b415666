"""Products of two tensors that both depend on the input: gate ⊙ signal, query · key, attention weights · values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from torch import Tensor

from . import affine
from .call import Call, Slot, key
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
        one, other = self._call.gates
        return signal_of((one, other))

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

    def contributions(self, share: Tensor, slots: Sequence[int] = (0, 1)) -> tuple[Tensor | None, ...]:
        """For each factor in `slots`, Σ over the products that it takes part in, times the `share` of their sum."""
        scale = affine.chain(self._call.folded).scale if self._call.folded else 1.0
        if self._is_matmul:
            return tuple(self._of_matmul(share, scale, slot) if slot in slots else None for slot in (0, 1))
        pulled = self._call.pull([share * scale])
        return tuple(
            x * c if slot in slots else None for slot, (x, c) in enumerate(zip(self.factors, pulled, strict=True))
        )

    @property
    def _is_matmul(self) -> bool:
        """Whether it is a product of as many matrices as there are others, without broadcasting."""
        return are_matrices(self._call.function, self._call.args, self._call.kwargs, *self.factors)

    def _of_matmul(self, share: Tensor, scale: Tensor | float, slot: int) -> Tensor:
        """The contributions of one factor of a matrix product; a number scales whatever is smaller."""
        a, b = self.factors
        number = isinstance(scale, int | float)
        after = number and share.numel() > self.factors[slot].numel()
        share = share if after or (number and scale == 1) else share * scale
        pulled = (share @ b.mT if slot == 0 else a.mT @ share).mul_(self.factors[slot])
        return pulled.mul_(scale) if after and scale != 1 else pulled


def signal_of(gates: tuple[bool, bool]) -> int | None:
    """The slot of the factor that is no gate, if the other one is."""
    return None if gates[0] == gates[1] else gates.index(False)


def are_matrices(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], one: Tensor, other: Tensor
) -> bool:
    """Whether the call multiplies as many matrices as there are others, without broadcasting."""
    plain = key(function) in ("matmul", "bmm") and args == (Slot(0), Slot(1)) and not kwargs
    return plain and one.dim() == other.dim() > 2 and one.shape[:-2] == other.shape[:-2]
