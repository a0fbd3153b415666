"""The subject ``documents``: docstrings of four libraries, and a network that tells which library each is of.

These are real texts, and nothing is downloaded: docstrings of public functions and classes of numpy, scipy,
scikit-learn and torch, as they are installed. So the data is another one with other versions of these; the network
stays the same, trained by `lrpwidgets.subjects.train_documents` on the versions that `TRAINED_ON` names. Every fifth
docstring, by a hash of its full name, is held out: training never sees it, nor any other version of it.

A text is a docstring without its indents, of which the first `MOST` words and marks are kept. Nothing else is cleaned,
so there is more than the subject matter to go by: how the libraries format their docstrings.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, get_args
from zlib import crc32

from .sentiment import check_model
from .subject import Subject
from .texts.samples import TextSamples
from .texts.tokenizer import Vocabulary
from .texts.words import words
from .trained import WEIGHTS, load_weights

if TYPE_CHECKING:
    from torch import nn

Model = Literal["bag_of_words", "cnn"]
"""The networks there are."""

CLASSES = ["numpy", "scipy", "scikit-learn", "torch"]

TRAINED_ON = "numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1, torch 2.14.1"
"""Versions whose docstrings the networks learned from."""

MOST = 400
"""Words and marks of a docstring that are kept."""

LEAST = 20
"""Words and marks that it has at least."""

WORDS = 4000
"""Size of the vocabulary: the most frequent words in training."""

WIDTH = 16
"""Numbers that stand for a word."""

VOCABULARY = WEIGHTS / "documents.txt"
"""The file of the vocabulary, a word in a line."""

_MODULES = {
    "numpy": ("numpy", ("", "fft", "linalg", "ma", "polynomial", "random", "strings", "testing")),
    "scipy": (
        "scipy",
        (
            *("cluster.hierarchy", "cluster.vq", "fft", "integrate", "interpolate", "io", "linalg", "ndimage"),
            *("optimize", "signal", "sparse", "sparse.csgraph", "sparse.linalg", "spatial", "spatial.distance"),
            *("special", "stats"),
        ),
    ),
    "scikit-learn": (
        "sklearn",
        (
            *("calibration", "cluster", "compose", "covariance", "cross_decomposition", "datasets", "decomposition"),
            *("discriminant_analysis", "ensemble", "feature_extraction", "feature_extraction.text"),
            *("feature_selection", "gaussian_process", "impute", "inspection", "isotonic", "kernel_approximation"),
            *("linear_model", "manifold", "metrics", "metrics.pairwise", "mixture", "model_selection", "multiclass"),
            *("naive_bayes", "neighbors", "neural_network", "pipeline", "preprocessing", "random_projection"),
            *("semi_supervised", "svm", "tree", "utils"),
        ),
    ),
    "torch": (
        "torch",
        (
            *("", "amp", "autograd", "distributions", "fft", "futures", "hub", "jit", "linalg", "nn"),
            *("nn.functional", "nn.init", "nn.utils", "optim", "optim.lr_scheduler", "random", "sparse", "special"),
            "utils.data",
        ),
    ),
}
"""Package of each library, and those of its modules that load fast."""

_ALIKE = 800
"""Characters by which docstrings are told apart."""

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""In docstrings that show a default's repr; it is another one each time."""


def load(model: Model = "bag_of_words") -> Subject:
    """The subject: a trained network, and docstrings it has never seen. Takes some seconds for the first time.

    Parameters
    ----------
    model : {"bag_of_words", "cnn"}
        The network.

    Raises
    ------
    ValueError
        If there is no such network.
    """
    check_model(model, get_args(Model))
    texts, labels, names = part(held_out=True)
    tokenizer = Vocabulary(vocabulary())
    return Subject(
        model=load_weights(network(model), f"documents-{model}", seed=0),
        dataset=TextSamples(texts, labels, tokenizer, names),
        classes=list(CLASSES),
        modality="text",
        tokenizer=tokenizer,
        name="documents",
        title={"bag_of_words": "Bag of words", "cnn": "Small CNN"}[model] + " · docstrings",
        recipe=f"subjects.load('documents', model={model!r})",
    )


def network(model: Model) -> nn.Module:
    """The network, untrained: token ids (B, T) to scores (B, 4) of `CLASSES`."""
    from . import readers

    kinds: dict[str, type[readers.Reader]] = {"bag_of_words": readers.BagOfWords, "cnn": readers.Convolutional}
    return kinds[model](WORDS, WIDTH, len(CLASSES))


def vocabulary() -> list[str]:
    """The words that the networks know."""
    return VOCABULARY.read_text("utf-8").splitlines()


@cache
def part(*, held_out: bool) -> tuple[list[str], list[int], list[str]]:
    """Texts, labels and full names of docstrings that training never sees, or of the others."""
    texts, labels, names = [], [], []
    for name, (label, doc) in every().items():
        if (crc32(name.encode()) % 5 == 0) == held_out and (text := cut(doc)):
            texts.append(text)
            labels.append(label)
            names.append(name)
    return texts, labels, names


@cache
def every() -> dict[str, tuple[int, str]]:
    """Label and whole docstring by full name; of those that begin alike the first."""
    found: dict[str, tuple[int, str]] = {}
    begun = set()
    for label, library in enumerate(CLASSES):
        for name, doc in _docstrings(*_MODULES[library]):
            if (begin := doc[:_ALIKE]) not in begun:
                begun.add(begin)
                found[name] = (label, doc)
    return found


def cut(doc: str) -> str:
    """The first `MOST` words and marks of a docstring; nothing if it has fewer than `LEAST`."""
    spans = words(doc[: 16 * MOST])[:MOST]  # more letters than that many words have, and far less than some docstrings
    return doc[: spans[-1][1]] if len(spans) >= LEAST else ""


def _docstrings(package: str, modules: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Full names and docstrings of a package's public functions and classes, in the order of their names."""
    for each in modules:
        where = f"{package}.{each}".rstrip(".")
        module = import_module(where)
        public = getattr(module, "__all__", None) or [name for name in dir(module) if name[0] != "_"]
        for name in sorted(public):
            thing = _public(module, name)
            if thing is not None and _is_of(thing, package):
                yield f"{where}.{name}", _ADDRESS.sub("", inspect.getdoc(thing) or "")


def _public(module: Any, name: str) -> Any:
    """A function or class; None for what is neither, or is not to be had without more ado."""
    try:
        thing = getattr(module, name)
    except (AttributeError, ImportError):  # experimental parts of scikit-learn ask to be switched on
        return None
    return thing if callable(thing) and hasattr(thing, "__name__") else None


def _is_of(thing: Any, package: str) -> bool:
    """Whether it comes from the package, and not from another one that it shows again."""
    home = (getattr(thing, "__module__", None) or package).partition(".")[0]
    return home.lstrip("_") == package or home == "builtins"
