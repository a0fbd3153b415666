#!/usr/bin/env bash
# transformers 5.24.0 with tokenizers 0.23.3: a tokenizer of one's own, whose template gives a pair of texts the types 0
# and 1, wrapped in PreTrainedTokenizerFast, which is the documented way to hand it to a model.
#
# The guess: what the template says of types comes out as token_type_ids, as it does with BERT's own tokenizer.
# What happens: it is computed and dropped. The wrapper returns only what its model_input_names lists, and that is ids and
# mask unless one says so. A model of BERT's kind then takes all types for 0: it reads question and text as one, with
# other scores, and nothing is said. With model_input_names=["input_ids", "token_type_ids", "attention_mask"] they come.
#
# Output seen: "template: 0001; wrapped: none; with names: 0001" (the type of each token)
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet transformers==5.24.0 tokenizers==0.23.3
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

WORDS = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "who": 3, "ann": 4}
made = Tokenizer(models.WordLevel(WORDS, unk_token="[UNK]"))
made.pre_tokenizer = pre_tokenizers.Whitespace()
made.post_processor = processors.TemplateProcessing(
    single="[CLS]:0 $A:0 [SEP]:0",
    pair="[CLS]:0 $A:0 [SEP]:0 $B:1",
    special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
)


def shown(types: list[int] | None) -> str:
    return "none" if types is None else "".join(map(str, types))


template = made.encode("who", "ann").type_ids
wrapped = PreTrainedTokenizerFast(tokenizer_object=made)("who", "ann").get("token_type_ids")
names = ["input_ids", "token_type_ids", "attention_mask"]
named = PreTrainedTokenizerFast(tokenizer_object=made, model_input_names=names)("who", "ann").get("token_type_ids")
print(f"template: {shown(template)}; wrapped: {shown(wrapped)}; with names: {shown(named)}")
assert template == named == [0, 0, 0, 1] and wrapped is None, "the guess holds now"
PYTHON
