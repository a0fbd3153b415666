"""The dashboard ``explore``: one decision, its heatmap, and the rules that trace it back."""

from __future__ import annotations

import ipywidgets

from ..lrp import Composite
from ..subjects import Subject
from ..widgets import (
    ClassScores,
    Exploration,
    HeatmapView,
    InputStrip,
    QuestionBar,
    RuleBoard,
    StatusLine,
    TopBar,
)
from .options import Options


def explore(
    subject: Subject | None = None, composite: str | Composite | None = None, device: str | None = None
) -> ipywidgets.VBox:
    """The full environment in one cell: samples, heatmap, scores, rules and the status line.

    Parameters
    ----------
    subject
        What to examine; by default what ``lrpwidgets serve`` was asked for, which is ``digits`` elsewhere.
    composite
        The rules to begin with: the name of a preset or a composite.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    """
    options = Options.from_environment()
    exploration = Exploration(subject or options.load_subject(), composite, device or options.device)
    heatmap = _pane("lrp-main", QuestionBar(exploration), HeatmapView(exploration))
    scores = _pane("lrp-side", ClassScores(exploration))
    title = ipywidgets.HTML("<b>Rules</b> <span>from the output down; amber rows were propagated again</span>")
    title.add_class("lrp-pane-title")
    rules = _pane("lrp-main", title, RuleBoard(exploration))
    page = ipywidgets.VBox(
        [
            TopBar(exploration),
            InputStrip(exploration),
            _row(heatmap, scores),
            _row(rules),
            StatusLine(exploration),
        ]
    )
    page.add_class("lrp-page")
    return page


def _pane(place: str, *views: ipywidgets.DOMWidget) -> ipywidgets.VBox:
    pane = ipywidgets.VBox(views)
    pane.add_class("lrp-pane")
    pane.add_class(place)
    return pane


def _row(*panes: ipywidgets.DOMWidget) -> ipywidgets.Box:
    row = ipywidgets.Box(panes)
    row.add_class("lrp-row")
    return row
