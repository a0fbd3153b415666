from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from lrpwidgets.subjects.images import SIZE, thumbnail
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets.explore.survey import UNKNOWN, UNREADABLE, Findings, Survey


class Picky(nn.Module):
    """Two classes, the mean of a picture against a threshold; refuses a batch with a dark picture in it."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(1, 2)
        self.batches = []

    def forward(self, x):
        self.batches.append(len(x))
        if bool((x == 0).flatten(1).all(1).any()):
            raise RuntimeError("no light")
        return self.dense(x.flatten(1).mean(1, keepdim=True))


class Mixed:
    """Samples of two sizes; the third cannot be opened, and the fifth is dark."""

    inputs = (torch.rand(1, 4, 4), torch.rand(1, 6, 6), None, torch.rand(1, 4, 4), torch.zeros(1, 4, 4))

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        if self.inputs[index] is None:
            raise ValueError(f"file {index} is torn")
        return self.inputs[index], (None if index == 3 else 1)


@pytest.fixture
def mixed(explore, moody):
    torch.manual_seed(0)
    return explore(moody, model=Picky().eval(), dataset=Mixed(), classes=["dim", "bright"])


def by_index(findings, name):
    return dict(zip(findings.index.tolist(), getattr(findings, name).tolist(), strict=True))


def test_predictions_and_confidence_are_those_of_the_model(exploration, digits):
    findings = Survey(exploration).look(range(100))
    with torch.no_grad():
        scores = digits.model(torch.stack([digits.dataset[i][0] for i in range(100)])).double()
    expected = scores.exp() / scores.exp().sum(1, keepdim=True)
    assert findings.index.tolist() == list(range(100))
    assert findings.says.tolist() == scores.argmax(1).tolist()
    assert findings.truth.tolist() == [digits.dataset[i][1] for i in range(100)]
    np.testing.assert_allclose(findings.confidence, expected.max(1).values, rtol=1e-5)
    assert [column.dtype for column in (findings.index, findings.says, findings.truth)] == [np.int32] * 3
    assert findings.confidence.dtype == np.float32


def test_many_inputs_are_one_forward(explore, moody):
    model = Picky().eval()
    exploration = explore(moody, model=model, dataset=TensorSamples(torch.rand(9, 1, 4, 4), [0] * 9, ["x"] * 9))
    model.batches.clear()
    Survey(exploration).look(range(9))
    assert model.batches == [9]


def test_what_is_broken_is_named_and_spoils_no_other(mixed):
    findings = Survey(mixed).look(range(5))
    assert findings.problems == {
        2: "file 2 is torn",
        4: "The model cannot take an input of shape (1, 1, 4, 4): no light.",
    }
    says = by_index(findings, "says")
    with torch.no_grad():
        for index in (0, 1, 3):
            assert says[index] == int(mixed.subject.model(Mixed.inputs[index][None]).argmax())
    assert says[2] == says[4] == UNREADABLE
    assert by_index(findings, "truth") == {0: 1, 1: 1, 3: UNKNOWN, 2: UNKNOWN, 4: UNKNOWN}


def test_scores_that_are_not_finite_are_a_problem_of_their_input_only(explore, moody):
    x = torch.rand(3, 1, 2, 2)
    x[1] = 3e38
    model = nn.Sequential(nn.LPPool2d(1, 2), nn.Flatten(), nn.Linear(1, 2)).eval()  # the sum of it overflows
    exploration = explore(moody, model=model, dataset=TensorSamples(x, [0, 0, 0], ["a", "b", "c"]))
    findings = Survey(exploration).look(range(3))
    assert list(findings.problems) == [1]
    assert "not finite" in findings.problems[1]


def test_what_is_left_begins_in_view_and_comes_round(mixed):
    survey = Survey(mixed)
    assert survey.left(3).tolist() == [3, 4, 0, 1, 2]
    survey.look([3, 0])
    assert survey.left(3).tolist() == [4, 1, 2]
    survey.look(survey.left(0))
    assert survey.left(0).tolist() == []


def test_an_input_is_opened_once_for_thumbnail_and_prediction(mixed, monkeypatch):
    opened, model = [], mixed.subject.model
    open_it = mixed.open
    monkeypatch.setattr(mixed, "open", lambda index: opened.append(index) or open_it(index))
    survey = Survey(mixed)
    model.batches.clear()
    thumbnails, findings = survey.show([0, 3])
    assert opened == [0, 3]
    assert sorted(thumbnails) == findings.index.tolist() == [0, 3]
    again, nothing = survey.show([0])
    assert again[0] == thumbnails[0]
    assert len(nothing.index) == 0
    assert model.batches == [2]


def test_a_picture_that_cannot_be_drawn_is_a_problem(explore, moody):
    def fail(x):
        raise ValueError("no such colour")

    survey = Survey(explore(moody, to_image=fail))
    thumbnails, findings = survey.show([0])
    assert (thumbnails, findings.problems) == ({0: b""}, {0: "no such colour"})


def test_thumbnails_of_small_pictures_are_exact(exploration, digits):
    thumbnails, _ = Survey(exploration).show([5])
    image = Image.open(io.BytesIO(thumbnails[5]))
    assert image.format == "PNG"
    assert image.convert("RGB").tobytes() == digits.to_image(digits.item(5)[0]).convert("RGB").tobytes()


def test_thumbnails_of_large_pictures_are_small():
    image = Image.open(io.BytesIO(thumbnail(Image.effect_noise((300, 200), 90))))
    assert (image.format, image.size) == ("JPEG", (SIZE, 43))


def test_findings_join_in_their_order():
    parts = [Findings.of([(7, 1, 2, 0.5)], {3: "torn"}, {}), Findings.of([], {}, {})]
    parts.append(Findings.of([(1, 0, 0, 1.0)], {}, {1: "an answer"}))
    joined = Findings.joined(parts)
    assert joined.index.tolist() == [7, 3, 1]
    assert joined.says.tolist() == [1, UNREADABLE, 0]
    assert joined.confidence.tolist() == [0.5, 0.0, 1.0]
    assert joined.problems == {3: "torn"}
    assert joined.called == {1: "an answer"}


def test_answers_in_texts_are_called_by_their_words(explore):
    answering = pytest.importorskip("tests.subjects.answering")
    exploration = explore(answering.make())
    findings = Survey(exploration).look([0, 1])
    for index, says in zip(findings.index.tolist(), findings.says.tolist(), strict=True):
        assert findings.called[index] == exploration.open(index).outputs[says]
