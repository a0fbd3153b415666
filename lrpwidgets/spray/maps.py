"""From an explanation to what a store keeps of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..subjects.modality import modality_named
from .layout import COLUMNS

if TYPE_CHECKING:
    from ..lrp import Explainer, Explanation
    from ..lrp.propagation import Keep
    from .info import Info, Precision

TOP = 15
"""The largest value of a map in 16 bits lies in [2¹⁴, 2¹⁵): as far up as the sum of two still fits."""

LEAST = -126
"""Exponent of the smallest scale, the smallest normal number in 32 bits."""


def ask(
    explainer: Explainer, inputs: Tensor, labels: Sequence[int | None], targets: str | int, keep: Keep
) -> Explanation:
    """The explanation of `inputs` (n, C, H, W); raises as :meth:`.Explainer.explain` does."""
    if targets == "predicted":
        return explainer.explain(inputs, keep=keep)
    if targets == "label":
        known = [label for label in labels if label is not None]
        if len(known) < len(labels):
            raise ValueError("The input has no label, and labels are to be explained.")
        return explainer.explain(inputs, known, keep=keep)
    return explainer.explain(inputs, int(targets), keep=keep)


def values(explanation: Explanation, inputs: Tensor, info: Info) -> dict[str, NDArray[Any]]:
    """What each array of a relevance store gets, (n, ...); index and label are for the caller to fill in."""
    samples = table(explanation)
    found = {"samples": samples}
    found["relevance"], samples[:, 5] = packed(kept(explanation, inputs, info), info.dtype)
    if info.layers:
        sums = [shape.sums(explanation[name].relevance) for name, shape in info.layers.items()]
        found["channels"] = torch.cat(sums, 1).numpy(force=True)
    return found


def table(explanation: Explanation) -> NDArray[np.float64]:
    """The columns `samples` (n, 6); index and label are for the caller to fill in, and the scale is not set."""
    scores, target = explanation.scores.float().cpu(), explanation.target.argmax(1).cpu()
    samples = np.full((len(scores), len(COLUMNS)), np.nan)
    samples[:, 2] = scores.argmax(1)
    samples[:, 3] = target
    samples[:, 4] = scores.gather(1, target[:, None])[:, 0]
    return samples


def kept(explanation: Explanation, inputs: Tensor, info: Info) -> Tensor:
    """What a store keeps of the relevance of `inputs` (n, ...), in the shape of its maps, (n, *shape)."""
    return modality_named(info.modality).kept(of_input(explanation, info.pool), inputs, info.shape)


def of_input(explanation: Explanation, pool: int | None) -> Tensor:
    """The relevance of the input (n, C, H, W), or sums of it (n, 1, h, w) with h and w at most `pool`."""
    relevance = explanation.relevance
    assert isinstance(relevance, Tensor)  # a tuple comes of several inputs only
    if pool is None:
        return relevance
    # Squares without overlap: the sum stays, and a NaN stays in its square.
    squares = tuple(-(-length // pool) for length in relevance.shape[2:])
    return functional.avg_pool2d(relevance.float().sum(1, keepdim=True), squares, ceil_mode=True, divisor_override=1)


def packed(relevance: Tensor, dtype: Precision) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Relevance (n, ...) as `dtype`, and scales (n,): powers of two which, multiplied with it, give it back.

    In 16 bits the largest value of each sample comes to lie near the top of what they hold, so that values down to
    2⁻²⁹ of it keep 11 bits. NaN and infinity stay what they are.
    """
    relevance = relevance.detach().float()
    if dtype == "float32":
        return relevance.contiguous().numpy(force=True), np.ones(len(relevance), np.float32)
    exponents = np.frexp(_largest(relevance))[1] - TOP
    scale = np.ldexp(np.float32(1), exponents.clip(min=LEAST))
    factor = torch.from_numpy(1 / scale).to(relevance.device).reshape(-1, *[1] * (relevance.dim() - 1))
    return (relevance * factor).half().contiguous().numpy(force=True), scale


def _largest(relevance: Tensor) -> NDArray[np.float32]:
    """The largest finite magnitude of each sample, (n,); 2¹⁴, which needs no scale, where all are 0."""
    largest = _most(relevance)
    if not bool(largest.isfinite().all()):
        largest = _most(relevance.nan_to_num(0, 0, 0))
    return largest.where(largest > 0, 2.0 ** (TOP - 1)).numpy(force=True)


def _most(relevance: Tensor) -> Tensor:
    return relevance.flatten(1).abs().amax(1)  # ten times as fast as aminmax over an axis
