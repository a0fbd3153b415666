import numpy as np
import pytest

from lrpwidgets.subjects.outlines import OUTLINES
from lrpwidgets.subjects.scenes import CLASSES, LARGE, SIZE, SMALL, scenes


@pytest.fixture(scope="module")
def drawn():
    return scenes(per_class=20, seed=7)


def test_scenes_are_pictures_with_labels_and_masks(drawn):
    assert drawn.pixels.shape == (120, 3, SIZE, SIZE)
    assert drawn.masks.shape == (120, SIZE, SIZE)
    assert drawn.pixels.dtype == drawn.masks.dtype == np.uint8
    assert np.array_equal(np.bincount(drawn.labels), [20] * len(CLASSES))


def test_a_seed_makes_the_same_scenes_and_another_seed_others(drawn):
    again, other = scenes(20, seed=7), scenes(20, seed=8)
    for name in ("pixels", "labels", "masks"):
        assert np.array_equal(getattr(again, name), getattr(drawn, name))
    assert not (other.pixels == drawn.pixels).all((1, 2, 3)).any()


def test_every_scene_has_a_large_object_that_no_small_one_rivals(drawn):
    reach = np.array([[extent(mask == number) for number in range(1, 5)] for mask in drawn.masks])
    assert reach[:, 0].min() >= LARGE[0]  # from corner to corner it is at least a radius, whatever its shape
    assert reach[:, 1:].max() <= 2 * SMALL[1] + 1
    assert (reach[:, 0] > reach[:, 1:].max(1)).all()
    assert (reach[:, 1:] > 0).sum(1).mean() > 1.5


def test_objects_leave_a_gap_between_them(drawn):
    for step in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shifted = np.roll(drawn.masks, step, (1, 2))[:, 1:-1, 1:-1]
        here = drawn.masks[:, 1:-1, 1:-1]
        assert not ((here != shifted) & (here > 0) & (shifted > 0)).any()


def test_the_masks_are_where_the_colours_differ_from_the_ground(drawn):
    for pixels, mask in zip(drawn.pixels / 255, drawn.masks, strict=True):
        ground = pixels[:, mask == 0].mean(1)
        for number in set(mask[mask > 0].tolist()):
            assert np.abs(pixels[:, mask == number].mean(1) - ground).max() > 0.05


def test_the_large_object_has_the_shape_of_its_class(drawn):
    filled = [np.mean([share_of_box(mask == 1) for mask in drawn.masks[drawn.labels == k]]) for k in range(6)]
    area = dict(zip(CLASSES, filled, strict=True))
    assert area["disc"] > 0.72
    assert area["disc"] > area["square"] > area["ring"] > area["cross"] > area["star"]


@pytest.mark.parametrize("name", CLASSES)
def test_every_outline_lies_in_the_unit_disc_and_nearly_touches_its_rim(name):
    y, x = np.mgrid[-1.2:1.2:241j, -1.2:1.2:241j].astype(np.float32)
    far = np.hypot(x, y)[OUTLINES[name](x, y)].max()
    assert 0.97 <= far <= 1.01


def extent(mask):
    """Longer side of the box around it, in pixels; 0 for nothing."""
    if not mask.any():
        return 0
    rows, columns = np.nonzero(mask)
    return max(np.ptp(rows), np.ptp(columns)) + 1


def share_of_box(mask):
    rows, columns = np.nonzero(mask)
    return mask.sum() / ((np.ptp(rows) + 1) * (np.ptp(columns) + 1))
