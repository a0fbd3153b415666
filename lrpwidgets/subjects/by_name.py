"""A subject of a model of Hugging Face's by its name, which is its title, and how to make it again."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .guess import describe
from .pairs.guess import holds_pairs
from .subject import Subject
from .texts import hugging_face

_LONGEST_RECIPE = 2000
"""Characters of a value in a recipe."""


def from_pretrained(name: str | Path, data: Any = None, **options: Any) -> Subject:
    """A subject of a model of Hugging Face's, from a folder, the cache, or else the net.

    Weights are read from safetensors alone, never from pickles, and no code that comes with a model is run. Its class
    is what its configuration says.

    Parameters
    ----------
    name : str or Path
        As `transformers.AutoModel.from_pretrained` takes it.
    data : optional
        Texts as `lrpwidgets.subjects.texts.describe` takes them, or pairs of a picture and a text as
        `lrpwidgets.subjects.pairs.describe` does.
    **options
        Those of either.

    Raises
    ------
    ImportError
        If transformers is not there.
    ValueError
        If there is no such model, it has no processor for pairs, or does not say which class it is; and as `describe`
        does.
    """
    model, reader = hugging_face.downloaded(name)
    if hugging_face.sees_and_reads(model) and holds_pairs(data):
        reader = hugging_face.processor(name)
    names = {} if "name" in options else {"title": Path(name).name if Path(name).is_dir() else str(name)}
    subject = describe(model, data, tokenizer=reader, **{**names, **options})
    return subject if "recipe" in options else replace(subject, recipe=_recipe(name, data, options))


def _recipe(name: str | Path, data: Any, options: Mapping[str, Any]) -> str:
    """How to make it again; empty where data or an option has no short spelling."""
    written = [repr(str(name)), *([] if data is None else [_spelled(data)])]
    written += [f"{key}={_spelled(value)}" for key, value in options.items()]
    return (
        f"subjects.from_pretrained({', '.join(written)})" if all(each and each[-1:] != "=" for each in written) else ""
    )


def _spelled(value: Any) -> str:
    """Python of a value; empty if it is long, or no plain one."""
    if isinstance(value, Path):
        value = str(value)
    text = repr(value)
    try:
        plain = literal_eval(text) == value
    except (ValueError, SyntaxError):
        return ""
    return text if plain and len(text) <= _LONGEST_RECIPE else ""
