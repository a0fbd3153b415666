"""Where the scores are in what a model returns, and what a single one of them means.

`select` says which part holds the scores (B, C): the key of a dict or the name of an attribute, a position in a tuple,
or a function. A model that gives one score per sample may tell two classes apart by it: see :class:`TwoClasses`; one
that gives scores of a next token at every place is asked at the last one: see :class:`NextToken`. Without a `select`
the scores are what the model returns, or its part ``logits``, or what else of `USUAL` it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

Select: TypeAlias = Callable[[Any], Any] | str | int | None
"""None: the model returns the scores themselves, or as its part ``logits`` or another one of `USUAL`."""

USUAL = ("logits", "logits_per_image", "question_answering_score", "itm_score")
"""What models of Hugging Face's transformers call their scores: most, CLIP and its kin, LXMERT, BLIP."""

CLASSES_LAST = "select=lambda output: output.movedim(-1, 1)"
"""The way out where the last axis holds the classes."""


@dataclass(frozen=True)
class TwoClasses:
    """A `select` for a model with one score per sample, (B,) or (B, 1), that tells two classes apart by it.

    A logit s gives the scores (−s, s): where it is positive, class 1 is on top, and class 0 is explained by the negated
    score. A probability p gives (1 − p, p).

    >>> TwoClasses(select="logits")
    TwoClasses(select='logits', probability=False)
    """

    select: Select = None
    """Where the one score is in what the model returns."""
    probability: bool = False
    """Whether it is a probability, the output of a sigmoid, rather than a logit."""

    def __post_init__(self) -> None:
        check(self.select)

    def __call__(self, output: Any) -> Tensor:
        """Scores (B, 2); raises TypeError or ValueError if the model does not give one score per sample."""
        score = taken(output, self.select)
        if not isinstance(score, Tensor):
            raise TypeError(
                f"The model returned a {type(score).__name__}, and TwoClasses needs one tensor of scores: "
                f"TwoClasses({way_out(score)}) says where they are."
            )
        score = one_axis_at_least(score)
        if score.shape[1:] != (1,):
            raise ValueError(
                f"TwoClasses is for one score per sample, (B,) or (B, 1), and the model gives {tuple(score.shape)}; "
                "leave it out for a model with a score for each class."
            )
        both = score * score.new_tensor([-1.0, 1.0])
        return both + score.new_tensor([1.0, 0.0]) if self.probability else both

    def probabilities(self, scores: Tensor) -> Tensor:
        """Of both classes, for scores (..., 2)."""
        return scores if self.probability else (scores / 2).softmax(-1)


@dataclass(frozen=True)
class NextToken:
    """A `select` for a language model, whose logits (B, T, V) tell the next token at every place: those of the last.

    The last place is the last that is no padding, which the attention mask tells, of a decoder's own tokens
    ``decoder_attention_mask``; so give it by name. Without one it is the last of all. It is what a model that generates
    is asked without a `select`.

    >>> NextToken()
    NextToken(select='logits')
    """

    select: Select = "logits"
    """Where the logits are in what the model returns."""

    def __post_init__(self) -> None:
        check(self.select)

    def __call__(self, output: Any, inputs: Mapping[str, Tensor] | None = None) -> Tensor:
        """Scores (B, V); raises ValueError if there are no logits (B, T, V), or a mask hides all of a sample."""
        logits = taken(output, self.select)
        if not isinstance(logits, Tensor) or logits.dim() != 3:
            shape = tuple(logits.shape) if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
            raise ValueError(f"NextToken is for logits (B, T, V), one row for each place, and the model gives {shape}.")
        mask = _mask_of_places(logits, inputs or {})
        if mask is None or bool(mask[:, -1].all()):
            return logits[:, -1]
        places = torch.arange(mask.shape[1], device=logits.device)
        last = (places * mask.to(logits.device)).argmax(1)
        return logits[torch.arange(len(logits), device=logits.device), last]


def _mask_of_places(logits: Tensor, inputs: Mapping[str, Tensor]) -> Tensor | None:
    """Where there is a token, (B, T), at the places that the `logits` are of; None if that is everywhere.

    Places of a picture that a model puts before the text, as GIT does, are in no mask.
    """
    names = ("decoder_attention_mask", *(() if "decoder_input_ids" in inputs else ("attention_mask",)))
    mask = next((inputs[name] for name in names if name in inputs), None)
    if mask is None or mask.dim() != 2 or len(mask) != len(logits) or mask.shape[1] > logits.shape[1]:
        return None
    return functional.pad(mask != 0, (logits.shape[1] - mask.shape[1], 0), value=True)


