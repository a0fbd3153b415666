"""Region perturbation of texts: what is left of the score as words go, or come back.

Every text has as many parts as it has words, so that curves run over shares of the words. Special tokens, which a
tokenizer adds or which are written in a text, always stay; where there are none one word does, as no model reads
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from ..lrp import Explainer
from ..lrp.targets import Target, target_weights
from ..progress import Pace, Watcher, listening
from ..subjects import Subject
from ..subjects.texts import PADDING, Encoded, padded
from ..subjects.texts.modality import answers_in_text
from .flipping import Curves, Gain, Output, check_counts, check_names, check_single
from .regions import Order

Way = Literal["cut", "hide"]
"""Words are cut out of the text, which is shorter then; or hidden where they are, and the text is as long as before."""

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Of the words, in ERASER (DeYoung et al. 2020)."""


@dataclass(frozen=True)
class WordFlipping:
    """How words are taken away.

    Raises
    ------
    ValueError
        If a number is out of range, or there is no such way or output.
    """

    way: Way = "cut"
    steps: int = 10
    """Points of the curve after the first."""
    output: Output = "score"
    seed: int = 0
    """Of the order at random, and of the order of words alike."""
    batch: int = 64
    """Texts that go through the model at once."""

    def __post_init__(self) -> None:
        check_counts(self, "steps", "batch")
        check_names(self, way=get_args(Way), output=get_args(Output))

    def forwards(self, texts: int, orders: int = 1) -> int:
        """How many texts will go through the model for the curves of so many: what it costs."""
        return texts * orders * (1 + self.steps)


def flip_words(
    subject: Subject | Explainer,
    texts: Sequence[Encoded],
    relevance: Sequence[Tensor],
    target: Target = None,
    *,
    order: Order = "most",
    progress: bool | Watcher = True,
    **settings: Any,
) -> Curves:
    """Take words away in the order of their relevance, and follow what is explained.

    Parameters
    ----------
    subject
        What reads the texts, or an explainer of its model: that knows on which device.
    texts
        As the tokenizer's `encode` makes them.
    relevance
        Of the tokens of each, (T,), of any method; that of a word is their sum.
    target
        As for :meth:`.Explainer.explain`; by default the class that the model predicts for each whole text.
    order
        ``"most"`` relevant words first, ``"least"`` relevant ones, or ``"random"``: the baseline.
    progress
        True writes a line; a function gets a :class:`.Progress` of the texts that went through the model, and may raise
        to end it.
    settings
        As for :class:`WordFlipping`.

    Returns
    -------
    Curves
        Of every text, over the share of its words that are gone. Words that go last come back first: the area under
        the curve of ``"least"`` is that of insertion.

    Raises
    ------
    ValueError
        If relevance does not fit the texts or is not finite, an argument is out of range, or the model answers with
        places in the text, as question answering does: its answers go with the words.
    """
    how = WordFlipping(**settings)
    return _curves(subject, texts, relevance, target, [order], how, progress)[0]


def srg_words(
    subject: Subject | Explainer,
    texts: Sequence[Encoded],
    relevance: Sequence[Tensor],
    target: Target = None,
    *,
    progress: bool | Watcher = True,
    **settings: Any,
) -> Gain:
    """Symmetric relevance gain of words, as :func:`.srg` has it; parameters and errors as for :func:`flip_words`."""
    most, least = _curves(subject, texts, relevance, target, ["most", "least"], WordFlipping(**settings), progress)
    return Gain(most, least)


def gone(text: Encoded, relevance: Tensor, share: float, *, order: Order = "most", seed: int = 0) -> list[int]:
    """The words, by number, that :func:`flip_words` has taken from a text at a `share` of 0 to 1, the first first.

    Parameters and errors as there; relevance is that of the tokens, (T,).
    """
    ((_, values),) = _pairs([text], [relevance])
    words = _ranked(text, values, order, seed)
    return words[: round(share * _most(text, words))]


def summed(text: Encoded, relevance: Tensor) -> Tensor:
    """Relevance of the tokens of a text, (T,), as that of its words, those of ``text.words``: (W,).

    It is 0 for words that the model does not read; errors as for :func:`flip_words`.
    """
    ((_, values),) = _pairs([text], [relevance])
    sums = _sums(text, values)
    return torch.tensor([sums.get(word, 0.0) for word in range(len(text.words))], dtype=torch.float64)


def comprehensiveness(
    subject: Subject, texts: Sequence[Encoded], relevance: Sequence[Tensor], target: Target = None, **settings: Any
) -> Tensor:
    """By how much the score falls without the most relevant words, (B,): the more the better (DeYoung et al. 2020).

    The mean over shares of 1, 5, 10, 20 and 50 % of the words, one word at least. Probabilities are followed, which
    `settings` may change; parameters and errors as for :func:`flip_words`.
    """
    return _fall(subject, texts, relevance, target, settings, keep=False)


def sufficiency(
    subject: Subject, texts: Sequence[Encoded], relevance: Sequence[Tensor], target: Target = None, **settings: Any
) -> Tensor:
    """By how much the score falls if only the most relevant words are left, (B,): the less the better.

    As :func:`comprehensiveness`.
    """
    return _fall(subject, texts, relevance, target, settings, keep=True)


