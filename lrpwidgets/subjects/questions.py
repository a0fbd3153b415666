"""The subject ``questions``: pictures of plain things, a question, and a small network that answers it.

A small CLEVR-XAI (Arras, Osman, Samek 2022): what the answer should depend on is known, as a question is about one
thing and the picture says where it is: ``dataset.masks``, see `lrpwidgets.subjects.masks`. The network, trained by
`lrpwidgets.subjects.train_questions` on other pictures, ships in this package. It takes picture and question. What is
asked moves the biases of two layers, which opens some channels and closes others: only sums and ReLUs.

A `Subject` asks **one** question of all its pictures: its model holds the question and takes the picture alone. So the
question is fixed as weights are; every method explains the picture, within its bounds, and none can blank, blur,
scale or mix the question as it does with pixels. Planes beside the colours that say the question, the alternative,
would have that: occlusion and LIME would ask a part of a question, integrated gradients one that does not exist, and a
heatmap, which is a sum over channels, would show in pixels what belongs to words. `every` has all questions, for
figures over them; ``Explainer(network(trained=True)).explain((pictures, questions))`` explains pictures of several.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from . import shapes
from .framing import Crop
from .masks import ASKED, GROUND
from .scenes import Ints
from .subject import Subject
from .tags import TaggedSamples
from .things import COLOURS, RADIUS, SHAPES, Things, things
from .trained import load_weights

if TYPE_CHECKING:
    from torch import Tensor

    from .answerer import Answerer

QUESTIONS = [
    *(f"what colour is the {shape}?" for shape in SHAPES),
    *(f"what shape is the {colour} thing?" for colour in COLOURS),
    *(f"how large is the {shape}?" for shape in SHAPES),
]
"""All that can be asked."""

ANSWERS = [*COLOURS, *SHAPES, *RADIUS]
"""The classes, for each question all of them."""

HELD_OUT = 200
"""Pictures that the subject shows, those of them that have the thing in question."""

TRAINING = 4000
"""Pictures to train on."""


def load(question: str = QUESTIONS[0]) -> Subject:
    """The subject: trained network with a question, and those pictures it has never seen that have an answer.

    Parameters
    ----------
    question : str
        One of `QUESTIONS`.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    from .answerer import Asking

    if question not in QUESTIONS:
        hint = "".join(f" Did you mean {close!r}?" for close in get_close_matches(str(question), QUESTIONS, n=1))
        raise ValueError(f"question must be one of questions.QUESTIONS, got {question!r}.{hint}")
    number = QUESTIONS.index(question)
    return Subject(
        model=Asking(network(trained=True), number).eval(),
        dataset=_asked(number),
        classes=list(ANSWERS),
        to_image=shapes.COLOURS.to_image,
        from_image=shapes.from_image,
        crop=Crop(),
        bounds=shapes.COLOURS.bounds,
        name="questions",
        title=f"Small CNN · {question}",
        recipe=f"subjects.load('questions', question={question!r})",
    )


def every() -> list[Subject]:
    """A subject for each of `QUESTIONS`, of one network."""
    return [load(question) for question in QUESTIONS]


def network(*, trained: bool) -> Answerer:
    """Pictures (B, 3, 64, 64) and numbers (B,) of `QUESTIONS` to scores (B, 14) of `ANSWERS`."""
    from .answerer import Answerer

    made = Answerer(len(QUESTIONS), len(ANSWERS))
    if trained:
        load_weights(made, "questions", seed=0)
    return made


def training() -> Things:
    """Pictures to train on."""
    return things(TRAINING, seed=0)


@cache
def held_out() -> Things:
    """Pictures that training never sees."""
    return things(HELD_OUT, seed=1)


def inputs(drawn: Things) -> Tensor:
    """The pictures as the network takes them, (N, 3, 64, 64)."""
    import torch

    return shapes.COLOURS.to_input(torch.as_tensor(drawn.pixels).float() / 255)


def truth(drawn: Things) -> tuple[Ints, Ints]:
    """Number of the thing that each of `QUESTIONS` is about, and of its answer, (N, 18) each; −1 where none is."""
    there = drawn.shapes >= 0
    by_shape = _holders(drawn.shapes, len(SHAPES))
    by_colour = _holders(np.where(there, drawn.colours, -1), len(COLOURS))
    asked = np.concatenate([by_shape, by_colour, by_shape], axis=1)
    shape, size = drawn.shapes + len(COLOURS), drawn.sizes + len(COLOURS) + len(SHAPES)
    told = [(drawn.colours, by_shape), (shape, by_colour), (size, by_shape)]
    answers = np.concatenate([np.take_along_axis(values, who.clip(0), axis=1) for values, who in told], axis=1)
    return asked, np.where(asked >= 0, answers, -1)


def _holders(values: Ints, count: int) -> Ints:
    """Which of the things with `values` (N, 4) has each value, (N, count); −1 where none has."""
    has = values[:, :, None] == np.arange(count)
    return np.where(has.any(1), has.argmax(1), -1)


def _asked(number: int) -> TaggedSamples:
    """Held-out pictures in which the question has an answer."""
    drawn = held_out()
    asked, answers = (each[:, number] for each in truth(drawn))
    items = np.flatnonzero(asked >= 0)
    mine = drawn.masks[items] == asked[items, None, None] + 1
    masks = np.where(mine, ASKED, np.where(drawn.masks[items] > 0, drawn.masks[items] + 1, GROUND)).astype(np.uint8)
    names = [f"{QUESTIONS[number]} picture {item}" for item in items]
    return TaggedSamples(inputs(drawn)[items], answers[items].tolist(), names, np.zeros(len(items), bool), masks)
