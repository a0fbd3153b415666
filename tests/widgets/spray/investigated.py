"""A real investigation, of a store so small that it is there at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lrpwidgets.lrp import Explainer
from lrpwidgets.spray import RelevanceStore
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets.spray import state as module
from lrpwidgets.widgets.spray.state import Investigation

CLASSES = (3, 5, 7)
EACH = 16


def investigate(folder: Path, digits: Subject, patch: pytest.MonkeyPatch) -> Investigation:
    """Sixteen threes, fives and sevens of the `digits`, without t-SNE, which takes longer than all the rest."""
    patch.setattr(module, "embeddings_here", lambda: ["spectral"])
    labels = np.array(digits.dataset.labels)
    chosen = np.concatenate([np.flatnonzero(labels == kind)[:EACH] for kind in CLASSES])
    samples = TensorSamples(digits.dataset.inputs[chosen], labels[chosen].tolist(), [f"digit {i}" for i in chosen])
    subject = replace(digits, dataset=samples)
    explainer = Explainer(subject.model, "epsilon_plus_flat")
    return Investigation(RelevanceStore.create(folder / "store", explainer, subject, progress=False), subject)
