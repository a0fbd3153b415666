"""What the scripts of spray's views compute, without a page: one node for all of it."""

from __future__ import annotations

import numpy as np
import pytest

from lrpwidgets.colours import GAMMA
from lrpwidgets.widgets.spray.lasso import inside
from tests.widgets.scripts import node

SCRIPTS = [
    "spray/dots.js",
    "spray/lasso.js",
    "spray/sprites.js",
    "spray/poison_test/box.js",
    "spray/scatter/axes.js",
    "spray/scatter/colours.js",
    "spray/scatter/selecting.js",
    "spray/scatter/shown.js",
    "spray/wall/asking.js",
    "spray/wall/layout.js",
]

PROGRAM = """{
  lasso: given.lassos.map(({ xy, polygon }) =>
    [...m.inside(Float32Array.from(xy), Float64Array.from(polygon), new Uint8Array(xy.length / 2).fill(1))]),
  unseen: [...m.inside(Float32Array.of(1, 1, 1, 1), Float64Array.of(0, 0, 2, 0, 2, 2, 0, 2), Uint8Array.of(0, 1))],
  spots: [0, 15, 16, 255].map((count) => Object.values(m.spotOf(count, 32))),
  sheets: [8, 32, 64, 224].map(m.mostSheets),
  pixels: ((data) => (m.picture(data, new Uint8Array([7, 9]), 1), [...data]))(new Uint8ClampedArray(8)),
  hues: [0, 127, 190, 254].map((at) => m.huesOn([255, 255, 255])[at][3]),
  disc: ((disc) => ({ offsets: [...disc.offsets], shares: [...disc.shares] }))(m.disc(1, 0.5, 0.5, 0.5, 10)),
  places: ((axes) => ({
    there: [axes.across(1), axes.down(2)],
    back: [axes.xAt(axes.across(1.25)), axes.yAt(axes.down(2.5))],
    moved: axes.moved(100, -50),
    closer: axes.zoomed(2, [0, 4, 0, 8], 0, 200),
    out: axes.zoomed(1e-9, [0, 4, 0, 8]),
    in: axes.zoomed(1e9, [0, 4, 0, 8]),
  }))(Object.assign(new m.Axes([0, 4, 0, 8]), { width: 400, height: 200 })),
  carried: [...m.carried(Float32Array.of(0, 0, 2, 4), [0, 4, 0, 8], [10, 20, 0, 1])],
  seen: [null, Uint32Array.of(0, 1)].map((isolated) =>
    [...m.seenOf(4, Int16Array.of(0, 1, 1, 2), isolated, new Set([1]))]),
  others: m.others(Uint8Array.of(1, 1, 0, 1), Uint8Array.of(1, 0, 0, 0)),
  joined: [{}, { shiftKey: true }, { altKey: true }].map((keys) =>
    [...m.joined(Uint8Array.of(1, 0, 1, 0), [2, 3], keys)]),
  nearest: [[10, 10], [10, 19], [200, 10]].map(([x, y]) => m.nearest(
    { xy: Float32Array.of(0.1, 0.9, 0.1, 0.9), seen: Uint8Array.of(0, 1) },
    Object.assign(new m.Axes([0, 1, 0, 1]), { width: 100, height: 100 }), x, y)),
  along: [0, 0.25, 1, 2, NaN].map((place) => m.along([[0, 0, 0], [100, 200, 40]], place) ?? null),
  dark: m.onPaper([[10, 20, 5]], [20, 20, 20]),
  light: m.onPaper([[10, 20, 5]], [255, 255, 255]),
  walls: ["input", "both"].map((mode) => ((wall) => ({
    columns: wall.columns,
    ends: [wall.left(0), wall.left(wall.columns - 1) + wall.width],
    square: wall.width / wall.height,
    found: [0, 1, 7, 99].map((place) => wall.placeAt(wall.left(place) + 1, wall.top(place) + 1, 100)),
    behind: wall.placeAt(wall.left(3) + 1, wall.top(3) + 1, 3),
    gap: wall.placeAt(wall.left(0) + wall.width + 2, wall.top(0) + 1, 100),
    between: wall.between(0, 3 * wall.down - 1, 100),
    last: wall.between(1e6, 2e6, 100),
    tall: wall.tall(100) / wall.down,
  }))(new m.Layout(mode, 608))),
  nowhere: new m.Layout("both", 0).width,
  inTurn: m.inTurn(Uint32Array.from({ length: 10 }, (_, i) => 10 * i), [4, 5], 2, 8),
  box: {
    spanned: m.spanned([7, 2], [3, 9]),
    middle: m.inMiddle([64, 32]),
    moved: [m.moved([0, 0, 8, 8], [1, 0], false, [128, 128]), m.moved([0, 0, 8, 8], [-1, 0], false, [128, 128])],
    resized: [m.moved([0, 120, 8, 8], [0, 1], true, [128, 128]), m.moved([0, 0, 1, 8], [-1, 0], true, [128, 128])],
  },
}"""


def lassos():
    random = np.random.default_rng(0)
    for corners in (0, 1, 2, 3, 4, 30, 100):
        for grid in (False, True):  # on a grid, points lie on edges and corners
            xy = random.normal(size=(3000, 2)).astype(np.float32)
            polygon = random.normal(size=(corners, 2)) * 1.5
            yield ((2 * xy).round() / 2, (2 * polygon).round() / 2) if grid else (xy, polygon)


