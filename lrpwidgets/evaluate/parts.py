"""What inputs lose bit by bit, and where relevance should be on them: regions of positions, or words of texts.

A :class:`Parts` is made for a subject and one fill, and does the same for both; :func:`parts_of` finds its kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..lrp import Explainer
from ..lrp.targets import Target
from ..progress import Watcher
from ..subjects import Subject
from ..subjects.masks import Of
from ..subjects.masks import masks as masks_of
from ..subjects.modality import modality_of
from ..subjects.shown import Shown
from ..subjects.texts import Encoded
from .fills import Fill
from .flipping import Flipping, Gain, flip, flipped, srg
from .regions import regions, space
from .words import Way, WordFlipping, check_answers, flip_words, gone, srg_words, summed, without

Become = Fill | Way
"""What becomes of parts that are taken away: fills of regions, ways of words."""

Order = Literal["most", "least"]
"""Which parts go first: the most relevant ones, or the least relevant ones."""


class Parts(ABC):
    """How inputs of a subject lose their parts, in one way.

    Parameters
    ----------
    fill
        What becomes of parts.
    settings
        As for :class:`.Flipping`, or :class:`.WordFlipping`, whose errors are raised, and for words those of
        :func:`.flip_words` about a model.
    """

    unit: ClassVar[str]
    """What a part is."""
    smallest: ClassVar[str]
    """What relevance is shown of, and where it should be."""
    fills: ClassVar[tuple[Become, ...]]
    """What can become of parts, for a person to choose."""
    usual: ClassVar[tuple[Become, ...]]
    """What methods are compared with unless somebody says otherwise."""
    baselines: ClassVar[tuple[str, ...]]
    """Methods that know nothing of a model, which any explanation must exceed."""
    tunable: ClassVar[bool] = True
    """Whether rules of LRP can be tuned by them, as :func:`.tune` does."""
    how: Flipping | WordFlipping

    @abstractmethod
    def __init__(self, subject: Subject, fill: Become, **settings: Any) -> None: ...

    @classmethod
    @abstractmethod
    def sized(cls, x: Tensor, region: int | None) -> dict[str, int]:
        """The settings that say how large a part is, of inputs `x`; ValueError if it cannot be of that size."""

    @abstractmethod
    def forwards(self, shown: Sequence[Shown]) -> int:
        """How many inputs will go through the model for a gain of these."""

    @abstractmethod
    def trial(self, explainer: Explainer, shown: Sequence[Shown], steps: int) -> int:
        """Take parts away in so many steps, as a gain does, and say how many inputs went through the model."""

    @abstractmethod
    def gain(
        self, explainer: Explainer, shown: Sequence[Shown], relevance: Tensor, target: Target, watch: Watcher, seed: int
    ) -> Gain:
        """The symmetric relevance gain of a batch: relevance is that of `modality.batch(shown)`."""

    @abstractmethod
    def left(self, shown: Shown, relevance: Tensor, point: int, order: Order) -> Shown:
        """What is left of an input at a point of its curve, as the model gets it; relevance is that of a batch of one.

        Of a text its words are all there, and those that are taken away are struck.
        """

    @staticmethod
    @abstractmethod
    def known(subject: Subject, of: Of) -> Sequence[NDArray[np.bool_]]:
        """Where relevance of each input should be; ValueError if the subject does not know."""

    @staticmethod
    @abstractmethod
    def located(
        shown: Sequence[Shown], relevance: Tensor, inside: Sequence[NDArray[np.bool_]]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Relevance (b, C, ...) with where it should be, (b, ...), input by input or several at a time."""


