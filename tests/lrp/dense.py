"""The referee: every rule on a plain float64 matrix, one sample at a time, written as in the literature."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lrpwidgets.lrp import rules


@dataclass
class Dense:
    """A layer at one sample: z = W x + b."""

    weight: Tensor  # (outputs, inputs)
    bias: Tensor  # (outputs,)
    x: Tensor  # (inputs,)
    channels: int  # of the input
    averages: bool  # counts inputs in units of their common weight

    @property
    def contributions(self) -> Tensor:
        return self.weight * self.x

    @property
    def z(self) -> Tensor:
        return self.contributions.sum(1) + self.bias


@dataclass
class Account:
    """What a layer does with relevance: handed to each input, absorbed by bias and stabilizer, dropped."""

    handed: Tensor
    bias: Tensor
    stabilizer: Tensor
    rules: Tensor

    def __add__(self, other: "Account") -> "Account":
        return Account(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


def dense(layer: nn.Module, x: Tensor, averages: bool = False) -> Dense:
    """`layer`, an affine function, at the single sample `x` without batch axis."""

    def flat(x_flat: Tensor) -> Tensor:
        return layer(x_flat.reshape(1, *x.shape))

    weight = torch.autograd.functional.jacobian(flat, x.flatten(), vectorize=True).detach()
    bias = layer(torch.zeros_like(x)[None])
    return Dense(weight.reshape(-1, x.numel()), bias.detach().flatten(), x.flatten(), len(x), averages)


def account(rule: rules.Rule, layer: Dense, relevance: Tensor) -> Account:
    """`rule` applied to `relevance`, that of the outputs of `layer`."""
    match rule:
        case rules.Zero():
            return _by_sign(layer, relevance, 1, 1, 0.0)
        case rules.Epsilon(epsilon, relative):
            return _by_sign(layer, relevance, 1, 1, epsilon * (layer.z**2).mean().sqrt() if relative else epsilon)
        case rules.Gamma(gamma, stabilizer):
            above = _by_sign(layer, relevance * (layer.z > 0), 1 + gamma, 1, stabilizer)
            below = _by_sign(layer, relevance * (layer.z < 0), 1, 1 + gamma, stabilizer)
            nothing = torch.zeros(())
            return above + below + Account(nothing, nothing, nothing, relevance[layer.z == 0].sum())
        case rules.AlphaBeta(alpha, beta, stabilizer):
            positive = _by_sign(layer, alpha * relevance, 1, 0, stabilizer)
            return positive + _by_sign(layer, -beta * relevance, 0, 1, stabilizer)
        case rules.ZPlus(stabilizer):
            return _by_sign(layer, relevance, 1, 0, stabilizer)
        case rules.Flat(stabilizer):
            ones = layer.weight if layer.averages else (layer.weight != 0).to(layer.x)
            return _shared(ones, torch.zeros_like(layer.bias), relevance, stabilizer)
        case rules.WSquare(bias, stabilizer):
            squares = layer.weight if layer.averages else layer.weight**2
            return _shared(squares, layer.bias**2 * bias, relevance, stabilizer)
        case rules.ZBox(low, high, stabilizer):
            pixels = layer.x.numel() // layer.channels
            low, high = (torch.as_tensor(each).double().expand(layer.channels) for each in (low, high))
            low, high = low.repeat_interleave(pixels), high.repeat_interleave(pixels)
            weight = layer.weight
            parts = weight * layer.x - weight.clamp(min=0) * low - weight.clamp(max=0) * high
            return _shared(parts, torch.zeros_like(layer.bias), relevance, stabilizer, one_signed=False)
        case rules.Pass():
            nothing = torch.zeros(())
            return Account(relevance, nothing, nothing, nothing)
    raise AssertionError(f"no referee for {rule}")


def _by_sign(layer: Dense, relevance: Tensor, p: float, n: float, stabilizer: Tensor | float) -> Account:
    """Positive terms of the sums z count `p` times, negative terms `n` times."""

    def weighted(terms: Tensor) -> Tensor:
        return p * terms.clamp(min=0) + n * terms.clamp(max=0)

    parts, bias = weighted(layer.contributions), weighted(layer.bias)
    return _shared(parts, bias, relevance, stabilizer, one_signed=p * n == 0)


def _shared(
    parts: Tensor, bias: Tensor, relevance: Tensor, stabilizer: Tensor | float, one_signed: bool = True
) -> Account:
    """Relevance in proportion to `parts` (outputs, inputs); the bias and the stabilizer absorb theirs.

    A sum of 0 whose terms have one sign has nobody to share with: the rule drops that relevance.
    """
    total = parts.sum(1) + bias
    offset = torch.where(total < 0, -1.0, 1.0).to(total) * stabilizer
    nobody = total + offset == 0
    if one_signed:
        nobody = total == 0
    share = torch.where(nobody, 0.0, relevance / torch.where(nobody, 1.0, total + offset))
    handed = (parts * share[:, None]).sum(0)
    return Account(handed, (bias * share).sum(), (offset * share).sum(), relevance[nobody].sum())


def assert_near(actual: Tensor, expected: Tensor, tolerance: float = 1e-9, of: Tensor | None = None) -> None:
    """Every element within `tolerance` of the largest expected magnitude (or that `of` another tensor)."""
    assert actual.shape == expected.shape
    scale = max(float((expected if of is None else of).abs().max()), 1e-30)
    error = float((actual.double() - expected.double()).abs().max()) / scale
    assert error <= tolerance, f"relative difference {error:.2e} is above {tolerance:.0e}"
