"""Compare on texts: words in the colours of each method, words that are struck, and what is known of them."""

from __future__ import annotations

import base64
import io
import random
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr

from lrpwidgets import dashboards, evaluate, methods, subjects
from lrpwidgets.dashboards import rooms
from lrpwidgets.lrp import Rather
from lrpwidgets.subjects.texts import TextSamples, levels
from lrpwidgets.widgets.base.asking import Place
from lrpwidgets.widgets.compare import (
    CompareBar,
    CompareStatus,
    FlipCurves,
    FlipView,
    MethodTable,
    Ranking,
    Referee,
    exports,
)
from lrpwidgets.widgets.compare.question import CompareQuestion
from lrpwidgets.widgets.compare.referee import STEPS
from lrpwidgets.widgets.compare.rows import LEARNING
from tests.widgets import promises
from tests.widgets.explore.test_any_order import inside
from tests.widgets.texts import toy
from tests.widgets.texts.conftest import Attentive, subject_of

QUICK = {"methods": ("erasure", "epsilon"), "samples": 4, "items": (0, 1, 2), "region": None}


def brief():
    """Reviews behind a ``[CLS]``; "clumsy" has two tokens."""
    subject = toy.make()
    return replace(subject, dataset=TextSamples([*toy.TEXTS, toy.HOSTILE], [*toy.LABELS, None], subject.tokenizer))


@pytest.fixture
def reading(compared):
    """Two methods on them."""
    return compared(brief(), **QUICK)


@pytest.fixture(scope="module")
def sentiment():
    return subjects.load("sentiment", model="cnn")


def words_of(text, relevance):
    """What each word, and each added token, has of the relevance of tokens."""
    cells = levels.cells(text, relevance[: len(text)].tolist(), "word")
    return np.array([each.relevance or 0.0 for each in cells])


def drawn(view):
    """What is drawn of all texts by each method, in shares of Σ|R|."""
    found = np.frombuffer(view.maps, np.float16).astype(float) * view.scale
    return found.reshape(-1, sum(map(len, view.texts)))


def test_every_method_that_can_explains_the_texts_that_are_shown(reading):
    subject = reading.subject
    assert reading.methods == ("erasure", "epsilon", "random")
    assert reading.error == ""
    for place, item in enumerate(reading.items):
        x = subject.item(item)[0]
        for name in ("erasure", "epsilon"):
            found = methods.explain(subject.model, x[None], name, progress=False).relevance[0]
            maps = reading.rows[name].maps
            np.testing.assert_allclose(maps[place, : len(x)], found, rtol=1e-4, atol=1e-6)
            assert (maps[place, len(x) :] == 0).all()


def test_the_room_is_closed_where_answers_are_words_of_the_text():
    pytest.importorskip("transformers")
    from tests.subjects import answering

    subject, why = answering.make(), "the answers of this model are words of the text"
    with pytest.raises(ValueError, match=why):
        Referee(subject)
    with pytest.raises(ValueError, match=f"{why}\\. Explore is open"):
        dashboards.compare(subject)
    assert why in rooms.closed("compare", subject)
    assert rooms.closed("explore", subject) == ""


def test_methods_that_learn_from_numbers_are_refused_and_python_goes_on_without_them(compared):
    """Whether or not the shown texts are as long as those that would be learned from."""
    subject = subjects.load("sentiment", model="cnn")
    lengths = [len(subject.item(item)[0]) for item in range(len(subject.dataset))]
    drawn = np.random.default_rng(0).permutation(len(lengths))[:100]
    widest = max(lengths[item] for item in drawn)
    for items in ((0, 1), (lengths.index(widest), 0)):
        made = compared(subject, methods=("epsilon", *LEARNING), samples=2, items=items, region=None)
        for name in LEARNING:
            assert made.rows[name].obstacle.startswith("the input holds whole numbers")
        space = {}
        exec(exports.code(made).replace("print(result.standings.to_frame())", ""), space)
        assert set(space["result"].order("cut")) == {"epsilon", "random"}
        assert set(space["result"].obstacles) == set(LEARNING)


