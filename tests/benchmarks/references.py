"""References over ten thousand digits: exact, beside the bare relevance loop and beside zennit-crp."""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lrpwidgets.lrp import composites
from lrpwidgets.maximize import references
from lrpwidgets.maximize.reference_samples import References
from lrpwidgets.subjects import Subject

from . import mnist
from .timing import table

LAYERS = ["0", "3", "6", "9"]
"""All convolutions of the LeNet: 10, 25, 100 and 10 channels."""

BATCH, TOP = 64, 40

NOTE = """
The bare loop explains every digit, in batches of {batch}, and keeps nothing. A pass keeps the relevance and the largest
activation of each channel, and where they are. zennit-crp 0.6 gathers the same and statistics in hooks of zennit's; it
asks for zennit 0.4 at most and is installed beside the newest one, without its requirements:
pip install --no-deps zennit-crp. One run of each, in turn.
exact: whether the {top} highest of every channel are those of a brute-force sort of all values.
agreement: share of zennit-crp's {top} highest of every channel, by relevance, that are among ours."""


def measure() -> dict[str, Any]:
    """Print the table; returns its numbers."""
    subject = mnist.subject()
    composite = composites.get("epsilon_plus_flat")
    times = {"bare loop": _timed(lambda: _bare(subject))}
    found: dict[str, References] = {}
    with tempfile.TemporaryDirectory() as folder:

        def run() -> None:
            found.update(
                references(subject, LAYERS, k=TOP, composite=composite, batch_size=BATCH, path=f"{folder}/ours")
            )
            for each in found.values():
                for one in (each.by_relevance(), each.by_activation()):
                    _ = one.ranking

        times["references"] = _timed(run)
        exact = _exact(subject, found)
        agreement = None
        try:
            theirs: dict[str, Any] = {}
            times["zennit-crp"] = _timed(lambda: theirs.update(_zennit_crp(subject, folder)))
            agreement = _agreement(found, theirs)
        except ImportError:
            print("zennit-crp is not installed: pip install --no-deps zennit-crp")
    bare, ours = times["bare loop"], times["references"]
    rows = [[name, f"{seconds:.1f} s", f"{seconds / bare:.2f} ×"] for name, seconds in times.items()]
    rows.append(["references / bare loop", f"{ours / bare:.2f}", f"< 2 {'✓' if ours < 2 * bare else '✗'}"])
    if agreement is not None:
        ratio = times["zennit-crp"] / ours
        rows.append(["zennit-crp / references", f"{ratio:.1f}", f"≥ 5 {'✓' if ratio >= 5 else '✗'}"])
        rows.append(["agreement", f"{agreement:.2%}", ""])
    rows.append(["exact", "yes" if exact else "no", "✓" if exact else "✗"])
    table("references: 10,000 digits, LeNet, 145 channels", ["", "time", "of the bare loop"], rows)
    print(NOTE.format(batch=BATCH, top=TOP))
    return {**times, "exact": exact, "agreement": agreement}


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _bare(subject: Subject) -> None:
    explainer = subject.explainer("epsilon_plus_flat")
    for part in subject.dataset.inputs.split(BATCH):  # type: ignore[attr-defined]
        explainer.explain(part, keep="layers")


def _exact(subject: Subject, found: dict[str, References]) -> bool:
    """Against every value of the whole data set, sorted."""
    explainer = subject.explainer("epsilon_plus_flat")
    values: dict[tuple[str, str], list[Tensor]] = {}
    for part in subject.dataset.inputs.split(BATCH):  # type: ignore[attr-defined]
        explanation = explainer.explain(part)
        for layer in LAYERS:
            one = explanation[layer]
            values.setdefault((layer, "relevance"), []).append(one.relevance.flatten(2).sum(2))
            values.setdefault((layer, "activation"), []).append(one.activation.flatten(2).amax(2))
    exact = True
    for (layer, by), parts in values.items():
        whole = torch.cat(parts).numpy()
        ranking = (found[layer].by_relevance() if by == "relevance" else found[layer].by_activation()).ranking
        order = np.argsort(-whole, axis=0, kind="stable")[:TOP]
        there = ranking.values > -np.inf
        exact &= bool((ranking.rows[there] == order[there]).all())
        exact &= bool((np.take_along_axis(whole, order, 0)[~there] <= 0).all() or by == "activation")
    return exact


def _zennit_crp(subject: Subject, folder: str) -> dict[str, Any]:
    """By layer, the numbers of the highest digits of every channel, (k, C)."""
    from crp.attribution import CondAttribution
    from crp.concepts import ChannelConcept
    from crp.helper import load_maximization
    from crp.visualization import FeatureVisualization
    from zennit.composites import EpsilonPlusFlat, MixedComposite, NameMapComposite
    from zennit.rules import Epsilon

    class Digits(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return len(subject.dataset)

        def __getitem__(self, index: int) -> Any:
            return subject.dataset[index][0], predicted[index]

    with torch.no_grad():
        predicted = subject.model(subject.dataset.inputs).argmax(1).tolist()  # type: ignore[attr-defined]
    # The last convolution covers all of its input: a dense layer to us, a convolution to zennit.
    composite = MixedComposite([NameMapComposite([(["9"], Epsilon())]), EpsilonPlusFlat()])
    views = FeatureVisualization(
        CondAttribution(subject.model),
        Digits(),
        {layer: ChannelConcept() for layer in LAYERS},
        max_target="sum",
        abs_norm=False,
        path=f"{folder}/theirs",
    )
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        views.run(composite, 0, len(subject.dataset), BATCH)
    return {layer: load_maximization(views.RelMax.PATH, layer)[0] for layer in LAYERS}


def _agreement(found: dict[str, References], theirs: dict[str, Any]) -> float:
    shared = whole = 0
    for layer, rows in theirs.items():
        ranking = found[layer].by_relevance().ranking
        for channel in range(rows.shape[1]):
            own = set(ranking.rows[ranking.values[:, channel] > -np.inf, channel].tolist())
            other = set(np.asarray(rows)[: len(own), channel].tolist())
            shared, whole = shared + len(own & other), whole + len(own)
    return shared / whole
