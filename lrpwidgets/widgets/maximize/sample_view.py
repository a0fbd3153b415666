"""Real inputs beside the one that is made up: in which a channel mattered, and in which it fired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import traitlets

from ...progress import duration
from ..base.view import View, script, style
from .pictures import packed
from .samples import Sample, Samples
from .studio import Studio


class SampleView(View):
    """Reference samples by relevance and by activation, with the relevance through the channel, and its classes.

    A click looks into a sample. The pass over the data begins when somebody looks, unless it would take long.
    """

    shared: Studio
    _esm = script(__file__)
    _css = style(__file__)
    state = traitlets.Dict(help="what is shown, of how many inputs, how far the pass is, what is wrong").tag(sync=True)
    rows: traitlets.List[Any] = traitlets.List(help="of both ranks: item, name, class, value, Σ R").tag(sync=True)
    pixels = traitlets.Bytes(help="uint8, RGB of each sample").tag(sync=True)
    sizes: traitlets.List[Any] = traitlets.List(help="height and width of each").tag(sync=True)
    heatmaps = traitlets.Bytes(help="int8, relevance of each, on one scale").tag(sync=True)
    heatmap_sizes: traitlets.List[Any] = traitlets.List(help="height and width of each").tag(sync=True)
    shares: traitlets.List[Any] = traitlets.List(help="class, share and inputs").tag(sync=True)

    def __init__(self, state: Studio, **traits: Any) -> None:
        super().__init__(state, **traits)
        self._shown: Samples | None = None  # what is told is of these: of several changes any may be heard first
        self.follow(self._show, "samples")
        self.follow(self._tell, "samples", "gathering", "sample_problem", "concepts", "running")
        self.follow(self._want, "appeared")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"item": 12}``: look into that input; ``{"collect": false}``: let the pass wait, or go on."""
        if "item" in message:
            self.shared.ask(item=message["item"])
        elif "collect" in message:
            self.shared.collect(on=bool(message["collect"]))

    def _want(self) -> None:
        if self.shared.appeared:
            self.shared.collect()

    def _show(self) -> None:
        found = self._shown = self.shared.samples
        if found is None:
            return
        every = (*found.mattered, *found.fired)
        pictures, sizes = packed(each.pixels for each in every)
        heatmaps, heatmap_sizes = packed(each.heatmap for each in every)
        self.draw(
            rows=[_told(found.mattered), _told(found.fired)],
            pixels=pictures,
            sizes=sizes,
            heatmaps=heatmaps,
            heatmap_sizes=heatmap_sizes,
            shares=[[share.name, share.share, share.inputs] for share in found.shares],
        )

    def _tell(self) -> None:
        studio, found, gathering = self.shared, self._shown, self.shared.gathering
        state: dict[str, Any] = {"problem": studio.sample_problem, "none": not len(studio.subject.dataset)}
        if found is not None:
            what = studio.subject.class_name(found.number) if studio.layer is None else f"#{found.number}"
            state |= {
                "what": what,
                "layer": found.layer,
                "inputs": found.inputs,
                "largest": found.largest,
                "class": studio.layer is None,
                "item": studio.item,
            }
        if gathering is not None:
            state["pass"] = {
                "done": gathering.done,
                "total": gathering.total,
                "going": gathering.going,
                "waits": studio.running,
                "takes": duration(gathering.seconds) if gathering.seconds is not None else "",
            }
        self.draw(state=state)


def _told(samples: Sequence[Sample]) -> list[list[Any]]:
    return [[each.item, each.name, each.says, each.value, each.relevance] for each in samples]
