"""Subjects of texts: tokenizers, words, samples, and any model of texts.

A model of texts takes token ids, int64 (B, T), with `PADDING` behind shorter texts, and gives scores (B, C). `describe`
makes a subject of one, also of those of Hugging Face's transformers; `lrpwidgets.subjects.from_pretrained` looks for
such a model by name.
"""

from .encoded import PADDING, Encoded, padded
from .guess import describe
from .hugging_face import HuggingFaceTokenizer
from .levels import Cell, Level, cells
from .samples import KnownTexts, TextSamples
from .striking import struck
from .tokenizer import UNKNOWN, Tokenizer, Vocabulary

__all__ = [
    "PADDING",
    "UNKNOWN",
    "Cell",
    "Encoded",
    "HuggingFaceTokenizer",
    "KnownTexts",
    "Level",
    "TextSamples",
    "Tokenizer",
    "Vocabulary",
    "cells",
    "describe",
    "padded",
    "struck",
]
