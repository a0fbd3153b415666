"""Subjects: what is under examination, that is a model with its data, class names and preprocessing.

The object to know is `Subject`; `load` gives a built-in one by name, or one that code of your own makes,
`from_folder` puts a torchvision model in front of your own pictures, `from_pretrained` a model of Hugging Face's in
front of your own texts, or pictures with texts, and `describe` makes a subject of any model and data. `Stroke` and
`painted` change an input with a brush. Importing this package is cheap: torch and torchvision load with the subject.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import own
from .brush import Stroke, painted
from .by_name import from_pretrained
from .framing import Crop
from .guess import describe
from .imagenet import from_folder
from .normalization import Normalization
from .pictures import open_picture
from .samples import Samples, TensorSamples
from .subject import Subject

if TYPE_CHECKING:
    from ..lrp.scores import Select

__all__ = [
    "Crop",
    "Normalization",
    "Samples",
    "Stroke",
    "Subject",
    "TensorSamples",
    "describe",
    "from_folder",
    "from_pretrained",
    "load",
    "names",
    "open_picture",
    "painted",
    "register",
]

BUILT_IN = {
    "digits": ".digits",
    "imagenet": ".imagenet",
    "shapes": ".shapes",
    "clever-hans": ".clever_hans",
    "tagged-digits": ".tagged_digits",
    "questions": ".questions",
    "visual-questions": ".visual_questions",
    "sentiment": ".sentiment",
    "signed-reviews": ".signed_reviews",
    "documents": ".documents",
}
"""Name of each built-in subject, and the module whose ``load(**options)`` makes it."""

_REGISTERED: dict[str, Callable[..., Subject]] = {}
"""Those that users added."""


def names() -> list[str]:
    """Names that `load` knows."""
    return list(BUILT_IN | _REGISTERED)


def register(name: str, make: Callable[..., Subject]) -> None:
    """Let `load` know a subject `name`, which ``make(**options)`` makes; of two the last counts.

    Raises
    ------
    TypeError
        If `make` cannot be called.
    """
    if not callable(make):
        raise TypeError(f"register takes a function that returns a Subject, got {make!r}.")
    _REGISTERED[name] = make


def load(name: str, *, select: Select = None, **options: Any) -> Subject:
    """Load a built-in subject, or one that code of your own makes.

    Parameters
    ----------
    name : str
        One of `names()`, those of `register` among them; or ``path/to/file.py:function`` or
        ``package.module:function``, whose code is run, see `lrpwidgets.subjects.own`.
    select : str, int or callable, optional
        Where the scores are in what the model returns: see `lrpwidgets.lrp.Explainer`.
    **options
        Handed to the subject's own ``load``: that of `lrpwidgets.subjects.digits` (takes none),
        `lrpwidgets.subjects.imagenet` (``arch``, ``weights``, ``images``, ``crop``, ``classes``, ``split``),
        `lrpwidgets.subjects.shapes` (``seed``), `lrpwidgets.subjects.clever_hans` and
        `lrpwidgets.subjects.tagged_digits` (``seed``, ``tagged``), `lrpwidgets.subjects.questions` (``question``),
        `lrpwidgets.subjects.sentiment` (``model``, ``seed``), `lrpwidgets.subjects.signed_reviews` (``seed``,
        ``signed``), `lrpwidgets.subjects.documents` (``model``),
        `lrpwidgets.subjects.own` (``images``, ``classes``).

    Raises
    ------
    ValueError
        If there is no built-in subject of that name, or own code does not give a subject.
    """
    if own.is_own(name):
        return own.load(name, select=select, **options)
    if name in _REGISTERED:
        return _REGISTERED[name](**options).selecting(select)
    if name not in BUILT_IN:
        hint = "".join(f" Did you mean {close!r}?" for close in get_close_matches(name, names(), n=1))
        raise ValueError(f"There is no subject {name!r}; there are {', '.join(names())}.{hint}")
    subject: Subject = import_module(BUILT_IN[name], __name__).load(**options)
    return subject.selecting(select)
