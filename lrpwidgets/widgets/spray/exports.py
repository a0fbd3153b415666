"""What a person takes along: the selection as a table, clusters written into the store, and the atlas as Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...tables import csv_of
from ..base.code import select_argument
from .question import AtlasQuestion

if TYPE_CHECKING:
    from .state import Investigation

COLUMNS = ("row", "input", "name", "label", "prediction", "correct", "score", "cluster", "cluster name", "x", "y")


def table(state: Investigation) -> str:
    """The selected points, or all of them if none is, as CSV with a header.

    Text is in quotes and numbers are not. Text that a spreadsheet would take for a formula has an apostrophe before it.

    Raises
    ------
    ValueError
        If there is no atlas yet.
    """
    atlas, points, store = state.answer, state.points, state.store
    if atlas is None or points is None:
        raise ValueError("There is nothing to export yet; wait for the atlas.")
    chosen = state.selection if len(state.selection) else np.arange(len(atlas))

    def line(position: int) -> list[object]:
        row = int(atlas.rows[position])
        item, label, said = int(store.index[row]), int(store.label[row]), int(store.prediction[row])
        cluster = int(atlas.clusters[position])
        return [
            row,
            item,
            state.subject.item_name(item),
            store.class_name(label) if label >= 0 else "",
            store.class_name(said),
            "" if label < 0 else label == said,
            _rounded(store.score[row]),
            cluster,
            state.name(cluster),
            *map(_rounded, points.xy[position]),
        ]

    return csv_of(COLUMNS, map(line, chosen.tolist()))


def _rounded(number: float) -> float:
    return float(f"{number:.6g}")


def code(state: Investigation) -> str:
    """Python that makes the atlas on the screen again; clusters are equal, as everything random has a seed."""
    question = state.shown
    lines = ["from lrpwidgets.spray import Features, RelevanceStore, spray"]
    selection = "select()" if question.group is None else f"select({question.by}={question.group})"
    body = [f"store = RelevanceStore.open({str(state.store.path)!r})", f"selection = store.{selection}"]
    if question.composite:
        select = select_argument(state.subject)
        lines = [
            "from lrpwidgets import subjects",
            f"from lrpwidgets.lrp import Explainer, {'TwoClasses, ' if 'TwoClasses' in select else ''}composites",
            *lines,
            "from lrpwidgets.spray.recomputed import recomputed",
        ]
        recipe = state.subject.recipe
        body += [
            f"subject = {recipe}" if recipe else "# subject: your own, as given to the dashboard",
            f"composite = {_preset(state, question.composite)}",
            f"selection = recomputed(selection, composite, Explainer(subject.model{select}), subject)",
        ]
    body += [
        f"atlas = spray(selection, features={_features(question)}, clusters={_clusters(question)})",
        *_recluster(question),
        f"xy = atlas.embeddings[{question.embedding!r}]",
        "print(atlas.eigenvalues[:8], atlas.clustering, atlas.ranking)",
    ]
    if len(state.selection) and state.answer is not None:
        body.append(f"selected = {state.answer.rows[state.selection].tolist()}  # rows of the store")
    return "\n".join([*lines, "", *body]) + "\n"


def _preset(state: Investigation, name: str) -> str:
    from ...lrp import composites

    bounded = state.subject.bounds is not None and composites.takes_bounds(name)
    bounds = ", low=subject.bounds[0], high=subject.bounds[1]" if bounded else ""
    return f"composites.get({name!r}{bounds})"


def _features(question: AtlasQuestion) -> str:
    return f"Features(sign={question.sign!r}, layer={question.layer!r})"


def _clusters(question: AtlasQuestion) -> str:
    if question.method == "spectral":
        return repr("auto" if question.count is None else question.count)
    return repr(question.method)


def _recluster(question: AtlasQuestion) -> list[str]:
    if question.method == "agglomerative" and question.count is not None:
        return [f'atlas = atlas.recluster("agglomerative", {question.count})']
    return []
