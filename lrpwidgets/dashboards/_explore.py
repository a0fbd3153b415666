"""The dashboard ``explore``: one decision, its heatmap, and the rules that trace it back."""

from __future__ import annotations

from typing import Any

import ipywidgets
from torch import nn

from ..lrp import Composite
from ..subjects import Samples, Subject
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


class Dashboard(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Views in an arrangement; closing it closes them, and ends the computation."""

    def __init__(self, exploration: Exploration, children: list[ipywidgets.DOMWidget]) -> None:
        self.exploration = exploration
        super().__init__(children)
        self.add_class("lrp-page")

    def close(self) -> None:
        """Disappear from the page, with all that is inside."""
        self.exploration.close()
        for inside in self.children:
            _close(inside)
        super().close()


def explore(
    model_or_subject: nn.Module | Subject | None = None,
    dataset: Samples | None = None,
    *,
    composite: str | Composite | None = None,
    device: str | None = None,
    **fields: Any,
) -> Dashboard:
    """The full environment in one cell: samples, heatmap, scores, rules and the status line.

    Parameters
    ----------
    model_or_subject
        What to examine: a :class:`~lrpwidgets.subjects.Subject`, or a torch model that maps (B, C, H, W) to scores
        (B, classes). By default what ``lrpwidgets serve`` was asked for, which is ``digits`` elsewhere.
    dataset
        For a model: its data, a sequence of pairs (x, label) with x of shape (C, H, W).
    composite
        The rules to begin with: the name of a preset or a composite.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    fields
        For a model: further fields of the subject, such as ``classes``, ``bounds`` or ``to_image``.

    Raises
    ------
    TypeError
        If a subject is given together with a dataset or fields.
    """
    options = Options.from_environment()
    subject = _subject(model_or_subject, dataset, fields) or options.load_subject()
    exploration = Exploration(subject, composite, device or options.device)
    picture = HeatmapView(exploration)  # made first, so that its pixels are sent first
    heatmap = _pane("lrp-picture", QuestionBar(exploration), picture)
    scores = _pane("lrp-side", ClassScores(exploration))
    title = ipywidgets.HTML("<b>Rules</b> <span>from the output down; amber rows were propagated again</span>")
    title.add_class("lrp-pane-title")
    rules = _pane("lrp-main", title, RuleBoard(exploration))
    return Dashboard(
        exploration,
        [
            TopBar(exploration),
            InputStrip(exploration),
            _row(heatmap, scores),
            _row(rules),
            StatusLine(exploration),
        ],
    )


def _subject(
    model_or_subject: nn.Module | Subject | None, dataset: Samples | None, fields: dict[str, Any]
) -> Subject | None:
    if isinstance(model_or_subject, nn.Module):
        return Subject(model=model_or_subject, dataset=() if dataset is None else dataset, **fields)
    if dataset is not None or fields:
        given = ", ".join([*(["dataset"] if dataset is not None else []), *fields])
        raise TypeError(f"{given} can be given with a torch model only; a subject has its own.")
    return model_or_subject


def _close(widget: ipywidgets.Widget) -> None:
    """Close a widget after those inside."""
    for inside in getattr(widget, "children", ()):
        _close(inside)
    widget.close()


def _pane(place: str, *views: ipywidgets.DOMWidget) -> ipywidgets.VBox:
    pane = ipywidgets.VBox(views)
    pane.add_class("lrp-pane")
    pane.add_class(place)
    return pane


def _row(*panes: ipywidgets.DOMWidget) -> ipywidgets.Box:
    row = ipywidgets.Box(panes)
    row.add_class("lrp-row")
    return row
