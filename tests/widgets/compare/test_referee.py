"""The state of a comparison: what is asked, what comes, and what is known so far."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from lrpwidgets import evaluate, methods, subjects
from lrpwidgets.dashboards import compare
from lrpwidgets.evaluate.parts import Regions
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets.base.asking import Place
from lrpwidgets.widgets.compare import Referee, exports, ranking, rows
from lrpwidgets.widgets.compare.question import CompareQuestion
from lrpwidgets.widgets.compare.referee import STEPS


def test_every_method_explains_the_inputs_that_are_shown(referee, digits):
    assert referee.methods == ("sensitivity", "epsilon_gamma_box", "random", "edges")
    x = torch.stack([digits.item(item)[0] for item in referee.items])
    for name in referee.methods:
        found = methods.explain(digits.explainer(), x, name, progress=False, **referee.needed(name)).relevance
        np.testing.assert_allclose(referee.rows[name].maps, found.sum(1).numpy(), rtol=1e-5, atol=1e-6)
    assert referee.error == ""


def test_what_is_measured_is_what_the_library_measures(referee, digits):
    how = {"region": 2, "steps": STEPS, "output": "probability", "samples": 20, "fills": Regions.fills}
    asked = {name: referee.needed(name) for name in referee.methods}
    found = evaluate.compare(digits, asked, progress=False, **how)
    assert found.conclusion == referee.answer.conclusion
    for key, gain in found.gains.items():
        torch.testing.assert_close(referee.answer.gains[key].values, gain.values)


def test_the_code_computes_the_same_table(referee, capsys):
    space = {}
    exec(exports.code(referee).replace("print(result.standings.to_frame())", ""), space)
    assert space["result"].conclusion == referee.answer.conclusion


def test_the_code_says_settings_and_a_class(compared, digits):
    made = compared(digits, methods=("smoothgrad",), settings={"smoothgrad": {"samples": 3}}, target=4)
    space = {}
    exec(exports.code(made).replace("print(result.standings.to_frame())", ""), space)
    for key, gain in made.answer.gains.items():
        torch.testing.assert_close(space["result"].gains[key].values, gain.values)


def test_a_method_more_leaves_what_is_known_of_others(referee):
    before, maps = referee.answer, referee.rows["sensitivity"].maps
    referee.add("gradient_times_input")
    assert referee.methods.index("gradient_times_input") < referee.methods.index("epsilon_gamma_box")
    assert referee.rows["sensitivity"].maps is maps
    after = referee.answer
    assert after.gains["zero", "gradient_times_input"].values.shape == (20,)
    torch.testing.assert_close(
        after.gains["zero", "sensitivity"].values, before.gains["zero", "sensitivity"].values, rtol=0, atol=0
    )
    referee.drop("gradient_times_input")
    assert "gradient_times_input" not in referee.rows


def test_a_setting_changes_the_maps_of_its_method_only(compared, digits):
    made = compared(digits, methods=("smoothgrad", "sensitivity"))
    before = dict(made.rows)
    made.turn("smoothgrad", samples=2)
    assert made.rows["sensitivity"] is before["sensitivity"]
    assert not np.array_equal(made.rows["smoothgrad"].maps, before["smoothgrad"].maps)
    with pytest.raises(ValueError, match="samples must be"):
        made.turn("smoothgrad", samples=0)
    with pytest.raises(ValueError, match="has no setting"):
        made.turn("smoothgrad", depth=3)


def test_what_cannot_explain_is_greyed_with_its_reason(compared, digits):
    made = compared(digits, methods=("attention_rollout", "sensitivity"))
    row = made.rows["attention_rollout"]
    assert row.maps is None
    assert "attention" in row.obstacle
    assert "attention_rollout" not in made.answer.order("zero")
    assert made.error == ""


@pytest.mark.parametrize("method", [("rise", {"samples": 400}), ("integrated_gradients", {}), ("smoothgrad", {})])
def test_what_takes_long_shows_a_rough_answer_first(digits, method):
    x, told = digits.item(0)[0][None], []
    for row in rows.explained(digits.explainer(), x, None, *method, told.append):
        told.append(row)
    assert [each.rough for each in told if isinstance(each, rows.Row)] == [True, False]
    assert len(told) > 2


def test_a_method_that_breaks_leaves_the_others(compared, digits, monkeypatch):
    def broken(*_):
        raise AssertionError("no such luck")

    monkeypatch.setattr(methods.METHODS["guided_backprop"], "attribute", broken)
    made = compared(digits, methods=("guided_backprop", "sensitivity"))
    assert "no such luck" in made.rows["guided_backprop"].obstacle
    assert made.rows["sensitivity"].maps is not None


def test_an_input_that_cannot_be_opened_is_not_shown_and_no_map_is_of_another_one(compared, moody):
    class Torn(TensorSamples):
        def __getitem__(self, index):
            if index == 2:
                raise OSError("picture 2 is torn")
            return super().__getitem__(index)

    data = moody.dataset
    made = compared(
        replace(moody, dataset=Torn(data.inputs, data.labels, data.names)), items=(0, 1), samples=5, region=3
    )
    assert set(made.answer.unreadable) <= {2}
    before = made.rows["sensitivity"].maps
    made.ask(items=(2, 1))
    assert "torn" in made.error
    assert made.items == made.looked.items == (0, 1)
    np.testing.assert_array_equal(made.rows["sensitivity"].maps, before)
    assert made.answer.unreadable == {2: "picture 2 is torn"}


def test_what_takes_hours_waits_to_be_asked_for(compared, digits, monkeypatch):
    monkeypatch.setattr("lrpwidgets.widgets.compare.referee.PATIENT", 0.0)
    made = compared(digits)
    assert (made.answer, made.running) == (None, False)
    assert made.cost > 0
    made.go(on=True)
    assert len(made.answer.items) == 20


def test_the_picture_is_flipped_in_the_order_of_each_method(referee):
    referee.cut = STEPS
    whole = [each.left for each in referee.taken]
    assert len(whole) == 6  # two that stand out and random, in both orders
    referee.cut = 0
    assert min(each.left for each in referee.taken) > max(0.5, *whole)
    assert {each.order for each in referee.taken} == {"most", "least"}


def test_the_input_of_another_room_comes_first(referee):
    referee.show_place(Place(item=40))
    assert referee.items == (40, 8, 9)
    assert referee.place().item == 40
    assert referee.looked.x.shape[0] == 3
    referee.show_place(Place(item=9))
    assert (referee.items, referee.column) == ((40, 8, 9), 2)


def test_a_state_with_other_inputs_and_another_measure_starts_anew(referee, digits, compared):
    other = compared(digits, items=(20, 21), region=4, target=3, methods=("gradient_times_input",))
    referee.restore(other.to_dict())
    assert referee.question == other.question
    for key, gain in other.answer.gains.items():
        torch.testing.assert_close(referee.answer.gains[key].values, gain.values)
    assert set(referee.answer.gains) == set(other.answer.gains)


def test_with_few_regions_the_slider_ends_where_the_curve_does(compared, digits):
    made = compared(digits, region=4)
    made.cut = STEPS
    assert made.error == ""
    assert len(made.taken) == 6


def png(value):
    file = io.BytesIO()
    Image.new("L", (8, 8), value).save(file, "PNG")
    return file.getvalue()


def test_a_picture_from_outside_comes_first_and_its_state_knows_it(referee, digits, compared):
    referee.show(png(200), "mine.png")
    samples = len(digits.dataset)
    assert (referee.items, referee.column) == ((samples, 8, 9), 0)
    assert referee.rows["sensitivity"].maps.shape == (3, 8, 8)
    assert referee.place().upload.name == "mine.png"
    other = compared(digits)
    with pytest.raises(ValueError, match="which is not here"):
        other.restore(referee.to_dict())
    other.restore(referee.to_dict(pictures=True))
    assert other.items == referee.items
    np.testing.assert_array_equal(other.rows["sensitivity"].maps, referee.rows["sensitivity"].maps)
    referee.remove(samples)
    assert referee.items == (8, 9)
    assert referee.error == ""


def test_a_file_that_is_no_picture_is_refused(referee):
    before = referee.items
    referee.show(b"nothing", "letter.txt")
    assert "letter.txt" in referee.refused[0]
    assert referee.items == before


def test_a_state_comes_back(referee, digits, compared):
    referee.ask(fill="zero", target=3, settings={"sensitivity": {"change": "absolute"}})
    other = compared(digits)
    other.restore(referee.link())
    assert other.question == referee.question
    np.testing.assert_array_equal(other.rows["sensitivity"].maps, referee.rows["sensitivity"].maps)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"methods": ("sensitivty",)}, "Did you mean 'sensitivity'"),
        ({"fill": "black"}, "fill must be one of uniform, zero"),
        ({"items": (400,)}, "There is no input 400; here are 355"),
        ({"items": tuple(range(13))}, "at most 12"),
        ({"target": 10}, "There is no class 10"),
        ({"target": "x"}, "target must be a whole number"),
        ({"region": 9}, "region must be at most 8"),
        ({"region": 0}, "region must be"),
        ({"samples": 1}, "samples must be"),
        ({"samples": True}, "samples must be"),
        ({"settings": {"sensitivity": {"change": "odd"}}}, "change must be one of"),
    ],
)
def test_what_cannot_be_asked_changes_nothing(referee, parts, sentence):
    before, answer = referee.question, referee.answer
    with pytest.raises(ValueError, match=re.escape(sentence)):
        referee.ask(**parts)
    assert (referee.question, referee.answer) == (before, answer)


def test_controls_stay(referee):
    with pytest.raises(ValueError, match="does not exceed it"):
        referee.drop("random")


def test_a_damaged_state_is_refused(referee):
    with pytest.raises(ValueError, match="no part 'colour'"):
        referee.restore({"colour": 1})
    with pytest.raises(ValueError, match="of the subject 'shapes'"):
        referee.restore({"subject": "shapes"})


def test_without_data_there_is_nothing_to_compare(digits):
    empty = replace(digits, dataset=TensorSamples(torch.zeros(0, 1, 8, 8), [], []))
    with pytest.raises(ValueError, match="here is none"):
        Referee(empty)


def test_numbers_in_a_row_are_for_the_library():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3)).eval()
    data = TensorSamples(torch.randn(30, 12), [0] * 30, [str(i) for i in range(30)])
    made = compare(Subject(model, data), question={"samples": 4})
    assert "evaluate.compare compares methods on it" in made.shared.error
    made.close()


def test_one_score_and_no_names_of_classes():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 1)).eval()
    data = TensorSamples(torch.rand(6, 1, 8, 8), [0] * 6, [str(i) for i in range(6)])
    made = compare(Subject(model, data), question={"samples": 4, "region": 4})
    assert made.shared.error == ""
    assert made.shared.answer is not None
    made.close()


def test_the_tables_hold_every_fill_and_method(referee):
    lines = exports.table(referee).splitlines()
    assert lines[0].split(",")[:3] == ['"fill"', '"rank"', '"method"']
    assert len(lines) == 1 + 4 * 4
    text = exports.latex(referee)
    assert r"epsilon\_gamma\_box &" in text
    assert text.count(r"\\") >= 5


def test_the_maps_are_saved_as_one_picture(referee):
    sheet = Image.open(io.BytesIO(base64.b64decode(exports.sheet(referee))))
    assert sheet.size == (200 + 3 * 118, 22 + 5 * 118)


def test_the_sentence_says_what_cannot_be_told(referee):
    said = ranking.said(referee.answer, "zero")
    assert "With zero" in said[0]
    few = replace(referee.answer, judged=0)
    assert "too few" in ranking.said(few, "zero")[0]


def test_questions_have_a_text_form():
    question = CompareQuestion(("lime",), {"lime": {"samples": 9}}, (1, 2), 3, "blur", 40, 2, 7, 5)
    assert CompareQuestion.from_dict(question.to_dict()) == question
    assert CompareQuestion().to_dict() == {}


def test_clever_hans_can_be_compared():
    made = Referee(subjects.load("clever-hans"), methods=("sensitivity",), items=(0, 1), samples=2)
    assert made.error == ""
    assert made.answer is not None
    made.close()
