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
    Tour,
)
from ..widgets.compare import CompareBar, CompareStatus, FlipCurves, FlipView, MethodTable, Ranking, Referee
from ..widgets.improve import (
    CarrierView,
    ForgetView,
    ImproveBar,
    ImproveStatus,
    Pareto,
    PruneView,
    RepairTable,
    Workshop,
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
from ..widgets.spray import (
    AtlasBar,
    Attribution,
    AttributionBar,
    AttributionStatus,
    AttributionView,
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
from ..widgets.texts import AcrossTexts, HeadMatrix, StrikeTable, TokenTrace, TokenView
from .panes import Dashboard, box, pane


def explore_page(exploration: Exploration) -> Dashboard:
    """One decision, its heatmap, and the rules that trace it back."""
    return _EXPLORE[exploration.subject.modality](exploration)


def _picture_page(exploration: Exploration) -> Dashboard:
    picture = HeatmapView(exploration)  # made first, so that its pixels are sent first
    page = Dashboard(
        exploration,
        [
            TopBar(exploration),
            InputStrip(exploration),
            box(
                "lrp-columns",
                box("lrp-main", pane(QuestionBar(exploration), picture), pane(RuleBoard(exploration))),
                box("lrp-side", pane(ClassScores(exploration)), pane(LayerInspector(exploration))),
            ),
            StatusLine(exploration),
            Tour(exploration),
        ],
    )
    page.add_class("lrp-steady")  # the map stays in sight
    return page


def _text_page(exploration: Exploration) -> Dashboard:
    """A text whose words are the heatmap, the way of their relevance, and the score without each of them."""
    text = TokenView(exploration)  # made first, so that its words are sent first
    page = Dashboard(
        exploration,
        [
            TopBar(exploration),
            InputStrip(exploration),
            _beside([QuestionBar(exploration), text], [ClassScores(exploration)]),
            box(
                "lrp-columns",
                box("lrp-forms", pane(TokenTrace(exploration))),
                box("lrp-narrow", pane(HeadMatrix(exploration))),
                box("lrp-found", pane(StrikeTable(exploration))),
            ),
            box("lrp-below", pane(AcrossTexts(exploration))),
            _beside([RuleBoard(exploration)], [LayerInspector(exploration)]),
            StatusLine(exploration),
        ],
    )
    page.add_class("lrp-reading")
    return page


def _picture_with_text_page(exploration: Exploration) -> Dashboard:
    """A picture and a text, such as a question about it, with relevance on both."""
    picture, text = HeatmapView(exploration), TokenView(exploration)
    page = Dashboard(
        exploration,
        [
            TopBar(exploration),
            InputStrip(exploration),
            _beside([QuestionBar(exploration), picture], [ClassScores(exploration)]),
            _beside([text], [StrikeTable(exploration)]),
            _beside([RuleBoard(exploration)], [LayerInspector(exploration)]),
            StatusLine(exploration),
        ],
    )
    page.add_class("lrp-reading")
    return page


def _beside(main: list[ipywidgets.DOMWidget], side: list[ipywidgets.DOMWidget]) -> ipywidgets.Box:
    return box("lrp-columns", box("lrp-main", pane(*main)), box("lrp-side", pane(*side)))


_EXPLORE = {"image": _picture_page, "text": _text_page, "image and text": _picture_with_text_page}
"""The page by modality; where there are words it has no steps, which paint on pictures."""


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


def compare_page(referee: Referee) -> Dashboard:
    """Methods side by side on the same inputs, their curves while they are computed, and which of them to trust."""
    return Dashboard(
        referee,
        [
            CompareBar(referee),
            box(
                "lrp-columns",
                box("lrp-half", pane(MethodTable(referee))),
                box("lrp-half", pane(FlipCurves(referee), FlipView(referee)), pane(Ranking(referee))),
            ),
            CompareStatus(referee),
        ],
    )


def improve_page(workshop: Workshop) -> Dashboard:
    """What a model is to forget, where it carries that, and repairs side by side with their proof."""
    return Dashboard(
        workshop,
        [
            ImproveBar(workshop),
            box(
                "lrp-columns",
                box("lrp-narrow", pane(ForgetView(workshop)), pane(CarrierView(workshop))),
                box("lrp-forms", pane(RepairTable(workshop)), pane(Pareto(workshop)), pane(PruneView(workshop))),
            ),
            ImproveStatus(workshop),
        ],
    )


def attribution_page(attribution: Attribution) -> Dashboard:
    """A data set whose inputs are explained, before they can be looked at together."""
    return Dashboard(
        attribution,
        [
            AttributionBar(attribution),
            box("lrp-columns", pane(AttributionView(attribution))),
            AttributionStatus(attribution),
        ],
    )


def spray_page(state: Investigation) -> Dashboard:
    """What a model looks at over a whole data set: classes, clusters, a map of heatmaps, their pictures, a test."""
    points = EmbeddingScatter(state)
    return Dashboard(
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
