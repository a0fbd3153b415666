"""Attention over many tokens, passed piece by piece, against the same passed step by step."""

import math
import pickle
import threading
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrpwidgets.lrp import Composite, Explainer, Explanation, attention, composites, operations, pieces, rules
from lrpwidgets.lrp.ledger import Handover
from lrpwidgets.lrp.rules import Epsilon, Half, Proportional, Signal
from lrpwidgets.lrp.selectors import Kind
from tests.lrp.dense import assert_near


def fused(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def spelled(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """As in the eager attention of transformers."""
    scores = torch.matmul(q, k.transpose(2, 3)) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores + mask if mask.is_floating_point() else scores.masked_fill(~mask, -math.inf)
    weights = F.dropout(F.softmax(scores, dim=-1, dtype=torch.float64).to(q.dtype), 0.1, training=False)
    return torch.matmul(weights, v)


def folded(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """As in ``nn.MultiheadAttention``, with the heads in the axis of the batch."""
    q, k, v = (x.flatten(0, 1) for x in (q, k, v))
    scores = torch.bmm(q / q.shape[-1] ** 0.5, k.transpose(1, 2))
    return torch.bmm(F.softmax(scores, -1), v).unflatten(0, (-1, 2))


def causal(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3)


def grouped(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    return F.scaled_dot_product_attention(q, k[:, :1], v[:, :1], enable_gqa=True)


def positive(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Of queries and keys without a negative number, so neither has the product."""
    return F.scaled_dot_product_attention(F.relu(q), F.relu(k), v, is_causal=True)


TOKENS, HEADS = 7, 2
ATTENTIONS = {each.__name__: each for each in (fused, spelled, folded, causal, grouped, positive)}


class Model(nn.Module):
    """Two layers of attention with positions and shortcuts, each written in the given way."""

    def __init__(self, attention=fused, mask: Tensor | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.positions = nn.Embedding(11, 6), nn.Embedding(TOKENS, 6)
        self.q, self.k, self.v, self.joined = (nn.ModuleList(nn.Linear(6, 6) for _ in range(2)) for _ in range(4))
        self.norm, self.head = nn.LayerNorm(6), nn.Linear(6, 3)
        self.attention, self.mask = attention, mask
        with torch.no_grad():
            for layer in (*self.q, *self.k):
                layer.weight.mul_(3)
        self.double().eval()

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embedding(ids) + self.positions(torch.arange(TOKENS))
        for q, k, v, joined in zip(self.q, self.k, self.v, self.joined, strict=True):
            parts = (layer(x).unflatten(-1, (HEADS, 3)).transpose(1, 2) for layer in (q, k, v))
            x = self.norm(x + joined(self.attention(*parts, self.mask).transpose(1, 2).reshape(x.shape)))
        return self.head(x.mean(1))


IDS = torch.tensor([[3, 7, 1, 9, 4, 2, 8], [5, 2, 8, 8, 10, 6, 0]])
SHOWN = torch.ones(TOKENS, TOKENS, dtype=torch.bool).tril()
BLIND = SHOWN.clone()
BLIND[3] = False
MASKS = {
    "none": None,
    "truth values": SHOWN,
    "padding": torch.tensor([[1] * 7, [1] * 4 + [0] * 3]).bool()[:, None, None],
    "infinities": torch.zeros(TOKENS, TOKENS).double().masked_fill(~SHOWN, -math.inf),
    "lowest numbers": torch.zeros(TOKENS, TOKENS).double().masked_fill(~SHOWN, torch.finfo(torch.float64).min),
    "a bias": torch.randn(TOKENS, TOKENS, generator=torch.Generator().manual_seed(2)).double(),
    "nobody to look at": BLIND,
}
COMPOSITES = {
    "attn_lrp": composites.get("attn_lrp"),
    "cp_lrp": composites.get("cp_lrp"),
    "epsilon": composites.get("epsilon"),
    "large ε": Composite([(Kind("matmul"), Half(0.3)), ("*", Epsilon(0.01))]),
    "proportional": Composite([(Kind("matmul"), Proportional(0.1)), ("*", Epsilon())]),
    "of two kinds": Composite([("*matmul#2", Signal(0.1)), (Kind("matmul"), Half(0.2)), ("*", Epsilon())]),
}


@pytest.fixture(params=[11, 1000], ids="pieces of {}".format)
def size(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["made again", "kept"])
def made_again(request):
    """Whether scores and weights of all pairs are made again, and not kept."""
    return request.param


@pytest.fixture
def in_pieces(size, made_again, monkeypatch):
    """Switches to pieces, whatever the size of the attention."""

    def switch() -> None:
        monkeypatch.setattr(pieces, "LEAST", 1)
        monkeypatch.setattr(pieces, "PIECE", size)
        monkeypatch.setattr(attention, "JOINT", 1)
        monkeypatch.setattr(attention, "OF_A_HEAD", 1)
        if made_again:
            monkeypatch.setattr(attention, "LARGE", 1)

    return switch


def assert_same(found: Explanation, whole: Explanation) -> None:
    """Everything that an explanation tells."""
    assert found.cuts == whole.cuts
    assert found.ledger.imbalance < 1e-12
    assert_near(found.relevance, whole.relevance, 1e-9)
    assert_near(found.positions, whole.positions, 1e-9, of=whole.ledger.explained.max())
    for mine, theirs in zip(found.ledger.rows, whole.ledger.rows, strict=True):
        assert (mine.name, mine.kind, mine.rule) == (theirs.name, theirs.kind, theirs.rule)
        for amount in ("received", "handed", "bias", "stabilizer", "rules", "positions"):
            one, other = getattr(mine, amount), getattr(theirs, amount)
            assert_near(one, other, 1e-9, of=whole.ledger.explained)
    for layer, expected in zip(found.layers, whole.layers, strict=True):
        assert layer.name == expected.name
        assert_near(layer.activation.clamp(min=-1e4), expected.activation.clamp(min=-1e4), 1e-9)  # hidden is hidden
        if bool(expected.relevance.any()) or bool(layer.relevance.any()):
            assert_near(layer.relevance, expected.relevance, 1e-9)


def pairs(explanation: Explanation) -> list[Tensor]:
    """What is saved of scores and weights."""
    saved = [value.saved for value in explanation._tape.values if value.saved.shape[-2:] == (TOKENS, TOKENS)]
    return [each for each in saved if not each.is_meta]


@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("composite", COMPOSITES)
@pytest.mark.parametrize("way", ATTENTIONS)
def test_relevance_and_every_line_of_the_ledger_are_those_of_the_single_steps(
    way, composite, samples, in_pieces, made_again
):
    model, ids = Model(ATTENTIONS[way]), IDS[:samples]
    whole = Explainer(model, COMPOSITES[composite]).explain(ids, 1)
    assert pairs(whole)
    in_pieces()
    found = Explainer(model, COMPOSITES[composite]).explain(ids, 1)
    assert_same(found, whole)
    assert bool(pairs(found)) != made_again
    assert found._whole[0].of.later or composite == "cp_lrp"  # under which scores get none


@pytest.mark.parametrize("composite", ["attn_lrp", "cp_lrp"])
@pytest.mark.parametrize("way", ["fused", "spelled"])
@pytest.mark.parametrize("mask", MASKS)
def test_masks_hide_the_same(mask, way, composite, in_pieces, made_again):
    model = Model(ATTENTIONS[way], MASKS[mask])
    if mask == "nobody to look at" and way == "spelled":
        pytest.skip("a softmax of nothing is no number")
    whole = Explainer(model, composite).explain(IDS, 1)
    in_pieces()
    found = Explainer(model, composite).explain(IDS, 1)
    assert_same(found, whole)
    assert bool(pairs(found)) == (not made_again or mask in ("a bias", "nobody to look at"))


@pytest.mark.parametrize("composite", COMPOSITES)
def test_equal_programs_have_equal_maps(composite, in_pieces):
    in_pieces()
    one, other = (Explainer(Model(each), COMPOSITES[composite]).explain(IDS, 1) for each in (fused, spelled))
    assert_near(one.scores, other.scores, 1e-12)
    if composite != "of two kinds":  # the steps have other names
        assert_near(one.relevance, other.relevance, 1e-9)


def test_several_targets_are_those_of_one_each(in_pieces):
    in_pieces()
    explainer = Explainer(Model(), "attn_lrp")
    together = explainer.explain(IDS, targets=[0, 2])
    for number, target in enumerate((0, 2)):
        alone = explainer.explain(IDS, target)
        assert_near(together.relevance[number], alone.relevance, 1e-12)
        assert_near(together.ledger.bias[number], alone.ledger.bias, 1e-12)


@pytest.mark.parametrize("changed", ["matmul", "matmul#2", "joined.1", "head", "softmax"])
def test_switched_rules_are_those_of_a_fresh_explanation(changed, in_pieces):
    in_pieces()
    model = Model()
    for name in ("attn_lrp", "cp_lrp"):
        first = Explainer(model, name).explain(IDS, 1)
        rule = Half(0.2) if "matmul" in changed else Epsilon(0.1)
        if changed == "softmax":  # it takes none, so another composite
            switched, fresh = first.switch("epsilon"), Explainer(model, "epsilon").explain(IDS, 1)
        else:
            switched = first.switch(rules={changed: rule})
            fresh = Explainer(model, first.composite.overridden({changed: rule})).explain(IDS, 1)
        assert_same(switched, fresh)
        assert_same(switched.switch(name), first) if changed == "softmax" else None


def test_what_is_above_a_changed_rule_is_not_computed_again(in_pieces):
    in_pieces()
    first = Explainer(Model(), "attn_lrp").explain(IDS, 1)
    again = first.switch(rules={"v.0": Epsilon(0.1)}).recomputed
    assert not [name for name in again if "matmul" in name or "softmax" in name]
    again = first.switch(rules={"joined.0": Epsilon(0.1)}).recomputed
    assert {"matmul", "softmax", "matmul#2"} <= set(again)
    assert not {"matmul#3", "softmax#2", "matmul#4"} & set(again)


@pytest.mark.parametrize("layer", ["softmax#2", "matmul#3", "matmul#4", "joined.1", "norm"])
def test_relevance_through_single_heads_is_the_same(layer, in_pieces):
    model = Model()
    whole = Explainer(model, "attn_lrp").explain(IDS, 1).condition({layer: [1]})
    in_pieces()
    first = Explainer(model, "attn_lrp").explain(IDS, 1)
    found = first.condition({layer: [1]})
    assert_near(found.relevance, whole.relevance, 1e-9)
    assert_near(found.ledger.bias, whole.ledger.bias, 1e-9, of=whole.ledger.explained)


def test_relevance_through_all_heads_is_that_of_the_layer(in_pieces):
    in_pieces()
    first = Explainer(Model(), "attn_lrp").explain(IDS, 1)
    for layer in ("softmax#2", "matmul#3", "matmul#4"):
        parts = [first.condition({layer: [head]}).relevance for head in range(HEADS)]
        assert_near(sum(parts), first.condition({layer: list(range(HEADS))}).relevance, 1e-9)


@dataclass(frozen=True, repr=False)
class ToTheValues(Half):
    """A rule of one's own, made of a known one."""

    def propagate(self, product, relevance):
        return Signal(self.epsilon).propagate(product, relevance)


def test_a_rule_of_ones_own_is_obeyed(in_pieces):
    in_pieces()
    own = Composite([(Kind("matmul"), ToTheValues()), ("*", Epsilon())])
    expected = Composite([(Kind("matmul"), Signal()), ("*", Epsilon())])
    found, known = (Explainer(Model(), each).explain(IDS, 1) for each in (own, expected))
    assert_near(found.relevance, known.relevance, 1e-9)


class Stopping(operations.Routing):
    """A mask that nothing passes."""

    def propagate(self, call, relevance, rule, cache):
        return Handover((torch.zeros_like(relevance[0]),), rules=call.samples.total(relevance[0]))


def test_an_operation_of_ones_own_is_obeyed(in_pieces, monkeypatch):
    in_pieces()
    model = Model(mask=SHOWN)
    before = Explainer(model, "attn_lrp").explain(IDS, 1)
    monkeypatch.setitem(operations.OPERATIONS, "masked_fill", (Stopping(keeps_axes=True),))
    found = Explainer(model, "attn_lrp").explain(IDS, 1)
    assert bool((found.ledger.rules != 0).all())
    assert found.ledger.imbalance < 1e-12
    assert not torch.equal(found.relevance, before.relevance)


def test_relevance_of_parameters_is_the_same(in_pieces):
    whole = Explainer(Model(), "attn_lrp").explain(IDS, 1).parameters
    in_pieces()
    found = Explainer(Model(), "attn_lrp").explain(IDS, 1).parameters
    assert found.keys() == whole.keys()
    for name, parameter in whole.items():
        assert_near(found[name], parameter, 1e-9, of=torch.stack([each.abs().max() for each in whole.values()]))


def test_what_is_no_number_in_pieces_goes_step_by_step(in_pieces, monkeypatch):
    whole = Explainer(Model(), "attn_lrp").explain(IDS, 1)
    in_pieces()
    monkeypatch.setattr(attention, "_dots", lambda one, other: torch.full((len(one),), math.inf).double())
    assert_same(Explainer(Model(), "attn_lrp").explain(IDS, 1), whole)


@pytest.mark.parametrize("keep", ["layers", "input"])
def test_less_may_be_kept(keep, in_pieces):
    whole = Explainer(Model(), "attn_lrp").explain(IDS, 1)
    in_pieces()
    found = Explainer(Model(), "attn_lrp").explain(IDS, 1, keep=keep)
    assert_near(found.relevance, whole.relevance, 1e-9)
    assert [row.name for row in found.ledger.rows] == [row.name for row in whole.ledger.rows]
    for mine, theirs in zip(found.ledger.rows, whole.ledger.rows, strict=True):
        assert_near(mine.handed, theirs.handed, 1e-9, of=whole.ledger.explained)
    if keep == "layers":
        assert_near(found["softmax"].relevance, whole["softmax"].relevance, 1e-9)


def test_a_pickled_explanation_still_tells_of_its_weights(in_pieces):
    in_pieces()
    explanation = Explainer(Model(mask=SHOWN), "attn_lrp").explain(IDS, 1)
    copy = pickle.loads(pickle.dumps(explanation))
    for name in ("softmax", "matmul", "matmul#2"):
        assert torch.equal(copy[name].activation, explanation[name].activation)
        assert torch.equal(copy[name].relevance, explanation[name].relevance)
    assert torch.equal(
        copy.switch(rules={"matmul#4": Half(0.1)}).relevance,
        explanation.switch(rules={"matmul#4": Half(0.1)}).relevance,
    )


def test_sixteen_bits_are_explained_step_by_step(in_pieces):
    model = Model().bfloat16()
    whole = Explainer(model, "attn_lrp").explain(IDS, 1)
    in_pieces()
    found = Explainer(model, "attn_lrp").explain(IDS, 1)
    assert_near(found.relevance, whole.relevance, 1e-3)


def test_threads_are_as_many_as_before(in_pieces):
    in_pieces()
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        found = Explainer(Model(), "attn_lrp").explain(IDS, 1)
        seen = []
        thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert (torch.get_num_threads(), seen) == (2, [2])
        torch.set_num_threads(1)
        assert_near(found.relevance, Explainer(Model(), "attn_lrp").explain(IDS, 1).relevance, 1e-12)
    finally:
        torch.set_num_threads(before)


def test_many_small_ones_go_step_by_step(in_pieces, monkeypatch):
    in_pieces()
    monkeypatch.setattr(attention, "OF_A_HEAD", TOKENS**2 + 1)
    found = Explainer(Model(), "attn_lrp").explain(IDS, 1)
    assert pairs(found)
    assert not found._whole[0].of.later


def test_shares_of_sums_are_known_of_the_rules_of_this_package_alone():
    assert rules.shares_sums(Half(0.5), 1) == ((0, 1), 0.5)
    assert rules.shares_sums(Signal(0.5), 1) == ((1,), 0.5)
    assert rules.shares_sums(Signal(0.5), None) == ((0, 1), 0.5)
    assert rules.shares_sums(ToTheValues(), 1) is None
    assert rules.shares_sums(None, 1) is None
