"""Is relevance where it should be? Measures against masks (CLEVR-XAI, Arras et al. 2022), and how much is context.

A random map has as its mass and rank accuracy the share of the picture that the mask covers: :func:`area`. Show it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor

from .regions import counted, known

Pool = Literal["sum,pos", "sum,abs", "pos,sum", "l1-norm", "max-norm", "l2-norm", "l2-norm,sq"]
"""How the relevance of channels becomes one number of a position that is not negative, in the words of CLEVR-XAI."""


def mass(relevance: Tensor, mask: Tensor, pool: Pool = "l2-norm,sq") -> Tensor:
    """Relevance mass accuracy: the share of relevance inside the mask, (B,), 0 to 1; NaN where there is none at all.

    Parameters
    ----------
    relevance
        (B, C, ...).
    mask
        (B, ...), True where relevance should be.

    Raises
    ------
    ValueError
        If the mask has another size or is empty, relevance is not finite, or there is no such pool.
    """
    pooled, inside = _both(relevance, mask, pool)
    return (pooled * inside).sum(1) / pooled.sum(1)


def rank(relevance: Tensor, mask: Tensor, pool: Pool = "l2-norm,sq") -> Tensor:
    """Relevance rank accuracy: how many of the K most relevant positions are among the K of the mask, (B,), 0 to 1.

    Positions with the same relevance as the last of these count by chance. Parameters and errors as for :func:`mass`.
    """
    pooled, inside = _both(relevance, mask, pool)
    found = []
    for values, among in zip(pooled, inside, strict=True):
        count = int(among.sum())
        last = values.topk(count).values[-1]
        above, alike = values > last, values == last
        drawn = (count - above.sum()) / alike.sum() * (alike & among).sum()
        found.append(((above & among).sum() + drawn) / count)
    return torch.stack(found).double()


def area(mask: Tensor) -> Tensor:
    """The share of positions in the mask, (B,): what mass and rank accuracy are of a random map."""
    return mask.bool().flatten(1).double().mean(1)


def context(relevance: Tensor, mask: Tensor, pool: Pool = "sum,pos") -> Tensor:
    """Mean relevance outside the mask by that inside, μ, (B,); above 0 without end (Lapuschkin et al. 2016).

    Below 1 even if a model uses the context alone, where objects are bright: compare with a model that has none to use.
    Parameters and errors as for :func:`mass`; nor may a mask cover everything.
    """
    pooled, inside = _both(relevance, mask, pool)
    outside = ~inside
    if not bool(outside.any(1).all()):
        raise ValueError(
            f"The mask of sample {int((~outside.any(1)).nonzero()[0])} covers everything: there is no context; "
            "leave that sample out."
        )
    return (pooled * outside).sum(1) / outside.sum(1) / ((pooled * inside).sum(1) / inside.sum(1))


def _both(relevance: Tensor, mask: Tensor, pool: Pool) -> tuple[Tensor, Tensor]:
    """Pooled relevance and mask, (B, positions) each."""
    if relevance.dim() < 3:
        raise ValueError(f"What is in a mask needs relevance (B, C, ...), got {tuple(relevance.shape)}.")
    inside = counted(mask, relevance)
    return pooled(relevance, pool).flatten(1), inside


def pooled(relevance: Tensor, pool: Pool) -> Tensor:
    """Relevance (B, C, ...) as a number of each position, (B, ...), from 0 on; ValueError if there is no such pool."""
    values = known(relevance)
    found: dict[str, Callable[[], Tensor]] = {
        "sum,pos": lambda: values.sum(1).clamp(min=0),
        "sum,abs": lambda: values.sum(1).abs(),
        "pos,sum": lambda: values.clamp(min=0).sum(1),
        "l1-norm": lambda: values.abs().sum(1),
        "max-norm": lambda: values.abs().amax(1),
        "l2-norm": lambda: values.square().sum(1).sqrt(),
        "l2-norm,sq": lambda: values.square().sum(1),
    }
    if pool not in found:
        raise ValueError(f"pool must be one of {', '.join(get_args(Pool))}, got {pool!r}.")
    return found[pool]()
