"""Models that are called by the names of their arguments, as language models are: what counts, what goes along."""

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrpwidgets import lrp
from lrpwidgets.lrp import Explainer, NextToken
from lrpwidgets.lrp.explanation import JoinedExplanation
from tests.lrp.dense import assert_near

IDS = torch.tensor([[1, 2, 3, 4, 5], [6, 7, 8, 0, 0], [9, 3, 1, 0, 0]])
MASK = (IDS != 0).long()
TYPES = torch.tensor([[0, 0, 1, 1, 1], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]])
MORE = torch.randn(3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


class Reader(nn.Module):
    """Causal attention over tokens, with types and further numbers; logits of every place."""

    def __init__(self, pooled: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.pooled = pooled
        self.tokens, self.types, self.more = nn.Embedding(12, 8), nn.Embedding(2, 8), nn.Linear(4, 8)
        self.q, self.k, self.v, self.head = (nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 12))
        self.caches: list[bool] = []
        self.double().eval()

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None, numbers=None, use_cache=True, **kwargs):
        self.caches.append(use_cache)
        x = self.tokens(input_ids)
        if token_type_ids is not None:
            x = x + self.types(token_type_ids)
        if numbers is not None:
            x = x + self.more(numbers).unsqueeze(1)
        seen = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
        if attention_mask is not None:
            seen = seen & (attention_mask != 0)[:, None]
        x = x + F.scaled_dot_product_attention(self.q(x), self.k(x), self.v(x), attn_mask=seen)
        if not self.pooled:
            return {"loss": None, "logits": self.head(x)}
        kept = torch.ones(x.shape[:2]) if attention_mask is None else attention_mask
        return {"logits": self.head((x * kept[..., None]).sum(1))}


class Generating(Reader):
    """The same, known to predict tokens."""

    def can_generate(self) -> bool:
        return True


def test_inputs_by_name_are_explained_as_by_position_and_what_goes_along_gets_nothing():
    model = Reader(pooled=True)
    found = Explainer(model, "epsilon").explain({"numbers": MORE, "attention_mask": MASK, "input_ids": IDS}, 2)
    expected = Explainer(model, "epsilon", constants=[1, 2]).explain((IDS, MASK, TYPES * 0, MORE), 2).relevance
    plain = Explainer(model, "epsilon").explain({"input_ids": IDS, "attention_mask": MASK, "numbers": MORE}, 2)
    assert list(found.relevance) == ["numbers", "attention_mask", "input_ids"]
    for name in found.relevance:
        assert torch.equal(found.relevance[name], plain.relevance[name])
    assert not found.relevance["attention_mask"].any()
    assert found.relevance["input_ids"].shape == expected[0].shape
    assert found.ledger.imbalance < 1e-9


def test_a_model_called_by_name_keeps_no_cache_and_one_called_by_position_is_left_alone():
    model = Reader(pooled=True)
    Explainer(model, "epsilon").explain({"input_ids": IDS})
    assert model.caches
    assert not any(model.caches)
    model.caches.clear()
    Explainer(model, "epsilon").explain(IDS)
    assert all(model.caches)


def test_token_types_by_name_go_along_and_by_position_are_explained():
    model = Reader(pooled=True)
    by_name = Explainer(model, "epsilon").explain({"input_ids": IDS, "token_type_ids": TYPES}, 2)
    assert not by_name.relevance["token_type_ids"].any()
    by_position = Explainer(model, "epsilon", constants=[1]).explain((IDS, MASK | 1, TYPES), 2)
    assert by_position.relevance[2].any()
    assert_near(by_position.relevance[0], by_name.relevance["input_ids"], 1e-6)


def test_constants_are_told_by_name():
    model, inputs = Reader(pooled=True), {"input_ids": IDS, "numbers": MORE}
    relevance = Explainer(model, "epsilon", constants=["numbers"]).explain(inputs, 2).relevance
    assert not relevance["numbers"].any()
    with pytest.raises(ValueError, match=r"constants holds 'number', .* names, of 'input_ids', 'numbers'"):
        Explainer(model, constants=["number"]).explain(inputs)
    with pytest.raises(ValueError, match="leaves no input to explain"):
        Explainer(model, constants=["numbers", "input_ids"]).explain(inputs)


