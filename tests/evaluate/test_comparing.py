"""The referee, on digits: what it can tell, and what it says where it cannot."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets import methods, subjects
from lrpwidgets.evaluate import Comparison, Curves, Flipping, Gain, compare, comparing, estimate, srg_words
from lrpwidgets.evaluate.comparing import Course
from lrpwidgets.evaluate.contenders import BASELINES
from lrpwidgets.lrp import Rather
from lrpwidgets.progress import Cancelled, Pace
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.subjects.texts import TextSamples
from tests.widgets.texts.conftest import Sum, subject_of

QUICK = {"region": 1, "steps": 16}


@pytest.fixture(scope="module")
def compared(digits):
    asked = ["epsilon_gamma_box", "gradient_times_input", "sensitivity"]  # the first needs the bounds of the subject
    return compare(digits, asked, samples=60, progress=False, **QUICK)


def test_methods_stand_in_the_order_of_their_gain_under_each_fill(compared):
    for fill in ("uniform", "zero"):
        gains = [each.gain.value for each in compared.standings if each.fill == fill]
        assert gains == sorted(gains, reverse=True)
        assert len(gains) == 5
    assert compared.standings[0].method == "epsilon_gamma_box"
    assert {each.method for each in compared.standings[3:5]} == set(BASELINES)


def test_it_says_who_cannot_be_told_apart_and_on_how_many_inputs(compared):
    assert compared.conclusion.startswith(f"On {len(compared.items)} inputs: with uniform the order is epsilon_gamma")
    for pairs in compared.undecided.values():
        for one, other in pairs:
            assert f"{one} and {other}" in compared.conclusion
    assert {each.gain.samples for each in compared.standings} == {len(compared.items)}


def test_it_ends_as_soon_as_it_can_tell(digits):
    found = compare(digits, ["sensitivity"], fills=["uniform"], samples=200, progress=False, **QUICK)
    decided = not any(found.undecided.values())
    assert decided == (len(found.items) < 200)


def test_methods_that_are_alike_are_not_told_apart(digits):
    """ε-LRP with a small ε is nearly gradient × input, on a network of ReLUs."""
    found = compare(digits, ["epsilon", "gradient_times_input"], fills=["zero"], samples=40, progress=False, **QUICK)
    assert {"epsilon", "gradient_times_input"} in map(set, found.undecided["zero"])
    assert len(found.items) == 40


def test_who_cannot_explain_is_left_out_with_the_reason(digits):
    found = compare(digits, ["gradient_times_input", "attention_rollout"], samples=20, progress=False, **QUICK)
    assert "attention_rollout" not in {each.method for each in found.standings}
    assert found.obstacles["attention_rollout"]
    with pytest.raises(ValueError, match=r"no method to compare with the baselines\. attention_rollout: "):
        compare(digits, ["attention_rollout"], **QUICK)


def test_what_is_out_of_range_is_refused_before_any_work(digits):
    for wrong, sentence in (
        ({"fills": []}, "one fill at least"), ({"samples": 1}, "two samples"), ({"region": 0}, "region must"),
        ({"fills": ["black"]}, "fill must"), ({"repeats": -1}, "repeats must"), ({"region": 8}, "1 to 7"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=sentence):
            compare(digits, ["sensitivity"], **wrong)
    with pytest.raises(ValueError, match="Did you mean 'sensitivity'"):
        compare(digits, ["sensitivty"], **QUICK)
    with pytest.raises(ValueError, match="no setting 'sigma'; it has"):
        compare(digits, {"smoothgrad": {"sigma": 1}}, **QUICK)
    single = Subject(digits.model, TensorSamples(digits.item(0)[0][None], [0], ["0"]))
    with pytest.raises(ValueError, match="two samples at least, and 'subject' has 1"):
        compare(single, ["sensitivity"], **QUICK)


@contextmanager
def counting(model):
    """The sizes of the batches that go through a model."""
    seen = []
    handle = model.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    yield seen
    handle.remove()


def test_it_takes_as_many_inputs_as_it_says_before(digits):
    asked = {"fills": ["zero", "mean"], "samples": 20, "seed": 3, **QUICK}
    methods = {"sensitivity": {}, "smoothgrad": {"samples": 5}, "epsilon": {}}
    found = estimate(digits, methods, **asked)
    with counting(digits.model) as seen:
        compare(digits, methods, progress=False, **asked)
    assert found.forwards <= sum(seen) <= 1.02 * found.forwards  # what can explain it is found out first


class Slow(nn.Module):
    def forward(self, x):
        time.sleep(0.002 * len(x))
        return x.flatten(1)[:, :3]


def test_how_long_it_takes_is_known_before_and_told_if_that_is_long(monkeypatch, capsys):
    slow = Subject(Slow(), TensorSamples(torch.rand(3, 1, 4, 4), [0] * 3, ["0", "1", "2"]))
    asked = {"fills": ["zero"], "region": 1, "steps": 4}
    found = estimate(slow, ["magnitude"], **asked)
    assert found.forwards == 3 * (1 + 3 * (1 + 1 + 2 * 4))
    assert found.seconds > 0.9 * 0.002 * found.forwards
    compare(slow, ["magnitude"], **asked)
    assert "go through the model" not in capsys.readouterr().err
    monkeypatch.setattr(comparing, "LONG", 0)
    compare(slow, ["magnitude"], **asked)
    assert capsys.readouterr().err.startswith("at most 93 inputs go through the model, in about ")
    compare(slow, ["magnitude"], progress=False, **asked)
    assert not capsys.readouterr().err


def test_a_watcher_ends_it(digits):
    def cancel(progress):
        raise Cancelled

    with pytest.raises(Cancelled):
        compare(digits, ["sensitivity"], progress=cancel, **QUICK)


def test_it_needs_no_bounds_and_no_pictures():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3)).eval()
    data = TensorSamples(torch.randn(30, 12), [0] * 30, [str(i) for i in range(30)])
    found = compare(Subject(model, data), ["gradient_times_input"], samples=30, progress=False, **QUICK)
    assert found.standings[0].method == "gradient_times_input"


@pytest.mark.parametrize("sure", [True, False])
def test_the_first_is_another_one_only_if_it_can_be_told_apart(sure):
    how = Flipping()

    def gain(value):
        taken, scores = torch.tensor([0.0, 1.0]), torch.tensor([[1.0, 0.0]] * 20, dtype=torch.float64)
        return Gain(Curves(scores, taken, "most", how), Curves(scores + value, taken, "least", how))

    orders = {"uniform": ["lrp", "deeplift", "random"], "zero": ["deeplift", "lrp", "random"]}
    gains = {(fill, name): gain(3 - place) for fill, order in orders.items() for place, name in enumerate(order)}
    undecided = {"uniform": [], "zero": [] if sure else [("deeplift", "lrp")]}
    found = Comparison(gains, 20, undecided, np.arange(20), {})
    assert ("none of them is the best as such" in found.conclusion) == sure


def test_inputs_that_come_one_by_one_say_the_same(digits):
    how = {"fills": ["zero"], "samples": 20, **QUICK}
    course, pace = Course(digits, ["sensitivity"], **how), Pace(lambda _: None, 0, 1)
    assert "too few" in course.advance(3, pace).conclusion
    while not course.ended:
        found = course.advance(3, pace)
    whole = compare(digits, ["sensitivity"], progress=False, **how)
    assert found.foremost("zero") == whole.foremost("zero") == {"sensitivity"}
    one, other = (each.gains["zero", "sensitivity"].most.scores for each in (found, whole))
    torch.testing.assert_close(one.float(), other.float())
    assert len(set(found.gains["zero", "random"].values.tolist())) == 20


def test_noise_is_drawn_from_the_range_of_each_channel():
    subject = subjects.load("shapes")
    found = compare(subject, ["gradient_times_input"], samples=2, region=16, steps=2, progress=False)
    assert found.standings[0].gain.samples == 2


def test_it_says_before_how_many_inputs_go_through_the_model(digits):
    course, told = Course(digits, ["sensitivity"], samples=4, **QUICK), []
    course.advance(4, Pace(told.append, 0, course.forwards * 4))
    assert told[-1].done == told[-1].total


def test_inputs_that_cannot_be_opened_do_not_count_and_are_named():
    class Torn(TensorSamples):
        def __getitem__(self, index):
            if index % 3 == 0:
                raise OSError(f"picture {index} is torn")
            return super().__getitem__(index)

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3)).eval()
    data = Torn(torch.randn(9, 12), [0] * 9, [str(i) for i in range(9)])
    found = compare(Subject(model, data), ["gradient_times_input"], samples=9, progress=False, **QUICK)
    assert sorted(found.items) == [1, 2, 4, 5, 7, 8]
    assert found.unreadable[3] == "picture 3 is torn"
    assert "3 more could not be opened" in found.conclusion
    nothing = Subject(model, Torn(torch.randn(1, 12).repeat(2, 1)[::2], [0], ["0"]))
    with pytest.raises(ValueError, match="two samples at least"):
        compare(nothing, ["gradient_times_input"], progress=False)


def test_texts_are_compared_by_their_words_cut_out_and_hidden():
    subject = subject_of(Sum())
    found = compare(subject, ["erasure", "sensitivity"], samples=4, target=1, steps=4, progress=False)
    assert found.fills == ["cut", "hide"]
    assert found.order("cut") == ["erasure", *found.order("cut")[1:]]  # of a sum, that is what each word adds
    assert {each.method for each in found.standings} == {"erasure", "sensitivity", "random"}
    assert found.obstacles == {}
    texts = [subject.tokenizer.encode(subject.dataset.texts[item]) for item in found.items]
    relevance = [
        methods.explain(subject.model, each.x[None], "erasure", 1, progress=False).relevance[0] for each in texts
    ]
    for way in ("cut", "hide"):
        gain = srg_words(subject, texts, relevance, 1, way=way, steps=4, progress=False)
        torch.testing.assert_close(found.gains[way, "erasure"].values, gain.values)


class Fussy(methods.method.Method):
    """Fails on a text of five tokens, which is not the first."""

    whole_numbers = True

    def cost(self, x):
        return methods.method.Cost(0)

    def attribute(self, question):
        if question.x.shape[1] == 5:
            raise RuntimeError("five tokens are too many.")
        return methods.method.Found(torch.ones(question.x.shape))


def test_a_method_that_fails_on_the_way_is_left_out_and_the_others_go_on(monkeypatch):
    monkeypatch.setitem(methods.METHODS, "fussy", Fussy)
    monkeypatch.setattr(comparing, "FIRST", 2)
    monkeypatch.setattr(comparing, "ROUND", 1)
    subject = subject_of(Sum())
    texts = [*["The film is good", "Bad film is warm"] * 3, "The film is good."][1:]
    longest = replace(subject, dataset=TextSamples(texts, [0] * 6, subject.tokenizer))
    course = Course(longest, ["erasure", "fussy"], samples=6, target=1, steps=4, seed=0)
    course.items = np.arange(6)
    pace = Pace(lambda _: None, 0, 1)
    before = course.advance(5, pace)
    assert before.obstacles == {}
    assert "fussy" in before.order("cut")
    found = course.advance(1, pace)
    assert found.obstacles == {"fussy": "five tokens are too many."}
    assert before.obstacles == {}
    for fill in found.fills:
        assert set(found.order(fill)) == {"erasure", "random"}
        assert not any("fussy" in pair for pair in found.undecided[fill])
    assert len(found.gains["cut", "erasure"].values) == 6
    with pytest.raises(ValueError, match=r"no method to compare with the baselines\. fussy: five tokens are too many"):
        Course(longest, ["fussy"], samples=6, steps=4).advance(6, pace)


def test_what_ends_a_comparison_is_no_failure_of_a_method():
    def enough(_):
        raise RuntimeError("enough")

    course = Course(subject_of(Sum()), ["erasure"], samples=4, target=1, steps=4)
    with pytest.raises(RuntimeError, match="enough"):
        course.advance(2, Pace(enough, 0, 1))
    assert course.obstacles == {}


def test_a_class_is_compared_rather_than_another():
    subject = subject_of(Sum())
    how = {"samples": 4, "steps": 4, "fills": ["hide"], "progress": False}
    one = compare(subject, ["erasure"], target=1, **how).gains["hide", "erasure"]
    both = compare(subject, ["erasure"], target=Rather(1, than=0), **how).gains["hide", "erasure"]
    torch.testing.assert_close(both.values, 2 * one.values)  # its scores are (-s, s)


def test_of_texts_it_says_before_what_it_takes_and_what_cannot_be():
    subject = subject_of(Sum())
    asked = {"samples": 4, "steps": 4}
    first = len(subject.item(int(np.random.default_rng(0).permutation(4)[0]))[0])
    assert estimate(subject, ["erasure"], fills=["cut"], **asked).forwards == 4 * (1 + 2 * 2 * 5 + 1 + 1 + first)
    for wrong, sentence in (
        ({"fills": ["zero"]}, "way must be one of cut, hide, got 'zero'"), ({"region": 2}, "region"),
        ({"methods": ["gradcam"]}, r"no method to compare with the baselines\. gradcam: the input holds whole numbers"),
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError), match=sentence):
            compare(subject, **{"methods": ["erasure"], "progress": False, **asked} | wrong)
    named = replace(subject, dataset=TensorSamples(torch.zeros(4, 3, dtype=torch.long), [0] * 4, list("abcd")))
    with pytest.raises(ValueError, match="has no texts with labels; make it"):
        compare(named, ["erasure"], progress=False, **asked)


def test_pairs_of_inputs_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"Methods explain one input, and '.*' has 2 at once"):
        compare(subjects.load("visual-questions"), ["epsilon"], progress=False, **QUICK)
