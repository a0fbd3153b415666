"""Subjects of texts: tokenizers, words, samples.

A model of texts takes token ids, int64 (B, T), with `PADDING` behind shorter texts, and gives scores (B, C).
"""

from .encoded import PADDING, Encoded, padded
from .samples import TextSamples
from .tokenizer import UNKNOWN, Tokenizer, Vocabulary

__all__ = ["PADDING", "UNKNOWN", "Encoded", "TextSamples", "Tokenizer", "Vocabulary", "padded"]
