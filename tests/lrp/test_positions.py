"""What constants add at each place: the ledger's part for embeddings of positions, the same for equal programs."""

import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrpwidgets.lrp import Explainer, rules
from tests.lrp.dense import assert_near

IDS = torch.tensor([[1, 2, 3, 4, 5], [6, 7, 8, 2, 2]])
PICTURES = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


class Net(nn.Module):
    """Tables and layers for programs over tokens and pictures."""

    def __init__(self, program) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.program = program
        self.tokens, self.positions, self.types = nn.Embedding(12, 8), nn.Embedding(9, 8), nn.Embedding(2, 8)
        self.norm, self.head, self.patches = nn.LayerNorm(8), nn.Linear(8, 3), nn.Conv2d(3, 8, 4, 4)
        self.table = nn.Parameter(self.positions.weight.detach()[None].clone())
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.bias = nn.Parameter(torch.randn(4, 5, 5))
        self.double().eval()

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.program(self, *inputs)

    def read(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        return self.head((x + F.scaled_dot_product_attention(x, x, x)).mean(1))


def places(ids: Tensor) -> Tensor:
    return torch.arange(ids.shape[1])


def sinusoids(ids: Tensor) -> Tensor:
    angle = places(ids)[:, None] / 10.0 ** torch.arange(4)
    return torch.cat([angle.sin(), angle.cos()], 1).double()


def kind(net: Net, ids: Tensor) -> Tensor:
    return net.types(torch.zeros_like(ids))


POSITIONS = {
    "x + pos": lambda net, ids: net.read(net.tokens(ids) + net.positions(places(ids))),
    "pos + x": lambda net, ids: net.read(net.positions(places(ids)) + net.tokens(ids)),
    "a part of a parameter": lambda net, ids: net.read(net.tokens(ids) + net.table[:, : ids.shape[1]]),
    "in place": lambda net, ids: net.read(net.tokens(ids).add_(net.table[:, : ids.shape[1]])),
    "rows of a table": lambda net, ids: net.read(net.tokens(ids) + net.table[0][places(ids)]),
    "expanded": lambda net, ids: net.read(net.tokens(ids) + net.positions(places(ids).expand_as(ids))),
    "subtracted": lambda net, ids: net.read(net.tokens(ids) - -net.positions(places(ids))),
    "time first": lambda net, ids: net.read(
        (net.tokens(ids.t()) + net.positions(places(ids))[:, None]).transpose(0, 1)
    ),
}

THREE = {
    "x + type + pos": lambda net, ids: net.read(net.tokens(ids) + kind(net, ids) + net.positions(places(ids))),
    "x + pos + type": lambda net, ids: net.read(net.tokens(ids) + net.positions(places(ids)) + kind(net, ids)),
    "pos + type + x": lambda net, ids: net.read(net.positions(places(ids)) + kind(net, ids) + net.tokens(ids)),
    "x + (type + pos)": lambda net, ids: net.read(net.tokens(ids) + (kind(net, ids) + net.positions(places(ids)))),
    "a shifted table": lambda net, ids: net.read(
        net.tokens(ids) + (net.positions.weight + net.types.weight[0])[places(ids)]
    ),
}


def explained(program, x=IDS, composite="attn_lrp", **how):
    return Explainer(Net(program), composite).explain(x, 1, **how)


@pytest.mark.parametrize("programs", [POSITIONS, THREE], ids=["two terms", "three terms"])
def test_equal_programs_have_the_same_relevance_of_positions(programs):
    first, *others = (explained(program) for program in programs.values())
    assert first.positions.shape == IDS.shape
    assert (first.positions != 0).all()
    assert_near(first.positions.sum(1), first.ledger.positions, 1e-12)
    for other in others:
        assert_near(other.positions, first.positions, 1e-9)
        assert_near(other.ledger.positions, first.ledger.positions, 1e-9)
        assert other.ledger.imbalance < 1e-9


def test_positions_are_what_the_sum_gives_its_constants():
    net = Net(POSITIONS["x + pos"])
    found = Explainer(net, rules.Epsilon(1e-9)).explain(IDS, 1)
    layer = next(layer for layer in found.layers if layer.kind == "sum")
    x, pos = net.tokens(IDS), net.positions(places(IDS))
    assert_near(found.positions, (layer.relevance * pos / (x + pos)).sum(-1).detach(), 1e-6)
    assert_near(found.relevance, (layer.relevance * x / (x + pos)).sum(-1).detach(), 1e-6)
    row = next(row for row in found.ledger.rows if row.name == layer.name)
    assert_near(row.positions, row.bias, 1e-9)


@pytest.mark.parametrize("rule", ["epsilon_plus", rules.Gamma(0.5), rules.AlphaBeta(2.0), rules.WSquare()], ids=str)
def test_positions_are_a_part_of_the_bias_under_every_rule(rule):
    found = explained(THREE["x + type + pos"], composite=rule)
    (row,) = (row for row in found.ledger.rows if row.positions.any())
    assert_near(row.positions, row.bias, 1e-9)
    assert_near(found.positions.sum(1), found.ledger.positions, 1e-12)
    assert found.ledger.imbalance < 1e-9


NONE = {
    "no constant": lambda net, ids: net.read(net.tokens(ids)),
    "the same everywhere": lambda net, ids: net.read(net.tokens(ids) + kind(net, ids)),
    "a mask of attention": lambda net, ids: net.read(_biased(net, net.tokens(ids))),
    "rotated": lambda net, ids: net.read(net.tokens(ids) * sinusoids(ids)),
}


def _biased(net: Net, x: Tensor) -> Tensor:
    heads = x.unflatten(-1, (4, 2)).transpose(1, 2)
    return ((heads @ heads.mT + net.bias).softmax(-1) @ heads).transpose(1, 2).flatten(2)


@pytest.mark.parametrize("program", NONE.values(), ids=NONE)
def test_what_is_the_same_everywhere_or_belongs_to_pairs_is_no_position(program):
    found = explained(program)
    assert found.positions.shape == IDS.shape
    assert not found.positions.any()
    assert not found.ledger.positions.any()


def test_sinusoids_are_positions_and_places_of_a_sample_alone_are_those_of_the_batch():
    program = lambda net, ids: net.read(net.tokens(ids) + sinusoids(ids))  # noqa: E731
    together = explained(program)
    assert (together.positions != 0).all()
    for i in range(2):
        assert_near(explained(program, IDS[i : i + 1]).positions[0], together.positions[i], 1e-12)
    several = Explainer(Net(program), "attn_lrp").explain(IDS, targets=[1, 2])
    assert several.positions.shape == (2, *IDS.shape)
    assert_near(several.positions[0], together.positions, 1e-12)
    assert_near(several.retarget(1).positions, together.positions, 1e-12)


def test_a_pictures_positions_are_shaped_as_its_patches():
    def with_token(net, x):
        patches = net.patches(x).flatten(2).transpose(1, 2)
        return net.read(torch.cat([net.token.expand(len(x), -1, -1), patches], 1) + net.table[:, :5])

    def without(net, x):
        return net.read(net.patches(x).flatten(2).transpose(1, 2) + net.table[:, :4])

    found = explained(with_token, PICTURES)
    assert found.positions.shape == (2, 5)
    assert_near(found.positions.sum(1), found.ledger.positions, 1e-12)
    found = explained(without, PICTURES)
    assert found.positions.shape == (2, 2, 2)
    assert found.ledger.positions.all()
    assert not explained(lambda net, x: net.read(net.patches(x).flatten(2).transpose(1, 2)), PICTURES).positions.any()


def test_positions_are_those_of_each_input_by_name():
    class Named(Net):
        def forward(self, input_ids: Tensor, numbers: Tensor, attention_mask: Tensor) -> Tensor:
            x = self.tokens(input_ids) + self.positions(places(input_ids))
            return self.read(x) + self.read(self.tokens.weight[None, :2] * numbers[..., None])

    inputs = {"input_ids": IDS, "numbers": PICTURES[:, 0, 0, :2], "attention_mask": torch.ones_like(IDS)}
    found = Explainer(Named(None), "attn_lrp").explain(inputs, 1)
    assert {name: tuple(each.shape) for name, each in found.positions.items()} == {
        "input_ids": (2, 5),
        "numbers": (2,),
        "attention_mask": (2, 5),
    }
    assert_near(found.positions["input_ids"].sum(1), found.ledger.positions, 1e-12)


@pytest.mark.parametrize("keep", ["layers", "input"])
def test_positions_stay_whatever_is_kept(keep):
    whole = explained(THREE["x + type + pos"])
    kept = explained(THREE["x + type + pos"], keep=keep)
    for found in (kept, whole.reduced(), pickle.loads(pickle.dumps(kept)), pickle.loads(pickle.dumps(whole))):
        assert_near(found.positions, whole.positions, 1e-12)
        assert_near(found.ledger.positions, whole.ledger.positions, 1e-12)


def test_a_switched_rule_above_or_below_changes_positions_as_a_new_explanation_would():
    found = explained(THREE["x + type + pos"])
    for change in ({"head": rules.Gamma(1.0)}, {found.layers[1].name: rules.Gamma(1.0)}, {"norm": rules.Epsilon(0.1)}):
        again = found.switch(rules=change)
        fresh = Explainer(Net(THREE["x + type + pos"]), again.composite).explain(IDS, 1)
        assert_near(again.positions, fresh.positions, 1e-12)
        assert_near(again.ledger.positions, fresh.ledger.positions, 1e-12)
