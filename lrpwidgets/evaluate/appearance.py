"""What a map looks like, whatever it tells: how few positions it has, and whether like inputs have like maps."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from .regions import summed


def entropy(relevance: Tensor) -> Tensor:
    """Entropy of absolute relevance over positions, (B,), in nats; 0 if all is in one (Bhatt et al. 2020)."""
    shares = _positions(relevance)
    shares = shares / shares.sum(1, keepdim=True).clamp(min=1e-300)
    found: Tensor = torch.special.entr(shares).sum(1)
    return found


def gini(relevance: Tensor) -> Tensor:
    """Gini index of absolute relevance, (B,): 0 if it is even, near 1 if few have all (Chalasani et al. 2020)."""
    values = _positions(relevance).sort(1).values
    count = values.shape[1]
    weights = (count - torch.arange(count, dtype=torch.float64) - 0.5) / count
    return 1 - 2 * (values * weights).sum(1) / values.sum(1).clamp(min=1e-300)


def compressed(relevance: Tensor) -> Tensor:
    """Bytes of each map as a PNG with 256 greys, (B,): the smaller, the less there is to see (Samek et al. 2017).

    Raises
    ------
    ValueError
        If the maps are no pictures (B, C, H, W).
    """
    from PIL import Image

    if relevance.dim() != 4:
        raise ValueError(f"The size of a file needs maps (B, C, H, W), got {tuple(relevance.shape)}.")
    found = []
    for one in summed(relevance):
        grey = 127.5 + 127.5 * one / one.abs().max().clamp(min=1e-300)
        file = io.BytesIO()
        Image.fromarray(grey.round().numpy().astype(np.uint8)).save(file, "PNG", optimize=True)
        found.append(len(file.getvalue()))
    return torch.tensor(found)


def continuity(
    explain: Callable[[Tensor], Tensor], x: Tensor, *, sigma: float = 0.02, draws: int = 8, seed: int = 0
) -> Tensor:
    """The largest ‖R(x) − R(x′)‖₁ / ‖x − x′‖₂ over some x′ beside each x, (B,), from 0 on (Montavon et al. 2018).

    Parameters
    ----------
    explain
        Gives relevance for inputs, of a target that stays the same.
    sigma
        Deviation of the noise by which x′ differs, as a share of the range of `x`.
    """
    random = torch.Generator().manual_seed(seed)
    before, largest = explain(x).detach(), torch.zeros(len(x), dtype=torch.float64)
    for _ in range(draws):
        noise = sigma * (x.max() - x.min()) * torch.randn(x.shape, generator=random, dtype=x.dtype).to(x.device)
        change = (explain(x + noise).detach() - before).double().abs().flatten(1).sum(1)
        largest = torch.maximum(largest, (change / noise.double().flatten(1).norm(dim=1)).cpu())
    return largest


def _positions(relevance: Tensor) -> Tensor:
    return summed(relevance).abs().flatten(1)
