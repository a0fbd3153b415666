import json
import math
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.functional import gaussian_blur

from lrpwidgets import subjects
from lrpwidgets.subjects import Stroke, painted
from lrpwidgets.subjects.brush import MOST_POINTS, covered

halves = st.integers(-30, 60).map(lambda n: n / 2)  # where edges meet the centres of pixels exactly
anywhere = st.floats(-15, 30)


def by_distance(stroke, height, width):
    """Which pixels have a centre within the radius: the distance of each to each segment."""
    points = torch.tensor(stroke.points, dtype=torch.float64)
    start, stop = (points[:-1], points[1:]) if len(points) > 1 else (points, points)
    rows, columns = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    centres = torch.stack([columns, rows], -1).double()[:, :, None]
    along = ((centres - start) * (stop - start)).sum(-1) / (stop - start).square().sum(-1).clamp_min(1e-300)
    nearest = start + along.clamp(0, 1)[..., None] * (stop - start)
    return (centres - nearest).norm(dim=-1).amin(-1) - stroke.radius


@settings(max_examples=300, deadline=None)
@given(
    points=st.lists(st.tuples(halves, halves), min_size=1, max_size=6)
    | st.lists(st.tuples(anywhere, anywhere), min_size=1, max_size=6),
    radius=st.integers(1, 9) | st.floats(0.1, 9),
    size=st.tuples(st.integers(1, 24), st.integers(1, 24)),
)
def test_a_pixel_is_covered_where_its_centre_is_within_the_radius_of_the_line(points, radius, size):
    stroke = Stroke("grey", radius, tuple(points))
    beyond = by_distance(stroke, *size)
    clear = beyond.abs() > 1e-9  # else it is rounding that decides
    assert torch.equal(covered(stroke, *size)[clear], (beyond <= 0)[clear])


def test_the_edge_of_the_brush_belongs_to_it():
    dot = covered(Stroke("grey", 5, ((10.5, 10.5),)), 21, 21)
    assert dot[10, 5]  # 5 pixels to the left
    assert dot[13, 14]  # 3 down and 4 to the right
    assert dot.sum() == 81  # as many integer points as there are in a circle of radius 5
    line = covered(Stroke("grey", 2, ((3.5, 5.5), (9.5, 5.5))), 11, 13)
    assert line[3, 3:10].all()


def test_a_stroke_of_more_segments_than_are_looked_at_at_once_is_whole():
    zigzag = tuple((0.5 + i / 50, 3.5 + 2 * math.sin(i)) for i in range(1500))
    stroke = Stroke("grey", 1.3, zigzag)
    assert torch.equal(covered(stroke, 9, 40), by_distance(stroke, 9, 40) <= 0)


def test_grey_is_the_middle_of_the_bounds():
    x = torch.rand(2, 6, 7)
    after = painted(x, [Stroke("grey", 1, ((2.5, 3.5),))], bounds=((-2.0, 0.0), (4.0, 1.0)))
    changed = torch.zeros(6, 7, dtype=torch.bool)
    changed[[3, 3, 3, 2, 4], [1, 2, 3, 2, 2]] = True
    assert after[0][changed].eq(1.0).all()
    assert after[1][changed].eq(0.5).all()
    assert torch.equal(after[:, ~changed], x[:, ~changed])


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_without_bounds_grey_is_the_mean_of_the_input(channels):
    x = torch.rand(channels, 8, 8)
    after = painted(x, [Stroke("grey", 2, ((1.0, 1.0),)), Stroke("grey", 2, ((6.0, 6.0),))])
    for place in ((0, 0), (6, 6)):  # the second stroke finds the same mean, that of the input without the first
        assert torch.allclose(after[:, place[0], place[1]], x.mean((1, 2)))


def test_the_input_stays_as_it_is():
    x = torch.rand(3, 8, 8)
    kept = x.clone()
    painted(x, [])[0, 0, 0] = 7
    painted(x, [Stroke("grey", 3, ((4.0, 4.0),)), Stroke("blur", 3, ((4.0, 4.0),))])
    assert torch.equal(x, kept)


def test_blur_is_gaussian_and_half_as_wide_as_the_brush():
    x = torch.rand(3, 40, 50)
    stroke = Stroke("blur", 4.0, ((10.0, 10.0), (30.0, 20.0)))
    mask, blurred = covered(stroke, 40, 50), gaussian_blur(x, [13, 13], [2.0, 2.0])
    assert torch.allclose(painted(x, [stroke]), torch.where(mask, blurred, x), atol=1e-6)