def test_a_row_has_the_words_of_a_text_in_shares_of_their_own_sum(reading):
    view = MethodTable(reading)
    assert view.brought == "text"
    assert [word[0] for word in view.texts[1]] == [
        "[CLS]",
        *["The", "film", "is", "good", ".", "The", "ending", "is", "bad", "."],
    ]
    assert [word[0] for word in view.texts[0] if word[3]][:2] == ["[CLS]", ","]  # sinks
    texts = [each.text for each in reading.looked.shown]
    expected = [words_of(text, reading.rows["epsilon"].maps[place]) for place, text in enumerate(texts)]
    shares = np.concatenate([each / np.abs(each).sum() for each in expected])
    row = next(each["at"] for each in view.rows if each["name"] == "epsilon")
    np.testing.assert_allclose(drawn(view)[row], shares, atol=2e-3)


def test_names_of_classes_travel_once_as_there_may_be_many(compared, say):
    subject = replace(brief(), classes=["negative", "positive", *(f"piece {number}" for number in range(50_000))])
    view, sent = MethodTable(compared(subject, **QUICK)), []
    assert view.classes == subject.classes
    view.send_state = sent.extend
    say(view, column=1)
    assert "head" in sent
    assert "classes" not in sent
    assert len(str(view.head)) < 500


def test_a_row_says_how_far_it_agrees_with_the_method_that_stands_out_word_by_word(reading, say):
    view = MethodTable(reading)
    reading.marked = ("epsilon",)
    for column in (0, 1):
        say(view, column=column)
        begin = sum(map(len, view.texts[:column]))
        shares = {row["name"]: drawn(view)[row["at"], begin : begin + len(view.texts[column])] for row in view.rows}
        for row in view.rows:
            if row["name"] in ("epsilon", "random"):
                assert row["agrees"] is None
                continue
            expected = spearmanr(shares[row["name"]], shares["epsilon"]).statistic
            assert row["agrees"] == {"value": pytest.approx(expected, abs=0.02), "other": "epsilon"}
    reading.marked = ()
    assert {row["agrees"] for row in view.rows} == {None}


def test_full_colour_is_that_of_the_text_that_is_looked_at(reading, say):
    view, scales = MethodTable(reading), []
    for column in range(3):
        say(view, column=column)
        begin = sum(map(len, view.texts[:column]))
        counted = [begin + at for at, word in enumerate(view.texts[column]) if word[5] and not word[3]]
        own = np.abs(drawn(view)[:, counted])
        assert own.max() * 0.5 < view.scale <= own.max() * 1.001
        scales.append(view.scale)
    assert len(set(scales)) == 3


def test_a_text_is_enlarged_with_the_relevance_of_its_words(reading, say):
    view = MethodTable(reading)
    say(view, large=["epsilon", 1])
    found = np.frombuffer(view.large_map, np.float16).astype(float) * view.large["limit"]
    expected = words_of(reading.looked.shown[1].text, reading.rows["epsilon"].maps[1])
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert view.large["sum"] == pytest.approx(expected.sum(), abs=1e-5)
    assert view.large["knobs"] == []


@pytest.mark.parametrize(("cut", "way"), [(0, "cut"), (4, "cut"), (STEPS, "hide")])
def test_words_are_struck_in_the_order_of_each_method(reading, say, cut, way):
    view = FlipView(reading)
    say(view, fill=way)
    say(view, cut=cut)
    text, label = reading.looked.shown[0].text, reading.looked.said[0]
    for part, told in zip(reading.taken, view.parts, strict=True):
        relevance = torch.from_numpy(reading.rows[part.method].maps[0, : len(text)])
        gone = evaluate.words.gone(text, relevance, cut / STEPS, order=part.order)
        left = evaluate.words.without(text, gone, way)
        expected = reading.subject.model(left[None]).detach().softmax(1)[0, label]
        assert part.left == told["p"] == pytest.approx(float(expected), abs=1e-5)
        assert part.shown.text.struck == set(gone)
    struck = [sum(word[4] for word in each) for each in view.texts]
    assert struck == [len(part.shown.text.struck) for part in reading.taken]
    assert view.state["fills"] == ["cut", "hide"]
    assert view.state["words"]["become"] == "struck words are"


