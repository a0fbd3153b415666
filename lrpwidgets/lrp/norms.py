"""Norms that look at the input itself, as linear steps: layer, group, instance and RMS norm, and local response norm.

Where a standard deviation divides, it counts as a constant, as in Achtibat et al. 2024, "AttnLRP"; what is
left is linear. A batch norm in eval mode is linear as it is, see :mod:`.linear`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .call import Call
from .linear import Inputs, LinearStep, Term, norm_parameters


class Normalization(LinearStep):
    """z_k = d_k (x_k − mean x) + b_k with the mean over a group of elements, or d_k x_k + b_k without it.

    The matrix d_k (δ_jk − 1/n) is held as its diagonal and the row's common value off the diagonal.
    """

    def __init__(
        self,
        call: Call,
        grouped: Callable[[Tensor], Tensor],
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
        *,
        centred: bool,
        by_channel: bool = False,
    ) -> None:
        super().__init__(call)
        (self.input,) = self.inputs
        self._grouped, self._by_channel = grouped, by_channel
        self._parameters = weight, bias
        groups = grouped(self.input)
        self._size = groups.shape[-1]
        squares = groups.var(-1, correction=0, keepdim=True) if centred else groups.square().mean(-1, keepdim=True)
        scale = self._whole((squares + eps).rsqrt())
        self._scale = scale if weight is None else scale * self._aligned(weight)
        self._bias = None if bias is None else self._aligned(bias)
        self._centred = centred

    def matrix(self, p: float, n: float) -> tuple[Tensor, Tensor | None]:
        if not self._centred:
            return _by_sign(self._scale, p, n), None
        off = _by_sign(-self._scale / self._size, p, n)
        return _by_sign(self._scale * (1 - 1 / self._size), p, n) - off, off

    def squares(self) -> tuple[Tensor, Tensor | None]:
        if not self._centred:
            return self._scale**2, None
        off = (self._scale / self._size) ** 2
        return (self._scale * (1 - 1 / self._size)) ** 2 - off, off

    def bias(self) -> Tensor | None:
        return self._bias

    def apply(self, matrix: tuple[Tensor, Tensor | None], inputs: Inputs, bias: Tensor | None = None) -> Tensor:
        diagonal, off = matrix
        x = inputs[0].expand(self.input.shape)
        made = diagonal * x
        if off is not None:
            made = made + off * self._sums(x)
        return made if bias is None else made + bias

    def pull(self, matrix: tuple[Tensor, Tensor | None], share: Tensor) -> Inputs:
        diagonal, off = matrix
        pulled = diagonal * share
        return (pulled if off is None else pulled + self._sums(off * share),)

    def fan_in(self) -> Tensor:
        return self.output.new_tensor(float(self._size if self._centred else 1))

    def spread(self, share: Tensor) -> Inputs:
        return (self._sums(share) if self._centred else share,)

    has_parameters = True

    def parameters(self, terms: Sequence[Term]) -> list[tuple[Tensor | None, Tensor]]:
        return norm_parameters(self, terms, *self._parameters, by_channel=self._by_channel)

    def _aligned(self, parameter: Tensor) -> Tensor:
        return parameter.reshape(-1, *[1] * (self.input.dim() - 2)) if self._by_channel else parameter

    def _sums(self, x: Tensor) -> Tensor:
        return self._whole(self._grouped(x).sum(-1, keepdim=True))

    def _whole(self, per_group: Tensor) -> Tensor:
        """One number per group for every element."""
        return per_group.expand(*per_group.shape[:-1], self._size).reshape(self.input.shape)


def layer_norm(call: Call) -> Normalization:
    """``F.layer_norm``."""
    arguments = call.bind(_layer_norm_arguments)
    axes = len(arguments["normalized_shape"])
    return Normalization(
        call, lambda x: x.flatten(-axes), arguments["weight"], arguments["bias"], arguments["eps"], centred=True
    )


def rms_norm(call: Call) -> Normalization:
    """``F.rms_norm``."""
    arguments = call.bind(_rms_norm_arguments)
    axes = len(arguments["normalized_shape"])
    eps = torch.finfo(call.inputs[0].dtype).eps if arguments["eps"] is None else arguments["eps"]
    return Normalization(call, lambda x: x.flatten(-axes), arguments["weight"], None, eps, centred=False)


def group_norm(call: Call) -> Normalization:
    """``F.group_norm``."""
    return _channel_groups(call, **call.bind(_group_norm_arguments))


def instance_norm(call: Call) -> Normalization:
    """``F.instance_norm`` with the statistics of its input."""
    arguments = call.bind(instance_norm_arguments)
    weight, bias, eps = arguments["weight"], arguments["bias"], arguments["eps"]
    return _channel_groups(call, call.inputs[0], call.inputs[0].shape[1], weight, bias, eps)


def _channel_groups(
    call: Call, input: Tensor, num_groups: int, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Normalization:
    def grouped(x: Tensor) -> Tensor:
        return x.reshape(len(x), num_groups, -1)

    return Normalization(call, grouped, weight, bias, eps, centred=True, by_channel=True)


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


def _by_sign(values: Tensor, p: float, n: float) -> Tensor:
    return p * values if p == n else p * values.clamp(min=0) + n * values.clamp(max=0)


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


def instance_norm_arguments(
    input: Tensor,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *_: Any,
    **__: Any,
) -> dict[str, Any]:
    """The arguments of ``F.instance_norm`` by name."""
    return locals()


def _local_response_arguments(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> dict[str, Any]:
    return locals()
