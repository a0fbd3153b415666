"""Where the scores are in what a model returns, and one score per sample as that of two classes."""

import re
from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from lrpwidgets.lrp import Explainer, Rather, TwoClasses
from lrpwidgets.lrp.rules import Epsilon, Gamma, Zero
from tests.lrp.dense import assert_near

Pair = namedtuple("Pair", ["hidden", "logits"])


@dataclass
class Output:
    loss: Tensor | None
    logits: Tensor


class Lazy:
    """Has its scores as a property."""

    def __init__(self, scores):
        self._scores = scores

    @property
    def logits(self):
        return self._scores


class Wrapped(nn.Module):
    """A small network whose scores come inside of something."""

    def __init__(self, wrap, scores=3):
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, scores)).double()
        self.wrap = wrap

    def forward(self, x):
        return self.wrap(self.net(x))


torch.manual_seed(1)
X = torch.randn(5, 4).double()

PLACES = {
    "dict": (lambda scores: {"loss": None, "logits": scores}, "logits"),
    "a place in a dict": (lambda scores: {"loss": None, "logits": scores}, 1),
    "ordered dict": (lambda scores: OrderedDict(logits=scores, hidden=scores * 2), "logits"),
    "tuple": (lambda scores: (scores * 2, scores), 1),
    "from the end": (lambda scores: (scores * 2, scores), -1),
    "list": (lambda scores: [scores, scores * 2], 0),
    "named tuple": (lambda scores: Pair(scores * 2, scores), "logits"),
    "a place in a named tuple": (lambda scores: Pair(scores * 2, scores), 1),
    "dataclass": (lambda scores: Output(None, scores), "logits"),
    "property": (Lazy, "logits"),
}


@pytest.mark.parametrize("kind", PLACES)
def test_a_key_or_a_position_finds_the_scores(kind):
    wrap, select = PLACES[kind]
    model = Wrapped(wrap)
    explainer, expected = Explainer(model, "epsilon", select=select), Explainer(model.net, "epsilon")
    assert torch.equal(explainer.explain(X, 2).relevance, expected.explain(X, 2).relevance)
    assert torch.equal(explainer.scores(X), expected.scores(X))


@pytest.mark.parametrize(
    ("wrap", "select", "message"),
    [
        (lambda scores: {"loss": None, "logits": scores}, "logit", "select='logit' .* a dict; choose 'loss', 'logits'"),
        (lambda scores: (scores, scores), 2, "select=2 is no part of what the model returns, a tuple; choose 0, 1"),
        (lambda scores: (scores, scores), -3, "select=-3 is no part .*, a tuple; choose 0, 1"),
        (lambda scores: Output(None, scores), "score", "a Output; choose 'loss', 'logits'"),
        (lambda scores: scores, 0, "select=0 is no part of what the model returns, a Tensor; leave select out"),
        (lambda scores: 3, "logits", "a int; choose a function that returns the scores"),
    ],
)
def test_a_part_that_is_not_there_is_told_with_those_that_are(wrap, select, message):
    explainer = Explainer(Wrapped(wrap), select=select)
    for ask in (explainer.explain, explainer.scores):
        with pytest.raises(ValueError, match=message):
            ask(X)


@pytest.mark.parametrize("kind", [kind for kind, (_, select) in PLACES.items() if select == "logits"])
def test_without_a_select_the_scores_are_the_logits(kind):
    model = Wrapped(PLACES[kind][0])
    expected = Explainer(model, "epsilon", select="logits").explain(X, 2)
    assert torch.equal(Explainer(model, "epsilon").explain(X, 2).relevance, expected.relevance)
    assert torch.equal(Explainer(model).scores(X), expected.scores)


WITHOUT_LOGITS = {
    "dict": lambda scores: {"loss": None, "scores": scores},
    "tuple": lambda scores: (scores, scores * 2),
    "list": lambda scores: [scores, scores * 2],
    "dataclass": lambda scores: Hidden(scores[..., None], scores),
}


@dataclass
class Hidden:
    states: Tensor
    pooled: Tensor


@pytest.mark.parametrize("wrap", WITHOUT_LOGITS.values(), ids=WITHOUT_LOGITS)
def test_the_way_out_of_a_model_that_returns_no_tensor_works_when_pasted(wrap):
    model = Wrapped(wrap)
    with pytest.raises(TypeError, match="LRP needs one tensor of scores") as refused:
        Explainer(model).explain(X)
    (way,) = re.findall(r"Explainer\(model, select=.*?\)(?=\.$)", str(refused.value))
    assert eval(way, {"Explainer": Explainer, "model": model}).explain(X).scores.shape == (5, 3)


