"""What `describe` makes of the outputs of a model: scores inside of something, and one score per sample."""

import pickle
import re

import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import TensorDataset

from lrpwidgets.lrp import TwoClasses
from lrpwidgets.subjects import Subject, TensorSamples, describe


class Network(nn.Module):
    """Scores of pictures (B, 1, 6, 6), and what comes behind them."""

    def __init__(self, scores=1, end=None):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, scores))
        self.end = end or nn.Identity()
        self.eval()

    def forward(self, x):
        return self.end(self.layers(x))


torch.manual_seed(1)
X = torch.rand(8, 1, 6, 6)
Y = torch.tensor([0, 1, 1, 0, 1, 0, 0, 1])
NAMES = ["cat", "dog"]
ENDS = {"(B, 1)": nn.Identity(), "(B,)": nn.Flatten(0), "squeezed": torch.squeeze}


class Dataset(TensorDataset):
    classes = NAMES


def scores_of(subject):
    """As the subject's explainer sees them, of all inputs."""
    return subject.explainer().scores(torch.stack([x for x, _ in subject.dataset]))


BINARY = {
    "whole numbers": {"dataset": (X, Y)},
    "floats": {"dataset": (X, Y.float())},
    "bools": {"dataset": (X, Y.bool())},
    "columns": {"dataset": (X, Y[:, None].float())},
    "one-hot": {"dataset": TensorDataset(X, torch.eye(2)[Y])},
    "names": {"dataset": [(x, NAMES[y]) for x, y in zip(X, Y, strict=True)], "classes": NAMES},
    "numbers and names": {"dataset": (X, Y), "classes": NAMES},
    "names by number": {"dataset": (X, Y), "classes": {0: "cat", 1: "dog"}},
    "names of the dataset": {"dataset": Dataset(X, Y)},
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("form", BINARY)
def test_one_score_tells_two_classes_apart(form, end):
    model = Network(end=ENDS[end])
    subject = describe(model, **BINARY[form])
    assert subject.model is model
    assert subject.select == TwoClasses()
    assert [label for _, label in subject.dataset] == Y.tolist()
    one = model.layers(X).detach()
    assert torch.equal(scores_of(subject), torch.cat([-one, one], 1))
    named = ("cat", "dog") if "names" in form else ("class 0", "class 1")
    assert (subject.class_name(0), subject.class_name(1)) == named
    (note,) = [note for note in subject.notes if "gives one" in note]
    says = f"above 0 it says '{named[1]}', else '{named[0]}', for which its negative is explained"
    assert note == f"The model gives one score: {says}."


@pytest.mark.parametrize("end", [nn.Sigmoid(), nn.Sequential(nn.Sigmoid(), nn.Flatten(0))], ids=["(B, 1)", "(B,)"])
def test_a_probability_tells_them_apart_at_a_half(end):
    subject = describe(Network(end=end), (X, Y))
    assert subject.select == TwoClasses(probability=True)
    one = Network()(X).sigmoid().detach()
    assert torch.allclose(scores_of(subject), torch.cat([1 - one, one], 1))
    assert any("one probability: above ½" in note and "one minus it" in note for note in subject.notes)
    assert any("ends in a sigmoid" in caveat for caveat in subject.explainer().explain(X[:1]).caveats)


@pytest.mark.parametrize("scores", [0.3, 0.7])
def test_a_logit_that_happens_to_lie_between_0_and_1_is_no_probability(scores):
    model = Network()
    with torch.no_grad():
        model.layers[3].weight.zero_()
        model.layers[3].bias.fill_(scores)
    assert describe(model, (X, Y)).select == TwoClasses()


REGRESSION = {
    "fractions": (torch.linspace(0, 1, 8), "0.142857 is none of two classes"),
    "many values": (torch.arange(8), "2 is none of two classes"),
    "large numbers": (torch.full((8,), 170), "170 is none of two classes"),
}


@pytest.mark.parametrize("form", REGRESSION)
def test_other_labels_are_no_classes(form):
    labels, why = REGRESSION[form]
    subject = describe(Network(), (X, labels))
    assert subject.select is None
    assert subject.classes == ["score"]
    assert [label for _, label in subject.dataset] == [None] * 8
    assert any(note.endswith(f"and labels are left out: {why}.") for note in subject.notes)
    assert torch.equal(scores_of(subject), Network()(X))


@pytest.mark.parametrize("data", [X, TensorDataset(X, torch.full((8,), -1)), [(x, None) for x in X]])
def test_one_score_without_labels_is_explained_as_it_is_and_the_way_out_is_told(data):
    subject = describe(Network(), data)
    assert (subject.select, subject.classes) == (None, ["score"])
    assert any("explained as it is; give classes= with two names" in note for note in subject.notes)
    assert describe(Network(), data, classes=NAMES).select == TwoClasses()


def test_one_name_means_one_score():
    subject = describe(Network(), (X, Y), classes=["price"])
    assert (subject.select, subject.classes) == (None, ["price"])
    assert [label for _, label in subject.dataset] == [None] * 8


def test_labels_of_minus_1_are_told_to_be_unknown():
    subject = describe(Network(), (X, 2 * Y - 1))
    assert [label for _, label in subject.dataset] == [1 if y else None for y in Y]
    assert any("Labels of -1 count as unknown; give 0" in note for note in subject.notes)


def test_two_subfolders_are_the_two_classes(tmp_path):
    for name in ("dog", "cat"):
        (tmp_path / name).mkdir()
        Image.new("L", (6, 6), 90).save(tmp_path / name / "1.png")
    subject = describe(Network(), tmp_path)
    assert (subject.classes, subject.select) == (NAMES, TwoClasses())
    assert [label for _, label in subject.dataset] == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            {"dataset": (X, Y), "classes": ["a", "b", "c"]},
            "names of 3 classes and the model gives one score; give .* two",
        ),
        ({"dataset": [(x, "dog") for x in X]}, "'dog' is no name of a class; give classes="),
    ],
)
def test_what_fits_no_score_is_refused(arguments, told):
    with pytest.raises(ValueError, match=told):
        describe(Network(), **arguments)