def test_what_is_measured_is_what_the_library_measures(compared, sentiment):
    made = compared(sentiment, methods=("epsilon",), samples=6, items=(0, 1), region=None, target=1, than=0)
    how = {"steps": STEPS, "output": "probability", "samples": 6, "target": Rather(1, than=0)}
    found = evaluate.compare(sentiment, {"epsilon": {}}, progress=False, **how)
    assert found.conclusion == made.answer.conclusion
    for key, gain in found.gains.items():
        torch.testing.assert_close(made.answer.gains[key].values, gain.values)


def test_the_code_computes_the_same_table_and_the_same_truth(compared, sentiment, say):
    made = compared(sentiment, methods=("epsilon",), samples=6, items=(0, 1), region=None, target=1, than=0)
    say(Ranking(made), truth=True)
    space = {}
    exec(exports.code(made).replace("print(result.standings.to_frame())", ""), space)
    assert space["result"].conclusion == made.answer.conclusion
    assert space["truth"].conclusion == made.truth.conclusion


def test_tables_and_coloured_texts_are_saved(reading, say):
    bar, sent = CompareBar(reading), []
    bar.send = lambda message, buffers=None: sent.append(message)
    for want in ("csv", "latex", "png", "code", "link", "state"):
        say(bar, want=want)
    assert reading.error == ""
    assert [each["as"] for each in sent] == ["file", "file", "picture", "code", "link", "state"]
    assert '"cut",1,' in sent[0]["text"]
    assert "word by word" in sent[1]["text"]
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(sent[2]["text"]))).convert("RGB")).astype(int)
    assert sheet.shape[1] == 200 + 640
    assert (np.abs(sheet[:, 200:, 0] - sheet[:, 200:, 2]) > 60).any()  # red or blue
    assert reading.pictures().keys() == {"erasure", "epsilon", "random"}


def test_a_text_of_ones_own_comes_first_and_its_state_knows_it(reading, compared, say):
    view = MethodTable(reading)
    say(view, typed="A funny film, never clumsy")
    samples = len(reading.subject.dataset)
    assert (reading.items, reading.column) == ((samples, 0, 1), 0)
    assert [word[0] for word in view.texts[0]] == ["[CLS]", "A", "funny", "film", ",", "never", "clumsy"]
    assert view.columns[0]["name"] == "A funny film, never clumsy"
    other = compared(brief(), **QUICK)
    with pytest.raises(ValueError, match="which is not here"):
        other.restore(reading.to_dict())
    other.restore(reading.to_dict(pictures=True))
    np.testing.assert_array_equal(other.rows["epsilon"].maps, reading.rows["epsilon"].maps)
    reading.remove(samples)
    assert reading.items == (0, 1)
    assert reading.error == ""


@pytest.mark.parametrize("typed", ["  ", "\u2028"])
def test_what_is_no_text_is_refused(reading, say, typed):
    before = reading.items
    say(MethodTable(reading), typed=typed)
    assert "There is no word in the text" in reading.refused[0]
    reading.show(b"\xff\xfe\x00", "picture.png")
    assert "is no text in UTF-8" in reading.refused[0]
    assert reading.items == before


def test_a_state_comes_back_and_has_what_is_not_usual(reading, compared):
    assert "fill" not in reading.to_dict()
    reading.ask(fill="hide", target=1, than=0)
    other = compared(brief(), **QUICK)
    other.restore(reading.link())
    assert other.question == reading.question


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"fill": "zero"}, "fill must be one of cut, hide, got 'zero'"),
        ({"region": 2}, "Words go one by one, so that there is no region; got 2"),
        ({"target": 2}, "There is no class 2; the model has 2"),
        ({"target": 1, "than": 2}, "There is no class 2; the model has 2"),
        ({"target": 1, "than": 1}, "A class is contrasted with another one; got 1 rather than 1"),
        ({"than": 1}, "Only a class can be contrasted; say which one is explained rather than 1"),
        ({"than": "x"}, "than must be a whole number"),
    ],
)
def test_what_cannot_be_asked_changes_nothing(reading, parts, sentence):
    before, answer = reading.question, reading.answer
    with pytest.raises(ValueError, match=re.escape(sentence)):
        reading.ask(**parts)
    assert (reading.question, reading.answer) == (before, answer)


