"""Norms that look at the input itself, as linear steps: layer, group, instance and RMS norm, and local response norm.

Where a standard deviation divides, it counts as a constant, as in Achtibat et al. 2024, "AttnLRP"; what is
left is linear. A batch norm in eval mode is linear as it is, see :mod:`.linear`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .affine import instance_norm_arguments
from .call import Call
from .linear import Elementwise, Folded, Inputs, LinearStep, Owner


class Centering(LinearStep):
    """z_k = x_k − mean x over groups of n elements: the matrix δ_jk − 1/n, as what is off its diagonal and the rest."""

    def __init__(self, call: Call, size: int, sums: Callable[[Tensor], Tensor]) -> None:
        super().__init__(call)
        (self.input,) = self.inputs
        self._size = size
        self._sums = sums
        """For every element the sum over its group, broadcastable to all elements."""

    def matrix(self, p: float, n: float) -> tuple[float, float]:
        return p + (n - p) / self._size, -n / self._size

    def squares(self) -> tuple[float, float]:
        off = (1 / self._size) ** 2
        return (1 - 1 / self._size) ** 2 - off, off

    def apply(self, matrix: tuple[float, float], inputs: Inputs, bias: Tensor | None = None) -> Tensor:
        made = self._times_matrix(matrix, inputs[0].expand(self.input.shape))
        return made if bias is None else made + bias

    def pull(self, matrix: tuple[float, float], share: Tensor) -> Inputs:
        return (self._times_matrix(matrix, share),)  # it is symmetric

    def fan_in(self) -> Tensor:
        return self.output.new_tensor(float(self._size))

    def spread(self, share: Tensor) -> Inputs:
        return (self._sums(share).expand(self.input.shape),)

    def _times_matrix(self, matrix: tuple[float, float], x: Tensor) -> Tensor:
        rest, off = matrix
        return torch.add(x if rest == 1 else rest * x, self._sums(x), alpha=off)


def ungrouped(per_group: Tensor, size: int, like: Tensor) -> Tensor:
    """One number per group for every one of its `size` elements, broadcastable to another tensor they are `like`."""
    if per_group.shape[:-1] == like.shape[:-1] and size == like.shape[-1]:  # each group is a row
        return per_group
    return per_group.expand(*per_group.shape[:-1], size).reshape(like.shape)


def layer_norm(call: Call) -> LinearStep:
    """``F.layer_norm``."""
    arguments = call.bind(_layer_norm_arguments)
    weight, bias = arguments["weight"], arguments["bias"]
    return _normalized(call, _last(arguments), arguments["eps"], Owner(weight, bias, by_channel=False))


def group_norm(call: Call) -> LinearStep:
    """``F.group_norm``."""
    arguments = call.bind(_group_norm_arguments)
    return _of_channels(call, arguments["num_groups"], arguments)


def instance_norm(call: Call) -> LinearStep:
    """``F.instance_norm`` with the statistics of its input."""
    return _of_channels(call, call.inputs[0].shape[1], call.bind(instance_norm_arguments))


def rms_norm(call: Call) -> LinearStep:
    """``F.rms_norm``."""
    arguments = call.bind(_rms_norm_arguments)
    (x,), weight, eps = call.inputs, arguments["weight"], arguments["eps"]
    groups = _last(arguments)(x)
    squares = groups.square().mean(-1, keepdim=True)
    scale = ungrouped((squares + (torch.finfo(x.dtype).eps if eps is None else eps)).rsqrt(), groups.shape[-1], x)
    return Elementwise(
        call, [scale if weight is None else scale * weight], None, [Owner(weight, None, by_channel=False)]
    )


def centred(call: Call) -> LinearStep:
    """`.canonical.centred`: what is left without the mean over some axes."""
    axes: tuple[int, ...] = call.args[1]
    (x,) = call.inputs
    return Centering(
        call, math.prod(x.shape[axis] for axis in axes), lambda x: x.sum(axes, keepdim=True).expand(x.shape)
    )


def _last(arguments: dict[str, Any]) -> Callable[[Tensor], Tensor]:
    axes = len(arguments["normalized_shape"])
    return lambda x: x.flatten(-axes)


def _of_channels(call: Call, groups: int, arguments: dict[str, Any]) -> LinearStep:
    def grouped(x: Tensor) -> Tensor:
        return x.reshape(len(x), groups, -1)

    owner = Owner(arguments["weight"], arguments["bias"], by_channel=True)
    return _normalized(call, grouped, arguments["eps"], owner)


def _normalized(call: Call, grouped: Callable[[Tensor], Tensor], eps: float, owner: Owner) -> LinearStep:
    """d_k (x_k − mean x) + b_k, where the standard deviation of each group is part of the constant d."""
    (x,) = call.inputs
    groups = grouped(x)
    # The kernel of the layer norm knows what it divides by; a variance of its own takes several times as long.
    _, _, inverse = torch.native_layer_norm(groups, groups.shape[-1:], None, None, eps)
    scale = ungrouped(inverse, groups.shape[-1], x)

    def aligned(parameter: Tensor) -> Tensor:
        return parameter.reshape(-1, *[1] * (x.dim() - 2)) if owner.by_channel else parameter

    scale = scale if owner.scale is None else scale * aligned(owner.scale)
    shift = 0.0 if owner.shift is None else aligned(owner.shift)

    def sums(x: Tensor) -> Tensor:
        return ungrouped(grouped(x).sum(-1, keepdim=True), groups.shape[-1], x)

    return Folded(call, Centering(call, groups.shape[-1], sums), scale, shift, [owner])


class LocalResponse(LinearStep):
    """Local response norm y_k = x_k / (κ + a Σ_{j∈N(k)} x_j²)^c, expanded as in Binder et al. 2016.

    A first-order expansion at the actual input, evaluated where the neighbours are gone, gives the
    contributions x_k (κ + a x_k²)^−c of the channel itself and −2ac x_k x_j² (κ + a Σ x²)^−(c+1) of its
    neighbours. Their sum, and not y, is what the rules share.
    """

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        (x,) = self.inputs
        arguments = call.bind(_local_response_arguments)
        self._window: int = arguments["size"]
        share, power, least = arguments["alpha"] / self._window, arguments["beta"], arguments["k"]
        squares = x.square()
        self._own = (least + share * squares) ** -power
        around = self._around(squares) + squares
        self._onto = -2 * share * power * x * (least + share * around) ** (-power - 1)
        self.output = self.apply(self.matrix(1, 1), self.inputs)

    def matrix(self, p: float, n: float) -> tuple[float, float]:
        return p, n

    def squares(self) -> Any:
        raise ValueError("the squared weights of a local response norm are not defined; use Epsilon or Zero")

    def apply(self, matrix: tuple[float, float], inputs: Inputs, bias: Tensor | None = None) -> Tensor:
        p, n = matrix
        y = inputs[0].expand(self.output.shape)
        made: Tensor = p * self._own * y
        for count, onto, factor in self._parts(p, n):
            made = made + count * onto * self._around(factor * y)
        return made if bias is None else made + bias

    def pull(self, matrix: tuple[float, float], share: Tensor) -> Inputs:
        p, n = matrix
        pulled = p * self._own * share
        for count, onto, factor in self._parts(p, n):
            pulled = pulled + count * factor * self._around(onto * share, transposed=True)
        return (pulled,)

    def fan_in(self) -> Tensor:
        return 1 + self._around(torch.ones_like(self.output))

    def spread(self, share: Tensor) -> Inputs:
        return (share + self._around(share, transposed=True),)

    def _parts(self, p: float, n: float) -> list[tuple[float, Tensor, Tensor]]:
        """The neighbours' matrix t_k x_j, in parts of one sign each unless all count alike."""
        t, (x,) = self._onto, self.inputs
        if p == n:
            return [(p, t, x)]
        halves = [(t.clamp(min=0), 1), (t.clamp(max=0), -1)]
        factors = [(x.clamp(min=0), 1), (x.clamp(max=0), -1)]
        return [(p if a == b else n, half, factor) for half, a in halves for factor, b in factors]

    def _around(self, x: Tensor, *, transposed: bool = False) -> Tensor:
        """For every channel, the sum over the others of its window."""
        before, after = self._window // 2, (self._window - 1) // 2
        if transposed:
            before, after = after, before
        channels = x.movedim(1, -1)
        padded = F.pad(channels, (before, after))
        return padded.unfold(-1, self._window, 1).sum(-1).movedim(-1, 1) - x


def _layer_norm_arguments(
    input: Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5, *_: Any, **__: Any
) -> dict[str, Any]:
    return locals()


def _rms_norm_arguments(
    input: Tensor, normalized_shape: Any, weight: Any = None, eps: float | None = None
) -> dict[str, Any]:
    return locals()


def _group_norm_arguments(
    input: Tensor, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5, *_: Any, **__: Any
) -> dict[str, Any]:
    return {"input": input, "num_groups": num_groups, "weight": weight, "bias": bias, "eps": eps}


def _local_response_arguments(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> dict[str, Any]:
    return locals()