@pytest.fixture(scope="module")
def computed():
    given = [{"xy": xy.ravel().tolist(), "polygon": polygon.ravel().tolist()} for xy, polygon in lassos()]
    return node(PROGRAM, *SCRIPTS, given={"lassos": given})


def test_the_browser_and_numpy_have_the_same_points_in_a_polygon(computed):
    for found, (xy, polygon) in zip(computed["lasso"], lassos(), strict=True):
        assert found == np.flatnonzero(inside(xy, polygon)).tolist()


def test_a_lasso_leaves_out_what_is_not_seen(computed):
    assert computed["unseen"] == [1]


def test_tiles_are_side_by_side_on_a_sheet(computed):
    assert computed["spots"] == [[0, 0], [480, 0], [0, 32], [480, 480]]


def test_sheets_take_no_more_than_they_may_but_there_are_four(computed):
    small, usual, *large = computed["sheets"]
    assert small * 8 * (16 * 8) ** 2 == pytest.approx(256e6)
    assert usual * 8 * (16 * 32) ** 2 == pytest.approx(256e6)
    assert large == [pytest.approx(256e6 / (8 * 1024**2)), 4]


def test_one_channel_is_grey(computed):
    assert computed["pixels"] == [7, 7, 7, 255, 9, 9, 9, 255]


def test_a_heatmap_is_as_opaque_as_it_is_strong(computed):
    assert computed["hues"] == pytest.approx([255, 0, 255 * (63 / 127) ** GAMMA, 255])


def test_a_disc_is_whole_in_its_middle_and_fades_at_its_edge(computed):
    shares = dict(zip(computed["disc"]["offsets"], computed["disc"]["shares"], strict=True))
    assert shares[0] == 128  # half of 256
    assert shares[1] == shares[-1] == shares[10] == shares[-10] == 64
    assert shares[11] == round(128 * (1.5 - 2**0.5))
    assert len(shares) == 9


def test_places_go_to_pixels_and_back(computed):
    places = computed["places"]
    assert places["there"] == [100, 150]
    assert places["back"] == pytest.approx([1.25, 2.5])


def test_a_map_is_moved_by_pixels_and_zoomed_around_a_place(computed):
    places = computed["places"]
    assert places["moved"] == [-1, 3, -2, 6]
    assert places["closer"] == [0, 2, 0, 4]  # the lower left stays


def test_a_zoom_has_ends(computed):
    out, closest = np.array(computed["places"]["out"]), np.array(computed["places"]["in"])
    assert out[1] - out[0] == pytest.approx(4 * 4)
    assert closest[1] - closest[0] == pytest.approx(4 / 200)


def test_points_glide_from_where_they_were_in_view(computed):
    assert computed["carried"] == [10, 0, 15, 0.5]


def test_hidden_groups_and_what_is_not_isolated_are_not_seen(computed):
    assert computed["seen"] == [[1, 0, 0, 1], [1, 0, 0, 0]]


def test_a_selection_is_inverted_and_joined(computed):
    assert computed["others"] == [1, 3]
    assert computed["joined"] == [[2, 3], [0, 2, 3], [0]]


def test_the_nearest_point_is_meant_that_is_seen_and_near(computed):
    assert computed["nearest"] == [1, None, None]


def test_values_are_coloured_along_their_ramp_and_others_not(computed):
    assert computed["along"] == [[0, 0, 0], [25, 50, 10], [100, 200, 40], None, None]


def test_on_dark_paper_colours_are_as_bright_as_they_get(computed):
    assert computed["dark"] == [[120, 240, 60]]
    assert computed["light"] == [[10, 20, 5]]


@pytest.mark.parametrize(("which", "columns", "shape"), [(0, 10, 1), (1, 5, 2)])
def test_a_wall_fills_its_width_and_knows_the_tile_under_the_mouse(computed, which, columns, shape):
    wall = computed["walls"][which]
    assert wall["columns"] == columns
    assert wall["ends"] == [4, 604]
    assert wall["square"] == shape
    assert wall["found"] == [0, 1, 7, 99]
    assert wall["behind"] is None
    assert wall["gap"] is None


@pytest.mark.parametrize(("which", "columns"), [(0, 10), (1, 5)])
def test_a_wall_knows_what_is_in_view(computed, which, columns):
    wall = computed["walls"][which]
    assert wall["between"] == [0, 3 * columns]
    assert wall["last"] == [100, 100]
    assert wall["tall"] == -(-100 // columns)
    assert computed["nowhere"] == 0  # before it has a width


def test_pictures_in_view_are_asked_for_first_then_those_below(computed):
    assert computed["inTurn"] == [40, 50, 60, 70, 20, 30]


def test_a_box_stays_on_its_picture(computed):
    box = computed["box"]
    assert box["spanned"] == [3, 2, 5, 8]
    assert box["middle"] == [24, 12, 16, 8]
    assert box["moved"] == [[2, 0, 8, 8], [0, 0, 8, 8]]
    assert box["resized"] == [[0, 120, 8, 8], [0, 0, 1, 8]]
