"""Inputs as people have them: tokens that move before they are looked up, masks, lengths and edges that go along."""

import math
import re
import warnings
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrpwidgets import lrp
from lrpwidgets.lrp import Explainer, UnknownOperationError
from tests.lrp.dense import assert_near

TOKENS = torch.tensor([[1, 2, 3, 4, 0], [5, 6, 7, 0, 0]])
PADDED = TOKENS == 0
LENGTHS = (~PADDED).sum(1)
ROWS = torch.randn(2, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
STEPS = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


class Model(nn.Module):
    """A forward over a table, two dense layers and heads, always the same."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.function = function
        self.table, self.to_scores = nn.Embedding(12, 4), nn.Linear(4, 3)
        self.layer, self.head = nn.Linear(6, 6), nn.Linear(6, 3)
        self.shift, self.cut = nn.Parameter(torch.randn(6)), nn.Parameter(torch.randn(3, 6))
        self.double().eval()

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(self, *inputs)

    def read(self, rows: Tensor) -> Tensor:
        """Scores of embedded tokens (B, T, 4)."""
        return self.to_scores(rows.relu().mean(1))


def relevance(function, *inputs, **settings):
    explanation = Explainer(Model(function), "epsilon", **settings).explain(inputs if len(inputs) > 1 else inputs[0], 1)
    assert explanation.ledger.imbalance < 1e-9
    return explanation.relevance


# Tokens that move, or are written otherwise, before they are looked up.


def plainly(net, ids):
    return net.read(net.table(ids))


MOVED = {
    "turned": lambda net, ids: net.read(net.table(ids.t()).transpose(0, 1)),
    "viewed": lambda net, ids: net.read(net.table(ids.view(-1, 5))),
    "flattened": lambda net, ids: net.read(net.table(ids.flatten()).unflatten(0, (-1, 5))),
    "with an axis more": lambda net, ids: net.read(net.table(ids.unsqueeze(1)).squeeze(1)),
    "cut and joined": lambda net, ids: net.read(net.table(torch.cat([ids[:, :2], ids[:, 2:]], 1))),
    "filled where it is": lambda net, ids: net.read(net.table(ids.masked_fill(ids == 99, 0))),
    "of 32 bits": lambda net, ids: net.read(net.table(ids.int())),
    "written into others": lambda net, ids: net.read(net.table(_copied(ids))),
    "long": lambda net, ids: net.read(net.table(ids.long())),
    "shifted": lambda net, ids: net.read(F.embedding(ids + 2, torch.cat([net.table.weight[:2], net.table.weight]))),
    "one-hot": lambda net, ids: net.read(F.one_hot(ids, 12).double() @ net.table.weight),
    "rows of a table": lambda net, ids: net.read(net.table.weight[ids]),
    "selected": lambda net, ids: net.read(net.table.weight.index_select(0, ids.reshape(-1)).view(*ids.shape, -1)),
}


@pytest.mark.parametrize("name", MOVED)
def test_tokens_have_the_relevance_of_tokens_however_they_reach_the_table(name):
    assert_near(relevance(MOVED[name], TOKENS), relevance(plainly, TOKENS), 1e-5)  # the same up to a stabilizer


def _copied(ids):
    """As a decoder shifts its tokens: written into a constant, but for what is padding."""
    copied = ids.new_zeros(ids.shape)
    copied[:, 1:] = ids[:, 1:].clone()
    copied[:, 0] = ids[:, 0]
    return copied.masked_fill_(copied == -100, 3)


def test_of_tokens_behind_a_constant_one_the_constant_gets_nothing():
    def shifted(net, ids):
        moved = ids.new_zeros(ids.shape)
        moved[:, 1:] = ids[:, :-1].clone()
        moved[:, 0] = 7
        return net.read(net.table(moved))

    def joined(net, ids):
        return net.read(net.table(torch.cat([ids.new_full((len(ids), 1), 7), ids[:, :-1]], 1)))

    found = relevance(shifted, TOKENS)
    assert_near(found, relevance(joined, TOKENS))
    assert found[:, :-1].any()
    assert not found[:, -1].any()


BAGS = {
    "mean": lambda net, rows: rows.mean(1),
    "sum": lambda net, rows: rows.sum(1),
    "max": lambda net, rows: rows.amax(1),
}


@pytest.mark.parametrize("mode", BAGS)
def test_a_bag_of_tokens_is_an_embedding_and_a_reduction(mode):
    bag = relevance(lambda net, ids: net.to_scores(F.embedding_bag(ids, net.table.weight, mode=mode)), TOKENS)
    assert_near(bag, relevance(lambda net, ids: net.to_scores(BAGS[mode](net, net.table(ids))), TOKENS))


def test_padding_in_a_bag_gets_nothing():
    def bag(net, ids):
        return net.to_scores(F.embedding_bag(ids, net.table.weight, padding_idx=0))

    found = relevance(bag, TOKENS)
    assert not found[PADDED].any()
    assert_near(found[:1, :4], relevance(bag, TOKENS[:1, :4]))


def test_bags_of_different_sizes_are_refused_with_the_way_out():
    with pytest.raises(NotImplementedError, match="padded with the `padding_idx`"):
        relevance(lambda net, ids: F.embedding_bag(ids, net.table.weight, torch.tensor([0, 3])), torch.arange(5))


def test_categories_in_columns_of_numbers_get_their_relevance():
    x = torch.cat([ROWS, torch.tensor([[3.0], [5.0]]).double()], 1)
    found = relevance(lambda net, x: net.head(x[:, :6]) + net.to_scores(net.table(x[:, 6].long())), x)
    numbers, ids = relevance(
        lambda net, numbers, ids: net.head(numbers) + net.to_scores(net.table(ids)[:, 0]), ROWS, x[:, 6:].long()
    )
    assert_near(found, torch.cat([numbers, ids], 1))


# Inputs that only go along.

ALONG = {
    "a mask of truth values": (lambda net, ids, shown: net.read(net.table(ids) * shown[..., None]), ~PADDED),
    "a mask of numbers": (
        lambda net, ids, shown: net.read(net.table(ids) + (1 - shown[..., None].double()) * -1e4),
        (~PADDED).long(),
    ),
    "lengths": (lambda net, ids, n: net.to_scores(net.table(ids).relu().sum(1) / n[:, None]), LENGTHS),
    "where the last is": (
        lambda net, ids, n: net.to_scores(net.table(ids).relu()[torch.arange(len(n)), n - 1]),
        LENGTHS,
    ),
    "where the last is, gathered": (
        lambda net, ids, n: net.to_scores(
            net.table(ids).relu().gather(1, (n - 1)[:, None, None].expand(-1, 1, 4)).squeeze(1)
        ),
        LENGTHS,
    ),
    "positions": (
        lambda net, ids, shown: net.read(net.table(ids) * shown.cumsum(1).clamp(max=3)[..., None].double()),
        (~PADDED).long(),
    ),
}


@pytest.mark.parametrize("name", ALONG)
def test_what_goes_along_with_tokens_is_found_out_and_gets_no_relevance(name):
    function, other = ALONG[name]
    tokens, along = relevance(function, TOKENS, other)
    assert along.shape == other.shape
    assert not along.any()
    assert_near(tokens, relevance(lambda net, ids: function(net, ids, other[: len(ids)]), TOKENS))


def test_whole_numbers_that_are_looked_up_are_explained_beside_others():
    one, other = relevance(lambda net, a, b: net.read(net.table(a) + net.table(b)), TOKENS, TOKENS.flip(1))
    assert one.any()
    assert other.any()


def test_edges_are_declared_and_no_batch():
    edges = torch.tensor([[0, 1, 2, 3, 4, 0], [1, 2, 3, 4, 0, 2]])

    def propagated(net, x, edges):
        source, goal = edges
        return net.head(torch.zeros_like(x).index_add(1, goal, net.layer(x)[:, source]).relu().mean(1))

    x = STEPS[:1]
    found, nothing = relevance(propagated, x, edges, constants=[1])
    assert not nothing.any()
    assert_near(found, relevance(lambda net, x: propagated(net, x, edges), x))
    with pytest.raises(ValueError, match=r"If one of them is no batch.*Explainer\(model, constants=\[1\]\)"):
        relevance(propagated, STEPS, edges[:, :3].repeat(2, 1)[:3])


def test_a_mask_of_floats_is_declared():
    mask = torch.zeros(2, 5, 1).double().masked_fill(PADDED[..., None], -1e4)
    found, nothing = relevance(
        lambda net, x, mask: net.head((net.layer(x) + mask).relu().mean(1)), STEPS, mask, constants=[1]
    )
    assert not nothing.any()
    assert found.any()


@pytest.mark.parametrize(
    ("inputs", "constants", "message"),
    [
        ((STEPS, LENGTHS), [2], r"there are 2 inputs; it takes their positions.*Explainer\(model, constants=\[1\]\)"),
        ((STEPS, LENGTHS), [0, 1], "leaves no input to explain"),
        ((STEPS, STEPS[:, 0]), [1], r"shares its memory with an input that is explained.*give inputs\[1\].clone\(\)"),
    ],
)
def test_constants_that_cannot_be_are_refused_with_the_way_out(inputs, constants, message):
    with pytest.raises(ValueError, match=message):
        relevance(lambda net, x, other: net.head(x.mean(1)), *inputs, constants=constants)


def test_the_ways_out_of_refused_constants_work():
    relevance(lambda net, x, other: net.head(x.mean(1)), STEPS, STEPS[:, 0].clone(), constants=[1])


def test_a_buffer_may_be_a_mask_of_minus_infinity():
    def attend(net, x):
        return net.head((x @ x.mT + net.mask).softmax(-1) @ x).mean(1)

    net = Model(attend)
    net.register_buffer("mask", torch.full((5, 5), -math.inf).triu(1).double())
    assert Explainer(net).explain(STEPS, 1).relevance.isfinite().all()
    net.mask[0, 0] = math.nan
    with pytest.raises(ValueError, match="weight 'mask' contains NaN"):
        Explainer(net).explain(STEPS, 1)


# Numbers that leave torch's sight come back as constants: that is noticed.


def _swish(x: Tensor) -> Tensor:
    return x * torch.sigmoid(x)


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch would have us script nothing any more
    SCRIPTED = torch.jit.script(_swish)


class _ByNumpy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.from_numpy(x.detach().numpy() ** 2)


HIDDEN = {
    "scripted": lambda net, x: net.head(x + SCRIPTED(net.layer(x))),
    "NumPy": lambda net, x: net.head(x + torch.from_numpy(net.layer(x).numpy())),
    "an autograd function by NumPy": lambda net, x: net.head(x + _ByNumpy.apply(net.layer(x))),
    "a list": lambda net, x: net.head(x + torch.tensor(net.layer(x).tolist(), dtype=torch.float64)),
    "a number": lambda net, x: net.head(x) * float(x.sum()),
    "an item": lambda net, x: net.head(x) + net.layer(x).max().item(),
    "dlpack": lambda net, x: net.head(x + torch.from_dlpack(net.layer(x).__dlpack__())),
    "vmap": lambda net, x: net.head(x + torch.vmap(torch.sin)(net.layer(x))),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_numbers_out_of_torchs_sight_are_refused_and_the_way_out_tells_of_them(name):
    with pytest.raises(UnknownOperationError, match=r"does not show.*Explainer\(model, unknown='gradient'\)"):
        relevance(HIDDEN[name], ROWS)
    explanation = Explainer(Model(HIDDEN[name]), unknown="gradient").explain(ROWS, 1)
    assert any("counts as a constant" in caveat for caveat in explanation.caveats)


SEEN = {
    "a comparison": lambda net, x: net.head(net.layer(x) * (net.layer(x) > 0)),
    "a mask made of one": lambda net, x: net.head(net.layer(x) * (~(net.layer(x) < 0)).double()),
    "a choice": lambda net, x: net.head(torch.where(net.layer(x) > 0, net.layer(x), 0.0)),
    "a place": lambda net, x: net.head(net.layer(x)[:, x.argsort(1)[0]]),
    "random numbers": lambda net, x: net.head(x + torch.rand(6).double()),
    "the weights of an expert": lambda net, x: net.head(F.linear(x, net.layer.weight[_expert(x) :][:3]) @ net.cut),
    "memory that is filled": lambda net, x: net.head(_filled(net.layer(x))),
}


def _expert(x: Tensor) -> int:
    """Another one as soon as the input is a little different."""
    return int(1e7 * float(x.sum())) % 4


def _filled(x: Tensor) -> Tensor:
    out = torch.empty_like(x)
    out[:, :3].copy_(x[:, 3:])
    out[:, 3:] = x[:, :3]
    return out


@pytest.mark.parametrize("name", SEEN)
def test_constants_that_torch_shows_are_no_reason_to_refuse(name):
    relevance(SEEN[name], ROWS)


def test_random_numbers_are_a_caveat():
    explanation = Explainer(Model(SEEN["random numbers"])).explain(ROWS, 1)
    assert any("`rand` in the model" in caveat for caveat in explanation.caveats)


def test_a_function_under_vmap_alone_is_refused_with_a_true_sentence():
    with pytest.raises(ValueError, match=r"torch\.vmap.*call the function itself there"):
        relevance(lambda net, x: torch.vmap(net.head)(x), ROWS)
    assert relevance(lambda net, x: net.head(x), ROWS).any()


# Further inputs that went wrong.


def test_the_second_tensor_of_type_as_lends_its_type_alone():
    def shifted(net, x):
        return net.head(F.relu(net.layer(x) + net.shift.type_as(net.layer(x))))

    assert_near(relevance(shifted, ROWS), relevance(lambda net, x: net.head(F.relu(net.layer(x) + net.shift)), ROWS))


def test_an_empty_slice_is_explained():
    def joined(net, x):
        return net.head(torch.cat([x[..., :6] * 2, x[..., 6:]], -1).relu().mean(1))

    assert_near(relevance(joined, STEPS), relevance(lambda net, x: net.head((x * 2).relu().mean(1)), STEPS))


def test_samples_may_be_mixed_where_the_scores_do_not_depend_on_it():
    def watched(net, x):
        net.aux = net.layer(x).square().mean()
        return net.head(x)

    assert_near(relevance(watched, ROWS), relevance(lambda net, x: net.head(x), ROWS))


@pytest.mark.parametrize("kind", ["truth values", "numbers"])
def test_a_row_that_may_look_at_nobody_attends_to_nothing(kind):
    allowed = torch.ones(5, 5, dtype=torch.bool).tril(-1)
    mask = allowed if kind == "truth values" else torch.zeros(5, 5).double().masked_fill(~allowed, -math.inf)

    def attend(net, x):
        return net.head(F.scaled_dot_product_attention(x, x, x, mask)).mean(1)

    net = Model(attend)
    explanation = Explainer(net).explain(STEPS, 1)
    assert_near(explanation.scores, attend(net, STEPS).detach(), 1e-12)
    assert explanation.relevance.isfinite().all()
    rest = Explainer(Model(lambda net, x: net.head(F.scaled_dot_product_attention(x[:, 1:], x, x, mask[1:])).mean(1)))
    assert_near(explanation.relevance, rest.explain(STEPS, 1).relevance * 4 / 5, 1e-5)


# The scores are those of the network that is explained.


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(12, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(8, 4)
        self.double().eval()

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.encoder(self.table(ids), src_key_padding_mask=ids == 0).mean(1))


def test_the_scores_of_a_transformer_with_padding_are_those_that_are_explained_and_a_caveat_tells():
    ids = torch.randint(1, 12, (64, 7), generator=torch.Generator().manual_seed(3))
    ids[:, 3:] = 0
    explainer = Explainer(Encoder())
    explanation = explainer.explain(ids)
    assert_near(explainer.scores(ids), explanation.scores, 1e-9)
    (caveat,) = [each for each in explanation.caveats if "fast path" in each]
    assert "of 64 samples" in caveat
    torch.backends.mha.set_fastpath_enabled(False)  # the way out that it names
    try:
        assert not any("fast path" in each for each in explainer.explain(ids).caveats)
    finally:
        torch.backends.mha.set_fastpath_enabled(True)


def test_a_transformer_without_padding_has_no_such_caveat():
    explanation = Explainer(Encoder()).explain(torch.randint(1, 12, (2, 7)))
    assert not any("fast path" in each for each in explanation.caveats)


# Functions of somebody's own.


@torch.library.custom_op("lrpwidgets_tests::twice", mutates_args=())
def twice(x: Tensor) -> Tensor:
    return x * 2


@pytest.mark.parametrize("function", [twice, torch.ops.lrpwidgets_tests.twice.default], ids=["function", "operator"])
def test_a_custom_operator_is_refused_and_the_printed_way_out_works(function, monkeypatch):
    def doubled(net, x):
        return net.head(function(net.layer(x)))

    with pytest.raises(UnknownOperationError, match=r"`lrp\.operations\.register\(.*Activation\(\)\)`") as refused:
        relevance(doubled, ROWS)
    monkeypatch.setattr(lrp.operations, "OPERATIONS", dict(lrp.operations.OPERATIONS))
    exec(re.search("`(lrp.operations.register.*?)`", str(refused.value))[1], {"lrp": lrp, "torch": torch})
    assert relevance(doubled, ROWS).any()


def test_an_operator_without_a_derivative_cannot_have_its_gradient_and_says_so():
    model = Model(lambda net, x: net.head(twice(net.layer(x))))
    with pytest.raises(ValueError, match=r"has no derivative.*lrp\.operations\.register"):
        Explainer(model, unknown="gradient").explain(ROWS, 1)
