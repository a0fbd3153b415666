"""Large tensors are taken piece by piece, which changes nothing but rounding."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrpwidgets.lrp import Explainer, pieces
from tests.lrp.dense import assert_near


class Attention(nn.Module):
    """Attention of a sequence with itself, with a mask or without."""

    def __init__(self, mask: Tensor | None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.q, self.k, self.v, self.head = (nn.Linear(6, 6) for _ in range(4))
        self.mask = mask
        self.double().eval()

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (layer(x).unflatten(-1, (2, 3)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        joined = F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask).transpose(1, 2).flatten(2)
        return self.head(F.gelu(joined)).mean(1)


MASKS = {
    "no mask": None,
    "causal": torch.ones(5, 5, dtype=torch.bool).tril(),
    "lowest number": torch.zeros(5, 5).double().masked_fill(~torch.ones(5, 5, dtype=torch.bool).tril(), -math.inf),
}


@pytest.mark.parametrize("size", [3, 10, 1000])
@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("composite", ["attn_lrp", "cp_lrp"])
@pytest.mark.parametrize("mask", MASKS)
def test_relevance_and_ledger_are_the_same_in_pieces(mask, composite, samples, size, monkeypatch):
    model = Attention(MASKS[mask])
    x = torch.randn(samples, 5, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    whole = Explainer(model, composite).explain(x, 2)
    monkeypatch.setattr(pieces, "LEAST", 1)
    monkeypatch.setattr(pieces, "PIECE", size)
    found = Explainer(model, composite).explain(x, 2)
    assert_near(found.relevance, whole.relevance, 1e-12)
    assert found.ledger.imbalance < 1e-12
    for amount in ("bias", "stabilizer", "rules"):
        ours, theirs = getattr(found.ledger, amount), getattr(whole.ledger, amount)
        assert_near(ours, theirs, 1e-9, of=whole.ledger.explained)
