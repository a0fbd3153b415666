"""Channels of a layer ranked by relevance, as bars beside their activation."""

from __future__ import annotations

from html import escape
from typing import Any

import bqplot
import ipywidgets

from ..base import inside
from ..base.charts import Chart, axis, bars, figure, label, short_names, told
from ..base.inside import Inside
from .choice import choose, opened, toggled
from .exploration import Exploration


class ChannelBars(Chart, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Σ R of the most relevant channels, and their mean activation in shares of its largest; a click chooses one."""

    shared: Exploration

    def __init__(self, exploration: Exploration) -> None:
        self._layer = ""
        self._shown: list[int] = []
        places, self._amounts = bqplot.OrdinalScale(), bqplot.LinearScale()
        self._bars = bars(places, self._amounts, type="grouped", color_mode="no_group", padding=0.2)
        self._bars.on_element_click(self._clicked)
        self._ticks = axis(self._amounts, vertical=True)
        self.figure = figure([self._bars], [axis(places), self._ticks])
        self._title = ipywidgets.HTML()
        super().__init__(exploration, [self._title, self.figure])
        self.show_with("answer", "layer", "channels")

    def _show(self) -> None:
        answer = self.shared.answer
        if answer is None:
            return
        self._layer, _ = opened(self.shared)
        layer = inside.look(answer.whole, self._layer)
        self._shown = layer.ranked()
        relevance, activation = layer.sums[self._shown].tolist(), layer.means[self._shown].tolist()
        most = max(map(abs, activation))
        unit = max(map(abs, relevance)) / (most or 1.0)
        scaled = [unit * amount for amount in activation]
        low, high = min(0.0, *relevance, *scaled), max(0.0, *relevance, *scaled)
        colours = [("var(--against)" if amount < 0 else "var(--for)", "var(--bar)") for amount in relevance]
        strength = [1.0 if not self._chosen or channel in self._chosen else 0.35 for channel in self._shown]
        # bqplot finds no limits for bars in groups
        self._amounts.min, self._amounts.max = low, high if high > low else low + 1.0
        label(self._ticks, [low, 0.0, high] if low < 0 < high else [low, high])
        with self._bars.hold_sync():
            self._bars.x = short_names([self._name(layer, channel) for channel in self._shown])
            self._bars.y = [relevance, scaled]
            self._bars.colors = [colour for pair in colours for colour in pair]
            self._bars.opacities = [opacity for opacity in strength for _ in range(2)]
        self._title.value = _TITLE.format(most=escape(told(most)))

    @property
    def _chosen(self) -> tuple[int, ...]:
        chosen: tuple[int, ...] = self.shared.channels
        return chosen

    def _name(self, layer: Inside, channel: int) -> str:
        """The class, where the channels are the classes."""
        answer, subject = self.shared.answer, self.shared.subject
        assert answer is not None
        is_output = layer.name == answer.whole.layers[-1].name
        return subject.class_name(channel) if is_output and subject.classes else f"#{channel}"

    def _clicked(self, _: Any, event: dict[str, Any]) -> None:
        channel = self._shown[event["data"]["index"]]
        chosen = toggled(self._chosen, channel, add=False)
        self.shared.worker.at_home(lambda: choose(self.shared, self._layer, chosen))


_TITLE = (
    '<h2>Most relevant channels</h2><span class="lrp-quiet">click a bar</span>'
    '<span class="lrp-key"><i style="background: var(--for)"></i><i style="background: var(--against)"></i>Σ R</span>'
    '<span class="lrp-key"><i style="background: var(--bar)"></i>mean activation, its largest {most}</span>'
)
