"""Whether a model has attention, under which relevance piles up on the first token of a text, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..subject import Subject

_FOUND: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()
"""Models that were asked: each is once."""


def attends(subject: Subject, tokens: Tensor) -> bool:
    """Whether the model multiplies what it made of its input with itself, as attention does.

    It is run once, on the subject's first input, or on `tokens` (T,) where there is none that can be read. One that
    cannot run counts as one with attention; why it cannot is told when it is to be explained.
    """
    model = subject.model
    if model not in _FOUND:
        _FOUND[model] = _is_found(subject, tokens)
    return _FOUND[model]


def _is_found(subject: Subject, tokens: Tensor) -> bool:
    ways: tuple[Callable[[], Any], ...] = (lambda: subject.dataset[subject.start][0], lambda: tokens)
    for read in ways:
        try:
            x = read()
            batch = tuple(each[None] for each in x) if isinstance(x, tuple) else x[None]
            return any(step.kind == "matmul" for step in subject.explainer().record(batch).steps)
        except Exception:  # whatever a stranger's data or model raises
            continue
    return True
