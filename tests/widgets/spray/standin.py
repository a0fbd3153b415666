"""What the map and the wall need of an investigation, without a store: points whose pictures say which they are."""

import ipywidgets
import numpy as np
import traitlets

from lrpwidgets.widgets.base.worker import NewestWins
from lrpwidgets.widgets.spray.points import Points, hues
from lrpwidgets.widgets.spray.tiles import Tiles, relevance_tiles

SIDE = 8


class Standin(traitlets.HasTraits):
    brought, drawn = "picture", "heatmap"
    answer = traitlets.Any(True)
    error = traitlets.Unicode()
    appeared = traitlets.Int()
    points = traitlets.Any()
    selection = traitlets.Any(np.zeros(0, np.int64))
    isolated = traitlets.Any()
    hovered = traitlets.Int(None, allow_none=True)
    sorts = traitlets.Dict()
    opened = traitlets.Int(None, allow_none=True)

    def __init__(self, count=300):
        super().__init__()
        self.worker = NewestWins()
        self.made = []
        self.points = points(count)
        self.sorts = {"cluster": self.points.groups, "backwards": -np.arange(count)}

    def open(self, position):
        self.opened = position

    def tiles(self, positions):
        self.made.append(positions.tolist())
        captions = tuple(f"sample {position}" for position in positions)
        return Tiles(pictures(positions), relevance_tiles(maps(positions)), captions)


def points(count, **parts):
    """Three clouds of `count` points together; every tenth prediction is wrong."""
    random = np.random.default_rng(count)
    groups = np.arange(count) % 3
    xy = random.normal(size=(count, 2)) + 4 * np.array([[0, 0], [1, 0], [0, 1]])[groups]
    wrong = np.arange(count) % 10 == 9
    given = {"names": ("ants", "bees", "cats"), "hues": hues(3), "wrong": wrong, "source": "clouds", **parts}
    return Points(xy.astype(np.float32), np.arange(count) + 1000, groups.astype(np.int16), **given)


def pictures(positions):
    """RGB; red is the position, green a ramp."""
    made = np.zeros((len(positions), SIDE, SIDE, 3), np.uint8)
    made[..., 0] = (np.asarray(positions) % 256)[:, None, None]
    made[..., 1] = np.linspace(0, 255, SIDE)
    return made


def maps(positions):
    """From −1 at the top to 1 at the bottom, the other way round for odd positions."""
    ramp = np.linspace(-1, 1, SIDE)[None, :, None] * np.ones((1, 1, SIDE))
    return ramp * np.where(np.asarray(positions) % 2, -1, 1)[:, None, None]


def told(state, scatter):
    """A label on the page that says what the kernel knows."""
    import json

    label = ipywidgets.Label()
    label.add_class("told")

    def tell(_=None):
        known = {
            "selection": np.asarray(state.selection)[:5000].tolist(),  # a page with more text is slow
            "polygon": scatter.polygon.tolist(),
            "hovered": state.hovered,
            "isolated": None if state.isolated is None else len(state.isolated),
            "opened": state.opened,
            "error": state.error,
        }
        label.value = json.dumps(known)

    state.observe(tell, ["selection", "hovered", "isolated", "opened", "error"])
    tell()
    return label
