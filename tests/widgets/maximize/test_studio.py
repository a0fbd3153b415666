"""The state of a maximization: wishes, films, and what goes wrong."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Explainer
from lrpwidgets.maximize import maximize, objectives
from lrpwidgets.subjects import Subject, TensorSamples
from lrpwidgets.widgets.base.inputs import PictureMissingError
from lrpwidgets.widgets.base.query import from_query
from lrpwidgets.widgets.maximize import (
    ChannelList,
    ConceptGraph,
    Curves,
    FilmView,
    HonestyView,
    MaximizeBar,
    PriorWall,
    Standing,
    Studio,
    Wish,
    exports,
)
from lrpwidgets.widgets.maximize.flow import flow
from tests.widgets.explore.test_uploads import png


def test_before_anybody_looks_there_is_one_frame_and_what_is_to_be_said_of_it(film, digits):
    studio = film(digits)
    assert studio.moment.step == 0
    assert studio.judged.step == 0
    assert studio.judged.honesty.sentence
    assert not studio.running
    assert studio.tiles == ()


def test_a_film_begins_when_somebody_looks(film, digits):
    studio = film(digits)
    studio.appeared += 1
    assert studio.moment.step == 32
    assert studio.ended
    assert studio.judged.step == 32


def test_the_film_is_that_of_the_library(studio, digits):
    result = maximize(digits, objectives.class_score(0), prior="l2", steps=32).finish()
    torch.testing.assert_close(studio.moment.frame.images, result.images)
    assert studio.judged.honesty.activation == pytest.approx(float(result.objective[0]))
    assert studio.moment.objective == pytest.approx(result.curves["objective"][-1])
    assert len(studio.moment.curve) == len(studio.moment.steps)


def test_some_frames_are_kept_and_can_be_looked_at(studio):
    assert [each.step for each in studio.kept] == [0, 2, 6, 12, 20]
    studio.look(1)
    assert studio.seen.step == 2
    assert studio.judged.step == 2  # no picture stands alone
    studio.look(None)
    assert studio.seen.step == 32
    with pytest.raises(ValueError, match="There is no frame 9"):
        studio.look(9)


def test_step_makes_one_frame_and_play_the_rest(film, digits):
    studio = film(digits)
    studio.step()
    assert (studio.moment.step, studio.ended) == (1, False)
    studio.step()
    assert (studio.moment.step, studio.running) == (2, False)
    studio.play()
    assert (studio.moment.step, studio.ended) == (32, True)


def test_a_step_alone_is_no_film_that_runs(film, digits):
    studio, told = film(digits), []
    studio.observe(lambda change: told.append(change["new"]), "running")
    studio.step()
    assert told == []  # else "play" would be "pause" for a moment, beneath the pointer of whoever presses it
    studio.play()
    assert told == [True, False]


def test_a_film_that_was_stopped_begins_again(film, digits):
    studio = film(digits)
    studio.step()
    studio.stop()
    assert (studio.running, studio.ended, studio.moment.step) == (False, True, 1)
    studio.step()
    assert studio.moment.step == 1
    studio.play()
    assert studio.moment.step == 0
    assert not studio.ended


def test_a_film_begins_again_at_a_frame_and_its_code_makes_the_same_picture(studio, digits):
    studio.look(2)
    studio.restart()
    studio.play()
    assert studio.trail == (6,)
    made: dict = {}
    lines = exports.code(studio).replace('result.picture().save("maximized.png")', "").replace("print", "str")
    exec(lines, made)
    torch.testing.assert_close(made["result"].images, studio.moment.frame.images)


def test_a_channel_is_wished_for(film, digits):
    studio = film(digits, layer="conv2", number=5)
    studio.play()
    assert studio.error == ""
    assert str(studio.answer.objective) == "channel 5 of conv2"
    assert studio.concepts.layer == "conv2"
    assert 5 in [each.channel for each in studio.concepts.concepts]


def test_the_channels_are_those_of_the_explanation(film, digits):
    studio = film(digits, layer="conv3", number=1)
    explainer = digits.explainer()
    explanation = explainer.explain(digits.item(digits.start)[0][None])
    assert studio.concepts.says == explanation.top_class
    sums = [each.relevance for each in studio.concepts.concepts[:-1]]
    assert sums == sorted(sums, reverse=True)
    assert all(each.heatmap.shape == (8, 8) for each in studio.concepts.concepts)


def test_how_relevance_flows_is_found_out_once_somebody_looks(film, digits):
    studio = film(digits, layer="conv2", number=3, item=5)
    studio.ask(item=6)
    assert studio.flow is None
    studio.follow_flow()
    explanation = Explainer(digits.model, studio.composite).explain(digits.item(6)[0][None])
    assert studio.flow.layers == ("conv3", "conv2", "conv1")
    assert [node.channel for node in studio.flow.row("conv2")] == list(studio.concepts.channels)
    expected = flow(explanation, "conv2", studio.concepts.channels)
    assert [edge.relevance for edge in studio.flow.edges] == pytest.approx([edge.relevance for edge in expected.edges])


def test_the_flow_is_always_that_of_the_channels_that_are_listed(film, digits):
    studio = film(digits, layer="conv2", number=3, item=5)
    studio.follow_flow()
    shown = []

    def note(change):
        listed, found = studio.concepts, studio.flow
        shown.append(found)
        assert found is None or found.layers[1] == listed.layer
        assert found is None or {each.channel for each in found.row(listed.layer)} <= set(listed.channels)

    studio.observe(note, ("concepts", "flow"))
    first = studio.flow
    studio.ask(layer="conv3")
    assert studio.flow is not first
    second = studio.flow
    studio.ask(number=studio.concepts.channels[0])
    assert studio.flow is second  # the same channels
    studio.ask(item=6)
    assert studio.flow not in (None, second)
    assert None in shown


def test_what_goes_wrong_with_the_flow_is_a_sentence(film, digits, monkeypatch):
    def fail(*_):
        raise ValueError("Nothing flows here.")

    monkeypatch.setattr("lrpwidgets.widgets.maximize.finder.flow", fail)
    studio = film(digits)
    studio.follow_flow()
    assert studio.error == "Nothing flows here."
    assert studio.flow is None


def test_the_state_travels_as_a_link(film, digits):
    studio = film(digits, layer="conv2", number=3, prior="fourier", seed=4, item=5, classes=(1, 2))
    link = studio.link()
    other = film(digits)
    other.restore("?" + link)
    assert other.question == studio.question
    assert Wish.from_dict({k: v for k, v in from_query(link).items() if k != "subject"}) == studio.question


@pytest.fixture
def uploaded(film, digits):
    """A studio that looks into an uploaded cat."""
    studio = film(digits, layer="conv2", number=3)
    studio.show(png(40), "cat.png")
    return studio


@pytest.mark.parametrize("form", ["link", "to_dict"])
def test_a_state_that_looks_into_an_upload_finds_it_wherever_that_stands(uploaded, film, digits, form):
    other = film(digits)
    other.show(png(200), "dog.png")
    other.show(png(40), "the same under another name.png")
    other.ask(item=0)
    other.restore(getattr(uploaded, form)())
    assert (other.item, other.layer, other.number) == (len(digits.dataset) + 1, "conv2", 3)
    assert other.concepts.channels == uploaded.concepts.channels


def test_a_state_whose_picture_is_not_here_names_it_and_opens_once_it_comes(uploaded, film, digits):
    other = film(digits, item=5)
    before = other.question
    with pytest.raises(PictureMissingError, match=r"the uploaded picture 'cat\.png', which is not here: upload"):
        other.restore(uploaded.link())
    assert (other.question, other.uploads) == (before, ())
    other.show(png(200), "dog.png")
    assert (other.item, other.layer) == (len(digits.dataset), None)
    other.show(png(40), "cat.png")
    assert (other.error, other.layer, other.number, other.concepts.name) == ("", "conv2", 3, "cat.png")


def test_a_file_that_holds_its_picture_opens_anywhere(uploaded, film, digits, say):
    bar, sent = MaximizeBar(uploaded), []
    bar.send = lambda message, buffers=None: sent.append(message)
    say(bar, want="state")
    say(bar, want="whole")
    plain, whole = sent
    assert plain["pictures"] == [["cat.png", len(png(40))]]
    other = film(digits)
    other.restore(json.loads(whole["text"]))
    assert (other.question, other.name(other.item)) == (uploaded.question, "cat.png")


def test_what_is_said_before_the_first_frame_is_there_is_not_wiped_away_by_it(digits):
    async def open_and_watch() -> str:
        studio = Studio(digits, prior="l2", steps=2)
        studio.error = "What a link says."
        while studio.moment is None:
            await asyncio.sleep(0.01)
        said = studio.error
        studio.close()
        return said

    assert asyncio.run(open_and_watch()) == "What a link says."


def test_a_state_from_before_fingerprints_says_that_it_does_not_know_its_picture(uploaded):
    before = uploaded.question
    with pytest.raises(ValueError, match=r"of input 355, and the subject has 355.*does not say which one"):
        uploaded.restore("subject=digits&item=355&layer=conv3")
    assert uploaded.question == before


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"layer": "conv9"}, "conv9"),
        ({"layer": "conv2", "number": 32}, "The layer 'conv2' has no channel 32; it has 32, numbered from 0."),
        ({"number": 10}, "There is no class 10"),
        ({"size": 1}, ""),
    ],
)
def test_what_the_network_lacks_is_a_sentence_and_the_film_before_stays(studio, parts, sentence):
    before, good = studio.moment, studio.question
    studio.ask(**parts)
    assert studio.error
    assert sentence in studio.error
    assert studio.moment is before
    assert studio.question == good
    studio.ask(number=3)
    assert studio.error == ""
    assert studio.moment.step == 0


@pytest.mark.parametrize(
    ("part", "value", "sentence"),
    [
        ("prior", "spectre", "There is no prior 'spectre'"),
        ("steps", 0, "steps must be a whole number from 1 to 100,000, got 0."),
        ("number", -1, "number must be a whole number"),
        ("number", 1.5, "number must be a whole number"),
        ("seed", "x", "seed must be a whole number"),
        ("item", 10**6, "There is no input 1000000"),
        ("classes", (99,), "There is no class 99"),
        ("layer", 3, "layer must be the name of a layer"),
    ],
)
def test_what_makes_no_sense_is_a_sentence_and_changes_nothing(studio, part, value, sentence):
    before = studio.question
    setattr(studio, part, value)
    assert sentence in studio.error
    assert studio.question == before


@pytest.mark.parametrize(
    "link", ["?subject=shapes", "?steps=none", "?what=1", "?number=%7B", "?classes=3", "?subject=digits&size=0"]
)
def test_a_damaged_link_changes_nothing(studio, link):
    before = studio.question
    with pytest.raises(ValueError):  # noqa: PT011  # each has its own words
        studio.restore(link)
    assert studio.question == before


class Dead(nn.Module):
    """The first channel never fires."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.dense = nn.Linear(2 * 16, 2)
        with torch.no_grad():
            self.conv.weight[0] = 0
            self.conv.bias[0] = -1

    def forward(self, x):
        return self.dense(self.conv(x).relu().flatten(1))


