"""The dashboard ``spray``: what a model looks at over a whole data set, and whether it is a Clever Hans."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import ipywidgets

from ..lrp import Composite
from ..shelves import SHELVES
from ..spray import RelevanceStore
from ..spray.kept import kept
from ..subjects import Subject
from ..widgets import Exploration
from ..widgets.spray import (
    AtlasBar,
    ClassRanking,
    ClusterCards,
    EigenvalueChart,
    EmbeddingScatter,
    Investigation,
    PoisonTest,
    SprayBar,
    SprayStatus,
    ThumbnailWall,
)
from .options import Options
from .pages import closely
from .panes import AWAY, Dashboard, box, pane
from .spraying import subject_for


def spray(
    store: RelevanceStore | str | PathLike[str] | None = None,
    subject: Subject | None = None,
    *,
    device: str | None = None,
) -> Dashboard:
    """The strategies of a model in one cell: classes, clusters, a map of heatmaps, their pictures, the poison test.

    Parameters
    ----------
    store
        Relevance of a data set, or the folder that it is in; see :meth:`.RelevanceStore.create`. By default what
        ``lrpwidgets serve spray`` was asked for, else that of `subject`, attributed now if it was not before.
    subject
        What the store is of. By default it is made as the store says; without a store it is ``clever-hans``.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    ValueError
        If the store is of another model, nothing in it is attributed, or it cannot say what it is of.
    """
    options = Options.from_environment()
    store = store if store is not None else options.store
    if store is None:
        subject = subject or options.load_subject("clever-hans")
        store = kept(subject, device or options.device)
    elif not isinstance(store, RelevanceStore):
        store = RelevanceStore.open(Path(store))
    SHELVES.hold(options.memory)
    state = Investigation(store, subject or subject_for(store, options), device or options.device)
    points = EmbeddingScatter(state)
    return _SprayPage(
        state,
        [
            SprayBar(state),
            box(
                "lrp-columns",
                box("lrp-narrow", pane(ClassRanking(state)), pane(EigenvalueChart(state)), pane(ClusterCards(state))),
                box("lrp-map", pane(AtlasBar(state), points)),
                box("lrp-wide", pane(ThumbnailWall(state)), pane(PoisonTest(state))),
            ),
            SprayStatus(state),
        ],
    )


class _SprayPage(Dashboard):
    """The atlas, and behind it one input looked at closely, with rules and layers, which comes to the front."""

    shared: Investigation

    def __init__(self, state: Investigation, children: list[ipywidgets.DOMWidget]) -> None:
        self.children: tuple[ipywidgets.DOMWidget, ...]
        self._front = children[1:]
        self._close_look: ipywidgets.VBox | None = None
        self._look: Exploration | None = None
        super().__init__(state, children)
        state.observe(self._open, "opened")

    def close(self) -> None:
        """Disappear from the page, with all that is inside."""
        super().close()
        if self._look is not None:
            self._look.close()

    def _open(self, change: dict[str, Any]) -> None:
        item = change["new"]
        for each in self._front:
            (each.add_class if item is not None else each.remove_class)(AWAY)
        if self._close_look is not None:
            (self._close_look.add_class if item is None else self._close_look.remove_class)(AWAY)
        if item is not None:
            self._look_at(item)

    def _look_at(self, item: int) -> None:
        if self._look is None:
            state = self.shared
            device = str(state.explainer.device)
            self._look = Exploration(state.subject, Composite.from_dict(state.store.info.composite), device)
            back = ipywidgets.Button(description="‹ Back to the atlas", tooltip="Back to the atlas")
            back.add_class("lrp-back")
            back.on_click(lambda _: setattr(state, "opened", None))
            self._close_look = box("lrp-closely", back, *closely(self._look))
            self.children = (*self.children, self._close_look)
        self._look.ask(item=item, target=None, than=None, strokes=())
