"""Python that is copied from the screen computes what the screen shows, bit for bit."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Composite, rules
from lrpwidgets.lrp.selectors import Down, Exactly
from lrpwidgets.subjects import Stroke
from lrpwidgets.widgets import Question, TopBar
from lrpwidgets.widgets.explore.code import code


def run(text, **known):
    names = dict(known)
    exec(compile(text, "copied", "exec"), names)
    return names["relevance"]


def random_question(exploration, seed):
    """Something a person could have clicked together."""
    chance = random.Random(seed)
    composite = exploration.preset(chance.choice(exploration.presets()))
    layers = ["conv1", "conv2", "conv3", "linear"]
    linear = [
        rules.Gamma(chance.random()),
        rules.AlphaBeta(2, 1),
        rules.Epsilon(chance.random()),
        rules.Flat(),
        rules.ZPlus(),
    ]
    changes = [
        (chance.choice([Exactly, Down])(chance.choice(layers)), chance.choice(linear))
        for _ in range(chance.randrange(3))
    ]
    turned = [
        (selector, rules.Gamma(chance.random()) if isinstance(rule, rules.Gamma) else rule)
        for selector, rule in composite.entries
    ]
    entries = turned if chance.random() < 0.3 else composite.entries
    strokes = [
        Stroke(
            chance.choice(["grey", "blur"]),
            0.5 + chance.random(),
            tuple((8 * chance.random(), 8 * chance.random()) for _ in range(3)),
        )
        for _ in range(chance.randrange(2))
    ]
    target, than = (chance.choice([None, *range(10)]) for _ in range(2))
    return Question(
        item=chance.randrange(355),
        composite=Composite([*changes, *entries], composite.name),
        target=target,
        than=None if than == target else than,
        strokes=tuple(strokes),
        layer=chance.choice(layers[:3]),
        channels=tuple(chance.sample(range(16), 2)),
        only=chance.random() < 0.3,
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_code_of_a_random_state_gives_its_relevance_exactly(exploration, seed):
    question = random_question(exploration, seed)
    exploration.ask(**vars(question))
    assert exploration.error == ""
    assert torch.equal(run(TopBar(exploration).code()), exploration.answer.explanation.relevance)


def test_the_code_gives_the_pinned_maps_too(exploration):
    exploration.pin(replace(exploration.question.of(None), composite=exploration.preset("epsilon")))
    exploration.pin(replace(exploration.question, target=5))
    exploration.item = 20  # the first pin follows, the second one keeps its picture
    names = {}
    exec(compile(TopBar(exploration).code(), "copied", "exec"), names)
    assert torch.equal(names["relevance"], exploration.answer.explanation.relevance)
    for number, held in enumerate(exploration.pinned, 1):
        assert torch.equal(names[f"pinned_{number}"], held.explanation.relevance)
    assert [each.question.item for each in exploration.pinned] == [20, 8]


def test_an_unchanged_preset_is_called_by_its_name(exploration):
    exploration.composite = exploration.preset("epsilon_gamma_box")
    text = TopBar(exploration).code()
    assert "composites.get('epsilon_gamma_box', low=subject.bounds[0], high=subject.bounds[1])" in text
    assert "subjects.load('digits')" in text
    assert "Composite(" not in text


def test_a_subject_of_ones_own_is_named_in_a_comment(explore, moody):
    exploration = explore(moody)
    text = TopBar(exploration).code()
    assert "# subject: your own" in text
    assert torch.equal(run(text, subject=exploration.subject), exploration.answer.explanation.relevance)


def test_an_upload_is_opened_by_its_name(digits, exploration):
    text = code(digits, [exploration.question], exploration.preset, {exploration.question.item: "it's mine.png"})
    assert 'subjects.open_picture("it\'s mine.png")' in text
    compile(text, "copied", "exec")


def test_a_composite_of_functions_has_no_text_form(exploration):
    exploration.composite = Composite([(lambda place: True, rules.ZPlus())], "mine")
    with pytest.raises(ValueError, match="is a function"):
        TopBar(exploration).code()


class Inside(nn.Module):
    """A model whose scores come inside of a dictionary."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return {"logits": self.model(x)}


def heads(output):
    return output["logits"]


@pytest.mark.parametrize(
    ("select", "written"), [("logits", "select='logits'"), (0, "select=0"), (heads, "select=subject.select")]
)
def test_the_code_finds_the_scores_as_the_subject_does(explore, moody, select, written):
    exploration = explore(moody, model=Inside(moody.model).eval(), select=select)
    text = TopBar(exploration).code()
    assert f"Explainer(subject.model, composite, {written})" in text
    assert torch.equal(run(text, subject=exploration.subject), exploration.answer.explanation.relevance)


def test_a_function_that_takes_the_scores_has_no_text_form_where_the_subject_is_made_again(explore, digits):
    exploration = explore(digits, model=Inside(digits.model).eval(), select=heads)
    with pytest.raises(
        ValueError, match=r"takes its scores by .*heads.*, a function, which has no text form; give a key"
    ):
        TopBar(exploration).code()
