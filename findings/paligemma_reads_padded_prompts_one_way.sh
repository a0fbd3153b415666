#!/usr/bin/env bash
# transformers 5.24.0 with torch 2.14.1, a PaliGemma, small and random, in double precision, called without the token
# types that only training needs.
#
# The guess: sdpa and eager attention compute the same up to rounding, and padding behind a prompt does not change how
# its words are read.
# What happens: with sdpa, the default, a prompt without padding is read in both directions, as PaliGemma's prefixes are
# meant to be: a later word changes what is said at an earlier place. With one place of padding behind it the same
# prompt is read from left to right only, and so are all prompts with eager attention. Prompts of different lengths in
# one batch are so answered in two ways: the longest as alone, the others not.
#
# Output seen: "a later word reaches an earlier place: sdpa whole yes, sdpa padded no, eager whole no, eager padded no"
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet transformers==5.24.0 torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
import transformers
from torch import Tensor

transformers.logging.set_verbosity_error()
PICTURE = 49
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
torch.manual_seed(0)
config = transformers.PaliGemmaConfig(
    vision_config={
        "model_type": "siglip_vision_model", **SIZES, "image_size": 16, "patch_size": 8, "projection_dim": 32
    },
    text_config={"model_type": "gemma", **SIZES, "head_dim": 16, "num_key_value_heads": 2, "vocab_size": 50},
    image_token_index=PICTURE,
    projection_dim=32,
)
model = transformers.PaliGemmaForConditionalGeneration(config).eval().double()
picture = torch.randn(1, 3, 16, 16, dtype=torch.float64)


def first_word(words: list[int], padding: int) -> Tensor:
    """What the model says at the first word behind the picture's four places."""
    ids = torch.tensor([[PICTURE] * 4 + words + [0] * padding])
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=(ids != 0).long(), pixel_values=picture).logits[0, 4]


found = {}
for attention in ("sdpa", "eager"):
    model.set_attn_implementation(attention)
    for name, padding in (("whole", 0), ("padded", 1)):
        change = first_word([5, 6, 7], padding) - first_word([5, 6, 9], padding)
        found[f"{attention} {name}"] = bool(change.abs().max() > 1e-9)
print("a later word reaches an earlier place:", ", ".join(f"{name} {'yes' if each else 'no'}" for name, each in found.items()))
assert list(found.values()) == [True, False, False, False], "the guess holds now"
PYTHON