def test_a_label_beyond_the_two_classes_fails_alone():
    labels = torch.zeros(40, dtype=torch.long)
    labels[35] = 7
    subject = describe(Network(), (X.repeat(5, 1, 1, 1), labels))
    with pytest.raises(
        ValueError, match="Sample 35 cannot be used: its label is 7, but classes are numbered from 0 to 1"
    ):
        subject.item(35)


def test_a_subject_of_two_classes_travels_to_other_processes():
    subject = describe(nn.Sequential(nn.Flatten(), nn.Linear(36, 1)).eval(), (X, Y))
    assert torch.equal(scores_of(pickle.loads(pickle.dumps(subject))), scores_of(subject))


# Where the scores are.


@pytest.mark.parametrize(
    ("end", "select"),
    [
        (lambda scores: {"logits": scores, "hidden": scores.relu()}, "logits"),
        (lambda scores: (scores.relu(), scores), 1),
        (lambda scores: {"heads": [scores]}, lambda output: output["heads"][0]),
    ],
    ids=["key", "position", "function"],
)
def test_scores_are_found_by_select(end, select):
    subject = describe(Network(3, end), X, select=select)
    assert subject.select is select
    assert torch.equal(scores_of(subject), Network(3)(X))
    one = describe(Network(1, end), (X, Y), select=select)
    assert one.select == TwoClasses(select)
    assert torch.equal(scores_of(one)[:, 1:], Network(1)(X))


def test_a_model_that_returns_no_scores_is_refused_with_a_way_out_that_works():
    model = Network(3, lambda scores: {"loss": None, "answers": scores})
    with pytest.raises(ValueError, match=r"The model returns dict for one sample .* select='answers'") as refused:
        describe(model, X)
    (way,) = re.findall(r"select=('\w+')\.$", str(refused.value))
    assert torch.equal(scores_of(describe(model, X, select=eval(way))), Network(3)(X))


def test_logits_are_found_without_being_told():
    subject = describe(Network(3, lambda scores: {"loss": None, "logits": scores}), X)
    assert torch.equal(scores_of(subject), Network(3)(X))


def test_a_select_that_finds_nothing_is_told():
    with pytest.raises(
        ValueError, match="select='scores' is no part of what the model returns, a dict; choose 'logits'"
    ):
        describe(Network(3, lambda scores: {"logits": scores}), X, select="scores")
    with pytest.raises(TypeError, match="select must be a key, a position or a function"):
        describe(Network(3), X, select=1.5)


@pytest.mark.parametrize("given", [{"classes": list("abcde")}, {"dataset": TensorDataset(X)}])
def test_classes_on_the_last_axis_are_refused_with_a_way_out_that_works(given):
    class Rows(nn.Module):
        """One of five classes for each row of a picture."""

        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 5)

        def forward(self, x):
            return self.layer(x[:, 0])

    arguments = {"dataset": X} | given
    if "classes" not in given:
        arguments["dataset"].classes = list("abcde")
    with pytest.raises(ValueError, match=r"names of 5 classes. .* axis 1 holds 6 classes") as refused:
        describe(Rows(), **arguments)
    (way,) = re.findall(r"select=(lambda output: .*?\))(?= \()", str(refused.value))
    assert scores_of(describe(Rows(), **arguments, select=eval(way))).shape == (8, 5, 6)


# Subjects of one's own.


def test_an_explainer_of_a_subject_finds_its_scores():
    subject = Subject(Network(3, lambda scores: {"logits": scores}), select="logits")
    explainer = subject.explainer("epsilon", "cpu")
    assert (explainer.model, explainer.select, explainer.composite.name) == (subject.model, "logits", "epsilon")
    assert torch.equal(explainer.scores(X), Network(3)(X))


def test_selecting_keeps_the_recipe_where_it_has_a_text_form():
    subject = Subject(Network(3), recipe="subjects.load('digits')")
    assert subject.selecting(None) is subject
    assert subject.selecting("logits").recipe == "subjects.load('digits', select='logits')"
    assert subject.selecting("logits").selecting("logits").recipe == "subjects.load('digits', select='logits')"
    assert subject.selecting("logits").selecting(0).recipe == "subjects.load('digits', select=0)"
    assert subject.selecting(0).recipe == "subjects.load('digits', select=0)"
    assert subject.selecting(lambda output: output).recipe == ""
    assert Subject(Network(3)).selecting(0).recipe == ""


def test_one_score_of_a_subject_with_two_classes_is_refused_with_the_way_out():
    samples = TensorSamples(X, Y.tolist(), [str(i) for i in range(8)])
    for subject in (Subject(Network(), samples, NAMES), Subject(Network(), samples)):
        with pytest.raises(ValueError, match=r"give the subject select=lrp.TwoClasses\(\)"):
            subject.check_scores(1, 1)
        subject.check_scores(2, 1)
    Subject(Network(), samples).check_scores(1, 0)
    Subject(Network(), samples).check_scores(1)
    Subject(Network(), samples, ["price"]).check_scores(1, 1)
