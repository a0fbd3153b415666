"""Subjects of pictures with a text each, for models of Hugging Face's transformers that see and read.

`describe` makes a subject of such a model and its processor, which knows how the model wants a picture and a text: as
pixels (B, C, H, W) and token ids (B, T).
"""

from .guess import describe
from .prompts import PromptTokenizer
from .samples import PairSamples

__all__ = ["PairSamples", "PromptTokenizer", "describe"]
