"""Small networks with random weights, subjects of which half of the inputs carry something, and what layers hand on."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from lrpwidgets.lrp.outputs import outputs_of
from lrpwidgets.subjects import Subject, TensorSamples

COUNT = 24
WITH, WITHOUT = list(range(0, COUNT, 2)), list(range(1, COUNT, 2))
"""Numbers of the inputs that carry it, and of the others."""


def subject_of(model: nn.Module, *shape: int, classes: int = 3, **options: object) -> Subject:
    """Random inputs for a model; in those `WITH` it, the last rows and columns are brighter."""
    inputs = torch.randn(COUNT, *shape, generator=torch.Generator().manual_seed(1))
    inputs[WITH, ..., -2:, -2:] += 3
    labels = [number // 2 % classes for number in range(COUNT)]
    dtype = next(model.parameters()).dtype
    samples = TensorSamples(inputs.to(dtype), labels, [str(number) for number in range(COUNT)])
    return Subject(model.eval(), samples, **options)


def dense() -> nn.Sequential:
    """(B, 1, 4, 4) to (B, 3)."""
    torch.manual_seed(0)
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            first=nn.Linear(16, 12),
            relu=nn.ReLU(),
            second=nn.Linear(12, 10),
            gelu=nn.ReLU(),
            last=nn.Linear(10, 3),
        )
    )


def conv(inplace: bool = False) -> nn.Sequential:
    """(B, 3, 8, 8) to (B, 3), with a container."""
    torch.manual_seed(0)
    block = nn.Sequential(
        OrderedDict(conv=nn.Conv2d(6, 8, 3, padding=1), norm=nn.BatchNorm2d(8), relu=nn.ReLU(inplace))
    )
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(3, 6, 3, padding=1),
            relu=nn.ReLU(inplace),
            pool=nn.MaxPool2d(2),
            block=block,
            flatten=nn.Flatten(),
            last=nn.Linear(8 * 16, 3),
        )
    )


def tokens() -> nn.Sequential:
    """(B, 5, 6) to (B, 3): channels are the last axis."""
    torch.manual_seed(0)
    return nn.Sequential(
        OrderedDict(
            embed=nn.Linear(6, 8),
            relu=nn.ReLU(),
            mix=nn.Linear(8, 8),
            flatten=nn.Flatten(),
            last=nn.Linear(40, 3),
        )
    )


class Returning(nn.Module):
    """A model whose scores are one of several things that it returns."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        scores = self.model(x)
        return {"scores": scores, "sum": scores.sum(1)}


class Twice(nn.Module):
    """A layer is called twice, one is a function, one is never called, one gives two things, one moves the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared, self.never = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6)
        self.recurrent, self.moves, self.last = nn.LSTM(6, 6), Moved(), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.shared(self.shared(self.first(x))))
        return self.last(self.recurrent(self.moves(x))[0][-1])


class Moved(nn.Module):
    """The batch second, as recurrent layers want it."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(0, 1)


def handed_on(model: nn.Module, layer: str, x: Tensor) -> Tensor:
    """What the layer hands on in the end."""
    with torch.no_grad(), outputs_of(model) as seen:
        model(x)
    return next(output.clone() for name, output in seen if name == layer)
