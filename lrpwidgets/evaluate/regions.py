"""Parts of an input that are taken away together, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

Order = Literal["most", "least", "random"]
"""Which regions go first: the most relevant ones, the least relevant ones (the most negative first), or any."""


def space(x: Tensor) -> tuple[int, ...]:
    """The shape of the positions of inputs (B, C, ...); each number of inputs (B, N) is a position."""
    return tuple(x.shape[2:] if x.dim() > 2 else x.shape[1:])


def summed(relevance: Tensor) -> Tensor:
    """Relevance (B, C, ...) summed over channels, (B, ...), and (B, N) as it is; as :func:`known`."""
    values = known(relevance)
    return values.sum(1) if values.dim() > 2 else values


def known(relevance: Tensor) -> Tensor:
    """Relevance (B, ...) in float64; ValueError if it is not finite."""
    values = relevance.detach().double().cpu()
    finite = torch.isfinite(values).flatten(1).all(1)
    if not finite.all():
        raise ValueError(
            f"Relevance of sample {int((~finite).nonzero()[0])} is not finite: no figure says anything of it."
        )
    return values


def counted(mask: Tensor, relevance: Tensor, least: int = 1) -> Tensor:
    """Which positions of `relevance` (B, C, ...) a mask (B, ...) holds, (B, positions) bool.

    Raises
    ------
    ValueError
        If the mask has another size, or holds fewer than the `least` number of positions of a sample.
    """
    wanted = (len(relevance), *space(relevance))
    if tuple(mask.shape) != wanted:
        raise ValueError(f"Relevance {tuple(relevance.shape)} needs a mask {wanted}, got {tuple(mask.shape)}.")
    inside = (mask != 0).cpu().flatten(1)
    few = inside.sum(1) < least
    if few.any():
        sample = int(few.nonzero()[0])
        said = "is empty" if not inside[sample].any() else f"holds fewer than {least} positions"
        raise ValueError(f"The mask of sample {sample} {said}; leave that sample out.")
    return inside


def regions(shape: Sequence[int], side: int) -> Tensor:
    """The number of the region that each position is in: blocks of `side` positions along each axis of `shape`.

    Where a length is no multiple of `side`, the last blocks are smaller.

    Raises
    ------
    ValueError
        If `side` is no whole number from 1 on, or so large that the whole is one region: that has no order.
    """
    largest = max(shape) - 1
    if not largest:
        raise ValueError("An input of a single position has no parts that can be taken away one by one.")
    if not isinstance(side, int) or isinstance(side, bool) or side < 1 or side > largest:
        raise ValueError(
            f"region must be a whole number of positions from 1 to {largest}, since inputs have "
            f"{' × '.join(map(str, shape))}, got {side!r}."
        )
    number = torch.zeros(*shape, dtype=torch.int64)
    for axis, length in enumerate(shape):
        block = torch.arange(length) // side
        number = number * (int(block[-1]) + 1) + block.reshape([-1 if at == axis else 1 for at in range(len(shape))])
    return number


def turns(relevance: Tensor, x: Tensor, number: Tensor, order: Order, seed: int) -> Tensor:
    """When each position is taken away: the place of its region in the order, (B, ...).

    Relevance (B, C, ...), or of positions (B, ...), is summed over channels and region. Regions alike come in random
    order.

    Raises
    ------
    ValueError
        If relevance has another shape than the inputs, or is not finite, or there is no such order.
    """
    if order not in get_args(Order):
        raise ValueError(f"order must be one of {', '.join(get_args(Order))}, got {order!r}.")
    of_positions = _of_positions(relevance, x)
    count = int(number.max()) + 1
    sums = torch.zeros(len(x), count, dtype=torch.float64)
    sums.index_add_(1, number.flatten(), of_positions.flatten(1))
    random = torch.rand(len(x), count, generator=torch.Generator().manual_seed(seed)).argsort(1)
    if order == "random":
        chosen = random
    else:
        ranked = sums.gather(1, random).argsort(stable=True, dim=1, descending=order == "most")
        chosen = random.gather(1, ranked)
    places = torch.empty_like(chosen).scatter_(1, chosen, torch.arange(count).expand(len(x), -1))
    return places[:, number.flatten()].reshape(len(x), *number.shape)


def _of_positions(relevance: Tensor, x: Tensor) -> Tensor:
    shapes = {tuple(x.shape), (len(x), *space(x)), (len(x), 1, *space(x))}
    if tuple(relevance.shape) not in shapes:
        wanted = " or ".join(map(str, sorted(shapes, key=len)))
        raise ValueError(f"Relevance of inputs {tuple(x.shape)} is {wanted}, got {tuple(relevance.shape)}.")
    return summed(relevance) if relevance.dim() == x.dim() else known(relevance)
