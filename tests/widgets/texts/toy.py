"""A model of texts whose relevance everybody knows: scores are sums of the values of words."""

from __future__ import annotations

import random

import torch
from torch import nn

from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.texts import UNKNOWN, Encoded, TextSamples, Tokenizer
from lrpwidgets.subjects.texts.words import words

VALUES = {
    "[CLS]": 0.0, UNKNOWN: 0.0, "the": 0.0, "film": 0.1, "is": 0.0, "a": 0.05, "slow": -0.2, "and": 0.0, "clum": -0.1,
    "sy": -0.2, "start": 0.1, "but": -0.1, "cast": 0.2, "warm": 0.4, "funny": 0.8, "ending": -1.0, "never": 0.3,
    "dull": -0.6, "moving": 0.7, "good": 0.5, "bad": -0.5, ",": 0.05, ".": 0.02,
}  # fmt: skip
"""What each token says for "positive"; it says the opposite for "negative"."""

TEXTS = [
    "A slow and clumsy start, but the cast is warm and funny, the ending is moving, and is never dull.",
    "The film is good. The ending is bad.",
    "Bad, bad and dull.",
    "A warm and moving film, never dull.",
]
LABELS = [1, 1, 0, 0]


class Values(nn.Module):
    """(B, T) token ids to (B, 2) scores."""

    def __init__(self) -> None:
        super().__init__()
        worth = torch.tensor(list(VALUES.values()))
        self.values = nn.Embedding.from_pretrained(torch.stack([-worth, worth], 1))
        self.read = nn.Linear(2, 2, bias=False)
        self.read.weight.data = torch.eye(2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        there = tokens >= 0
        found = self.values(tokens.masked_fill(~there, 0)) * there.unsqueeze(-1)
        return self.read(found.sum(1))


class Pieces(Tokenizer):
    """Words in lower case behind a ``[CLS]``; "clumsy" has two tokens."""

    known = tuple(VALUES)

    @property
    def size(self) -> int:
        return len(self.known)

    def encode(self, text: str) -> Encoded:
        spans = words(text)
        if not spans:
            raise ValueError(f"There is no word in the text {text[:40]!r}; type one.")
        found = [(0, (0, 0), "[CLS]")]
        for start, end in spans:
            found += self.pieces(text[start:end], start)
        ids, places, pieces = zip(*found, strict=True)
        unknown = frozenset(place for place, token in enumerate(ids) if token == self.known.index(UNKNOWN))
        return Encoded(text, ids, places, pieces, unknown)

    def pieces(self, word: str, start: int) -> list[tuple[int, tuple[int, int], str]]:
        """Id, place and name of the tokens of a word."""
        end = start + len(word)
        if word.lower() != "clumsy":
            return [(self.piece_id(word.lower()), (start, end), word)]
        return [(self.piece_id("clum"), (start, start + 4), "clum"), (self.piece_id("sy"), (start + 4, end), "##sy")]

    def piece_id(self, piece: str) -> int:
        return self.known.index(piece if piece in self.known else UNKNOWN)

    def piece(self, token: int) -> str:
        return self.known[token]


HOSTILE = "<img src=x onerror='owned=1'> \u202edna\u202c <script>owned=2</script> film \\input{x} $&%#_^~ funny"
"""Letters that a page, a drawing or a paper must not obey."""


def long_text(words: int = 4000) -> str:
    """A text of about so many tokens, in sentences of ten."""
    chance = random.Random(0)
    known = [each for each in VALUES if each.isalpha() and each not in ("clum", "sy")]
    return " ".join(" ".join(chance.choices(known, k=9)) + "." for _ in range(words // 10))


def make() -> Subject:
    """Texts whose first is that of every picture."""
    texts = [*TEXTS, HOSTILE, long_text()]
    data = TextSamples(texts, [*LABELS, None, None], Pieces())
    model = Values().eval()
    return Subject(
        model, data, ["negative", "positive"], modality="text", tokenizer=Pieces(), name="toy", title="Toy reviews"
    )
