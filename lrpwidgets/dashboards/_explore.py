"""The dashboard ``explore``: one decision, its heatmap, and the rules that trace it back."""

from __future__ import annotations

from typing import Any

import ipywidgets
from torch import nn

from ..lrp import Composite
from ..subjects import Subject, describe
from ..widgets import (
    ClassScores,
    Exploration,
    HeatmapView,
    InputStrip,
    LayerInspector,
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
    dataset: Any = None,
    *,
    classes: Any = None,
    preprocessing: Any = None,
    composite: str | Composite | None = None,
    device: str | None = None,
    **fields: Any,
) -> Dashboard:
    """The full environment in one cell: inputs, heatmaps, scores, rules, a look inside, and the status line.

    Parameters
    ----------
    model_or_subject
        What to examine: a :class:`~lrpwidgets.subjects.Subject`, or a torch model that maps (B, C, H, W) to scores
        (B, classes). By default what ``lrpwidgets serve`` was asked for, which is ``digits`` elsewhere.
    dataset, classes, preprocessing
        For a model: its data in nearly any form, the names of its classes, and what makes inputs of pictures; see
        :func:`lrpwidgets.subjects.describe`. What had to be guessed is said in the status line.
    composite
        The rules to begin with: the name of a preset or a composite.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    fields
        For a model: further fields of the subject, such as ``bounds`` or ``to_image``.

    Raises
    ------
    TypeError
        If a subject is given together with a dataset or fields.
    ValueError
        If the data does not fit the model.
    """
    options = Options.from_environment()
    given = {"dataset": dataset, "classes": classes, "preprocessing": preprocessing, **fields}
    given = {name: value for name, value in given.items() if value is not None}
    subject = _subject(model_or_subject, given) or options.load_subject()
    exploration = Exploration(subject, composite, device or options.device)
    picture = HeatmapView(exploration)  # made first, so that its pixels are sent first
    return Dashboard(
        exploration,
        [
            TopBar(exploration),
            InputStrip(exploration),
            _box(
                "lrp-columns",
                _box("lrp-main", _pane(QuestionBar(exploration), picture), _pane(RuleBoard(exploration))),
                _box("lrp-side", _pane(ClassScores(exploration)), _pane(LayerInspector(exploration))),
            ),
            StatusLine(exploration),
        ],
    )


def _subject(model_or_subject: nn.Module | Subject | None, given: dict[str, Any]) -> Subject | None:
    if isinstance(model_or_subject, nn.Module):
        return describe(model_or_subject, **given)
    if given:
        raise TypeError(f"{', '.join(given)} can be given with a torch model only; a subject has its own.")
    return model_or_subject


def _close(widget: ipywidgets.Widget) -> None:
    """Close a widget after those inside."""
    for inside in getattr(widget, "children", ()):
        _close(inside)
    widget.close()


def _pane(*views: ipywidgets.DOMWidget) -> ipywidgets.Box:
    return _box("lrp-pane", *views)


def _box(place: str, *inside: ipywidgets.DOMWidget) -> ipywidgets.Box:
    """A box whose arrangement is that of its class in look.css."""
    box = ipywidgets.Box(inside)
    box.add_class(place)
    return box
