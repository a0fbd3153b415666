"""Promises that every view of a studio keeps; see test_view.py for those of an exploration."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lrpwidgets.widgets.maximize import (
    ChannelList,
    ConceptGraph,
    Curves,
    FilmView,
    HonestyView,
    MaximizeBar,
    MaximizeStatus,
    PriorWall,
    SampleView,
    Standing,
    StrategyView,
    WishBar,
)
from tests.widgets import promises

VIEWS = [
    ChannelList, ConceptGraph, FilmView, HonestyView, MaximizeBar, MaximizeStatus, PriorWall, SampleView, StrategyView,
    WishBar,
]  # fmt: skip
CHARTS = [Curves, Standing]


@pytest.mark.parametrize("view", [*VIEWS, *CHARTS])
def test_a_closed_view_leaves_no_observer_and_no_widget(studio, view):
    promises.leaves_nothing(studio, view)
    studio.number = 7  # nobody is there to fail
    assert studio.error == ""


@pytest.mark.parametrize("view", VIEWS)
def test_a_closed_view_can_be_forgotten(studio, view):
    promises.can_be_forgotten(studio, view)


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_that_missed_something_is_sent_everything(studio, say, view):
    studio.paint(on=False)  # the wall, samples and flow begin when somebody looks, and would be sent too
    studio.collect()
    studio.follow_flow()
    promises.is_sent_what_a_page_missed(studio, view, say)


SENSELESS = [
    {}, {"unknown": 1}, {"set": "x", "to": 1}, {"set": "number", "to": "x"}, {"set": "prior", "to": None},
    {"do": "close"}, {"do": None}, {"look": 99}, {"look": "x"}, {"channel": 10**6}, {"channel": "x"}, {"layer": 3},
    {"channel": 10**6, "layer": "conv2"}, {"channel": "x", "layer": "conv9"}, {"channel": "x", "layer": None},
    {"item": "x"}, {"classes": 5}, {"classes": [None]}, {"wish": "x", "prior": "y"}, {"want": "x"},
    {"restore": "x"},
]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_a_message_that_makes_no_sense_never_raises(studio, say, view):
    made, before = view(studio), studio.moment
    for message in SENSELESS:
        say(made, **message)
        assert studio.moment is before, message


@pytest.mark.parametrize("view", VIEWS)
def test_views_carry_their_scripts_and_no_address_of_another_machine(view):
    promises.carries_its_script(view)


def test_the_film_sends_the_frame_as_the_subject_shows_it(studio, digits):
    view = FilmView(studio)
    shown = np.frombuffer(view.pixels, np.uint8).reshape(*view.size, 3)
    np.testing.assert_array_equal(shown, np.asarray(digits.to_image(studio.moment.frame.images[0]).convert("RGB")))
    assert view.state["step"] == 32
    assert len(view.thumbnails) == 5 * 8 * 8 * 3


def test_what_a_person_does_with_the_film(film, digits, say):
    studio = film(digits)
    view = FilmView(studio)
    say(view, do="step")
    assert view.state["step"] == 1
    say(view, do="play")
    assert view.state["ended"]
    say(view, look=0)
    assert view.state["step"] == 0
    say(view, do="restart")
    assert view.state["trail"] == [0]


def test_the_sentence_is_that_of_the_library(studio):
    view = HonestyView(studio)
    assert view.state["sentence"] == studio.judged.honesty.sentence
    assert len(view.pixels) == 8 * 8 * 3
    assert [words for words, *_ in view.state["facts"]] == ["distance ", "left under shifts "]


def test_real_inputs_are_bars_and_dots_and_the_picture_a_line(studio):
    chart, honesty = Standing(studio), studio.judged.honesty
    bars, line = chart._activation.figure.marks[:2]
    assert len(bars.x) == 30
    dots = chart._density.figure.marks[0]
    assert len(dots.x) == len(honesty.log_densities)
    assert float(line.x[0]) == pytest.approx(honesty.activation)


def test_far_away_pictures_leave_real_inputs_their_shape():
    from lrpwidgets.widgets.maximize.standing import bent

    real = np.linspace(0, 1, 50, dtype=np.float32)
    assert bent(real, 1.2)(0.7) == 0.7
    bend = bent(real, 1000.0)
    places = [bend(value) for value in (0.0, 1.0, 1000.0)]
    assert places == sorted(places)
    assert (places[1] - places[0]) / (places[2] - places[0]) > 0.2


def test_a_click_on_a_channel_wishes_for_it(studio, say):
    view = ChannelList(studio)
    channel = view.rows[0][0]
    say(view, channel=channel)
    assert (studio.layer, studio.number) == (view.state["layer"], channel)
    say(view, item=-1)
    assert studio.item == len(studio.subject.dataset) - 1


@pytest.fixture
def graph(film, digits):
    """The graph of a three, which somebody looks at."""
    studio = film(digits, item=8, number=3, prior="l2")
    view = ConceptGraph(studio)
    studio.appeared += 1
    return view


def test_the_graph_shows_the_channels_of_the_list_between_their_neighbours(graph):
    rows = ChannelList(graph.shared).rows
    (above, scores), (own, channels), (below, lower) = graph.columns
    assert (above, own, below) == ("linear", "conv3", "conv2")
    assert [(name, says) for name, says, _ in scores] == [(3, "3")]  # a channel of the last layer is a class
    assert [channel for channel, _, _ in channels] == [channel for channel, _ in rows]
    assert [relevance for *_, relevance in channels] == pytest.approx([relevance for _, relevance in rows])
    assert len(lower) == 6
    assert len(graph.heatmaps) == len(channels) * 8 * 8
    assert graph.heatmap == (8, 8)
    assert graph.state == {"layer": "conv3", "wished": None, "number": 3, "says": "3"}


def test_the_edges_of_the_graph_are_between_places_in_its_columns(graph):
    flow = graph.shared.flow
    assert len(graph.edges) == len(flow.edges)
    for (gap, above, below, relevance), edge in zip(graph.edges, flow.edges, strict=True):
        assert graph.columns[gap][0] == edge.above.layer
        assert graph.columns[gap][1][above][0] == edge.above.channel
        assert graph.columns[gap + 1][1][below][0] == edge.below.channel
        assert relevance == edge.relevance


def test_a_click_in_the_graph_wishes_for_the_channel_and_moves_on_to_its_layer(graph, say):
    layer, channels = graph.columns[2]
    say(graph, channel=channels[1][0], layer=layer)
    studio = graph.shared
    assert (studio.layer, studio.number, studio.concepts.layer) == (layer, channels[1][0], layer)
    assert [column[0] for column in graph.columns] == ["conv3", "conv2", "conv1"]
    assert graph.state["layer"] == graph.state["wished"] == "conv2"
    say(graph, channel=0, layer="conv1")
    assert graph.columns[2] is None  # below is the input


def test_where_there_is_no_graph_a_sentence_says_why(film, digits):
    assert "are being followed" in ConceptGraph(film(digits)).state["nothing"]
    assert "There are no inputs" in ConceptGraph(film(replace(digits, dataset=()))).state["nothing"]


def test_a_layer_is_wished_for_with_its_most_relevant_channel(studio, say):
    view = WishBar(studio)
    first = studio.concepts
    say(view, set="layer", to=first.layer)
    assert (studio.layer, studio.number) == (first.layer, first.concepts[0].channel)
    say(view, set="layer", to=None)
    assert studio.layer is None
    say(view, set="number", to=99)
    assert "There is no class 99" in studio.error
    assert view.state["number"] == 0


def test_a_layer_that_is_not_listed_is_there_once_it_is_asked_for(film, digits):
    view = WishBar(film(digits, layer="flatten", number=3))
    assert ["flatten", "", None] in view.layers


def test_a_tile_of_the_wall_is_played_as_a_film(film, digits, say):
    studio = film(digits, classes=(3,))
    studio.appeared += 1
    view = PriorWall(studio)
    assert len(view.tiles) == 5
    assert len(view.pixels) == 5 * 8 * 8 * 3
    say(view, wish=3, prior="fourier")
    assert (studio.number, studio.prior) == (3, "fourier")


def test_a_saved_picture_says_what_it_is(studio, say):
    view, sent = MaximizeBar(studio), []
    view.send = lambda content, buffers=None: sent.append(content)
    say(view, want="picture")
    saved = Image.open(io.BytesIO(base64.b64decode(sent[0]["text"])))
    assert saved.text["Comment"] == studio.judged.honesty.sentence
    np.testing.assert_array_equal(np.asarray(saved), studio.moment.pixels)


def test_the_status_line_says_how_far_it_is(studio):
    texts = "".join("".join(part) for part in MaximizeStatus(studio).state["parts"])
    assert "32 of 32 steps" in texts
    assert "held against 355 real inputs" in texts
