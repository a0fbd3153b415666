#!/usr/bin/env bash
# transformers 5.24.0 with torch 2.14.1, an XLNet and a BERT for classification, small and random, in double precision.
#
# The guess: with an attention mask, padding has no part in what a classifier of texts says; and of two sides one pads
# behind, as tokenizers do unless they are told otherwise.
# What happens: XLNet's head summarizes the last position, whatever the mask says. Behind a shorter text that is padding,
# whose state has read the text but is another one, and the scores of the same text change by twice their size. With
# padding before the text nothing changes. XLNet's own tokenizer pads before; one that was made by hand, or a batch that
# was padded by hand, need not. BERT has it the other way round, since its positions count from the left.
#
# Output seen: "behind: XLNet 2, BERT 0; before: XLNet 0, BERT 1"
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet transformers==5.24.0 torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
import transformers
from transformers import BertConfig, BertForSequenceClassification, XLNetConfig, XLNetForSequenceClassification

transformers.logging.set_verbosity_error()
SIZES = {
    XLNetForSequenceClassification: XLNetConfig(vocab_size=99, d_model=32, n_layer=2, n_head=2, d_inner=48, num_labels=3),
    BertForSequenceClassification: BertConfig(
        vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48, num_labels=3
    ),
}
ids = torch.randint(5, 90, (1, 6), generator=torch.Generator().manual_seed(0))
padding, mask = torch.zeros(1, 3, dtype=torch.int64), torch.tensor([[1] * 6 + [0] * 3])


def changes(kind: type) -> tuple[float, float]:
    """By how much the scores change with padding behind the text, and before it."""
    torch.manual_seed(0)
    model = kind(SIZES[kind]).eval().double()
    with torch.no_grad():
        alone = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        behind = model(input_ids=torch.cat([ids, padding], 1), attention_mask=mask).logits
        before = model(input_ids=torch.cat([padding, ids], 1), attention_mask=mask.flip(1)).logits
    return tuple(float((each - alone).abs().max() / alone.abs().max()) for each in (behind, before))


xlnet, bert = map(changes, SIZES)
print(f"behind: XLNet {xlnet[0]:.1g}, BERT {bert[0]:.1g}; before: XLNet {xlnet[1]:.1g}, BERT {bert[1]:.1g}")
assert xlnet[0] > 0.1 and bert[0] < 1e-12 and xlnet[1] < 1e-12 and bert[1] > 0.1, "the guess holds now"
PYTHON
