"""Inside a layer: which channels carry the relevance, where they find it, and what was lost along the depth."""

from __future__ import annotations

import ipywidgets

from ..base.parts import close_parts
from .channel_bars import ChannelBars
from .channel_maps import ChannelMaps
from .depth_chart import DepthChart
from .exploration import Exploration


class LayerInspector(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Maps of a layer's channels, the channels as bars, and the balance of relevance from the score to the input.

    Each part follows the exploration alone, and can be used alone.
    """

    shared: Exploration

    def __init__(self, exploration: Exploration) -> None:
        self.shared = exploration
        self.maps = ChannelMaps(exploration)
        self.bars = ChannelBars(exploration)
        self.depth = DepthChart(exploration)
        self._charts = ipywidgets.Box([self.bars, self.depth])
        self._charts.add_class("lrp-charts")
        super().__init__([self.maps, self._charts])
        self.add_class("lrp")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shared!r})"  # ipywidgets would print all that is inside

    def close(self) -> None:
        """Stop following and disappear from the page."""
        for part in self.children:
            for inside in (*getattr(part, "children", ()), part):
                inside.close()
            close_parts(part)
        super().close()
        close_parts(self)