def test_a_padded_batch_is_explained_as_its_samples_are_and_padding_gets_nothing():
    explainer = Explainer(Generating(), "epsilon")
    together = explainer.explain({"input_ids": IDS, "attention_mask": MASK}, 3)
    assert not together.relevance["input_ids"][MASK == 0].any()
    for i, length in enumerate(MASK.sum(1).tolist()):
        alone = explainer.explain({"input_ids": IDS[i : i + 1, :length]}, 3)
        assert_near(together.relevance["input_ids"][i, :length], alone.relevance["input_ids"][0], 1e-12)
        assert_near(together.scores[i], alone.scores[0], 1e-12)


def test_the_next_token_comes_after_the_last_one_wherever_the_padding_is():
    explainer = Explainer(Generating(), "epsilon")
    right = explainer.explain({"input_ids": IDS, "attention_mask": MASK}, 3)
    turned = torch.stack([row.roll(int((row == 0).sum())) for row in IDS])
    left = explainer.explain({"input_ids": turned, "attention_mask": (turned != 0).long()}, 3)
    assert_near(left.scores, right.scores, 1e-12)
    assert_near(left.relevance["input_ids"][turned != 0], right.relevance["input_ids"][MASK != 0], 1e-12)
    asked = Explainer(Reader(), "epsilon", select=NextToken()).explain({"input_ids": IDS, "attention_mask": MASK}, 3)
    assert torch.equal(asked.relevance["input_ids"], right.relevance["input_ids"])


def test_a_decoder_has_a_mask_of_its_own():
    logits, mask = torch.arange(24.0).reshape(2, 3, 4), torch.tensor([[1, 1, 0], [1, 1, 1]])
    inputs = {"input_ids": IDS[:2], "attention_mask": MASK[:2, :3], "decoder_input_ids": IDS[:2, :3]}
    assert torch.equal(NextToken()({"logits": logits}, inputs), logits[:, -1])
    inputs["decoder_attention_mask"] = mask
    assert torch.equal(NextToken()({"logits": logits}, inputs), torch.stack([logits[0, 1], logits[1, 2]]))


def test_next_token_is_pickled_copied_as_python_and_refuses_what_it_is_not_for():
    select = NextToken("logits")
    assert pickle.loads(pickle.dumps(select)) == copy.deepcopy(select) == eval(repr(select)) == NextToken()
    restored = pickle.loads(pickle.dumps(Explainer(Reader(), "epsilon", select=select)))
    inputs = {"input_ids": IDS, "attention_mask": MASK}
    assert torch.equal(restored.scores(inputs), Explainer(Generating()).scores(inputs))
    with pytest.raises(ValueError, match=r"for logits \(B, T, V\).* gives \(3, 12\)"):
        Explainer(Reader(pooled=True), select=select).explain(inputs)


def test_logits_of_every_place_are_refused_with_what_to_say():
    with pytest.raises(ValueError, match=r"logits \(3, 5, 12\), some for each place.* select=lrp.NextToken\(\)"):
        Explainer(Reader()).explain({"input_ids": IDS})
    assert lrp.NextToken is NextToken


def test_a_span_is_explained_by_a_dense_target():
    model, inputs = Reader(), {"input_ids": IDS, "attention_mask": MASK}
    dense = Explainer(model, "epsilon", select=lambda output: output["logits"].movedim(-1, 1))
    target = torch.zeros(3, 12, 5, dtype=torch.float64)
    target[:, 4, 1], target[:, 7, 2] = 1, 1  # token 4 after the second place, token 7 after the third
    span = dense.explain(inputs, target).relevance["input_ids"]
    each = [
        Explainer(model, "epsilon", select=lambda output, p=place: output["logits"][:, p]).explain(inputs, token)
        for place, token in ((1, 4), (2, 7))
    ]
    assert_near(span, sum(one.relevance["input_ids"] for one in each), 1e-9)


def test_an_argument_that_the_model_has_not_is_named():
    model = Generating()
    inputs = {"input_ids": IDS, "attenton_mask": MASK}
    for ask in (Explainer(model).explain, Explainer(model).scores):
        with pytest.raises(TypeError, match=r"Generating takes no argument 'attenton_mask'.* It takes input_ids, att"):
            ask(inputs)
    with pytest.raises(TypeError, match=r"Linear takes no argument 'x'.* It takes input"):
        Explainer(nn.Linear(4, 3)).explain({"x": torch.zeros(1, 4)})