def test_strokes_are_made_one_after_the_other():
    x = torch.rand(1, 20, 20)
    first, second = Stroke("grey", 4, ((8.0, 10.0),)), Stroke("blur", 4, ((12.0, 10.0),))
    grey = ((0.0,), (1.0,))
    assert torch.equal(painted(x, [first, second], grey), painted(painted(x, [first], grey), [second], grey))
    assert not torch.equal(painted(x, [first, second], grey), painted(x, [second, first], grey))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 2)])
@pytest.mark.parametrize("kind", ["grey", "blur"])
def test_tiny_pictures_can_be_painted_with_a_large_brush(kind, size):
    x = torch.rand(3, *size)
    after = painted(x, [Stroke(kind, 500, ((0.0, 0.0),))])
    assert after.shape == x.shape
    assert after.amax((1, 2)).le(x.amax((1, 2)) + 1e-6).all()
    assert after.amin((1, 2)).ge(x.amin((1, 2)) - 1e-6).all()


def test_a_stroke_outside_the_picture_changes_nothing():
    x = torch.rand(3, 8, 8)
    assert torch.equal(painted(x, [Stroke("grey", 3, ((-1e6, 4.0), (-9.0, 1e6)))]), x)


def test_a_stroke_is_plain_data():
    stroke = Stroke("blur", 2.5, ((1.0, 2.0), (3.5, -4.0)))
    assert Stroke.from_dict(json.loads(json.dumps(stroke.to_dict()))) == stroke
    assert hash(stroke) == hash(Stroke.from_dict(stroke.to_dict()))


GOOD = {"kind": "grey", "radius": 3, "points": [[1, 2]]}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ("grey", "kind, radius and points; got str"),
        ({"kind": "grey"}, r"got \['kind'\]"),
        (GOOD | {"colour": "<b>"}, "kind, radius and points"),
        (GOOD | {"kind": "<script>"}, "no brush '<script>'; there are grey, blur"),
        (GOOD | {"kind": []}, r"no brush \[\]"),
        (GOOD | {"radius": 0}, "radius of a stroke is 0.0; it has to be above 0"),
        (GOOD | {"radius": -2}, "radius of a stroke is -2.0"),
        (GOOD | {"radius": math.nan}, "the number nan"),
        (GOOD | {"radius": "3"}, "the number '3'"),
        (GOOD | {"radius": True}, "the number True"),
        (GOOD | {"radius": 10**400}, "the number 1000"),
        (GOOD | {"points": []}, "has 0 points; it can have 1 to 10,000"),
        (GOOD | {"points": "ab"}, "list of .x, y.; got str"),
        (GOOD | {"points": [[1, 2, 3]]}, r"the point \[1, 2, 3\]"),
        (GOOD | {"points": [5]}, "the point 5"),
        (GOOD | {"points": [[1, math.inf]]}, "the number inf"),
        (GOOD | {"points": [[1, None]]}, "the number None"),
        (GOOD | {"points": [[1, 2]] * (MOST_POINTS + 1)}, "has 10001 points"),
    ],
)
def test_what_is_no_stroke_is_refused_with_a_sentence(values, told):
    with pytest.raises(ValueError, match=told):
        Stroke.from_dict(values)


def test_the_longest_stroke_is_allowed():
    assert len(Stroke.from_dict(GOOD | {"points": [[1, 2]] * MOST_POINTS}).points) == MOST_POINTS


def test_painting_changes_what_the_network_says():
    digits = subjects.load("digits")
    x, label = digits.item(digits.start)
    after = painted(x, [Stroke("grey", 20, ((4.0, 4.0),))], digits.bounds)
    with torch.no_grad():
        assert digits.model(x[None])[0, label] > digits.model(after[None])[0, label] + 1


@pytest.mark.alone
def test_a_long_stroke_over_a_photograph_takes_no_time():
    x = torch.rand(3, 224, 224)
    stroke = Stroke("grey", 15, tuple((112 + 70 * math.cos(i / 20), 112 + 60 * math.sin(i / 9)) for i in range(200)))
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        painted(x, [stroke])
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.01  # about 2 ms on an idle machine
