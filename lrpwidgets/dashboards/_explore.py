"""The dashboard ``explore``: one decision, its heatmap, and the rules that trace it back."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..lrp import Composite
from ..lrp.scores import Select
from ..subjects import Subject
from ..widgets import Exploration
from .rooms import Rooms
from .subjects import opened


def explore(
    model_or_subject: nn.Module | Subject | None = None,
    dataset: Any = None,
    *,
    classes: Any = None,
    preprocessing: Any = None,
    select: Select = None,
    composite: str | Composite | None = None,
    device: str | None = None,
    **fields: Any,
) -> Rooms:
    """The full environment in one cell: inputs, heatmaps, scores, rules, a look inside, and the status line.

    A cell that is run again ends the dashboard that it made before, and its computations; those of other cells live on.

    Parameters
    ----------
    model_or_subject
        What to examine: a :class:`~lrpwidgets.subjects.Subject`, or a torch model that maps (B, C, H, W) to scores
        (B, classes), or to one score per sample, (B,) or (B, 1). By default what ``lrpwidgets serve`` was asked for,
        which is ``digits`` elsewhere.
    dataset, classes, preprocessing
        For a model: its data in nearly any form, the names of its classes, and what makes inputs of pictures; see
        :func:`lrpwidgets.subjects.describe`. What had to be guessed is said in the status line.
    select
        For a model: where the scores are in what it returns, as ``"logits"``; see :class:`lrpwidgets.lrp.Explainer`.
    composite
        The rules to begin with: the name of a preset or a composite.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    fields
        For a model: further fields of the subject, such as ``bounds`` or ``to_image``. A model of texts needs
        ``tokenizer``; its further options are those of :func:`lrpwidgets.subjects.texts.describe`. One of pictures with
        texts needs its processor as ``tokenizer``, see :func:`lrpwidgets.subjects.pairs.describe`.

    Raises
    ------
    TypeError
        If a subject is given together with a dataset or fields.
    ValueError
        If the data does not fit the model.
    """
    subject, options = opened(
        "explore",
        model_or_subject,
        dataset=dataset,
        classes=classes,
        preprocessing=preprocessing,
        select=select,
        **fields,
    )
    return Rooms(Exploration(subject, composite, device or options.device), "explore")
