from __future__ import annotations

from lrpwidgets.lrp import Composite, rules
from lrpwidgets.widgets import QuestionBar


def test_it_asks_about_a_class_and_about_the_top_class_again(exploration, say):
    bar = QuestionBar(exploration)
    assert (bar.state["target"], bar.state["top"]) == (None, 3)
    assert bar.classes == [str(digit) for digit in range(10)]
    say(bar, target=9)
    assert (exploration.target, bar.state["target"], exploration.answer.target) == (9, 9, 9)
    say(bar, target=None)
    assert (exploration.target, bar.state["target"], exploration.answer.target) == (None, None, 3)


def test_it_offers_every_preset_and_each_of_them_answers(exploration, say):
    bar = QuestionBar(exploration)
    assert [name for name, _, _ in bar.presets] == exploration.presets()
    assert all(title and sentence for _, title, sentence in bar.presets)
    for name, _, _ in bar.presets:
        say(bar, composite=name)
        assert (exploration.error, bar.state["composite"], bar.state["changed"]) == ("", name, False)


def test_it_says_when_rules_differ_from_the_preset(exploration, say):
    bar = QuestionBar(exploration)
    exploration.composite = exploration.composite.with_rule(0, rules.WSquare())
    assert bar.state["changed"]
    say(bar, composite=exploration.composite.name)  # back to the preset
    assert not bar.state["changed"]


def test_a_composite_of_ones_own_is_not_a_changed_preset(explore, digits):
    bar = QuestionBar(explore(digits, Composite([("*", rules.Zero())], "mine")))
    assert (bar.state["composite"], bar.state["changed"]) == ("mine", False)


def test_what_is_not_there_is_a_sentence(exploration, say):
    bar = QuestionBar(exploration)
    say(bar, composite="magic")
    assert "There is no composite 'magic'" in exploration.error
    say(bar, target=10)
    assert "target 10 is out of range" in exploration.error
    say(bar, target="nine")
    assert exploration.error
    say(bar, target=2)
    assert exploration.error == ""


def test_without_class_names_outputs_have_numbers(explore, digits):
    bar = QuestionBar(explore(digits, classes=[]))
    assert bar.classes[:2] == ["class 0", "class 1"]


def test_a_class_is_set_against_another(exploration, say):
    bar = QuestionBar(exploration)
    say(bar, than=9)
    assert (bar.state["than"], exploration.answer.than) == (9, 9)
    say(bar, than=None)
    assert exploration.answer.than is None


def test_it_says_when_only_some_channels_count_and_takes_that_back(exploration, say):
    bar = QuestionBar(exploration)
    exploration.ask(layer="conv2", channels=(3,), only=True)
    assert (bar.state["channels"], bar.state["layer"]) == ([3], "conv2")
    say(bar, only=False)
    assert (bar.state["channels"], exploration.only) == ([], False)


def test_a_preset_can_be_undone(exploration, say):
    before = exploration.composite
    say(QuestionBar(exploration), composite="epsilon")
    exploration.undo()
    assert exploration.composite == before
