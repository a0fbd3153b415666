"""Graphs, mixtures of experts and local attention as packages write them, beside the dense twin of each."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrpwidgets.lrp import Composite, Explainer
from lrpwidgets.lrp.rules import Epsilon, Half, Signal, Zero
from lrpwidgets.lrp.selectors import Kind
from tests.lrp.dense import assert_near

SOURCE, TARGET = torch.tensor([[0, 1, 1, 2, 3, 4, 4, 0], [1, 0, 2, 1, 2, 3, 0, 4]])
ADJACENCY = torch.zeros(5, 5).double().index_put((TARGET, SOURCE), torch.ones(()).double(), accumulate=True)
EXACT = Composite([(Kind("product"), Signal(1e-13)), (Kind("matmul"), Half(1e-13)), ("*", Zero())])


class Written(nn.Module):
    """Two layers around a function that is written in one way or another."""

    def __init__(
        self, function: Callable[[Tensor], Tensor], inputs: int = 6, between: int = 4, hidden: int = 4
    ) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.head, self.function = nn.Linear(inputs, between), nn.Linear(hidden, 3), function
        self.double().eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.function(self.first(x).relu())).mean(1)


def by_edges(x: Tensor) -> Tensor:
    """A graph's messages in one list for the batch, as torch-geometric has them."""
    shift = 5 * torch.arange(len(x)).repeat_interleave(8)
    source, target = SOURCE.repeat(len(x)) + shift, TARGET.repeat(len(x)) + shift
    nodes = x.flatten(0, 1)
    return torch.zeros_like(nodes).index_add_(0, target, nodes.index_select(0, source)).view(x.shape)


def scattered(x: Tensor) -> Tensor:
    messages, places = x[:, SOURCE], TARGET[:, None].expand(len(x), 8, 4)
    return torch.zeros_like(x).scatter_add_(1, places, messages)


def largest_scattered(x: Tensor) -> Tensor:
    messages, places = x[:, SOURCE], TARGET[:, None].expand(len(x), 8, 4)
    return torch.zeros_like(x).scatter_reduce_(1, places, messages, "amax", include_self=False)


def largest(x: Tensor) -> Tensor:
    return torch.stack([x[:, SOURCE[TARGET.eq(node)]].amax(1) for node in range(5)], 1)


EXPERTS = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
ROUTER = torch.randn(4, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def routed(x: Tensor) -> Tensor:
    """A mixture of experts as transformers has it: each expert gets its tokens, and adds where they were."""
    tokens = x.flatten(0, 1)
    weight, chosen = (tokens @ ROUTER).softmax(-1).topk(2)
    mixed = torch.zeros_like(tokens)
    for number, expert in enumerate(EXPERTS):
        token, rank = torch.where(chosen == number)
        mixed.index_add_(0, token, (tokens[token] @ expert) * weight[token, rank, None])
    return mixed.view(x.shape)


def weighted(x: Tensor) -> Tensor:
    """The same of all experts, weighted with zero where they were not chosen."""
    gates = (x @ ROUTER).softmax(-1)
    kept = gates.masked_fill(gates < gates.topk(2).values[..., -1:], 0.0)
    return sum((x @ expert) * kept[..., n, None] for n, expert in enumerate(EXPERTS))


def folded(x: Tensor) -> Tensor:
    """Local windows taken out and laid back, as in VOLO: each place sums the windows it is in."""
    windows = F.unfold(x.mT.unflatten(-1, (3, 3)), 3, padding=1)
    return F.fold(windows, (3, 3), 3, padding=1).flatten(2).mT


def counted(x: Tensor) -> Tensor:
    windows = F.conv2d(torch.ones(1, 1, 3, 3).double(), torch.ones(1, 1, 3, 3).double(), padding=1)
    return x * windows.flatten()[:, None]


TWINS = {
    "index_add": (by_edges, lambda x: ADJACENCY @ x, (2, 5, 6)),
    "scatter_add": (scattered, lambda x: ADJACENCY @ x, (2, 5, 6)),
    "the largest message": (largest_scattered, largest, (2, 5, 6)),
    "experts": (routed, weighted, (2, 7, 6)),
    "fold of unfold": (folded, counted, (2, 9, 6)),
}


@pytest.mark.parametrize("composite", [EXACT, Epsilon(1e-9)], ids=["LRP-0", "epsilon"])
@pytest.mark.parametrize("name", TWINS)
def test_what_is_summed_from_anywhere_is_explained_as_its_dense_twin(name, composite):
    scattered, dense, shape = TWINS[name]
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found, expected = (Explainer(Written(function), composite).explain(x, 1) for function in (scattered, dense))
    assert_near(found.scores, expected.scores, 1e-12)
    assert_near(found.relevance, expected.relevance, 1e-6)
    assert found.ledger.imbalance < 1e-9
    assert_near(found.ledger.bias, expected.ledger.bias, 1e-6)
