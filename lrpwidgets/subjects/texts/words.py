"""Words and sentences of a text, by where they stand in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from unicodedata import category

Span = tuple[int, int]
"""The first character and the one behind the last."""

_UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Kana and Han, which are written without spaces: each character is taken for a word."""

_COMBINING = "\u200c\u200d" + "".join(filter(lambda each: category(each)[0] == "M", map(chr, range(0x300, 0x10000))))
"""Vowel signs, accents by themselves and joiners, which belong to the letter before and are none to `re`."""

_LETTERS = rf"(?:[^\W{_UNSPACED}][{_COMBINING}]*)+"
_ALONE = rf"[{_UNSPACED}][{_COMBINING}]*|[^\w\s][{_COMBINING}]*"
_WORD = re.compile(rf"\d+(?:[.,]\d+)*(?![\w{_COMBINING}])|{_LETTERS}(?:['’]{_LETTERS})*|{_ALONE}")
_END = re.compile(r"""[.!?]+["'”’)\]]*(?=\s)|[。！？]+|\n\s*\n""")


def words(text: str, whole: Sequence[Span] = ()) -> list[Span]:
    """Words, numbers and marks; a mark is a word by itself, and so is each of the ordered spans that are `whole`."""
    found: list[Span] = []
    behind = 0
    for start, end in (*whole, (len(text), len(text))):
        found += [match.span() for match in _WORD.finditer(text, behind, start)]
        found += [(start, end)] if end > start else []
        behind = end
    return found


def sentences(text: str) -> list[Span]:
    """Sentences, which end with a mark before a space, or an empty line."""
    ends = [match.end() for match in _END.finditer(text)]
    cuts = [0, *(end for end in ends if text[end:].strip()), len(text)]
    return list(pairwise(cuts))


def is_mark(text: str, span: Span) -> bool:
    """Whether there is no letter and no digit."""
    return not any(character.isalnum() for character in text[slice(*span)])


def holder(spans: Sequence[Span], place: int) -> int:
    """Number of the last of the ordered `spans` that does not begin behind `place`; −1 if all do."""
    return bisect_right([start for start, _ in spans], place) - 1


def without(text: str, spans: Iterable[Span]) -> tuple[str, list[int]]:
    """The text without some `spans`, each with the white space before it, and where each character left stood."""
    left = [True] * len(text)
    for start, end in spans:
        while start > 0 and text[start - 1].isspace():
            start -= 1
        left[start:end] = [False] * (end - start)
    places = [place for place, stays in enumerate(left) if stays]
    while places and text[places[0]].isspace():
        del places[0]  # of a struck first word
    return "".join(text[place] for place in places), places
