"""Questions in words about generated pictures, and their answers: a small CLEVR (Johnson et al. 2017).

`asked` puts questions to pictures of `lrpwidgets.subjects.things`: of a colour, a shape, a size, or whether there is a
thing. Each kind has several wordings, so that what is asked is in the words and not in a number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..readable import Readable
from .scenes import Ints
from .texts.tokenizer import UNKNOWN
from .texts.words import words
from .things import COLOURS, RADIUS, SHAPES, Things

ANSWERS = [*COLOURS, *SHAPES, *RADIUS, "yes", "no"]
"""The classes."""

_COLOURS, _SHAPES = list(COLOURS), list(SHAPES)

_WORDINGS = {
    "colour": (
        "What *colour* is the {shape}?",
        "Which *colour* does the {shape} have?",
        "Tell me the *colour* of the {shape}.",
    ),
    "shape": (
        "What *shape* is the {colour} thing?",
        "What is the {colour} *thing*?",
        "Tell me the *shape* of the {colour} thing.",
    ),
    "size": ("How *large* is the {shape}?", "Is the {shape} small or *large*?", "Tell me the *size* of the {shape}."),
    "there": ("Is *there* a {colour} {shape}?", "Can you *see* a {colour} {shape}?", "Is a {colour} {shape} *there*?"),
}
"""By what is asked for; the word between stars says that."""

KINDS = list(_WORDINGS)
"""What is asked for."""


@dataclass(frozen=True, eq=False, repr=False)
class Inquiries(Readable):
    """Questions about pictures, several of each."""

    pictures: Ints
    """The picture that each is about, (Q,)."""
    questions: list[str]
    answers: Ints
    """Number of each answer in `ANSWERS`, (Q,)."""
    asked: Ints
    """The thing that each is about, (Q,), as the picture's masks count them from 1 on; 0 where it is not there."""
    deciding: list[list[str]]
    """Words of each question, in lower case, that say what is asked, and of which thing."""


def asked(drawn: Things, per_picture: int, seed: int) -> Inquiries:
    """Put questions to the pictures `drawn`, of all kinds in turn."""
    random = np.random.default_rng(seed)
    rows = [
        _question(drawn, picture, KINDS[(picture + number) % len(KINDS)], random)
        for picture in range(len(drawn.pixels))
        for number in range(per_picture)
    ]
    pictures, questions, answers, things, deciding = zip(*rows, strict=True)
    return Inquiries(np.array(pictures), list(questions), np.array(answers), np.array(things), list(deciding))


def vocabulary() -> list[str]:
    """Every word of every question, in lower case, and `UNKNOWN`."""
    wordings = [each for some in _WORDINGS.values() for each in some]
    texts = [each.format(shape="", colour="").replace("*", "").lower() for each in wordings]
    found = {text[start:end] for text in texts for start, end in words(text)}
    return [UNKNOWN, *sorted(found | set(_COLOURS) | set(_SHAPES))]


def _question(
    drawn: Things, picture: int, kind: str, random: np.random.Generator
) -> tuple[int, str, int, int, list[str]]:
    there = np.flatnonzero(drawn.shapes[picture] >= 0)
    thing = int(random.choice(there))
    shape, colour = _SHAPES[drawn.shapes[picture, thing]], _COLOURS[drawn.colours[picture, thing]]
    number = thing + 1
    if kind == "there" and random.random() < 0.5:
        shape, colour, number = *_absent(drawn, picture, there, random), 0
    answer = {
        "colour": colour,
        "shape": shape,
        "size": list(RADIUS)[drawn.sizes[picture, thing]],
        "there": "yes" if number else "no",
    }[kind]
    wording = str(random.choice(_WORDINGS[kind]))
    of = {"colour": [shape], "shape": [colour], "size": [shape], "there": [colour, shape]}[kind]
    asks = wording.split("*")[1]
    question = wording.replace("*", "").format(shape=shape, colour=colour)
    return picture, question, ANSWERS.index(answer), number, [asks, *of]


def _absent(drawn: Things, picture: int, there: NDArray[np.intp], random: np.random.Generator) -> tuple[str, str]:
    """A shape and a colour that no thing of the picture has together, most often each of another thing."""
    have = {(drawn.shapes[picture, at], drawn.colours[picture, at]) for at in there}
    while True:
        pool = there if random.random() < 0.7 else None
        shape, colour = (
            random.choice(of[picture][pool]) if pool is not None else random.integers(len(names))
            for of, names in ((drawn.shapes, _SHAPES), (drawn.colours, _COLOURS))
        )
        if (shape, colour) not in have:
            return _SHAPES[shape], _COLOURS[colour]
