"""Large tensors piece by piece: several passes over a part that stays in the processor's cache, not over all of it.

Attention over hundreds of tokens has matrices that no cache holds; there, a rule takes twice as long for its passes
over memory as for what it computes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .samples import Samples

LEAST = 2**20
"""Elements from which pieces pay."""

PIECE = 2**17
"""Elements of a piece: half a megabyte, of a few tensors at a time."""


def pay(samples: Samples, *tensors: Tensor) -> bool:
    """Whether `tensors` of this size and layout are better taken in pieces; `samples` must lie one after the other."""
    first, *others = tensors
    alike = all(x.shape == first.shape and x.dtype == first.dtype and x.is_contiguous() for x in others)
    fits = first.is_contiguous() and first.numel() >= LEAST and first.device.type == "cpu"
    return alike and fits and (samples.owner is None or samples.leading) and samples.count <= len(first)


def signed_share(count: int, relevance: Tensor, total: Tensor, stabilizer: float, times: int) -> tuple[Tensor, Tensor]:
    """s = R / (z + ε·sign z) for z = `times` `total`, and Σ s·ε·sign z of each of `count` samples."""
    share, epsilon = torch.empty_like(total), torch.as_tensor(stabilizer, dtype=total.dtype)
    absorbed = []
    for rows in zip(*(x.view(count, -1) for x in (relevance, total, share)), strict=True):
        amounts = []
        for received, z, s in zip(*(row.split(PIECE) for row in rows), strict=True):
            offset = torch.copysign(epsilon, z)
            torch.div(received, torch.add(offset, z, alpha=times, out=s), out=s)
            amounts.append(torch.dot(s, offset))
        absorbed.append(torch.stack(amounts).sum())
    return share, torch.stack(absorbed)


def softmax(received: Tensor, s: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of a softmax s of the last axis of x: x (R − s Σ R), and for each row Σ R and Σ R (x − Σ s x), the axis kept."""
    handed, total = torch.empty_like(x), x.new_empty((*x.shape[:-1], 1))
    share, width = torch.empty_like(total), x.shape[-1]
    rows = max(PIECE // width, 1)
    whole = [torch.split(y.view(-1, y.shape[-1]), rows) for y in (received, s, x, handed, total, share)]
    for r, weights, values, into, sums, shares in zip(*whole, strict=True):
        torch.sum(r, -1, keepdim=True, out=sums)
        products = weights * values
        mean = products.sum(-1, keepdim=True)
        torch.sub(values, mean, out=products).mul_(r)  # first: all of x may be large
        torch.sum(products, -1, keepdim=True, out=shares)
        torch.addcmul(r, weights, sums, value=-1, out=into).mul_(values)
    return handed, total, share
