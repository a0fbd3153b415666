from __future__ import annotations

import numpy as np
import pytest

from lrpwidgets.subjects import Stroke
from lrpwidgets.widgets import ClassScores


def numbers(data):
    return np.frombuffer(data, np.float32)


def test_it_has_every_score_and_says_which_is_explained(exploration):
    view = ClassScores(exploration)
    np.testing.assert_array_equal(numbers(view.scores), np.float32(exploration.answer.scores))
    assert view.classes == [str(digit) for digit in range(10)]
    assert view.state == {"target": 3, "than": None, "truth": 3, "follows": True}


def test_a_click_asks_about_a_class_and_keeps_it(exploration, say):
    view = ClassScores(exploration)
    say(view, target=9, than=None)
    assert (exploration.answer.target, view.state["follows"]) == (9, False)
    exploration.item = 0
    assert exploration.answer.target == 9


def test_two_classes_are_set_against_each_other(exploration, say):
    view = ClassScores(exploration)
    say(view, than=9)
    assert (view.state["target"], view.state["than"]) == (3, 9)
    scores = exploration.answer.scores
    assert float(exploration.answer.explanation.ledger.explained[0]) == pytest.approx(scores[3] - scores[9])


def test_scores_before_painting_are_shown_beside_those_after(exploration):
    view = ClassScores(exploration)
    clean = view.scores
    assert view.before == b""
    exploration.strokes = (Stroke("grey", 2.0, ((4.0, 4.0),)),)
    assert view.before == clean != view.scores
    exploration.item = 2
    assert view.before == b""


def test_a_state_that_was_painted_elsewhere_knows_the_scores_before(explore, digits):
    clean, painted = explore(digits), explore(digits)
    painted.ask(item=2, strokes=(Stroke("blur", 2.0, ((4.0, 4.0),)),))  # never seen without
    clean.item = 2
    np.testing.assert_allclose(numbers(ClassScores(painted).before), clean.answer.scores, rtol=1e-6)


def test_what_is_no_class_is_a_sentence(exploration, say):
    view = ClassScores(exploration)
    say(view, target=10)
    assert "target 10 is out of range" in exploration.error
    assert view.state["target"] == 3


def test_outputs_without_names_have_numbers(explore, moody):
    assert ClassScores(explore(moody, classes=[])).classes == ["class 0", "class 1", "class 2"]