def test_a_class_is_compared_rather_than_another(reading, say):
    table, flips, curves = MethodTable(reading), FlipView(reading), FlipCurves(reading)
    say(table, target=1)
    one = reading.rows["epsilon"].maps
    say(table, target=1, than=0)
    np.testing.assert_allclose(reading.rows["epsilon"].maps, 2 * one, rtol=1e-4, atol=1e-6)  # scores are (-s, s)
    assert (table.head["target"], table.head["than"]) == (1, 0)
    assert flips.state["class"] == "positive rather than negative"
    chart = curves._charts["most"]
    assert (chart._y.min, chart._y.max) == (-1.0, 1.0)
    assert "mean probability less that of the other class, with its 95 %" in curves._head.value
    say(table, target=None)
    assert (reading.target, reading.than) == (None, None)


def test_methods_that_cannot_explain_tokens_say_why(reading, say):
    view = MethodTable(reading)
    choice = {name: why for name, _, why, _ in view.choice}
    assert "whole numbers" in choice["integrated_gradients"]
    assert [bool(why) for why in choice.values()] == sorted(bool(why) for why in choice.values())  # what can is first
    assert choice["gradient_times_input"] == ""
    say(view, add="integrated_gradients")
    row = next(each for each in view.rows if each["name"] == "integrated_gradients")
    assert "whole numbers" in row["obstacle"]
    assert "integrated_gradients" not in reading.answer.order("cut")
    assert reading.error == ""


def test_what_is_known_of_words_is_held_against_the_maps(compared, sentiment, say):
    made = compared(sentiment, methods=("epsilon", "sensitivity"), samples=30, items=(0, 1), region=None)
    view = Ranking(made)
    assert view.truth["able"]
    say(view, truth=True)
    found = evaluate.ground_truth(sentiment, ["sensitivity", "epsilon"], samples=30, progress=False)
    assert made.truth.conclusion == found.conclusion
    ranks = {each.method: each.rank.value for each in found.standings}
    assert f"epsilon {ranks['epsilon']:.2f}, sensitivity {ranks['sensitivity']:.2f}" in view.truth["said"]
    made.add("gradient_times_input")
    assert view.truth["said"] == ""  # it would lack one
    assert made.error == ""


def test_where_nothing_is_known_and_nothing_is_tuned_it_is_said(reading, say):
    view = Ranking(reading)
    assert not view.truth["able"]
    assert not view.tuning["able"]
    say(view, truth=True)
    assert "not known what the answers depend on" in reading.error
    say(view, tune=True)
    assert reading.error == "Rules are tuned by regions that are taken away, and here are words."


def test_the_room_opens_with_what_suits_the_network_and_several_texts(sentiment):
    made = Referee(subjects.load("sentiment"), samples=2)
    suit = ("sensitivity", "gradient_times_input", "erasure", "epsilon", "attn_lrp", "cp_lrp", "random")
    assert made.methods == suit
    assert made.marked == ("attn_lrp", "erasure")
    assert len(made.items) == 7
    assert {sentiment.item(item)[1] for item in made.items} == {0, 1}
    assert CompareStatus(made).state["parts"][2] == ["word by word, 7 methods, 2 fills, seed 0"]
    made.close()


def test_texts_are_of_different_classes_also_where_these_come_one_after_the_other():
    subject = subjects.load("documents")
    made = Referee(subject, samples=2, methods=("epsilon",))
    assert {subject.item(item)[1] for item in made.items} == {0, 1, 2, 3}
    assert made.error == ""
    made.close()


def test_the_input_of_another_room_comes_first(reading):
    reading.show_place(Place(item=3))
    assert (reading.items, reading.column) == ((3, 0, 1), 0)
    assert reading.place().item == 3


