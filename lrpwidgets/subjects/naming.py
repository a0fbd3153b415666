"""Names for the outputs of a model, from whoever knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .forms import LABEL_KEYS, nested


def class_names(
    given: Sequence[str] | Mapping[int, str] | None,
    dataset: Any,
    categories: Sequence[str],
    subfolders: Sequence[str],
    scores: int | None,
) -> tuple[list[str], list[str]]:
    """Name of each output, from the first who knows it, and what was assumed.

    Parameters
    ----------
    given
        What a person gave: names in order, or by number; None where nothing was given, empty for numbers.
    dataset
        May know its own classes, see `own_classes`.
    categories, subfolders
        Further names to try, of the weights and of a folder of pictures.
    scores
        How many outputs the model has, None where unknown.

    Raises
    ------
    ValueError
        If there are names, but not as many as scores.
    """
    if given is not None:
        return _given_names(given, scores), []
    own = own_classes(dataset)
    if scores == 1 and not own:
        return ["score"], []
    for names, source in ((own, "dataset"), (categories, "weights"), (subfolders, "subfolders")):
        if names and scores in (None, len(names)):
            return list(names), [f"Class names are those of the {source}."]
    if own:
        raise ValueError(
            f"The dataset has {len(own)} classes and the model gives {_counted(scores)}; {_remedy(scores)}."
        )
    misfit = f", and the weights have {len(categories)} other ones" if categories else ""
    return [], [f"Classes have no names but numbers, as no classes are given{misfit}."]


def _given_names(given: Sequence[str] | Mapping[int, str], scores: int | None) -> list[str]:
    if isinstance(given, str) or not isinstance(given, Sequence | Mapping):
        raise TypeError(f"classes is {given!r}; give a list of names, or a dictionary of names by number.")
    names = _by_number(given, scores) if isinstance(given, Mapping) else [str(name) for name in given]
    if names and scores is not None and len(names) != scores:
        raise ValueError(
            f"There are names of {len(names)} classes and the model gives {_counted(scores)}; {_remedy(scores)}."
        )
    return names


def _by_number(given: Mapping[int, str], scores: int | None) -> list[str]:
    """A list of names, "class 3" in gaps."""
    if wrong := [key for key in given if not str(key).isdecimal()]:
        raise ValueError(f"classes has the key {wrong[0]!r}; keys are class numbers, values are names.")
    names = {int(key): str(name) for key, name in given.items()}
    count = max([*names, (scores or 0) - 1]) + 1 if names else 0
    return [names.get(i, f"class {i}") for i in range(count)]


def known_names(
    given: Sequence[str] | Mapping[int, str] | None, dataset: Any, subfolders: Sequence[str]
) -> Sequence[str]:
    """The names of classes that a person gave, else the dataset, else two subfolders; of any number."""
    if given is not None:
        return _given_names(given, None)
    return own_classes(dataset) or (subfolders if len(subfolders) == 2 else [])


def _counted(scores: int | None) -> str:
    return "one score" if scores == 1 else f"{scores} scores"


def _remedy(scores: int | None) -> str:
    count = "two names, those of its two classes," if scores == 1 else f"{scores} names,"
    return f"give classes= with {count} or classes={{}} for numbers"


def own_classes(dataset: Any) -> list[str]:
    """Class names that the dataset knows: its ``classes``, or those of the label among Hugging Face's ``features``."""
    for each in nested(dataset):
        names = getattr(each, "classes", None) or _feature_names(getattr(each, "features", None))
        if isinstance(names, list | tuple):
            return [str(name) for name in names]
    return []


def _feature_names(features: Any) -> Any:
    labels = (features[key] for key in LABEL_KEYS if key in features) if isinstance(features, Mapping) else iter(())
    return getattr(next(labels, None), "names", None)
