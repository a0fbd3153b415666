"""A model that finds the answer to a question in a text; small and random, of transformers."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from lrpwidgets.subjects import Subject, describe

TEXTS = ["The plot.", "The plot is never dull, and the film is warm.", "Dull, dull film."]
QUESTION = "What is dull?"
KNOWN = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "the",
    "plot",
    "is",
    "never",
    "dull",
    "and",
    "film",
    "warm",
    "what",
    ",",
    ".",
    "?",
]


def make() -> Subject:
    """The first text is "The plot."."""
    import transformers

    words = Tokenizer(models.WordPiece({word: number for number, word in enumerate(KNOWN)}, unk_token="[UNK]"))
    words.normalizer, words.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    words.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep")}
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words, model_input_names=inputs, **names)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    config = transformers.BertConfig(vocab_size=len(KNOWN), max_position_embeddings=128, **sizes)
    model = transformers.BertForQuestionAnswering(config).eval()
    return describe(model, TEXTS, tokenizer=tokenizer, question=QUESTION, name="answering")