def test_a_text_that_cannot_be_read_does_not_count(compared):
    subject = brief()
    data = replace(subject.dataset, labels=[None] * 6, texts=["good", "bad", "a film", "  ", "good", "bad"])
    made = compared(replace(subject, dataset=data), **{**QUICK, "samples": 6})
    assert list(made.answer.unreadable) == [3]
    assert len(made.answer.items) == 5
    assert made.error == ""


def test_attention_is_compared_in_batches_as_alone(compared):
    subject = subject_of(Attentive())
    made = compared(subject, **{**QUICK, "methods": ("attn_lrp",)})
    for place, item in enumerate(made.items):
        x = subject.item(item)[0]
        alone = methods.explain(subject.model, x[None], "attn_lrp", progress=False).relevance[0]
        np.testing.assert_allclose(made.rows["attn_lrp"].maps[place, : len(x)], alone, rtol=1e-3, atol=1e-5)


def test_a_question_holds_what_its_curves_are_of():
    assert CompareQuestion(target=1, than=0).explained == Rather(1, than=0)
    assert CompareQuestion(target=1).measured != CompareQuestion(target=1, than=0).measured


def test_pictures_with_texts_say_why_they_are_not_compared():
    with pytest.raises(ValueError, match="pictures or texts alone; this model takes both at once"):
        dashboards.compare(subjects.load("visual-questions"))


@pytest.mark.parametrize("view", [CompareBar, CompareStatus, FlipView, MethodTable, Ranking, FlipCurves])
def test_a_closed_view_leaves_no_observer_and_no_widget(reading, view):
    promises.leaves_nothing(reading, view)
    reading.cut = 3  # nobody is there to fail
    assert reading.error == ""


EARNED = [
    r"There is no class \d; the model has 2.",
    r"samples must be .*",
    r"fill must be one of cut, hide, got .*",
    r"There is no method 'nothing'.*",
    r"'random' stays: what does not exceed it says nothing.",
    "Rules are tuned by regions that are taken away, and here are words.",
    "Of this data it is not known what the answers depend on.",
    r"There is no word in the text .*",
]


def test_fifty_random_deeds_leave_no_error_that_was_not_earned():
    made = dashboards.compare(brief(), question={**QUICK, "samples": 2})
    luck, views, said = random.Random(5), {type(view).__name__: view for view in inside(made)}, []
    referee = made.shared
    referee.observe(lambda change: change["new"] and said.append(change["new"]), "error")

    def say(view, **message):
        views[view]._handle_custom_msg(message, [])

    def one(*choices):
        return luck.choice(choices)

    deeds = [
        lambda: say("MethodTable", target=one(None, 0, 1, 2)),
        lambda: say("MethodTable", target=1, than=one(None, 0)),
        lambda: say("MethodTable", samples=one(2, 3, 0)),
        lambda: say("MethodTable", others=True),
        lambda: say("MethodTable", column=one(0, 2)),
        lambda: say("MethodTable", add=one("sensitivity", "gradcam", "nothing", "attn_lrp")),
        lambda: say("MethodTable", remove=one("sensitivity", "gradcam", "random")),
        lambda: say("MethodTable", mark=one("sensitivity", "epsilon", "random")),
        lambda: say("MethodTable", large=one(None, ["epsilon", 1], ["erasure", 0])),
        lambda: say("MethodTable", typed=one("good film", "never dull and clumsy", " ")),
        lambda: say("FlipView", cut=one(0, 4, 8)),
        lambda: say("FlipView", fill=one("cut", "hide", "zero")),
        lambda: say("FlipView", next=True),
        lambda: say("Ranking", tune=True),
        lambda: say("Ranking", truth=True),
    ]
    for _ in range(50):
        number = luck.randrange(len(deeds))
        deeds[number]()
        unearned = [each for each in said if not any(re.fullmatch(pattern, each) for pattern in EARNED)]
        assert unearned == [], number
        said.clear()
    say("Ranking", go=True)
    assert referee.answer is not None
    assert set(referee.rows) == set(referee.methods)
    made.close()
