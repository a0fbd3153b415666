"""A text as the cells that are coloured: its tokens, its words or its sentences.

`items` walks through a text in its order, words that are struck among them, and `cells` sums relevance over the
tokens of each cell. What are sinks is told apart: relevance piles up there for no reason of the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING, Literal, get_args

from .words import holder

if TYPE_CHECKING:
    from .encoded import Encoded

Level = Literal["token", "word", "sentence"]
"""What is a cell."""

ROW = 4
"""How often a token has to be added in a row so that all of them are one item."""

LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True)
class Item:
    """A word, or a token that the tokenizer adds; of one that is added many times in a row, all of them."""

    word: int
    """The word, by number; −1 for an added token."""
    texts: tuple[str, ...]
    """Its letters, token by token; all of them where it has no token, one, or one many times."""
    places: tuple[int, ...]
    """Its tokens, by number; none if the model does not read it."""
    sentence: int
    """The sentence that it is in; −1 for an added token."""
    spaced: bool
    """Whether there is white space before it."""
    breaks: bool
    """Whether a line begins with it."""
    sink: bool
    """Whether all of its tokens are sinks."""
    struck: bool


@dataclass(frozen=True)
class Cell:
    """A part of a text that has one colour."""

    text: str
    relevance: float | None
    """Sum over its tokens in units of the score; None if the model does not read it."""
    sink: bool = False
    """Whether its relevance is outside the scale."""
    struck: bool = False
    breaks: bool = False
    """Whether a line begins with it."""
    joined: bool = False
    """Whether no space is before it: it goes on with the word of the cell before."""


def items(encoded: Encoded) -> list[Item]:
    """Words and added tokens of a text, in its order."""
    found = []
    placed = 0
    for word, places in groupby(range(len(encoded)), key=encoded.word_of.__getitem__):
        if word >= 0:
            found += [_item(encoded, each, ()) for each in range(placed, word)]
            placed = max(placed, word + 1)
            found.append(_item(encoded, word, tuple(places)))
        else:
            found += [_added(encoded, part) for part in _runs(encoded, places)]
    last = next((at for at in range(len(found), 0, -1) if found[at - 1].word >= 0), 0)
    found[last:last] = [_item(encoded, each, ()) for each in range(placed, len(encoded.words))]
    return found


def _runs(encoded: Encoded, places: Iterable[int]) -> Iterator[tuple[int, ...]]:
    """Added tokens one by one, and those of a long row together, such as all that stand for a picture."""
    for _, run in groupby(places, key=encoded.ids.__getitem__):
        row = tuple(run)
        yield from [row] if len(row) >= ROW else ((place,) for place in row)


def _added(encoded: Encoded, places: tuple[int, ...]) -> Item:
    name, count = encoded.pieces[places[0]], len(places)
    return Item(-1, (name if count == 1 else f"{name}×{count}",), places, -1, True, False, True, False)


def _item(encoded: Encoded, word: int, places: tuple[int, ...]) -> Item:
    start, end = encoded.words[word]
    cuts = [start, *(encoded.spans[place][0] for place in places[1:]), end]
    texts = tuple(encoded.text[a:b] for a, b in pairwise(cuts))
    before = encoded.text[encoded.words[word - 1][1] : start] if word else " "
    sentence = holder(encoded.sentences, start)
    sink = bool(places) and encoded.sinks.issuperset(places)
    return Item(word, texts, places, sentence, bool(before), "\n" in before, sink, word in encoded.struck)


def cells(encoded: Encoded, relevance: Sequence[float], level: Level, *, sinks: bool = True) -> list[Cell]:
    """The cells of a text in its order.

    Parameters
    ----------
    relevance
        Of each token, (T,), in units of the score.
    level
        What is a cell.
    sinks
        Whether sinks are outside the scale; that of a sentence is then without those in it.

    Raises
    ------
    ValueError
        If there is no such level.
    """
    if level not in LEVELS:
        raise ValueError(f"There is no level {level!r}; there are {', '.join(LEVELS)}.")
    walked = items(encoded)
    if level == "sentence":
        return [_sentence(encoded, list(part), relevance, sinks) for _, part in groupby(walked, key=_sentence_of)]
    made = (_tokens(item, relevance) if level == "token" else iter([_word(item, relevance)]) for item in walked)
    return [cell if sinks else replace(cell, sink=False) for part in made for cell in part]


def _sentence_of(item: Item) -> tuple[int, int]:
    return item.sentence, item.places[0] if item.word < 0 else 0


def _sum(places: Sequence[int], relevance: Sequence[float]) -> float | None:
    return float(sum(relevance[place] for place in places)) if places else None


def _word(item: Item, relevance: Sequence[float]) -> Cell:
    return Cell("".join(item.texts), _sum(item.places, relevance), item.sink, item.struck, item.breaks)


def _tokens(item: Item, relevance: Sequence[float]) -> Iterator[Cell]:
    for number, text in enumerate(item.texts):
        places = item.places if len(item.texts) == 1 else item.places[number : number + 1]
        amount = _sum(places, relevance)
        yield Cell(text, amount, item.sink, item.struck, item.breaks and not number, bool(number))


def _sentence(encoded: Encoded, part: list[Item], relevance: Sequence[float], sinks: bool) -> Cell:
    first = part[0]
    if first.word < 0:
        return replace(_word(first, relevance), sink=sinks)
    text = encoded.text[encoded.words[first.word][0] : encoded.words[part[-1].word][1]]
    read = [place for item in part if not (sinks and item.sink) for place in item.places]
    return Cell(
        " ".join(text.split()), _sum(read, relevance), struck=all(each.struck for each in part), breaks=first.breaks
    )


def limit(*texts: Sequence[Cell]) -> float:
    """The relevance at the end of the scale of `texts` together.

    It is the largest of all cells that are in it, rounded up so that it can be read, and above 0.
    """
    inside = [abs(cell.relevance) for part in texts for cell in part if cell.relevance is not None and not cell.sink]
    most = max((each for each in inside if isfinite(each)), default=0.0)
    if not most:
        return 1.0
    unit = 10.0 ** floor(log10(most))
    return ceil(2 * most / unit - 1e-5) / 2 * unit  # float32 is as precise
