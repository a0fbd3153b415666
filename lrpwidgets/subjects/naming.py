"""Names for the outputs of a model, from whoever knows them: a person, a file, the data, the weights, a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .forms import LABEL_KEYS, nested

_FORMS = 'write one name in a line, or JSON: ["cat", "dog"], {"0": "cat", "1": "dog"} or {"cat": 0, "dog": 1}'


def class_names(
    given: Sequence[str] | Mapping[int, str] | Path | None,
    dataset: Any,
    categories: Sequence[str],
    subfolders: Sequence[str],
    scores: int | None,
) -> tuple[list[str], list[str]]:
    """Name of each output, from the first who knows it, and what was assumed.

    Parameters
    ----------
    given
        What a person gave: names in order, by number, or in a file (see `read_names`); None where nothing was given,
        empty for numbers.
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
            return list(names), [f"Class names are those of the {source}{_as_text(names)}."]
    if own:
        raise ValueError(
            f"The dataset has {len(own)} classes and the model gives {_counted(scores)}; {_remedy(scores)}."
        )
    misfit = f", and the weights have {len(categories)} other ones" if categories else ""
    return [], [f"Classes have no names but numbers, as no classes are given{misfit}."]


def read_names(file: str | Path) -> list[str] | dict[int, str]:
    """Names of classes from a file, in the form that `class_names` takes.

    Parameters
    ----------
    file
        One name in a line; or JSON: a list of names, names by number ({"0": "cat"}), or numbers by name
        ({"cat": 0}, as ``class_to_idx`` of torchvision's ``ImageFolder`` is).

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds something else.
    """
    file = Path(file)
    if not file.is_file():
        raise FileNotFoundError(f"There is no file of class names {str(file)!r}; check the path.")
    try:
        text = file.read_text("utf-8-sig").strip()
        content = json.loads(text) if text.startswith(("[", "{")) else _lines(text)
    except ValueError as error:  # no text, or no JSON
        raise ValueError(f"{str(file)!r} cannot be read ({error}); {_FORMS}.") from None
    if names := _understood(content):
        return names
    raise ValueError(f"{str(file)!r} holds no names of classes; {_FORMS}.")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _understood(content: Any) -> list[str] | dict[int, str] | None:
    """A list of names, or names by number; None for anything else."""
    if isinstance(content, list):
        return content if content and all(isinstance(name, str) and name for name in content) else None
    if all(isinstance(name, str) and key.isdecimal() for key, name in content.items()):
        return {int(key): name for key, name in content.items()}
    if all(type(number) is int and number >= 0 for number in content.values()):
        return {number: name for name, number in content.items()}
    return None


def _as_text(names: Sequence[str]) -> str:
    """What to add where names are numbers whose order is not that of their value."""
    if not all(map(str.isdecimal, names)) or list(names) == sorted(names, key=int):
        return ""
    first = ", ".join(names[:4])
    return (
        f", numbers in the order of text ({first}, ...) as torchvision's ImageFolder counts them; for a model that was "
        "trained on the numbers themselves, give them in their order as classes (--classes)"
    )


def _given_names(given: Sequence[str] | Mapping[int, str] | Path, scores: int | None) -> list[str]:
    if isinstance(given, str) or not isinstance(given, Sequence | Mapping | Path):
        raise TypeError(f"classes is {given!r}; give a list of names, or a dictionary of names by number.")
    read = read_names(given) if isinstance(given, Path) else given
    names = _by_number(read, scores) if isinstance(read, Mapping) else [str(name) for name in read]
    if names and scores is not None and len(names) != scores:
        counts = f"names of {len(names)} classes and the model gives {_counted(scores)}"
        if isinstance(given, Path):
            raise ValueError(f"{str(given)!r} has {counts}; it needs {_needed(scores)}.")
        raise ValueError(f"There are {counts}; {_remedy(scores)}.")
    return names


def _by_number(given: Mapping[int, str], scores: int | None) -> list[str]:
    """A list of names, "class 3" in gaps."""
    if wrong := [key for key in given if not str(key).isdecimal()]:
        raise ValueError(f"classes has the key {wrong[0]!r}; keys are class numbers, values are names.")
    names = {int(key): str(name) for key, name in given.items()}
    count = max([*names, (scores or 0) - 1]) + 1 if names else 0
    return [names.get(i, f"class {i}") for i in range(count)]


def known_names(
    given: Sequence[str] | Mapping[int, str] | Path | None, dataset: Any, subfolders: Sequence[str]
) -> Sequence[str]:
    """The names of classes that a person gave, else the dataset, else two subfolders; of any number."""
    if given is not None:
        return _given_names(given, None)
    return own_classes(dataset) or (subfolders if len(subfolders) == 2 else [])


def _counted(scores: int | None) -> str:
    return "one score" if scores == 1 else f"{scores} scores"


def _remedy(scores: int | None) -> str:
    return f"give classes= with {_needed(scores)}, or classes={{}} for numbers"


def _needed(scores: int | None) -> str:
    return "two names, those of its two classes" if scores == 1 else f"{scores} names"


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