def check_answers(subject: Subject | Explainer) -> None:
    """ValueError if words cannot be taken away, as the outputs of the model are places in the text."""
    if answers_in_text(subject.model):
        name = subject.title if isinstance(subject, Subject) else f"The model {type(subject.model).__name__}"
        raise ValueError(
            f"{name} answers with places in the text: they move when words are cut out, and hidden words are no "
            "answer, so that what is left of a score says nothing. Give a model whose classes stay the same."
        )


def _fall(
    subject: Subject,
    texts: Sequence[Encoded],
    relevance: Sequence[Tensor],
    target: Target,
    settings: dict[str, Any],
    *,
    keep: bool,
) -> Tensor:
    progress = settings.pop("progress", True)
    how = WordFlipping(**{"output": "probability", **settings})
    check_answers(subject)
    variants = []
    for text, values in _pairs(texts, relevance):
        words = _ranked(text, values, "most", how.seed)
        counts = [max(1, round(share * len(words))) for share in SHARES]
        lost = [words[count:] if keep else words[: min(count, _most(text, words))] for count in counts]
        variants += [without(text, each, how.way) for each in ([], *lost)]
    scores = _followed(subject, texts, variants, target, how, progress)
    return (scores[:, :1] - scores[:, 1:]).mean(1)


def _pairs(texts: Sequence[Encoded], relevance: Sequence[Tensor]) -> list[tuple[Encoded, np.ndarray[Any, Any]]]:
    """Each text with the relevance of its tokens; ValueError if they do not fit."""
    if len(texts) != len(relevance) or not texts:
        raise ValueError(f"Each text needs its relevance; got {len(texts)} texts and relevance of {len(relevance)}.")
    found = []
    for number, (text, each) in enumerate(zip(texts, relevance, strict=True)):
        values = torch.as_tensor(each).detach().double().cpu()
        if tuple(values.shape) != (len(text),):
            raise ValueError(f"Text {number} has {len(text)} tokens, and relevance of shape {tuple(values.shape)}.")
        if not bool(values.isfinite().all()):
            raise ValueError(f"Relevance of text {number} is not finite: no figure says anything of it.")
        found.append((text, values.numpy()))
    return found


def _ranked(text: Encoded, values: np.ndarray[Any, Any], order: Order, seed: int) -> list[int]:
    """The words of a text that the model reads and that can go, in their order; words alike in random order."""
    if order not in get_args(Order):
        raise ValueError(f"order must be one of {', '.join(get_args(Order))}, got {order!r}.")
    sums = {word: amount for word, amount in _sums(text, values).items() if word not in text.staying}
    mixed: list[int] = np.random.default_rng(seed).permutation(list(sums)).tolist()
    if order == "random":
        return mixed
    return sorted(mixed, key=lambda word: -sums[word] if order == "most" else sums[word])


def _sums(text: Encoded, values: np.ndarray[Any, Any]) -> dict[int, float]:
    """Relevance of each word that the model reads."""
    sums: dict[int, float] = {}
    for word, value in zip(text.word_of, values.tolist(), strict=True):
        if word >= 0:
            sums[word] = sums.get(word, 0.0) + value
    return sums


def _most(text: Encoded, words: Sequence[int]) -> int:
    """How many of all words can go."""
    return len(words) - (min(text.word_of) >= 0 and not text.staying)


def without(text: Encoded, words: Sequence[int], way: Way) -> Tensor:
    """The token ids of a text without some words, (T,): `PADDING` for those that are hidden."""
    away = set(words)
    ids = torch.tensor([PADDING if word in away else id for id, word in zip(text.ids, text.word_of, strict=True)])
    return ids[ids != PADDING] if way == "cut" else ids


def _curves(
    subject: Subject | Explainer,
    texts: Sequence[Encoded],
    relevance: Sequence[Tensor],
    target: Target,
    orders: Sequence[Order],
    how: WordFlipping,
    progress: bool | Watcher,
) -> list[Curves]:
    check_answers(subject)
    pairs, shares = _pairs(texts, relevance), torch.linspace(0, 1, how.steps + 1)
    variants = [
        without(text, words[: round(share * _most(text, words))], how.way)
        for text, values in pairs
        for order in orders
        for words in [_ranked(text, values, order, how.seed)]
        for share in shares.tolist()
    ]
    scores = _followed(subject, texts, variants, target, how, progress)
    each = scores.reshape(len(texts), len(orders), len(shares))
    return [Curves(each[:, place], shares, order, how) for place, order in enumerate(orders)]


def _followed(
    subject: Subject | Explainer,
    texts: Sequence[Encoded],
    variants: Sequence[Tensor],
    target: Target,
    how: WordFlipping,
    progress: bool | Watcher,
) -> Tensor:
    """What is followed of the variants of each text, of which the first is whole: (B, variants)."""
    explainer = subject if isinstance(subject, Explainer) else subject.explainer()
    found = []
    with listening(progress) as tell:
        pace = Pace(tell, 0, len(variants))
        for start in range(0, len(variants), how.batch):
            found.append(explainer.scores(padded(variants[start : start + how.batch])).cpu())
            pace.advance(len(found[-1]))
    scores = torch.cat(found)
    check_single(scores, how.output)
    each = len(variants) // len(texts)
    weights = target_weights(target, scores[::each]).cpu().repeat_interleave(each, 0)
    told = explainer.probabilities(scores) if how.output == "probability" else scores
    return (told * weights).sum(1).double().reshape(len(texts), each)
