"""The ledger: where relevance went, step by step, so that every bit of the explained score is accounted for.

Relevance that a step receives is handed on to its inputs or lost on the way. The ledger's three kinds of
loss are each computed from their own formula, never as what is missing; the difference that is left over is
therefore a check of the bookkeeping (:attr:`Ledger.imbalance`): nothing was lost unseen. Whether relevance went to the
right inputs it cannot tell, since what is handed to the wrong ones balances as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..readable import Readable
from ..tables import frame

if TYPE_CHECKING:
    import pandas as pd


TRUSTED = 1e-3
"""Imbalance up to which a map may be trusted; sound ones stay a thousand times below."""


@dataclass(frozen=True, eq=False, repr=False)
class Handover(Readable):
    """How one step passed its relevance on.

    Attributes
    ----------
    inputs
        Relevance for each input of the step, shaped like it; None where it gets none.
    bias, stabilizer, rules
        What biases and other constants absorbed, what stabilizers absorbed, and what the rule dropped (or,
        where negative, created): (B,) tensors, or 0.
    """

    inputs: tuple[Tensor | None, ...]
    bias: Tensor | float = 0.0
    stabilizer: Tensor | float = 0.0
    rules: Tensor | float = 0.0

    def without(self, slot: int) -> Handover:
        """The same, but for the relevance of one input, which was taken."""
        return replace(self, inputs=(*self.inputs[:slot], None, *self.inputs[slot + 1 :]))


@dataclass(frozen=True, eq=False)
class Row:
    """One step's account; every amount is (B,), in units of the score.

    ``received == handed + bias + stabilizer + rules`` up to rounding; `positions` is a part of `bias`.
    """

    name: str
    kind: str
    rule: str
    received: Tensor
    handed: Tensor
    bias: Tensor
    stabilizer: Tensor
    rules: Tensor
    positions: Tensor

    def __repr__(self) -> str:
        return f"Row({self.name!r}, {self.kind}, {self.rule or 'no rule'}: {_equation(self, 'received', 'handed')})"


@dataclass(frozen=True, eq=False)
class Ledger:
    """All accounts of an explanation, from the output down, and their totals per sample.

    ``explained == reached_input + bias + stabilizer + rules`` up to :attr:`imbalance`.
    """

    rows: Sequence[Row]
    explained: Tensor
    """The explained score, (B,): Σ over outputs of the score times its target weight."""
    reached_input: Tensor
    """Relevance that arrived at the inputs, (B,)."""

    def __repr__(self) -> str:
        over = " × ".join(map(str, self.explained.shape))
        summed = "" if self.explained.numel() == 1 else f", summed over {over}"
        equation = _equation(self, "explained", "reached_input")
        return f"Ledger({len(self.rows)} rows{summed}: {equation}; imbalance {self.imbalance:.0e})"

    @cached_property
    def bias(self) -> Tensor:
        """Absorbed by biases and other constants, (B,)."""
        return self._total("bias")

    @cached_property
    def positions(self) -> Tensor:
        """The part of :attr:`bias` that is absorbed by constants which differ from place to place, (B,).

        Such as embeddings of positions and token types; ``explanation.positions`` shows them place by place.
        """
        return self._total("positions")

    @cached_property
    def stabilizer(self) -> Tensor:
        """Absorbed by stabilizers, the ε of the ε-rule among them, (B,)."""
        return self._total("stabilizer")

    @cached_property
    def rules(self) -> Tensor:
        """Dropped (or, where negative, created) by rules that do not conserve, (B,)."""
        return self._total("rules")

    @property
    def imbalance(self) -> float:
        """Largest relative error of the sum over the samples: the check on the computation itself.

        Relative to the larger of the explained score and the largest single term, so that a contrast of two
        equal scores does not divide by zero.
        """
        terms = torch.stack([self.explained, self.reached_input, self.bias, self.stabilizer, self.rules])
        error = (terms[0] - terms[1:].sum(0)).abs()
        scale = terms.abs().amax(0)
        return float(torch.where(error == 0, 0.0, error / scale).max())

    def to_frame(self) -> pd.DataFrame:
        """One line per step and sample (and target, if there are several), as a pandas DataFrame.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        amounts = [field.name for field in fields(Row)][3:]
        axes = ("sample",) if self.explained.dim() == 1 else ("target", "sample")
        return frame(
            {**dict(zip(axes, place, strict=True)), "name": row.name, "kind": row.kind, "rule": row.rule}
            | {amount: float(getattr(row, amount)[place]) for amount in amounts}
            for row in self.rows
            for place in product(*map(range, self.explained.shape))
        )

    def _total(self, amount: str) -> Tensor:
        return torch.stack([getattr(row, amount) for row in self.rows]).sum(0)


def _equation(account: Row | Ledger, *first: str) -> str:
    """What came in, and where it went."""
    whole, *parts = (
        f"{name} {float(getattr(account, name).sum()):.4g}" for name in (*first, "bias", "stabilizer", "rules")
    )
    return f"{whole} = {' + '.join(parts)}"


def joined(ledgers: Sequence[Ledger], join: Callable[[list[Tensor]], Tensor]) -> Ledger:
    """One ledger of several of the same network, for targets or parts of a batch; `join` puts amounts together."""

    def amounts(same: Sequence[Any], names: Iterable[str]) -> list[Tensor]:
        return [join([getattr(one, name) for one in same]) for name in names]

    names = [field.name for field in fields(Row)]
    rows = [
        Row(*(getattr(same[0], name) for name in names[:3]), *amounts(same, names[3:]))
        for same in zip(*(ledger.rows for ledger in ledgers), strict=True)
    ]
    return Ledger(rows, *amounts(ledgers, ("explained", "reached_input")))
