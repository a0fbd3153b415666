"""What the scripts of all views compute, without a page: one node for all of it."""

from __future__ import annotations

import numpy as np
import pytest

from lrpwidgets import colours
from tests.widgets.scripts import node

NUMBERS = [0, 1, -1, 0.5, 1234.5678, -0.00012, 99999, 100000, -2e7, 1e-300]

PROGRAM = """{
  numbers: given.numbers.map((value) => m.number(value)),
  signed: [1.5, 0, -1.5].map((value) => m.number(value, { sign: true })),
  broken: [NaN, Infinity].map((value) => m.number(value)),
  colours: given.colours.map(({ name, paper, values }) => values.map((r) => {
    const pixels = new Uint8ClampedArray(4);
    m.colour(pixels, 0, r, m.mapOn(name, paper), paper);
    return [...pixels];
  })),
  nothing: ((pixels) => (m.colour(pixels, 0, NaN, m.mapOn("red–blue", [9, 8, 7]), [9, 8, 7]), pixels))([]),
  unaligned: [...m.array(new DataView(Uint8Array.of(9, 0, 0, 128, 63, 9).buffer, 1, 4), Float32Array)],
  found: ["", "an", "RED pa", "q"].map((words) => m.matching(["red fox", "giant panda", "Ant", "red panda"], words)),
  missing: m.array(null, Float32Array).length,
  averaged: given.shapes.map((shape) => [...m.averaged(given.map, [6, 9], shape)]),
  colours3: [...m.averaged([1, 10, 100, 3, 30, 300], [1, 2], [1, 1], 3)],
  itself: m.averaged(given.map, [6, 9], [6, 9]) === given.map,
  steps: [[undefined, undefined, 0], [undefined, 3, 0], [undefined, 3, 9], ["wall", 1200, 5000], ["wall", 0, 1]].map(
    (told) => m.stepsOf(...told)),
}"""


VALUES = [-1.5, -1, -0.3, -0.01, 0, 0.01, 0.3, 1, 1.5]
PAPERS = {"light": [255, 255, 255], "dark": [20, 20, 20]}


MAP = np.random.default_rng(0).normal(size=(6, 9))
SHAPES = [(4, 6), (3, 3), (1, 1), (6, 5), (5, 9)]


@pytest.fixture(scope="module")
def computed():
    given = [{"name": name, "paper": paper, "values": VALUES} for name in colours.MAPS for paper in PAPERS.values()]
    scripts = ["base/averaging.js", "base/common.js", "base/searching.js", "base/status_line.js"]
    return node(
        PROGRAM, *scripts, given={"numbers": NUMBERS, "colours": given, "map": MAP.ravel().tolist(), "shapes": SHAPES}
    )


def test_a_menu_is_searched_by_any_part_of_a_name_and_those_that_begin_so_come_first(computed):
    assert computed["found"] == [[0, 1, 2, 3], [2, 1, 3], [3], []]


def test_numbers_have_three_digits_and_a_real_minus_sign(computed):
    expected = ["0", "1", "−1", "0.5", "1230", "−1.2e−4", "100000", "1e5", "−2e7", "1e−300"]
    assert computed["numbers"] == expected


def test_a_plus_is_there_if_it_is_asked_for(computed):
    assert computed["signed"] == ["+1.5", "0", "−1.5"]


def test_what_is_not_finite_is_called_so(computed):
    assert computed["broken"] == ["not finite"] * 2


def test_maps_are_averaged_as_in_python(computed):
    for shape, found in zip(SHAPES, computed["averaged"], strict=True):
        expected = colours.averaged(MAP, shape)
        np.testing.assert_allclose(np.reshape(found, shape), expected, atol=1e-6)
    assert computed["colours3"] == [2, 20, 200]
    assert computed["itself"]


def test_nothing_has_the_colour_of_the_paper(computed):
    assert computed["nothing"] == [9, 8, 7, 255]


@pytest.mark.parametrize("name", colours.MAPS)
@pytest.mark.parametrize("paper", PAPERS)
def test_colours_are_those_of_python(computed, name, paper):
    place = 2 * list(colours.MAPS).index(name) + list(PAPERS).index(paper)
    expected = colours.coloured(VALUES, 1.0, colours.MAPS[name], tuple(PAPERS[paper]))
    np.testing.assert_allclose(np.array(computed["colours"][place])[:, :3], expected.astype(int), atol=1)


def test_bytes_need_not_be_aligned_nor_there(computed):
    assert computed["unaligned"] == [1.0]
    assert computed["missing"] == 0


def test_progress_is_told_as_far_as_it_is_known(computed):
    expected = ["", "forward: 3 steps", "relevance: layer 3 of 9", "wall: 1,200 of 5,000", "wall"]
    assert computed["steps"] == expected