def check(select: Any) -> None:
    """Raise TypeError for what cannot say where the scores are."""
    if select is not None and (isinstance(select, bool) or not (isinstance(select, str | int) or callable(select))):
        raise TypeError(
            "select must be a key, a position or a function of what the model returns, as in select='logits', "
            f"select=0 or select=lambda output: output[0]; got {select!r}."
        )


def taken(output: Any, select: Select, inputs: Mapping[str, Tensor] | None = None, *, generates: bool = False) -> Any:
    """The part `select` of what a model returned for `inputs` by name, or has for it: if it `generates`, a next token.

    Raises
    ------
    ValueError
        If there is no such part, or logits that were not asked for are of every place.
    """
    if isinstance(select, NextToken):
        return select(output, inputs)
    if select is None:
        return _guessed(output, inputs, generates=generates)
    if not isinstance(select, str | int):
        return select(output)
    there = parts(output)
    place = select
    if isinstance(place, int) and place < 0 and isinstance(output, Mapping | tuple | list):
        place += len(output)
    if place in there:
        return there[place]
    if isinstance(select, str) and not isinstance(output, Tensor | Mapping) and hasattr(output, select):
        return getattr(output, select)
    way = "leave select out" if isinstance(output, Tensor) else f"choose {_listed(there)}"
    raise ValueError(f"select={select!r} is no part of what the model returns, a {type(output).__name__}; {way}.")


def _guessed(output: Any, inputs: Mapping[str, Tensor] | None, *, generates: bool) -> Any:
    """The scores in what a model returned: all of it, or what is called as scores usually are."""
    there = parts(output)
    named = (there.get(name, getattr(output, name, None)) for name in USUAL)
    logits = next((each for each in named if isinstance(each, Tensor)), None)
    if logits is None:
        return output
    if logits.dim() != 3:
        return logits
    if generates:
        return NextToken()(output, inputs)
    raise ValueError(
        f"The model gives logits {tuple(logits.shape)}, some for each place. Say what to explain: "
        "select=lrp.NextToken() what comes after the last token; select=lambda output: output.logits[:, 3] place 3; "
        "or select=lambda output: output.logits.movedim(-1, 1) all places as dense scores (B, C, T)."
    )


def parts(output: Any) -> dict[str | int, Any]:
    """What `output` consists of, by key or attribute, and by position; nothing for a tensor."""
    if isinstance(output, Tensor):
        return {}
    if isinstance(output, Mapping):
        return {**dict(enumerate(output.values())), **output}
    if isinstance(output, tuple | list):
        named = {name: getattr(output, name) for name in getattr(output, "_fields", ())}
        return {**dict(enumerate(output)), **named}
    return dict(getattr(output, "__dict__", {}))


def way_out(output: Any) -> str:
    """The `select` to try for what a model returned, as Python."""
    there = {key: part for key, part in parts(output).items() if isinstance(part, Tensor) and part.is_floating_point()}
    tensors = sorted(there, key=lambda key: there[key].dim() > 2)  # hidden states of every place are no scores
    named = [key for key in tensors if isinstance(key, str)]
    for key in ("logits", *named, *tensors):
        if key in tensors:
            return f"select={key!r}"
    return "select=lambda output: ..."


def one_axis_at_least(scores: Tensor) -> Tensor:
    """Scores (B,) as (B, 1), and the number () that a model makes which squeezes a batch of one, as (1, 1)."""
    return scores.reshape(1, 1) if scores.dim() == 0 else scores.unsqueeze(1) if scores.dim() == 1 else scores


def probabilities(scores: Tensor, select: Select) -> Tensor:
    """Of each class, for scores (..., C): their softmax, unless `select` knows what they are."""
    return select.probabilities(scores) if isinstance(select, TwoClasses) else scores.softmax(-1)


def axes_read(shape: tuple[int, ...]) -> str:
    """How dense scores of that shape are read, and what to do if the classes are the last axis."""
    axes = ", ".join(["B", *map(str, shape[1:])])
    return (
        f"Scores ({axes}) are read as (B, classes, ...), so axis 1 holds {shape[1]} classes; if the last axis holds "
        f"them, {shape[-1]}, explain with {CLASSES_LAST} (a select that is there already can end so)."
    )


def _listed(there: Mapping[str | int, Any]) -> str:
    names = [repr(key) for key in there if isinstance(key, str)] or [repr(key) for key in there]
    return ", ".join(names[:10]) or "a function that returns the scores"
