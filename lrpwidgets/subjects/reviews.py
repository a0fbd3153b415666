"""Film reviews of a small grammar, where it is known which words decide, and which way.

A review has one to three clauses, such as "The plot is never dull, and the cast is warm." Words of sentiment have
values from −2 to 2; a negation turns those round that stand behind it in its clause, which ends with the next mark
(",", ".", "!"). The review is positive if the values' sum is above 0 and negative if it is below; there is none whose
sum is 0. Everything else says nothing: what is talked of, tense, adverbs, "and" and "but", and a negation of what has
no value, as in "The film is not long".

What `truth` tells of a word is what happens to the sum without it. So in "never dull" both words speak for the review:
without "never" it is dull, without "dull" nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from .texts.tokenizer import UNKNOWN
from .texts.words import words

VALUES = {
    **dict.fromkeys(("good", "warm", "clever", "funny", "fresh", "charming", "moving", "tender"), 1),
    **dict.fromkeys(("brilliant", "superb", "wonderful", "great"), 2),
    **dict.fromkeys(("bad", "dull", "slow", "weak", "flat", "clumsy", "silly", "cold"), -1),
    **dict.fromkeys(("horrible", "terrible", "dreadful", "painful"), -2),
}
"""Value of each word of sentiment."""

NEGATIONS = ("not", "never", "hardly", "isn't", "wasn't")
"""Words that turn round what stands behind them in their clause."""

_PARTS = ("plot", "cast", "music", "script", "ending", "dialogue", "acting", "film", "story", "camera", "pace")
_PLAIN = ("long", "short", "new", "old", "french", "silent", "recent")
_DEGREES = ("really", "quite", "very", "rather", "truly")
_DAYS = ("monday", "friday", "sunday")
_LENGTHS = ("one", "two", "three")
_MARKS = (",", ".", "!")

VOCABULARY = [
    UNKNOWN,
    *(*_MARKS, *VALUES, *NEGATIONS, *_PARTS, *_PLAIN, *_DEGREES, *_DAYS, *_LENGTHS),
    *(
        "the",
        "a",
        "it",
        "is",
        "was",
        "feels",
        "seems",
        "and",
        "or",
        "but",
        "we",
        "saw",
        "on",
        "lasts",
        "hours",
        "again",
    ),
]
"""All words of the reviews, in lower case."""


def reviews(count: int, seed: int) -> list[str]:
    """Different reviews, half of them positive, in turn."""
    made: dict[str, None] = {}
    chance = Random(seed)
    while len(made) < count:
        text = review(chance)
        if (score := value(text)) and (score > 0) == (len(made) % 2 == 1):
            made[text] = None
    return list(made)


def review(chance: Random) -> str:
    """A review; its value may be 0."""
    clauses = [_clause(chance) for _ in range(chance.choice((1, 2, 2, 3, 3)))]
    text = clauses[0]
    for clause in clauses[1:]:
        joint = chance.choice((", and ", ", but ", ". "))
        text += joint + (clause.capitalize() if joint == ". " else clause)
    return text[0].upper() + text[1:] + chance.choice((".", ".", "!"))


def value(text: str) -> int:
    """The sum of the values of a text's words, as negations turn them."""
    return sum(_turned(written(text)))


def truth(text: str) -> tuple[int, ...]:
    """For each word, marks too: 1 if the value is lower without it, −1 if it is higher, 0 if that makes no difference.

    Words are those of `lrpwidgets.subjects.texts.Encoded.words`. Which class is right does not matter: 1 speaks for
    positive, −1 for negative.
    """
    said = written(text)
    whole = sum(_turned(said))
    changes = (whole - sum(_turned(said[:place] + said[place + 1 :])) for place in range(len(said)))
    return tuple(
        (change > 0) - (change < 0) if word in VALUES or word in NEGATIONS else 0
        for word, change in zip(said, changes, strict=True)  # a struck mark would join two clauses
    )


def written(text: str) -> list[str]:
    """The words of a text in lower case, marks too."""
    return [text[start:end].lower() for start, end in words(text)]


def _turned(said: Sequence[str]) -> Iterator[int]:
    """Value of each word in its place."""
    sign = 1
    for word in said:
        sign = 1 if word in _MARKS else -sign if word in NEGATIONS else sign
        yield sign * VALUES.get(word, 0)


def _clause(chance: Random) -> str:
    kinds = (_plain, _plain, _plain, _plain, _denied, _denied, _whole, _aside)
    return chance.choice(kinds)(chance)


def _plain(chance: Random) -> str:
    """Such as "the plot is really dull"."""
    return f"the {chance.choice(_PARTS)} {chance.choice(('is', 'was', 'feels', 'seems'))} {_quality(chance)}"


def _denied(chance: Random) -> str:
    """Such as "the plot never feels dull"."""
    be = chance.choice(("is", "was"))
    verb = chance.choice((f"{be} not", f"{be} never", f"{be} hardly", f"{be}n't", "never feels", "never seems"))
    return f"the {chance.choice(_PARTS)} {verb} {_quality(chance)}"


def _whole(chance: Random) -> str:
    """Such as "it is not a dull film"."""
    negation = chance.choice(("is", "is", "was", "is not", "was never", "is hardly", "isn't", "wasn't"))
    return f"it {negation} a {chance.choice(list(VALUES))} film"


def _aside(chance: Random) -> str:
    """What says nothing."""
    return chance.choice(
        (
            f"we saw it on {chance.choice(_DAYS)}",
            f"we saw it again on {chance.choice(_DAYS)}",
            f"it lasts {chance.choice(_LENGTHS)} hours",
        )
    )


def _quality(chance: Random) -> str:
    """One adjective or two, sometimes with an adverb, sometimes without a value."""
    adjective = chance.choice(_PLAIN if chance.random() < 0.2 else list(VALUES))
    adverb = f"{chance.choice(_DEGREES)} " if chance.random() < 0.3 else ""
    other = f" {chance.choice(('and', 'or'))} {chance.choice(list(VALUES))}" if chance.random() < 0.2 else ""
    return f"{adverb}{adjective}{other}"