class Passing(nn.Module):
    """Hands whatever it is given on by name."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Reader(pooled=True)

    def forward(self, **inputs: Tensor) -> Tensor:
        return self.model(**inputs)["logits"]


def test_arguments_that_are_handed_on_by_name_are_taken():
    inputs = {"input_ids": IDS, "attention_mask": MASK}
    found = Explainer(Passing(), "epsilon").explain(inputs, 1).relevance["input_ids"]
    assert torch.equal(found, Explainer(Reader(pooled=True), "epsilon").explain(inputs, 1).relevance["input_ids"])


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ({"input_ids": IDS.tolist()}, TypeError, "input_ids must be .* got list; a tokenizer .* return_tensors='pt'"),
        (
            {"input_ids": IDS, "attention_mask": MASK * torch.tensor([[1], [0], [1]])},
            ValueError,
            "hides all of sample 1",
        ),
        ({"input_ids": IDS + 3}, ValueError, "table in tokens has 12 rows, 0 to 11, and row 12 is looked up"),
        ({"input_ids": IDS - 1}, ValueError, "has 12 rows, 0 to 11, and row -1 is looked up"),
        ({"input_ids": IDS, "numbers": MORE.float()}, TypeError, "numbers is torch.float32, but the model computes in"),
        ({"input_ids": IDS, "numbers": MORE / 0}, ValueError, "numbers contains NaN or infinity"),
        ({"input_ids": IDS, "numbers": MORE[:2]}, ValueError, "batches of different sizes: 3, 2"),
    ],
)
def test_what_cannot_be_explained_is_told_by_its_name(inputs, error, message):
    with pytest.raises(error, match=message):
        Explainer(Reader(pooled=True)).explain(inputs)


def test_a_token_beyond_the_vocabulary_is_told_of_scores_too():
    with pytest.raises(ValueError, match="has 12 rows, 0 to 11, and row 12 is looked up"):
        Explainer(Reader(pooled=True)).scores({"input_ids": IDS + 3})


class Short(Generating):
    """Has memory for two samples."""

    def forward(self, input_ids=None, **more):
        if len(input_ids) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().forward(input_ids, **more)


def test_parts_of_a_batch_that_does_not_fit_are_joined_by_name():
    inputs = {"input_ids": IDS, "attention_mask": MASK, "numbers": MORE}
    found = Explainer(Short(), "epsilon").explain(inputs, targets=[1, 2])
    expected = Explainer(Generating(), "epsilon").explain(inputs, targets=[1, 2])
    assert isinstance(found, JoinedExplanation)
    assert list(found.relevance) == list(inputs)
    for name in inputs:
        assert_near(found.relevance[name], expected.relevance[name], 1e-12)
    assert_near(found.scores, expected.scores, 1e-12)


@pytest.mark.parametrize("keep", ["all", "layers", "input"])
def test_relevance_by_name_survives_pickling_and_reducing(keep):
    found = Explainer(Generating(), "epsilon").explain({"input_ids": IDS, "attention_mask": MASK}, keep=keep)
    for other in (pickle.loads(pickle.dumps(found)), found.reduced()):
        assert torch.equal(other.relevance["input_ids"], found.relevance["input_ids"])
        assert list(other.relevance) == ["input_ids", "attention_mask"]


def test_a_recording_and_patterns_take_inputs_by_name():
    explainer, inputs = Explainer(Generating(), "epsilon"), {"input_ids": IDS, "attention_mask": MASK}
    assert_near(explainer.record(inputs).scores, explainer.scores(inputs), 1e-12)
    assert lrp.patterns.fit(explainer, [inputs]).tensors


class Warm(nn.Module):
    """Scores of a batch, divided by a temperature."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Linear(3, 2)

    def forward(self, x, temperature):
        return self.head(x) / temperature


@pytest.mark.parametrize("do", ["explain", "scores"])
def test_a_row_for_all_samples_is_refused_with_the_way_out(do):
    """Several rows may be one sample's, and then there is one row of scores."""
    x, warmth = torch.randn(4, 3), torch.full((1, 1), 2.0)
    with pytest.raises(ValueError, match=r"different sizes: 4, 1.*Explainer\(model, constants=\['temperature'\]\)"):
        getattr(Explainer(Warm()), do)({"x": x, "temperature": warmth})
    with pytest.raises(ValueError, match=r"different sizes: 4, 1.*constants=\[1\]\) for the second"):
        getattr(Explainer(Warm()), do)((x, warmth))
    out = getattr(Explainer(Warm(), constants=["temperature"]), do)({"x": x, "temperature": warmth})
    assert len(out if do == "scores" else out.scores) == 4
