"""What the scripts of explore's views compute, without a page: one node for all of it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import ndimage

from lrpwidgets.widgets.explore.look import Look
from tests.widgets.scripts import node

SCRIPTS = [
    "base/common.js",
    "base/maps.js",
    "explore/channel_maps/maps.js",
    "explore/class_scores/ranking.js",
    "explore/heatmap/captions.js",
    "explore/heatmap/look.js",
    "explore/heatmap/numbers.js",
    "explore/heatmap/pins.js",
    "explore/heatmap/shapes.js",
    "explore/input_strip/scroll.js",
    "explore/input_strip/sieve.js",
    "explore/input_strip/walking.js",
]
SHARES = ["explore/rule_board/amounts.js", "base/controls.js"]  # other things of the same names

PROGRAM = """((map, other, mask) => ({
  limits: given.clips.map((clip) => m.limitOf(map, clip)),
  strong: ["both", "positive", "negative"].map((sign) =>
    [...map.keys()].filter(m.strongOf(map, sign, 10))),
  strongest: ["both", "positive", "negative"].map((sign) => m.strongest(map, sign, 7)),
  silent: [m.strongest(new Float32Array(9), "both", 5), [0, 1].filter(m.strongOf(new Float32Array(2), "both", 50))],
  broken: m.limitOf(Float32Array.of(NaN, -2, 1), 100),
  correlation: m.correlation(map, other),
  constant: String(m.correlation(map, new Float32Array(map.length).fill(1))),
  sums: given.masks.map((mask) => m.sumsOf(map, (i) => mask[i])),
  positive: m.sumsOf(map.map(Math.abs), (i) => mask[i]),
  outline: m.outline(given.size, (i) => mask[i]),
  area: m.area(given.size, (i) => mask[i]),
  dots: m.dots([2, 3], [0, 4]),
  stamps: given.stamps.map(({ start, end, radius }) => {
    const mask = new Uint8Array(given.size[0] * given.size[1]);
    m.stamp(mask, given.size, start, end, radius);
    return [...mask];
  }),
  box: [...m.box([3, 4], [2.5, 2.1], [1.2, 0.9])],
  looks: given.looks.map(m.lookOf),
  nothing: [m.lookOf(null), m.LOOK],
  differences: [m.toggled([0, 3], 1), m.toggled([0, 1, 3], 1), m.without([0, 1, 3], 1), m.without([0, 3], 4)],
  zoomed: [m.zoomed([1, 0, 0], 4, 0.25, 0.5), m.zoomed([4, 0.2, 0.3], 0.1), m.zoomed([1, 0, 0], 1e9)[0]],
  centred: m.zoomed([2, 0.1, 0.3], 4),
  placed: m.placed(2, -1, 0.9),
  captions: [m.titleOf({ class: "seven", than: "" }), m.titleOf({ class: "seven", than: "one" })],
  legends: ["both", "positive", "negative"].map((sign) => m.legendOf({ map: "fire–ice", sign })),
  halves: [...m.halves(new DataView(new Uint16Array(given.halves).buffer))],
  ranking: [m.ranked(Float32Array.of(1, 3, 2), ["a", "b", "c"]), m.ranked(Float32Array.of(1, 3, 2), ["a", "", "c"])],
  listed: [["", 0, null], ["", 3, 2], [" IR ", 0, null]].map(([words, target, than]) =>
    m.listed([0, 1, 2, 3], ["air", "sea", "fir", "oak"], { target, than }, 2, words)),
  line: [-2, 0, 6].map(m.lineOf([-2, 6])),
  percents: [0, 0.001, 0.4, 0.999, 1].map(m.percent),
  further: [[-1, 1, 3], [-1, -1, 3], [2, 1, 3], [1, -1, 3], [-1, 1, 0]].map((walk) => m.further(...walk)),
  places: m.placesIn(780, 156, 100, 78),
  last: m.placesIn(1e6, 500, 3, 78),
}))(Float32Array.from(given.map), Float32Array.from(given.other), given.masks[0])"""

BOARD = """{
  parts: [[3, 1, 1, 0.5, 0.5], [3, 4, -0.5, -0.5, 0], [2, 3, 0, 0, -1]].map(m.partsOf),
  summed: m.summed([[1, 2, 3, 4, 5], [9, 9, 9, 9, 9], [10, 20, 30, 40, 50]], [0, 2]),
  percents: [0.1234, -0.00049, -0.5, 0, 123.4, Infinity].map(m.percent),
  knobs: [true, false].map(m.scaleOf).map((scale) => scale.settled(scale.toSlider(0.123456))),
}"""

SIEVE = """((known, names) => {
  const wish = (changes) => [...m.sifted(known, { ...m.ALL, ...changes }, (index) => names[index])];
  m.learn(known, [Int32Array.of(0, 1, 3, 4), Int32Array.of(0, 1, -1, 2), Int32Array.of(0, 0, 1, -1),
    Float32Array.of(0.9, 0.5, 0, 0.7)], [[3, "cut short"]], [[1, "an answer"]]);
  m.learnNames(known, 0, ["Rose.png", "b.png", "c.png", "d.png", "e.png"]);
  const count = m.counted(known);
  return {
    all: wish({}),
    shown: ["right", "wrong", "unreadable"].map((show) => wish({ show })),
    says: wish({ says: 1 }),
    truth: wish({ truth: 0 }),
    sure: wish({ low: 0.6 }),
    text: [wish({ text: " rose" }), wish({ text: "CAT" })],
    sorted: [wish({ sort: "most confident first" }), wish({ sort: "least confident first" })],
    count: { ...count, says: [...count.says], truth: [...count.truth] },
    problems: [...known.problems],
    called: [...known.called],
    renamed: (m.learnNames(known, 1, ["z"]), known.names),
    removed: (known.removed.add(1), [wish({}), m.counted(known).all, m.counted(known).wrong]),
  };
})(m.nothingKnown(), ["rose", "tulip", "cat"])"""

HEIGHT, WIDTH = 11, 14
CLIPS = [95, 99, 99.5, 99.9, 100]
STAMPS = [
    {"start": [3.2, 4.1], "end": [3.2, 4.1], "radius": 2.5},
    {"start": [0, 0], "end": [13.5, 10], "radius": 1.2},
    {"start": [12, 2], "end": [2, 9], "radius": 3},
    {"start": [-4, 5], "end": [30, 5], "radius": 0.6},
]
OF_TEXTS = ("level", "sinks")
LOOKS = [
    Look().to_dict(),
    Look(gain=3, overlay=0.5, clip=99, sign="negative", contour=5, strongest=10, zoom=(2, 0.1, 0.2)).to_dict(),
    {"gain": 1000, "overlay": "much", "clip": 98, "sign": "up", "map": "none", "zoom": [1, 2], "other": 1},
]


@pytest.fixture(scope="module")
def maps():
    random = np.random.default_rng(0)
    relevance, other = random.normal(size=(2, HEIGHT, WIDTH)).astype(np.float32)
    masks = [random.random((HEIGHT, WIDTH)) < share for share in (0.3, 0.8, 0)]
    return relevance, other, masks


@pytest.fixture(scope="module")
def computed(maps):
    relevance, other, masks = maps
    given = {
        "map": relevance.ravel().tolist(),
        "other": other.ravel().tolist(),
        "masks": [mask.ravel().tolist() for mask in masks],
        "size": [HEIGHT, WIDTH],
        "clips": CLIPS,
        "stamps": STAMPS,
        "looks": LOOKS,
        "halves": np.array(HALVES, np.float16).view(np.uint16).tolist(),
    }
    return node(PROGRAM, *SCRIPTS, given=given)


HALVES = [0, 1, -1, 0.1, 65504, -6e-8, 6e-5, 3.14]


@pytest.fixture(scope="module")
def board():
    return node(BOARD, *SHARES)


@pytest.fixture(scope="module")
def sieve():
    return node(SIEVE, "explore/input_strip/sieve.js")


def test_a_scale_ends_at_the_percentile_that_numpy_finds(computed, maps):
    expected = [np.percentile(np.abs(maps[0]), clip) for clip in CLIPS]
    assert computed["limits"] == pytest.approx(expected, rel=1e-6)
    assert computed["broken"] == 2


def of_sign(relevance):
    return np.abs(relevance), np.maximum(relevance, 0), np.maximum(-relevance, 0)


def test_the_strongest_tenth_is_that_of_numpy(computed, maps):
    for found, strength in zip(computed["strong"], of_sign(maps[0].ravel()), strict=True):
        assert found == np.flatnonzero((strength >= np.percentile(strength, 90)) & (strength > 0)).tolist()


def test_the_strongest_pixels_are_found_and_nothing_is_none_of_them(computed, maps):
    for found, strength in zip(computed["strongest"], of_sign(maps[0].ravel()), strict=True):
        assert set(found) == set(np.argsort(strength)[-7:].tolist())
    assert computed["silent"] == [[], []]


def test_correlation_is_that_of_numpy(computed, maps):
    assert computed["correlation"] == pytest.approx(np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1], rel=1e-6)
    assert computed["constant"] == "NaN"


def test_relevance_is_summed_inside_and_outside_of_a_region(computed, maps):
    relevance, _, masks = maps
    for found, mask in zip(computed["sums"], masks, strict=True):
        evidence = np.maximum(maps[0], 0)
        assert found["evidence"] == pytest.approx(evidence[np.array(mask, bool)].sum() / evidence.sum())
        assert found["within"] == pytest.approx(relevance[mask].sum(), abs=1e-4)
        assert found["without"] == pytest.approx(relevance[~mask].sum(), abs=1e-4)
        assert found["share"] == mask.mean()


def test_the_context_ratio_is_that_of_the_means(computed, maps):
    size, mask = np.abs(maps[0]), maps[2][0]
    assert computed["positive"]["context"] == pytest.approx(size[~mask].mean() / size[mask].mean(), rel=1e-5)
    assert computed["sums"][2]["context"] is None  # NaN: nothing is inside


def test_an_outline_has_every_edge_of_a_region_once(computed, maps):
    edges = np.zeros((2, HEIGHT + 1, WIDTH + 1), int)
    for x, y, way, to in re.findall(r"M(\d+) (\d+)([HV])(\d+)", computed["outline"]):
        across = way == "H"
        for at in range(int(x if across else y), int(to)):
            edges[int(across)][(int(y), at) if across else (at, int(x))] += 1
    padded = np.pad(maps[2][0].astype(int), 1)
    np.testing.assert_array_equal(edges[1][:, :-1], np.abs(np.diff(padded, axis=0))[:, 1:-1])
    np.testing.assert_array_equal(edges[0][:-1], np.abs(np.diff(padded, axis=1))[1:-1])


def test_an_area_has_every_pixel_of_a_region_once(computed, maps):
    found = np.zeros((HEIGHT, WIDTH), int)
    for left, top, right, back in re.findall(r"M(\d+) (\d+)H(\d+)v1H(\d+)z", computed["area"]):
        assert left == back
        found[int(top), int(left) : int(right)] += 1
    np.testing.assert_array_equal(found, maps[2][0].astype(int))


def test_dots_are_in_the_middle_of_pixels(computed):
    assert computed["dots"] == "M0.5 0.5h0M1.5 1.5h0"


@pytest.mark.parametrize("number", range(len(STAMPS)))
def test_a_stamp_has_the_pixels_near_its_line(computed, number):
    stamp = STAMPS[number]
    start, end = np.array(stamp["start"]), np.array(stamp["end"])
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    along = np.linspace(0, 1, 20001)[:, None] * (end - start) + start
    distance = np.array([np.hypot(*(along - centre).T).min() for centre in np.stack([x.ravel(), y.ravel()], 1)])
    found, sure = np.array(computed["stamps"][number], bool), np.abs(distance - stamp["radius"]) > 1e-3
    np.testing.assert_array_equal(found[sure], (distance <= stamp["radius"])[sure])
    assert ndimage.label(found.reshape(HEIGHT, WIDTH), np.ones((3, 3)))[1] == 1


def test_a_box_has_the_pixels_under_both_its_corners(computed):
    assert np.reshape(computed["box"], (3, 4)).tolist() == [[0, 1, 1, 0]] * 3


def test_a_look_of_python_is_taken_as_it_is_and_nonsense_is_not(computed):
    usual, special, nonsense = computed["looks"]
    of_maps = [{name: value for name, value in look.items() if name not in OF_TEXTS} for look in LOOKS[:2]]
    assert [usual, special] == of_maps
    assert nonsense == usual == computed["nothing"][0] == computed["nothing"][1]


def test_a_zoom_leaves_its_point_where_it_is_and_has_ends(computed):
    closer, out, most = computed["zoomed"]
    assert closer == pytest.approx([4, 0.25 - 0.25 / 4, 0.5 - 0.5 / 4])
    assert out == [1, 0, 0]
    assert most == 32
    assert computed["centred"] == pytest.approx([4, 0.1 + 0.125, 0.3 + 0.125])
    assert computed["placed"] == [2, 0, 0.5]


def test_a_map_is_called_by_what_was_asked(computed):
    assert computed["captions"] == ["for “seven”", "“seven” rather than “one”"]


def test_a_legend_says_what_the_colours_mean(computed):
    assert computed["legends"] == ["fire for, ice against", "fire for", "ice against"]


def test_sixteen_bits_are_the_number_that_numpy_means(computed):
    assert computed["halves"] == np.array(HALVES, np.float16).astype(float).tolist()


def test_classes_are_listed_by_score_with_those_that_are_explained(computed):
    assert computed["ranking"] == [[1, 2, 0], [2, 0]]  # what has no name cannot be
    assert computed["listed"] == [[0, 1], [3, 2], [0, 2]]


def test_scores_lie_on_a_line_that_has_zero(computed):
    assert computed["line"] == [0, 25, 100]


def test_nothing_looks_certain_that_is_not(computed):
    assert computed["percents"] == ["0%", "< 1%", "40%", "> 99%", "100%"]


def test_one_walks_on_from_where_one_is_and_not_beyond_the_ends(computed):
    assert computed["further"] == [0, 2, None, 0, None]


def test_thumbnails_in_view_exist_and_some_on_either_side(computed):
    assert computed["places"] == list(range(4, 18))
    assert computed["last"] == []


def test_a_bar_shows_what_became_of_relevance(board):
    assert board["parts"] == [
        {"handed": 1, "lost": 1.5, "dropped": 0.5, "created": 0},
        {"handed": 3, "lost": 0, "dropped": 0, "created": 1},
        {"handed": 2, "lost": 0, "dropped": 0, "created": 1},
    ]


def test_amounts_of_several_layers_are_added(board):
    assert board["summed"] == [11, 22, 33, 44, 55]


def test_what_a_layer_took_is_said_in_percent(board):
    assert board["percents"] == ["+12.3 %", "0 %", "−50 %", "0 %", "+12300 %", "—"]


def test_what_shows_a_difference_moves_up_with_its_pin(computed):
    assert computed["differences"] == [[0, 1, 3], [0, 3], [0, 2], [0, 3]]


def test_a_slider_settles_at_three_digits(board):
    assert board["knobs"] == [0.123, 0.123]


def test_inputs_pass_by_what_is_known_of_them(sieve):
    assert sieve["all"] == [0, 1, 2, 3, 4]
    assert sieve["shown"] == [[0], [1], [3]]
    assert sieve["says"] == [1]
    assert sieve["truth"] == [0, 1]
    assert sieve["sure"] == [0, 4]


def test_a_search_finds_names_and_classes(sieve):
    assert sieve["text"] == [[0, 1], [4]]


def test_inputs_of_which_nothing_is_said_come_last(sieve):
    most, least = sieve["sorted"]
    assert most[:3] == [0, 4, 1]
    assert least == [1, 4, 0, 2, 3]


def test_inputs_are_counted_by_what_is_known_of_them(sieve):
    expected = {"all": 5, "looked": 4, "labelled": 2, "wrong": 1, "unreadable": 1, "says": [0, 1, 2], "truth": [0]}
    assert sieve["count"] == expected
    assert sieve["problems"] == [[3, "cut short"]]
    assert sieve["called"] == [[1, "an answer"]]


def test_removed_inputs_are_neither_shown_nor_counted(sieve):
    assert sieve["removed"] == [[0, 2, 3, 4], 4, 0]


def test_new_names_replace_those_from_their_place_on(sieve):
    assert sieve["renamed"] == ["Rose.png", "z"]