@pytest.mark.parametrize("select", [True, 1.5, ["logits"], b"logits"])
def test_what_cannot_say_where_scores_are_is_refused(select):
    for use in (lambda: Explainer(nn.Linear(4, 3), select=select), lambda: TwoClasses(select)):
        with pytest.raises(TypeError, match="select must be a key, a position or a function"):
            use()


# One score of two classes.


ONE = {
    "(B, 1)": lambda scores: scores,
    "(B,)": lambda scores: scores.squeeze(1),
    "squeezed": lambda scores: scores.squeeze(),
}


@pytest.mark.parametrize("samples", [1, 5])
@pytest.mark.parametrize("rule", [Zero(), Epsilon(0.1), Gamma()], ids=str)
@pytest.mark.parametrize("form", ONE)
def test_class_1_is_explained_by_the_score_and_class_0_by_its_negative(form, rule, samples):
    model, x = Wrapped(ONE[form], scores=1), X[:samples]
    one = Explainer(model, rule).explain(x)
    two = Explainer(model, rule, select=TwoClasses())
    assert torch.equal(two.explain(x).scores, torch.cat([-one.scores, one.scores], 1))
    assert torch.equal(two.scores(x), two.explain(x).scores)
    assert_near(two.explain(x, 1).relevance, one.relevance, 1e-12)
    assert_near(two.explain(x, 0).relevance, -one.relevance, 1e-12)
    assert_near(two.explain(x, Rather(1, than=0)).relevance, 2 * one.relevance, 1e-12)
    assert two.explain(x, targets=[0, 1]).ledger.imbalance < 1e-9


def test_the_negated_score_is_explained_as_gradient_times_input():
    model = Wrapped(lambda scores: scores, scores=1)
    leaf = X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(-model(leaf).sum(), leaf)
    assert_near(Explainer(model, Zero(), select=TwoClasses()).explain(X, 0).relevance, gradient * X)


def test_a_score_above_0_says_class_1_and_probabilities_are_those_of_the_sigmoid():
    model = Wrapped(lambda scores: scores, scores=1)
    explainer = Explainer(model, select=TwoClasses())
    scores, one = explainer.scores(X), model(X)[:, 0].detach()
    assert scores.argmax(1).tolist() == (one > 0).long().tolist()
    assert_near(explainer.probabilities(scores)[:, 1], one.sigmoid(), 1e-12)
    assert_near(explainer.probabilities(scores).sum(1), torch.ones(5).double(), 1e-12)


def test_a_probability_says_class_1_above_a_half():
    model = Wrapped(torch.sigmoid, scores=1)
    explainer = Explainer(model, "epsilon", select=TwoClasses(probability=True))
    one, two = Explainer(model, "epsilon").explain(X), explainer.explain(X, 0)
    assert_near(two.scores, torch.cat([1 - one.scores, one.scores], 1), 1e-12)
    assert torch.equal(explainer.probabilities(two.scores), two.scores)
    assert_near(two.relevance, -one.relevance, 1e-5)  # the sum with 1 has its ε
    assert_near(two.ledger.explained, 1 - one.scores[:, 0], 1e-12)
    assert two.ledger.imbalance < 1e-9


def test_plain_scores_have_the_probabilities_of_their_softmax():
    assert_near(Explainer(nn.Linear(4, 3)).probabilities(X), X.softmax(1), 1e-12)


def test_one_score_is_found_inside_of_something():
    model = Wrapped(lambda scores: {"logits": scores}, scores=1)
    explainer = Explainer(model, "epsilon", select=TwoClasses("logits"))
    assert_near(explainer.explain(X, 1).relevance, Explainer(model.net, "epsilon").explain(X).relevance, 1e-12)
    assert torch.equal(Explainer(model, select=TwoClasses()).scores(X), explainer.scores(X))
    model = Wrapped(lambda scores: {"score": scores}, scores=1)
    with pytest.raises(TypeError, match=r"returned a dict, .*: TwoClasses\(select='score'\) says where they are"):
        Explainer(model, select=TwoClasses()).explain(X)


@pytest.mark.parametrize(
    "wrap", [lambda scores: scores, lambda scores: scores.unsqueeze(1)], ids=["(B, 3)", "(B, 1, 3)"]
)
def test_several_scores_are_not_those_of_two_classes(wrap):
    with pytest.raises(ValueError, match=r"is for one score per sample, \(B,\) or \(B, 1\), and the model gives \(5, "):
        Explainer(Wrapped(wrap), select=TwoClasses()).explain(X)


def test_class_1_of_one_score_is_refused_with_a_way_out_that_works():
    model = Wrapped(lambda scores: scores, scores=1)
    with pytest.raises(ValueError, match=r"out of range: .* explain with select=TwoClasses\(\), from lrpwidgets.lrp"):
        Explainer(model).explain(X, 1)
    assert Explainer(model, select=TwoClasses()).explain(X, 1).scores.shape == (5, 2)
