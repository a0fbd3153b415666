"""What the scripts of maximize's views compute, without a page: one node for all of it."""

from __future__ import annotations

import pytest

from tests.widgets.scripts import node

SCRIPTS = [
    "maximize/concept_graph/ribbons.js",
    "maximize/sample_view/ranks.js",
    "maximize/sample_view/told.js",
    "maximize/tiles.js",
]

PROGRAM = """{
  widths: m.widths([[0, 0, -4], [0, 1, 2], [1, 0, 0.05], [1, 1, 0.039]]),
  none: m.widths([]),
  steps: [1, 3, 12].map(m.step),
  ribbons: m.ribbons(m.widths([[0, 0, 1], [0, 1, -1]])[0], [1, 2]),
  thin: m.ribbons(m.widths([[0, 0, 1], [0, 1, 4], [1, 0, 2]])[0], [2, 2]).map(({ relevance }) => relevance),
  squeezed: m.ribbons(m.widths(given.edges)[0], [12, 12]).map(({ to }) => to),
  parts: m.parts(new Uint8Array(18).map((_, i) => i), [[1, 2], [2, 1], [0, 5], [1, 2]], 3).map((part) => [...part]),
  same: [[[1], [2]], [[1]], [[2], [1]]].map((other) => m.same([[1], [2]], other)),
  told: given.told.map(m.progress),
}"""

PASS = {"done": 1000, "total": 20000, "going": True, "waits": False, "takes": ""}
TOLD = [
    ({"none": True, "problem": ""}, "There are no real inputs to find samples in."),
    ({"none": False, "problem": "It broke.", "pass": PASS}, "It broke."),
    ({"none": False, "problem": "", "pass": PASS}, "Looking for reference samples: 1,000 of 20,000 inputs"),
    (
        {"none": False, "problem": "", "pass": PASS | {"waits": True}},
        "Looking for reference samples: 1,000 of 20,000 inputs, on when the film has ended",
    ),
    (
        {"none": False, "problem": "", "pass": PASS | {"going": False, "takes": "2 min"}},
        "Reference samples: 1,000 of 20,000 inputs looked at; the others take about 2 min",
    ),
]


@pytest.fixture(scope="module")
def computed():
    return node(
        PROGRAM, *SCRIPTS, given={"told": [told for told, _ in TOLD], "edges": [[place, 0, 1] for place in range(12)]}
    )


def test_a_ribbon_is_as_wide_as_what_flows_and_the_faintest_are_left_out(computed):
    edges, most = computed["widths"]
    assert most == 4
    assert [edge["relevance"] for edge in edges] == [-4, 2, 0.05]
    assert [edge["width"] for edge in edges] == [14, 7, 0.5]  # the thinnest can still be seen
    assert computed["none"] == [[], 1e-30]


def test_rows_are_as_tall_as_there_is_room_but_no_taller_than_a_few_need(computed):
    assert computed["steps"] == [72, 72, 18]


def test_ribbons_lie_side_by_side_in_their_node(computed):
    first, second = computed["ribbons"]
    assert (first["from"], second["from"]) == (108 - 7, 108 + 7)
    assert (first["to"], second["to"]) == (72, 144)  # the middles of two rows of 72


def test_thin_ribbons_lie_on_top(computed):
    assert computed["thin"] == [4, 2, 1]


def test_many_ribbons_are_squeezed_into_their_node(computed):
    ends = computed["squeezed"]
    assert max(ends) - min(ends) < 18 - 2 * 4
    assert sorted(ends) == ends


def test_parts_follow_one_another(computed):
    assert computed["parts"] == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11], [], [12, 13, 14, 15, 16, 17]]


def test_two_ranks_are_the_same_with_the_same_samples_in_the_same_order(computed):
    assert computed["same"] == [True, False, False]


def test_the_pass_is_told_in_words(computed):
    assert computed["told"] == [words for _, words in TOLD]
