"""Layers that everything passes: what is left of the score at each of them is what nothing above took."""

import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Explainer
from tests.lrp.networks import small_networks, small_pictures


def left_at(explanation, name: str) -> float:
    """The explained score less what the ledger says was lost above the layer."""
    ledger, at = explanation.ledger, [layer.name for layer in explanation].index(name)
    above = {layer.name for layer in list(explanation)[at + 1 :]}
    lost = sum(row.bias + row.stabilizer + row.rules for row in ledger.rows if row.name in above)
    return float((ledger.explained - lost).sum())


@pytest.mark.parametrize("network", small_networks())
def test_a_cut_has_all_relevance_of_its_depth(network):
    explanation = Explainer(network.double().eval(), "epsilon_plus_flat").explain(small_pictures().double())
    assert explanation.cuts
    for name in explanation.cuts:
        assert float(explanation[name].relevance.sum()) == pytest.approx(left_at(explanation, name), rel=1e-6, abs=1e-9)


class Blocks(nn.Module):
    """Two residual blocks, and a branch that leads nowhere."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.out = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in (self.first, self.second):
            x = x + block(x).tanh()
            x.exp().sum()
        return self.out(x)


def test_the_cuts_of_a_residual_network_are_the_sums_between_its_blocks():
    explanation = Explainer(Blocks().eval(), "epsilon").explain(torch.randn(2, 4))
    assert explanation.cuts == ["add", "add#2", "out"]
