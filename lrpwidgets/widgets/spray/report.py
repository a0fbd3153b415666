"""A report on an atlas: one HTML file that opens anywhere, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...colours import MAPS, coloured, enlarged
from ...spray.channels import INPUT
from ...subjects.texts.levels import Cell, limit
from ...subjects.texts.printing import to_html
from ..base.page import page, source
from .excerpts import WordCard
from .exports import code
from .points import HUES
from .tested import BOX, SELECTION, WORD, Tested
from .thumbnails import PictureCard

if TYPE_CHECKING:
    from .state import Investigation

_TEMPLATE = Path(__file__).with_name("report.html.j2")
_WIDTH, _HEIGHT, _MARGIN = 620, 460, 12  # of the map, in pixels
_MOST_DOTS = 5_000
_SIDE = 128  # pixels of a cluster's pictures, about


def report(state: Investigation) -> str:
    """The atlas on the screen as a self-contained HTML page.

    Returns
    -------
    str
        A page with the map, eigenvalues, ranked classes, clusters with their names, notes, pictures and verdicts, the
        code that makes the atlas again, and the versions of the software.

    Raises
    ------
    ValueError
        If there is no atlas yet.
    """
    atlas, question = state.answer, state.shown
    if atlas is None or state.points is None:
        raise ValueError("There is nothing to report yet; wait for the atlas.")
    whose = "all classes" if question.group is None else f"“{state.store.class_name(question.group)}”"
    tests = [each for each in state.verdicts.values() if each.question.clustering == question.clustering]
    tested = {each.cluster: each for each in tests}
    layer = atlas.features.layer
    where = "the input" if layer == INPUT else f"the channels of {layer}"
    return page(
        _TEMPLATE,
        title=f"Strategies of the network for {whose}",
        subject=state.subject.title,
        samples=f"{len(atlas):,}",
        of=f"{state.drawn}s",
        composite=question.composite or state.store.info.composite["name"],
        features=f"{question.sign} relevance at {where}",
        neighbors=atlas.neighbors,
        clustering=atlas.clustering,
        seed=atlas.seed,
        embedding=question.embedding,
        dots=_dots(state),
        radius=2 if len(atlas) > 2000 else 3,
        bars=_bars(atlas.eigenvalues[:16], atlas.count),
        classes=[
            {
                "name": state.store.class_name(each.label),
                "size": each.size,
                "clusters": each.clusters,
                "tau": each.tau,
                "chosen": each.label == question.group,
            }
            for each in state.ranks
        ],
        caveats=[*state.store.info.caveats, *atlas.notes],
        clusters=[_cluster(card, state, tested.get(card.number)) for card in state.cards],
        chosen=[_told(state, each) for each in tests if each.cluster in (BOX, SELECTION, WORD)],
        code=code(state),
    )


def _dots(state: Investigation) -> list[tuple[str, str, str]]:
    """Place and colour of each point; of very many, some drawn at random."""
    atlas, points = state.answer, state.points
    assert atlas is not None
    assert points is not None
    shown = np.sort(np.random.default_rng(0).permutation(len(atlas))[:_MOST_DOTS])
    xy = points.xy.astype(np.float64)
    low, extent = xy.min(0), np.maximum(np.ptp(xy, axis=0), 1e-12)
    place = (xy[shown] - low) / extent * (_WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN) + _MARGIN
    hues = [HUES[number % len(HUES)] if number >= 0 else "#c9c6be" for number in atlas.clusters[shown].tolist()]
    return [(f"{x:.1f}", f"{_HEIGHT - y:.1f}", hue) for (x, y), hue in zip(place.tolist(), hues, strict=True)]


def _bars(eigenvalues: Any, count: int) -> list[tuple[int, float, float, bool]]:
    top = max(float(eigenvalues.max(initial=0)), 1e-9)
    heights = [max(2.0, round(110 * float(value) / top, 1)) for value in eigenvalues]
    return [(10 + 21 * place, 120 - height, height, place < count) for place, height in enumerate(heights)]


def _cluster(card: PictureCard | WordCard, state: Investigation, tested: Tested | None) -> dict[str, Any]:
    told = state.names.get(card.number, {})
    return {
        **{"means": [], "heatmap": "", "words": "", "examples": []},
        **(_worded(card) if isinstance(card, WordCard) else _pictured(card)),
        "hue": HUES[card.number % len(HUES)],
        "name": state.name(card.number),
        "note": told.get("note", ""),
        "size": f"{card.size:,}",
        "tau": card.tau,
        "purity": f"{card.purity:.0%} {card.kind}",
        "verdict": _told(state, tested) if tested else "",
        "hans": bool(tested and tested.trial.clever_hans),
    }


def _pictured(card: PictureCard) -> dict[str, Any]:
    return {
        "means": [source(enlarged(np.broadcast_to(each, (*each.shape[:2], 3)), _SIDE)) for each in card.large],
        "heatmap": source(enlarged(coloured(card.heatmap.astype(np.float32), 127, MAPS["red–blue"]), _SIDE)),
    }


def _worded(card: WordCard) -> dict[str, Any]:
    most = max((each.excess for each in card.words), default=1.0)
    words = [Cell(each.word, each.excess) for each in card.words]
    examples = [(each.caption, to_html(each.cells, limit(each.cells))) for each in card.examples.each]
    return {"words": to_html(words, most), "examples": examples}


def _told(state: Investigation, tested: Tested) -> str:
    return f"{tested.name}: {tested.trial.sentence(state.store.class_name(tested.label))}"
