"""Subjects of texts: tokenizers, words, samples.

A model of texts takes token ids, int64 (B, T), with `PADDING` behind shorter texts, and gives scores (B, C).
"""

from .encoded import PADDING, Encoded
from .levels import Cell, Level, cells
from .samples import TextSamples
from .striking import struck
from .tokenizer import UNKNOWN, Tokenizer, Vocabulary

__all__ = [
    "PADDING",
    "UNKNOWN",
    "Cell",
    "Encoded",
    "Level",
    "TextSamples",
    "Tokenizer",
    "Vocabulary",
    "cells",
    "struck",
]
