"""Before a store is begun: check what is asked, and learn from one input what the store will hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from torch import Tensor

from ..lrp import Composite, Explainer, Explanation
from ..subjects.modality import modality_of
from . import channels, code
from .batch import FAULTS, reason
from .functions import identity
from .info import Info, Precision, fingerprint, fingerprint_of_data, first_scores, other_scores, software
from .maps import ask, of_input
from .plain import plain

if TYPE_CHECKING:
    from ..lrp.propagation import Keep
    from ..subjects import Subject
    from .dataset_store import DatasetStore

Found = TypeVar("Found")

TRIALS = 100
"""Inputs that are tried before the model is taken to be at fault."""


def examined(
    explainer: Explainer,
    subject: Subject,
    targets: str | int,
    batch_size: int,
    layers: Sequence[str] | None,
    pool: int | None,
    dtype: Precision,
) -> tuple[Info, int]:
    """What a store of `subject` will hold, and the number of the input that told; raises ValueError."""
    check_classes(subject)
    check_maps(pool, dtype)
    told, probe, x, explanation = origin(explainer, subject, targets, batch_size, "layers")
    if pool is not None and x.dim() != 3:
        raise ValueError(f"pool is for inputs (C, H, W), these have the shape {tuple(x.shape)}; leave it out.")
    modality = modality_of(subject)
    if layers and not modality.layered:
        raise ValueError(
            f"Nothing is kept of the layers of a {modality.brought}, whose positions differ from one to the next; got "
            f"layers={layers!r}, leave it out. What is kept is relevance on the vocabulary."
        )
    info = Info(
        **told,
        dtype=dtype,
        pool=pool,
        shape=tuple(of_input(explanation, pool).shape[1:]) if pool else modality.kept_shape(subject, x),
        layers=channels.chosen(explanation, layers if modality.layered else ()),
    )
    return info, probe


def origin(
    explainer: Explainer, subject: Subject, targets: str | int, batch_size: int, keep: Keep
) -> tuple[dict[str, Any], int, Tensor, Explanation]:
    """The fields of an `Origin`, and the number of the input that told, itself and its explanation.

    Raises
    ------
    ValueError
        If an option is wrong, no input can be explained, or the scores are not those of the subject's classes.
    """
    check(targets, batch_size)
    if subject.select is not None and explainer.select is None:
        raise ValueError(
            f"The subject {subject.title!r} has a select, by which the scores are found, and the explainer has none; "
            "give subject.explainer(explainer.composite)."
        )
    stacked = modality_of(subject).stacked
    probe, x, explanation = first(subject, lambda x, label: ask(explainer, stacked([x]), [label], targets, keep))
    scores = explanation.scores
    if scores.dim() != 2:
        raise ValueError(
            f"The model gives scores of shape {tuple(scores.shape)}; a store needs one per class, (B, C). "
            "Give the explainer a `select` that returns those."
        )
    subject.check_scores(scores.shape[1], _highest_label(subject))
    told: dict[str, Any] = {
        "subject": subject.name,
        "title": subject.title,
        "recipe": subject.recipe,
        "modality": subject.modality,
        "classes": list(subject.classes),
        "inputs": len(subject.dataset),
        "input_shape": tuple(x.shape),
        "input_dtype": str(x.dtype),
        "data": fingerprint_of_data(subject, x),
        "fingerprint": fingerprint(explainer.model),
        "composite": plain(explanation.composite.to_dict()),
        "unknown": explainer.unknown,
        "targets": targets,
        "batch_size": batch_size,
        "software": software(),
        "code": code.digest(),
        "caveats": _caveats(explainer, x),
        "select": identity(explainer.select),
        "scores": first_scores(scores),
    }
    return told, probe, x, explanation


def check(targets: str | int, batch_size: int) -> None:
    """Raise ValueError if one of them cannot be."""
    if targets not in ("predicted", "label") and not _is_count(targets, 0):
        raise ValueError(f"targets must be 'predicted', 'label' or the number of a class, got {targets!r}.")
    if not _is_count(batch_size, 1):
        raise ValueError(f"batch_size must be a whole number of at least 1, got {batch_size!r}.")


def check_classes(subject: Subject) -> None:
    """Raise ValueError if inputs cannot be grouped, as where a model's answers are parts of each of them."""
    if why := modality_of(subject).why_closed(subject, "spray"):
        raise ValueError(f"{why} Its inputs are explained one by one: dashboards.explore(subject).")


