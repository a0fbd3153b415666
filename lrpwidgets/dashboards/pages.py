"""How the views of a room are arranged on its page."""

from __future__ import annotations

import ipywidgets

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
from ..widgets.maximize import (
    ChannelList,
    ConceptGraph,
    Curves,
    FilmView,
    HonestyView,
    MaximizeBar,
    MaximizeStatus,
    PriorWall,
    SampleView,
    Standing,
    StrategyView,
    Studio,
    WishBar,
)
from .panes import Dashboard, box, pane


def explore_page(exploration: Exploration) -> Dashboard:
    """One decision, its heatmap, and the rules that trace it back."""
    page = Dashboard(exploration, [TopBar(exploration), InputStrip(exploration), *closely(exploration)])
    page.add_class("lrp-steady")  # the map stays in sight
    return page


def closely(exploration: Exploration) -> list[ipywidgets.DOMWidget]:
    """One input with its heatmap, rules, scores and layers, and the status line."""
    picture = HeatmapView(exploration)  # made first, so that its pixels are sent first
    return [
        box(
            "lrp-columns",
            box("lrp-main", pane(QuestionBar(exploration), picture), pane(RuleBoard(exploration))),
            box("lrp-side", pane(ClassScores(exploration)), pane(LayerInspector(exploration))),
        ),
        StatusLine(exploration),
    ]


def maximize_page(studio: Studio) -> Dashboard:
    """What a class or a channel would like to see, as it forms; how honest that is; real inputs beside it."""
    return Dashboard(
        studio,
        [
            MaximizeBar(studio),
            box(
                "lrp-columns",
                box("lrp-narrow", pane(ChannelList(studio))),
                box(
                    "lrp-forms",
                    pane(
                        WishBar(studio),
                        box("lrp-beside", FilmView(studio), box("lrp-natural", Standing(studio), HonestyView(studio))),
                        Curves(studio),
                    ),
                ),
                box("lrp-found", pane(SampleView(studio), StrategyView(studio))),
            ),
            box("lrp-below", pane(ConceptGraph(studio))),
            box("lrp-below", pane(PriorWall(studio))),
            MaximizeStatus(studio),
        ],
    )