class Regions(Parts):
    """Regions of pictures, signals and volumes; each number of inputs (B, N) by itself."""

    unit, smallest = "region", "pixel"
    fills = ("uniform", "zero", "mean", "blur")
    usual = ("uniform", "zero")
    baselines = ("random", "edges")
    how: Flipping

    def __init__(self, subject: Subject, fill: Become, **settings: Any) -> None:
        self.how = Flipping(fill=cast("Fill", fill), **{"bounds": subject.bounds, **settings})

    @classmethod
    def sized(cls, x: Tensor, region: int | None) -> dict[str, int]:
        largest = max(space(x))
        if region is not None and region > largest:
            raise ValueError(f"region must be at most {largest}, the side of the input, got {region}.")
        return {"region": max(1, round(largest / 14)) if region is None else region}

    def forwards(self, shown: Sequence[Shown]) -> int:
        return self.how.forwards(_batch(shown), orders=2)

    def trial(self, explainer: Explainer, shown: Sequence[Shown], steps: int) -> int:
        how, x = replace(self.how, steps=steps, repeats=1), _batch(shown)
        flip(explainer, x, x, progress=False, **vars(how))
        return how.forwards(x)

    def gain(
        self, explainer: Explainer, shown: Sequence[Shown], relevance: Tensor, target: Target, watch: Watcher, seed: int
    ) -> Gain:
        how = vars(self.how) | {"seed": seed}
        return srg(explainer, _batch(shown), relevance, target, progress=watch, **how)

    def left(self, shown: Shown, relevance: Tensor, point: int, order: Order) -> Shown:
        cuts = self.how.cuts(int(regions(space(_batch([shown])), self.how.region).max()) + 1)
        cut = int(cuts[min(point, len(cuts) - 1)])
        x = flipped(_batch([shown]), relevance, cut, order=order, **vars(self.how))
        return replace(shown, x=x, image=x[0])

    @staticmethod
    def known(subject: Subject, of: Of) -> Sequence[NDArray[np.bool_]]:
        return list(masks_of(subject, of))

    @staticmethod
    def located(
        shown: Sequence[Shown], relevance: Tensor, inside: Sequence[NDArray[np.bool_]]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        yield relevance, torch.as_tensor(np.stack(list(inside)))


class Words(Parts):
    """Words of texts, one by one."""

    unit = smallest = "word"
    fills = usual = ("cut", "hide")
    baselines = ("random",)
    tunable = False
    how: WordFlipping

    def __init__(self, subject: Subject, fill: Become, **settings: Any) -> None:
        self.how = WordFlipping(way=cast("Way", fill), **settings)
        check_answers(subject)

    @classmethod
    def sized(cls, x: Tensor, region: int | None) -> dict[str, int]:
        if region is not None:
            raise ValueError(f"Words go one by one, so that there is no region; got {region}.")
        return {}

    def forwards(self, shown: Sequence[Shown]) -> int:
        return self.how.forwards(len(shown), orders=2)

    def trial(self, explainer: Explainer, shown: Sequence[Shown], steps: int) -> int:
        how, texts = replace(self.how, steps=steps), _texts(shown)
        nothing = [torch.zeros(len(each)) for each in texts]
        flip_words(explainer, texts, nothing, progress=False, **vars(how))
        return how.forwards(len(texts))

    def gain(
        self, explainer: Explainer, shown: Sequence[Shown], relevance: Tensor, target: Target, watch: Watcher, seed: int
    ) -> Gain:
        how, texts = vars(self.how) | {"seed": seed}, _texts(shown)
        return srg_words(explainer, texts, _unpadded(texts, relevance), target, progress=watch, **how)

    def left(self, shown: Shown, relevance: Tensor, point: int, order: Order) -> Shown:
        (text,) = _texts([shown])
        share = min(point, self.how.steps) / self.how.steps
        words = gone(text, relevance[0, : len(text)], share, order=order, seed=self.how.seed)
        return replace(
            shown, x=without(text, words, self.how.way)[None], text=replace(text, struck=frozenset(words) | text.struck)
        )

    @staticmethod
    def known(subject: Subject, of: Of) -> Sequence[NDArray[np.bool_]]:
        truth = getattr(subject.dataset, "truth", None)
        if of != "single":
            raise ValueError(f"Of texts those words are known that decide, masks='single'; got {of!r}.")
        if truth is None:
            raise ValueError(
                f"The data of {subject.name!r} does not know which words decide; make it a "
                "subjects.texts.KnownTexts(texts, labels, tokenizer, truth=...)."
            )
        return [np.asarray(each) != 0 for each in truth]

    @staticmethod
    def located(
        shown: Sequence[Shown], relevance: Tensor, inside: Sequence[NDArray[np.bool_]]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        texts = _texts(shown)
        for text, values, decide in zip(texts, _unpadded(texts, relevance), inside, strict=True):
            yield summed(text, values)[None, None], torch.as_tensor(decide)[None]


_KINDS: dict[str, type[Parts]] = {"text": Words}
"""By modality; of all others there are regions."""


def parts_of(subject: Subject) -> type[Parts]:
    """The parts that inputs of a subject have."""
    return _KINDS.get(subject.modality, Regions)


def opened(subject: Subject, item: int) -> Shown:
    """An input of the subject's data; raises what the data raises."""
    return modality_of(subject).sample(subject, item)


def batch(subject: Subject, shown: Sequence[Shown]) -> Tensor:
    """Inputs as one batch; ValueError for pairs, which no method but LRP explains."""
    found = modality_of(subject).batch(shown)
    if isinstance(found, tuple):
        raise ValueError(f"Methods explain one input, and {subject.title!r} has {len(found)} at once.")
    return found


def _batch(shown: Sequence[Shown]) -> Tensor:
    return torch.stack([each.image for each in shown if each.image is not None])


def _texts(shown: Sequence[Shown]) -> list[Encoded]:
    return [each.text for each in shown if each.text is not None]


def _unpadded(texts: Sequence[Encoded], relevance: Tensor) -> list[Tensor]:
    return [values[: len(text)] for text, values in zip(texts, relevance, strict=True)]
