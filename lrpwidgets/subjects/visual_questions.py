"""The subject ``visual-questions``: pictures of plain things, questions about them in words, and who answers.

A small CLEVR-XAI (Arras, Osman, Samek 2022) in which the question is an input, too: relevance lies on pixels and on
words, and for both it is known where it should be: ``dataset.masks`` for the thing that a question is about,
``dataset.deciding`` for the words that say which. The network, trained by `lrpwidgets.subjects.train_inquiries` on
other pictures, ships in this package.

It takes pictures (B, 3, 64, 64) and token ids (B, T): ``Explainer(model).explain((pictures, tokens))`` gives relevance
of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from . import inquiries, questions, shapes
from .framing import Crop
from .inquiries import ANSWERS
from .masks import ASKED, GROUND
from .subject import Subject
from .texts.encoded import PADDING
from .texts.tokenizer import Tokenizer, Vocabulary
from .trained import load_weights

if TYPE_CHECKING:
    from torch import Tensor

    from .inquirer import Inquirer

PER_PICTURE = 4
"""Questions to each held-out picture."""


@dataclass(frozen=True, eq=False)
class PicturesWithQuestions:
    """Pictures, each with some questions; a sample is a pair of both."""

    pictures: Tensor = field(repr=False)
    """Of each question, (N, 3, 64, 64), as the network takes them."""
    texts: Sequence[str] = field(repr=False)
    labels: list[int] = field(repr=False)
    tokenizer: Tokenizer = field(repr=False)
    kinds: list[str] = field(repr=False)
    """What each asks for."""
    masks: NDArray[np.uint8] = field(repr=False)
    """Whose pixel it is, (N, H, W), as `lrpwidgets.subjects.masks` numbers them; no thing where none is asked for."""
    deciding: list[list[str]] = field(repr=False)
    """Words of each question that say which thing it is about."""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[tuple[Tensor, Tensor], int]:
        """Picture (3, 64, 64) and token ids (T,), and the label."""
        return (self.pictures[index], self.tokenizer.encode(self.texts[index]).x), self.labels[index]

    @property
    def names(self) -> Sequence[str]:
        """The questions."""
        return self.texts


def load() -> Subject:
    """The subject: trained network, and questions about pictures that it has never seen."""
    return Subject(
        model=network(trained=True),
        dataset=held_out(),  # type: ignore[arg-type]  # pairs for inputs
        classes=list(ANSWERS),
        to_image=shapes.COLOURS.to_image,
        from_image=shapes.from_image,
        crop=Crop(),
        bounds=shapes.COLOURS.bounds,
        name="visual-questions",
        title="Small network · questions about pictures",
        modality="image and text",
        tokenizer=vocabulary(),
        recipe="subjects.load('visual-questions')",
    )


def network(*, trained: bool) -> Inquirer:
    """Pictures (B, 3, 64, 64) and token ids (B, T) to scores (B, 16) of `ANSWERS`."""
    from .inquirer import Inquirer

    made = Inquirer(vocabulary().size, len(ANSWERS))
    if trained:
        load_weights(made, "visual-questions", seed=0)
    return made


@cache
def vocabulary() -> Vocabulary:
    """The words of all questions."""
    return Vocabulary(inquiries.vocabulary())


@cache
def held_out() -> PicturesWithQuestions:
    """Questions about pictures that training never sees."""
    drawn = questions.held_out()
    put = inquiries.asked(drawn, PER_PICTURE, seed=0)
    owners = drawn.masks[put.pictures]
    mine = (owners == put.asked[:, None, None]) & (put.asked > 0)[:, None, None]
    masks = np.where(mine, ASKED, np.where(owners > 0, owners + 1, GROUND)).astype(np.uint8)
    kinds = [inquiries.KINDS[(at // PER_PICTURE + at % PER_PICTURE) % len(inquiries.KINDS)] for at in range(len(masks))]
    return PicturesWithQuestions(
        questions.inputs(drawn)[put.pictures],
        put.questions,
        put.answers.tolist(),
        vocabulary(),
        kinds,
        masks,
        put.deciding,
    )


def batch(inputs: Sequence[Tensor]) -> Tensor:
    """Pictures as a batch, or token ids with `PADDING` behind shorter questions."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    if inputs[0].is_floating_point():
        return torch.stack(list(inputs))
    return pad_sequence(list(inputs), batch_first=True, padding_value=PADDING)
