from __future__ import annotations

import math

import bqplot
import pytest

from lrpwidgets.widgets import ClassScores


def click(view, index):
    view._bars._handle_custom_msgs(view._bars, {"event": "element_click", "data": {"index": index}}, [])


def explained(view):
    """Position of the bar that is drawn in ink, from the bottom."""
    return [position for position, colour in enumerate(view._bars.colors) if colour == "#1c2126"]


def test_bars_are_the_scores_best_on_top(exploration):
    view = ClassScores(exploration)
    assert list(view._bars.y) == sorted(exploration.answer.scores)
    assert view._bars.x[-1].startswith("3 · ")
    assert explained(view) == [9]


def test_labels_say_score_and_probability(exploration):
    view = ClassScores(exploration)
    scores = exploration.answer.scores
    probability = math.exp(max(scores)) / sum(map(math.exp, scores))
    assert view._bars.x[-1] == f"3 · {max(scores):.1f} · {probability:.0%}"
    assert view._bars.x[0].split(" · ")[1].startswith("−")


def test_a_click_on_a_bar_asks_about_its_class(exploration):
    view = ClassScores(exploration)
    for position in range(10):
        click(view, position)
        assert view._bars.x[position].startswith(f"{exploration.target} · ")
        assert explained(view) == [position]


@pytest.mark.parametrize("top", [1, 2, 3])
def test_the_explained_class_is_always_among_the_bars(exploration, top):
    view = ClassScores(exploration, top=top)
    for target in range(10):
        exploration.target = target
        assert len(view._bars.x) == top
        assert [view._bars.x[position].split(" ·")[0] for position in explained(view)] == [str(target)]


def test_classes_of_one_name_keep_bars_of_their_own(explore, moody):
    view = ClassScores(explore(moody, classes=["crane", "crane", "crane"]))
    assert len(set(view._bars.x)) == 3
    click(view, 0)
    assert view.exploration.answer.target == min(range(3), key=view.exploration.answer.scores.__getitem__)


def test_long_names_are_cut(explore, moody):
    view = ClassScores(explore(moody, classes=["x" * 100, "y", "z"]))
    assert max(len(label.split(" · ")[0].strip()) for label in view._bars.x) == 18


def test_huge_scores_overflow_nothing(explore, moody):
    for parameter in moody.model.dense.parameters():
        parameter.data *= 1e6
    view = ClassScores(explore(moody))
    assert view.exploration.error == ""
    assert view._bars.x[-1].endswith("· 100%")


def test_a_page_that_missed_the_bars_is_sent_them(exploration, monkeypatch):
    sent = []
    monkeypatch.setattr(bqplot.Bars, "send_state", lambda self, key=None: sent.append(key))
    ClassScores(exploration)
    sent.clear()
    exploration.appeared += 1
    assert sent == [None, None]  # the bars and their tracks
