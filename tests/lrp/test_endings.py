"""What is said where the explained score is not a plain one, and where a map is not to be trusted."""

import re

import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Explainer, Rather, TwoClasses, operations
from lrpwidgets.lrp.ledger import TRUSTED
from lrpwidgets.lrp.rules import Epsilon, ZPlus
from tests.lrp.dense import assert_near


class Ending(nn.Module):
    """A small network with one score, and what comes behind it."""

    def __init__(self, end, scores=1):
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, scores)).double()
        self.end = end
        self.eval()

    def forward(self, x):
        return self.end(self.net(x))


torch.manual_seed(1)
X = torch.randn(5, 4).double()

SIGMOID, EXP, LOGSIGMOID = "ends in a sigmoid, so a probability", "so a positive number", "logarithm of a probability"
ENDS = {
    "sigmoid": (torch.sigmoid, SIGMOID),
    "module": (nn.Sigmoid(), SIGMOID),
    "in place": (lambda z: z.sigmoid_(), SIGMOID),
    "expit": (torch.special.expit, SIGMOID),
    "hardsigmoid": (nn.Hardsigmoid(), SIGMOID),
    "squeezed": (lambda z: z.sigmoid().squeeze(1), SIGMOID),
    "per cent": (lambda z: 100 * z.sigmoid(), SIGMOID),
    "complement": (lambda z: 1 - z.sigmoid(), SIGMOID),
    "clamped": (lambda z: z.sigmoid().clamp(1e-7, 1 - 1e-7), SIGMOID),
    "converted": (lambda z: z.sigmoid().float(), SIGMOID),
    "both": (lambda z: torch.cat([1 - z.sigmoid(), z.sigmoid()], 1), SIGMOID),
    "two classes": (lambda z: TwoClasses(probability=True)(z.sigmoid()), SIGMOID),
    "one of two": (lambda z: torch.cat([z, z.sigmoid()], 1), SIGMOID),
    "logsigmoid": (nn.LogSigmoid(), LOGSIGMOID),
    "exp": (torch.exp, EXP),
    "exp2": (torch.exp2, EXP),
    "softplus": (nn.Softplus(), EXP),
}
PLAIN = {
    "nothing": lambda z: z,
    "tanh": torch.tanh,
    "scaled": lambda z: z / 3 + 1,
    "gate": lambda z: z * z.sigmoid(),
    "the logit again": lambda z: z.sigmoid().logit(),
    "the logarithm again": lambda z: z.exp().log(),
}


@pytest.mark.parametrize("end", ENDS)
def test_scores_that_are_never_negative_are_told(end):
    function, words = ENDS[end]
    caveats = Explainer(Ending(function), "epsilon").explain(X).caveats
    assert len([caveat for caveat in caveats if words in caveat]) == 1


@pytest.mark.parametrize("end", PLAIN)
def test_plain_scores_need_no_word(end):
    caveats = Explainer(Ending(PLAIN[end]), "epsilon").explain(X).caveats
    assert not any("ends in" in caveat for caveat in caveats)


@pytest.mark.parametrize("end", ["sigmoid", "module", "expit", "squeezed", "logsigmoid", "exp", "exp2", "softplus"])
def test_the_way_out_explains_the_number_before(end):
    model = Ending(ENDS[end][0])
    (caveat,) = [caveat for caveat in Explainer(model, "epsilon").explain(X).caveats if "ends in" in caveat]
    (way,) = re.findall(r"select=(lambda output: .*)\.$", caveat)
    explanation = Explainer(model, "epsilon", select=eval(way)).explain(X)
    assert_near(explanation.relevance, Explainer(model.net, "epsilon").explain(X).relevance, 1e-6)
    assert not any("ends in" in each for each in explanation.caveats)


def test_the_signs_turn_where_the_logit_is_negative():
    model = Ending(torch.sigmoid)
    probability = Explainer(model, "epsilon").explain(X)
    logit = Explainer(model.net, "epsilon").explain(X)
    negative = logit.scores[:, 0] < 0
    assert negative.any()
    assert torch.equal(probability.relevance.sign()[negative], -logit.relevance.sign()[negative])


def test_the_largest_of_several_probabilities_is_one():
    caveats = Explainer(Ending(lambda z: z.sigmoid().amax(1, keepdim=True), scores=3), "epsilon").explain(X).caveats
    assert any(SIGMOID in caveat for caveat in caveats)


# Dense layers over the last axis.