def check_maps(pool: int | None, dtype: Precision) -> None:
    """Raise ValueError if one of them cannot be."""
    if pool is not None and not _is_count(pool, 1):
        raise ValueError(f"pool must be a whole number of at least 1, or None, got {pool!r}.")
    if dtype not in get_args(Precision):
        raise ValueError(f"dtype must be 'float16' or 'float32', got {dtype!r}.")


def explainer_of(store: DatasetStore[Any], subject: Subject, device: str | None = None) -> Explainer:
    """One for the model of `subject` and the composite of `store`.

    Raises
    ------
    ValueError
        If the store is of another model or of other data, as far as the first input tells, or empty; or the model's
        answers are parts of each input.
    """
    check_classes(subject)
    try:
        composite = Composite.from_dict(store.info.composite)
    except ValueError as error:
        raise ValueError(f"The store {str(store.path)!r} cannot be used: its composite is none. {error}") from None
    explainer = subject.explainer(composite, device)
    store.open(store.path, explainer)  # raises for another model
    if not store.done.any():
        raise ValueError(f"Nothing is attributed yet in {str(store.path)!r}; run `lrpwidgets attribute` first.")
    if differences := list(_other_data(store, explainer, subject)):
        raise ValueError(
            f"The store {str(store.path)!r} is of other data than the subject {subject.title!r} has: "
            f"{'; '.join(differences)}. Give the data that it was made of, in the same order."
        )
    return explainer


def _other_data(store: DatasetStore[Any], explainer: Explainer, subject: Subject) -> Iterator[str]:
    """What differs in the data, by number and by the scores of the first input, as others are too many to be read."""
    if len(subject.dataset) != store.info.inputs:
        yield f"inputs ({store.info.inputs:,} there, {len(subject.dataset):,} here)"
    elif store.done[0]:  # else another one was the first that could be explained
        yield from other_scores(store.info.scores, first_scores(explainer.scores(subject.item(0)[0][None])))


def _highest_label(subject: Subject) -> int | None:
    """Among the labels that are known without decoding an input."""
    labels = getattr(subject.dataset, "labels", None)
    return max((int(label) for label in ([] if labels is None else labels) if label is not None), default=None)


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def first(subject: Subject, use: Callable[[Tensor, int | None], Found]) -> tuple[int, Tensor, Found]:
    """The first input that can be read and used: its number, itself, and what `use` makes of it and its label.

    Raises
    ------
    ValueError
        If there is none, or none among the first `TRIALS`.
    """
    faults: list[Exception] = []
    try:
        for index in range(min(len(subject.dataset), TRIALS)):
            try:
                x, label = subject.item(index)
                return index, x, use(x, label)
            except (OSError, *FAULTS) as error:
                faults.append(error)
        if not faults:
            raise ValueError(f"The subject {subject.name!r} has no inputs; give it a dataset.")
        raise ValueError(
            f"None of the first {len(faults)} inputs can be explained. The first: {reason(faults[0])}"
        ) from faults[0]
    finally:
        del faults  # they know this frame, and so they would keep each other and what was explained


def _caveats(explainer: Explainer, x: Tensor) -> list[str]:
    # Weighted with themselves the scores add up to more than 0: no caveat then is about this one sample.
    scores = explainer.scores(x[None])
    return explainer.explain(x[None], scores, keep="input").caveats
