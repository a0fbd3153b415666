"""Networks that methods explain, one function in several spellings among them."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def small(bias: bool = True, seed: int = 0) -> nn.Module:
    """Two convolutions, a max pooling, two dense layers and modules of ReLUs, in float64; 8 × 8 pictures."""
    torch.manual_seed(seed)
    return (
        nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1, bias=bias),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1, bias=bias),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(128, 12, bias=bias),
            nn.ReLU(),
            nn.Linear(12, 4, bias=bias),
        )
        .double()
        .eval()
    )


class Spelled(nn.Module):
    """The network :func:`small`, its ReLUs in another spelling."""

    def __init__(self, relu: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layer for layer in small() if not isinstance(layer, nn.ReLU))
        self.relu = relu
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        one, pool, two, flat, three, four = self.layers
        x = self.relu(two(pool(self.relu(one(x)))))
        return four(self.relu(three(flat(x))))


SPELLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "F.relu": F.relu,
    "in place": lambda x: F.relu(x, inplace=True),
    "torch.relu": torch.relu,
    "x.relu()": lambda x: x.relu(),
    "x.clamp(min=0)": lambda x: x.clamp(min=0),
    "torch.clamp_min": lambda x: torch.clamp_min(x, 0),
    "one module": nn.ReLU(),
    "maximum": lambda x: torch.maximum(x, torch.zeros_like(x)),
    "where": lambda x: torch.where(x > 0, x, torch.zeros_like(x)),
    "times its sign": lambda x: x * (x > 0),
    "threshold": lambda x: F.threshold(x, 0, 0),
}


def smooth() -> nn.Module:
    """Dense layers with tanh and sigmoid between them, in float64."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 9), nn.Tanh(), nn.Linear(9, 7), nn.Sigmoid(), nn.Linear(7, 3)).double().eval()


def averaged() -> nn.Module:
    """A network with a global average pooling before its one dense layer; 16 × 16 pictures."""
    torch.manual_seed(2)
    return (
        nn.Sequential(
            nn.Conv2d(3, 5, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(5, 7, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(7, 4),
        )
        .double()
        .eval()
    )


class Attending(nn.Module):
    """A vision transformer of two layers; 16 × 16 pictures in 16 patches and a class token."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.patches, self.first = nn.Conv2d(3, 8, 4, stride=4), nn.Parameter(torch.randn(1, 1, 8))
        self.layers = nn.ModuleList(nn.MultiheadAttention(8, 2, batch_first=True) for _ in range(2))
        self.head = nn.Linear(8, 3)
        self.double().eval()

    def forward(self, x: Tensor) -> Tensor:
        tokens = torch.cat([self.first.expand(len(x), -1, -1), self.patches(x).flatten(2).transpose(1, 2)], 1)
        for layer in self.layers:
            tokens = tokens + layer(tokens, tokens, tokens, need_weights=False)[0]
        return self.head(tokens[:, 0])


def pictures(count: int = 3, side: int = 8) -> Tensor:
    torch.manual_seed(11)
    return torch.randn(count, 3, side, side, dtype=torch.float64)


class Reading(nn.Module):
    """Reads tokens, and gives -1 no weight; float64."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.look_up, self.hidden, self.head = nn.Embedding(9, 6), nn.Linear(6, 5), nn.Linear(5, 3)
        self.double().eval()

    def forward(self, tokens: Tensor) -> Tensor:
        there = (tokens >= 0)[..., None].double()
        return self.head(F.relu(self.hidden((self.look_up(tokens.clamp_min(0)) * there).sum(1))))


def texts(count: int = 3) -> Tensor:
    torch.manual_seed(12)
    return torch.randint(9, (count, 8))