class Tokens(nn.Module):
    """Scores (B, T, 7) of 7 labels for each of T tokens."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Dropout(), nn.Linear(6, 7)).double()
        self.eval()

    def forward(self, x):
        return self.layers(x)


TOKENS = torch.randn(2, 5, 4).double()


def test_classes_on_the_last_axis_are_told_with_the_way_out():
    (caveat,) = [
        each for each in Explainer(Tokens()).explain(TOKENS).caveats if "dense layer over the last axis" in each
    ]
    assert "(B, 5, 7)" in caveat
    (way,) = re.findall(r"select=(lambda output: .*?\))(?= \()", caveat)
    explanation = Explainer(Tokens(), select=eval(way)).explain(TOKENS)
    assert explanation.scores.shape == (2, 7, 5)
    assert not any("last axis" in each for each in explanation.caveats)
    assert not any("last axis" in each for each in Explainer(Tokens().layers).explain(TOKENS[:, 0]).caveats)


# What is not to be trusted.


class Leaky(operations.Activation):
    """Hands on more than it got."""

    def propagate(self, call, relevance, rule, cache):
        return operations.Activation.propagate(self, call, (relevance[0] * (1 + self.more),), rule, cache)


@pytest.mark.parametrize(("more", "told"), [(0.02, True), (1e-4, False)])
def test_a_ledger_that_does_not_balance_is_told_with_its_imbalance(monkeypatch, more, told):
    monkeypatch.setattr(Leaky, "more", more, raising=False)
    monkeypatch.setitem(operations.OPERATIONS, "tanh", (Leaky(),))
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double().eval()
    explanation = Explainer(model, Epsilon()).explain(X)
    assert (explanation.ledger.imbalance > TRUSTED) is told
    caveats = [caveat for caveat in explanation.caveats if "does not balance" in caveat]
    assert len(caveats) == told
    assert all(
        f"{explanation.ledger.imbalance:.2g} of a score" in each and "not to be trusted" in each for each in caveats
    )


def test_a_map_of_zeros_is_never_silent():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).double().eval()
    nothing = torch.zeros(1, 4).double()
    explanation = Explainer(model, "epsilon").explain(torch.cat([X, nothing]), 0)
    assert not explanation.relevance[-1].any()
    assert any("zero everywhere" in caveat for caveat in explanation.caveats)
    assert any("zero everywhere" in caveat for caveat in Explainer(model).explain(nothing, targets=[0, 1]).caveats)
    assert not any("zero everywhere" in caveat for caveat in Explainer(model, "epsilon").explain(X, 0).caveats)


@pytest.mark.parametrize("end", [lambda z: z, lambda z: z.squeeze(1), lambda z: z.squeeze()])
def test_a_negative_score_that_counts_with_its_sign_turned_is_told(end):
    model = Ending(end)
    negative = X[model(X).flatten() < 0]
    for rule, told in ((ZPlus(), True), (Epsilon(), False)):
        explainer = Explainer(model, rule, select=TwoClasses())
        caveats = [caveat for caveat in explainer.explain(negative, 0).caveats if "sign turned" in caveat]
        assert len(caveats) == told
        assert explainer.explain(negative, 0, keep="input").caveats == explainer.explain(negative, 0).caveats
        assert not any("sign turned" in caveat for caveat in explainer.explain(negative, 1).caveats)


@pytest.mark.parametrize(
    "end",
    [
        lambda z: (z.unflatten(1, (3, 1)) * torch.tensor([[1.0], [-1], [1]])).flatten(1),
        lambda z: -z.flatten(1),
        lambda z: torch.mul(input=z, other=-1),
    ],
)
def test_whatever_turns_the_sign_the_caveats_are_there(end):
    explanation = Explainer(Ending(end, scores=3), ZPlus()).explain(X, 0)
    assert explanation.caveats == Explainer(Ending(end, scores=3), ZPlus()).explain(X, 0, keep="input").caveats


def test_the_second_score_of_a_contrast_counts_with_its_sign_turned():
    model = nn.Linear(4, 2).double().eval()
    with torch.no_grad():
        model.bias.copy_(torch.tensor([9.0, -9.0]))
    explainer = Explainer(model, ZPlus())
    assert any("sign turned" in caveat for caveat in explainer.explain(X, Rather(0, than=1)).caveats)
    assert not any("sign turned" in caveat for caveat in explainer.explain(X, 0).caveats)


class Small(nn.Module):
    """Attention whose queries and keys are tiny."""

    def __init__(self, size):
        super().__init__()
        torch.manual_seed(0)
        self.size, self.embed, self.head = size, nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        rows = self.embed(x) * self.size
        return self.head((rows @ rows.transpose(1, 2) @ rows).mean(1) / self.size**3)


def test_products_that_lose_relevance_to_their_stabilizers_say_so_and_how_not_to():
    x = torch.randn(2, 4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    explanation = Explainer(Small(1e-2).double()).explain(x, 1)
    (caveat,) = [each for each in explanation.caveats if "stabilizers" in each]
    way = re.search(r"(explanation\.switch\(.*\))\.$", caveat)[1]
    mended = eval(way, {"explanation": explanation})
    assert not any("stabilizers" in each for each in mended.caveats)
    assert_near(mended.relevance, Explainer(Small(1.0).double()).explain(x, 1).relevance, 1e-3)
    assert not any("stabilizers" in each for each in Explainer(Small(1.0).double()).explain(x, 1).caveats)
