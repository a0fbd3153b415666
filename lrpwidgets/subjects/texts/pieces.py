"""How the pieces of tokenizers are spelled, and where they stand in a text when the tokenizer does not say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from .words import Span, words

SPACE = "▁"
"""Stands for a space in front of a piece, as SentencePiece writes it."""


def readable(piece: str) -> str:
    """A piece of a byte-level tokenizer as text: its space as `SPACE`, bytes that are no whole letter as ``<0xE2>``."""
    codes = [_bytes().get(letter) for letter in piece]
    if None in codes:  # one that was added as it is
        return piece
    text = bytes(code for code in codes if code is not None).decode("utf-8", "surrogateescape")
    return "".join(map(_shown, text))


def trimmed(text: str, span: Span) -> Span:
    """A span without white space at its ends."""
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def aligned(text: str, pieces: Sequence[str | None]) -> list[Span]:
    """Where pieces stand in the text, as well as can be told; None stands for one that is not in it.

    Each is looked for behind the one before, in either case. Those that are not found, such as unknown ones, get the
    words between their neighbours.
    """
    low = text.lower() if len(text.lower()) == len(text) else text
    spans: list[Span | None] = []
    behind, gap = 0, False
    for piece in pieces:
        plain = "" if piece is None else _plain(piece)
        found = low.find(plain.lower(), behind) if plain else -1
        near = found >= 0 and (gap or not low[behind:found].strip())
        if piece is None or not plain:
            spans.append((0, 0))
        elif near:
            spans.append((found, found + len(plain)))
            behind, gap = found + len(plain), False
        else:
            spans.append(None)
            gap = True
    return _filled(text, spans)


def _filled(text: str, spans: list[Span | None]) -> list[Span]:
    """Spans, where each run of unknown ones shares the words between its neighbours."""
    done: list[Span] = []
    place, behind = 0, 0
    while place < len(spans):
        span = spans[place]
        if span is not None:
            done.append(span)
            behind, place = max(behind, span[1]), place + 1
            continue
        last = next((i for i in range(place, len(spans)) if spans[i] is not None and spans[i] != (0, 0)), len(spans))
        run = [i for i in range(place, last) if spans[i] is None]
        until = len(text) if last == len(spans) else spans[last][0]  # type: ignore[index]  # it is there
        left = trimmed(text, (behind, max(behind, until)))
        between = [(a, b) for a, b in words(text) if left[0] <= a and b <= left[1]] or [left]
        shares = dict(zip(run, _dealt(between, len(run)), strict=True))
        done += [shares.get(i, (0, 0)) for i in range(place, last)]
        place = last
    return done


def _dealt(between: list[Span], count: int) -> list[Span]:
    """One span for each of `count` pieces: a word each, the last one all that are left, or the last word again."""
    dealt = between[: count - 1]
    rest = between[len(dealt) :]
    dealt.append((rest[0][0], rest[-1][1]) if rest else between[-1])
    return dealt + [between[-1]] * (count - len(dealt))


def _plain(piece: str) -> str:
    """A piece without the marks that say whether it begins a word."""
    if all(letter in _bytes() for letter in piece) and piece[:1] == "Ġ":
        piece = readable(piece)
    return piece.removeprefix("##").replace(SPACE, "").replace("</w>", "").strip()


def _shown(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # a byte that is no letter by itself
        return f"<0x{ord(letter) - 0xDC00:02X}>"
    return {" ": SPACE, "\n": "⏎", "\t": "⇥"}.get(letter, letter)


@cache
def _bytes() -> dict[str, int]:
    """The byte that each letter stands for in byte-level tokenizers (Radford et al. 2019)."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [code for code in range(256) if code not in shown]
    return {chr(code): code for code in shown} | {chr(256 + number): code for number, code in enumerate(hidden)}
