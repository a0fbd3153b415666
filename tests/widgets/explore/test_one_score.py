"""Every view of a model that gives one score per sample: two classes, or none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Explainer, TwoClasses
from lrpwidgets.subjects import Subject, TensorSamples, describe
from lrpwidgets.widgets import ClassScores, HeatmapView, InputStrip, LayerInspector, QuestionBar, RuleBoard, TopBar
from lrpwidgets.widgets.explore.report import report
from lrpwidgets.widgets.explore.survey import Survey


class Single(nn.Module):
    """One logit, or what `end` makes of it, of pictures (B, 1, 6, 6)."""

    def __init__(self, end=None):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.dense, self.end = nn.Conv2d(1, 4, 3), nn.Linear(64, 1), end or nn.Identity()
        with torch.no_grad():  # both classes occur
            self.dense.bias.sub_(self.logit(X).mean())
        self.eval().requires_grad_(False)

    def logit(self, x):
        return self.dense(self.conv(x).relu().flatten(1))

    def forward(self, x):
        return self.end(self.logit(x))


torch.manual_seed(1)
X = torch.rand(12, 1, 6, 6)
Y = torch.tensor([0, 1] * 6)
NAMES = ["cat", "dog"]


@pytest.fixture(params=[None, nn.Flatten(0)], ids=["(B, 1)", "(B,)"])
def model(request):
    return Single(request.param)


@pytest.fixture
def two(explore, model):
    exploration = explore(describe(model, (X, Y), classes=NAMES), "epsilon")
    exploration.item = 0
    return exploration


def numbers(data):
    return np.frombuffer(data, np.float32)


def says(model, x=X):
    return (model(x).flatten() > 0).long().tolist()


def test_both_classes_have_a_score_and_a_probability(two, model):
    view = ClassScores(two)
    for item in range(4):
        two.item = item
        logit = float(model(X[item : item + 1]))
        assert view.classes == NAMES
        assert numbers(view.scores) == pytest.approx([-logit, logit], abs=1e-6)
        assert numbers(view.probabilities)[1] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)
        assert (view.state["target"], view.state["truth"]) == (int(logit > 0), int(Y[item]))


def test_each_class_is_explained_by_the_score_or_its_negative(two, model, say):
    bar = QuestionBar(two)
    assert bar.classes == NAMES
    one = Explainer(model, "epsilon").explain(X[:1]).relevance
    for target, expected in ((1, one), (0, -one)):
        say(bar, target=target)
        assert two.error == ""
        assert torch.allclose(two.answer.explanation.relevance, expected, atol=1e-6)
    say(bar, target=1)
    say(bar, than=0)
    assert torch.allclose(two.answer.explanation.relevance, 2 * one, atol=1e-5)


def test_the_survey_says_both_classes_and_the_truth(two, model):
    findings = Survey(two).look(range(12))
    assert findings.says.tolist() == says(model)
    assert findings.truth.tolist() == Y.tolist()
    probability = model(X).flatten().sigmoid()
    assert findings.confidence == pytest.approx(torch.maximum(probability, 1 - probability).numpy(), abs=1e-6)
    assert {0, 1} <= set(says(model))


def test_every_view_draws_two_classes(two):
    views = [view(two) for view in (HeatmapView, InputStrip, LayerInspector, RuleBoard, TopBar)]
    for item in range(3):
        two.item = item
        assert two.error == ""
    assert views[1].classes == NAMES
    assert "cat" in report(two)


def test_a_probability_is_its_own_probability(explore):
    model = Single(nn.Sigmoid())
    exploration = explore(describe(model, (X, Y), classes=NAMES), "epsilon")
    exploration.item = 0
    probability = float(model(X[:1]))
    assert numbers(ClassScores(exploration).probabilities) == pytest.approx([1 - probability, probability], abs=1e-6)
    assert Survey(exploration).look(range(12)).says.tolist() == (model(X).flatten() > 0.5).long().tolist()
    assert any("ends in a sigmoid" in caveat for caveat in exploration.answer.explanation.caveats)


def test_copied_python_gives_the_same_for_both_classes(two):
    for target in (None, 0, 1):
        two.target = target
        text = TopBar(two).code()
        assert "from lrpwidgets.lrp import Explainer, TwoClasses, composites" in text
        assert "Explainer(subject.model, composite, select=TwoClasses(select=None, probability=False))" in text
        names = {"subject": two.subject}
        exec(compile(text, "copied", "exec"), names)
        assert torch.equal(names["relevance"], two.answer.explanation.relevance)


def test_a_regression_has_one_score_and_no_probability(explore, model):
    exploration = explore(describe(model, (X, torch.linspace(0, 9, 12))), "epsilon")
    view = ClassScores(exploration)
    assert (view.classes, view.probabilities, view.state["truth"]) == (["score"], b"", None)
    assert torch.equal(exploration.answer.explanation.relevance, Explainer(model, "epsilon").explain(X[:1]).relevance)
    assert QuestionBar(exploration).classes == ["score"]
    findings = Survey(exploration).look(range(12))
    assert set(findings.says.tolist()) == {0}
    assert set(findings.truth.tolist()) == {-1}
    assert "score" in report(exploration)


def test_a_subject_of_ones_own_is_told_what_it_lacks(explore, model):
    subject = Subject(model, TensorSamples(X, Y.tolist(), [str(i) for i in range(12)]), NAMES)
    assert "give the subject select=lrp.TwoClasses()" in explore(subject).error
    exploration = explore(subject, select=TwoClasses())
    assert exploration.error == ""
    assert len(exploration.answer.scores) == 2