class Burst(nn.Module):
    """Scores that are no numbers from the sixth gradient on."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(36, 2)
        self.gradients = 0

    def forward(self, x):
        self.gradients += torch.is_grad_enabled()
        return self.dense(x.flatten(1)) * (float("nan") if self.gradients > 5 and torch.is_grad_enabled() else 1.0)


def data():
    torch.manual_seed(1)
    return TensorSamples(torch.rand(12, 1, 6, 6), [0, 1] * 6, [f"picture {i}" for i in range(12)])


def subject_of(model):
    return Subject(model.eval(), data(), ["ant", "bee"], bounds=((0.0,), (1.0,)))


def test_a_dead_channel_is_said_to_be_dead(film):
    studio = film(subject_of(Dead()), layer="relu", number=0, steps=64)
    studio.play()
    assert "Nothing about the image changes channel 0 of relu" in studio.error
    assert studio.ended
    assert studio.moment is not None


def test_not_a_number_ends_the_film_with_a_sentence(film):
    studio = film(subject_of(Burst()), prior="none")
    studio.play()
    assert "became NaN or infinite" in studio.error
    assert studio.ended
    assert math.isfinite(studio.moment.objective)


def test_without_data_the_size_is_asked_for(film, digits):
    studio = film(replace(digits, dataset=()))
    assert "Without data the size is unknown" in studio.error
    assert studio.moment is None
    assert studio.concepts is None
    studio.ask(size=8)
    assert studio.error == ""
    assert studio.moment.pixels.shape == (8, 8, 3)
    assert "no real inputs to hold it against" in studio.judged.honesty.sentence
    assert studio.judged.nearest is None
    for view in (HonestyView, Standing, Curves, FilmView, ChannelList, ConceptGraph, PriorWall):
        view(studio).close()
    assert studio.error == ""


def test_the_wall_is_made_while_nothing_else_is(film, digits):
    studio = film(digits, classes=(3, 7))
    studio.paint(on=False)
    studio.appeared += 1
    assert studio.tiles == ()
    studio.paint(on=True)
    assert [(each.prior, each.number) for each in studio.tiles[:2]] == [("none", 3), ("l2", 3)]
    assert len(studio.tiles) == 10
    assert all(each.pixels.shape == (8, 8, 3) and math.isfinite(each.log_density) for each in studio.tiles)
    studio.ask(classes=(1,))
    assert len(studio.tiles) == 5


def test_closing_ends_everything(film, digits):
    studio = film(digits)
    studio.close()
    assert studio.moment is None
    assert not studio.worker.open
    assert not studio.films.open
    studio.play()
    assert studio.moment is None


def test_memory_does_not_grow_with_frames(film, digits):
    studio = film(digits, steps=1500, prior="fourier")
    studio.play()
    assert len(studio.kept) == 6
    assert len(studio.moment.curve) < 450
    assert len(studio.densities) <= 401


def test_a_studio_is_of_a_subject_alone():
    with pytest.raises(ValueError, match="There is no prior"):
        Studio(Subject(nn.Flatten()), prior="x")


def test_the_name_of_a_block_becomes_that_of_its_last_layer_and_the_film_goes_on(film, digits):
    torch.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    model = nn.Sequential()
    for name, part in {"block": block, "flat": nn.Flatten(), "head": nn.Linear(144, 10)}.items():
        model.add_module(name, part)
    studio = film(Subject(model.eval(), digits.dataset, digits.classes), layer="block", number=1)
    assert studio.layer == "block.1"
    assert studio.number_of_films == 1
    studio.appeared += 1
    studio.item = 3
    assert studio.number_of_films == 1
    assert studio.moment.step == 32
