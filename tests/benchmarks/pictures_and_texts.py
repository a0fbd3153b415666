"""Families of transformers' models that look at a picture and read a text: small random configurations, and inputs.

Where a model packs the patches of several pictures into one sequence, or holds every picture against every text, a
batch mixes its samples: there one sample is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers
from torch import Tensor, nn

Built = tuple[nn.Module, dict[str, Tensor]]

NARROW = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
READER = {**NARROW, "num_key_value_heads": 2, "vocab_size": 50}
SEER = {**NARROW, "image_size": 16, "patch_size": 8}
SIGLIP, FINE = {"model_type": "siglip_vision_model", **SEER}, {**SEER, "patch_size": 4}
PLACES = {"vocab_size": 50, "max_position_embeddings": 40}

PICTURE, PADDING = 49, 0
"""Tokens: where a picture's patch is, and behind a shorter text."""

TURNED = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]}
MARKS = {"image_token_id": PICTURE, "video_token_id": 48, "vision_start_token_id": 47, "vision_end_token_id": 46}


def _random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def _read(patches: int = 0, samples: int = 2, *, pixels: Tensor | None = None, **more: Tensor) -> dict[str, Tensor]:
    """Pictures and texts of two lengths, which have so many places for patches."""
    texts = [[PICTURE] * patches + words for words in ([5, 6, 7, 8], [9, 4, PADDING, PADDING])]
    ids = torch.tensor(texts)[:samples]
    pixels = _random(samples, 3, 16, 16) if pixels is None else pixels
    return {"input_ids": ids, "attention_mask": (ids != PADDING).long(), "pixel_values": pixels, **more}


def _of(name: str, inputs: dict[str, Tensor], config: str = "", **settings: Any) -> Built:
    """The class of that `name` with these settings."""
    family = config or name.partition("For")[0].removesuffix("Model")
    made = getattr(transformers, f"{family}Config")(**settings)
    return getattr(transformers, name)(made), inputs


def _clip(name: str, **settings: Any) -> Built:
    """One picture, held against two texts."""
    inputs = _read(pixels=_random(1, 3, 16, 16))
    inputs["input_ids"][0, 3] = inputs["input_ids"][1, 1] = PICTURE  # the last token, by which CLIP knows the end
    return _of(name, inputs, vision_config=SEER, **settings)


def _siglip() -> Built:
    ids = _read()["input_ids"]
    text = {**NARROW, **PLACES, "max_position_embeddings": 4}
    inputs = {"input_ids": ids, "pixel_values": _random(1, 3, 16, 16)}
    return _of("SiglipModel", inputs, text_config=text, vision_config=SEER)


def _prefixed(name: str, patches: int, **settings: Any) -> Built:
    """A picture whose patches stand before the words, and a decoder that goes on."""
    return _of(name, _read(patches), **settings)


def _packed(name: str, vision: dict[str, Any], **text: Any) -> Built:
    """A picture as rows of patches, 4 × 4 of them, of which four become a token."""
    inputs = _read(4, 1, pixels=_random(16, 96), image_grid_thw=torch.tensor([[1, 4, 4]]))
    inputs["mm_token_type_ids"] = (inputs["input_ids"] == PICTURE).long()
    usual = {"depth": 2, "num_heads": 2, "patch_size": 4, "spatial_merge_size": 2, "temporal_patch_size": 2}
    reader = {**READER, "rope_parameters": TURNED, **text}
    return _of(name, inputs, vision_config={**usual, "hidden_size": 32, **vision}, text_config=reader, **MARKS)


def _qwen2_5_vl() -> Built:
    vision = {"out_hidden_size": 32, "intermediate_size": 48, "window_size": 16, "fullatt_block_indexes": [1]}
    return _packed("Qwen2_5_VLForConditionalGeneration", vision)


def _qwen3_vl() -> Built:
    vision = {"out_hidden_size": 32, "intermediate_size": 48, "deepstack_visual_indexes": [0]}
    return _packed("Qwen3VLForConditionalGeneration", {**vision, "num_position_embeddings": 16}, head_dim=16)


def _glm4v() -> Built:
    turned = {**TURNED, "mrope_section": [1, 1, 2], "partial_rotary_factor": 0.5}
    vision = {"out_hidden_size": 32, "intermediate_size": 48, "image_size": 16}
    return _packed("Glm4vForConditionalGeneration", vision, rope_parameters=turned, pad_token_id=PADDING)


def _llava_next() -> Built:
    pixels, sizes = _random(1, 2, 3, 16, 16), torch.tensor([[16, 16]])
    inputs = _read(10, 1, pixels=pixels, image_sizes=sizes)
    clip, llama = transformers.CLIPVisionConfig(**SEER), transformers.LlamaConfig(**READER)
    token = {"image_token_id": PICTURE, "image_grid_pinpoints": [[16, 16]]}
    name = "LlavaNextForConditionalGeneration"
    return _of(name, inputs, vision_config=clip, text_config=llama, **token)


def _mllama() -> Built:
    pixels = _random(2, 1, 1, 3, 16, 16)
    tiles = {"aspect_ratio_ids": torch.ones(2, 1).long(), "aspect_ratio_mask": torch.ones(2, 1, 1).long()}
    inputs = _read(1, pixels=pixels, **tiles, cross_attention_mask=torch.ones(2, 5, 1, 1).long())
    vision = {"hidden_size": 32, "num_hidden_layers": 2, "num_global_layers": 1, "attention_heads": 2}
    vision |= {"intermediate_size": 48, "image_size": 16, "patch_size": 8, "max_num_tiles": 1}
    vision |= {"vision_output_dim": 64, "intermediate_layers_indices": [0], "supported_aspect_ratios": [[1, 1]]}
    text = {**READER, "num_hidden_layers": 3, "cross_attention_layers": [1], "pad_token_id": PADDING}
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": 1e4}
    settings = {"vision_config": vision, "text_config": text, "image_token_index": PICTURE}
    return _of("MllamaForConditionalGeneration", inputs, **settings)


def _florence2() -> Built:
    inputs = _read(17, decoder_input_ids=torch.tensor([[2, 7], [2, 4]]))
    vision = {"embed_dim": [16, 32], "depths": [1, 1], "num_heads": [2, 2], "num_groups": [2, 2]}
    vision |= {"patch_size": [3, 3], "patch_stride": [2, 2], "patch_padding": [1, 1], "patch_prenorm": [False, True]}
    vision |= {"window_size": 2, "projection_dim": 32, "max_temporal_embeddings": 4, "max_position_embeddings": 8}
    each = {f"{side}_{what}": size for side in ("encoder", "decoder") for what, size in
            (("layers", 1), ("attention_heads", 2), ("ffn_dim", 48))}  # fmt: skip
    text = {"model_type": "bart", "d_model": 32, **PLACES, **each}
    settings = {"vision_config": vision, "text_config": text, "image_token_id": PICTURE}
    return _of("Florence2ForConditionalGeneration", inputs, **settings)


def _kosmos2() -> Built:
    inputs = _read(4, 1)  # alone it would be asked in float64, which its own mask knows not
    inputs["image_embeds_position_mask"] = (inputs["input_ids"] == PICTURE).long()
    text = {**PLACES, "embed_dim": 32, "layers": 2, "ffn_dim": 48, "attention_heads": 2}
    settings = {"text_config": text, "vision_config": SEER, "latent_query_num": 4}
    return _of("Kosmos2ForConditionalGeneration", inputs, **settings)


def _regions(name: str, seen: dict[str, Tensor], **settings: Any) -> Built:
    """Features of three regions that a detector found, in the place of a picture."""
    text = {key: x for key, x in _read().items() if key != "pixel_values"}
    return _of(name, {**text, **seen}, vocab_size=50, max_position_embeddings=40, **settings)


def _lxmert() -> Built:
    layers = {"l_layers": 1, "x_layers": 1, "r_layers": 1, "visual_feat_dim": 20, "num_qa_labels": 5}
    seen = {"visual_feats": _random(2, 3, 20), "visual_pos": _random(2, 3, 4)}
    sizes = {name: size for name, size in NARROW.items() if name != "num_hidden_layers"}
    return _regions("LxmertForQuestionAnswering", seen, **sizes, **layers)


def _visual_bert() -> Built:
    seen = {"visual_embeds": _random(2, 3, 20), "visual_attention_mask": torch.ones(2, 3).long()}
    return _regions("VisualBertForQuestionAnswering", seen, **NARROW, visual_embedding_dim=20, num_labels=5)


def _vilt() -> Built:
    inputs = _read(pixel_mask=torch.ones(2, 16, 16).long())
    return _of("ViltForQuestionAnswering", inputs, **SEER, **PLACES, num_labels=5)


def _blip() -> Built:
    text = {**NARROW, **PLACES, "encoder_hidden_size": 32}
    return _of("BlipForImageTextRetrieval", _read(), text_config=text, vision_config=SEER)


def _blip_2() -> Built:
    query = {**NARROW, "vocab_size": 50, "encoder_hidden_size": 32, "cross_attention_frequency": 1}
    text = {"model_type": "opt", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 48}
    text |= {**PLACES, "word_embed_proj_dim": 32, "pad_token_id": PADDING}
    settings = {"vision_config": SEER, "qformer_config": query, "text_config": text, "num_query_tokens": 4}
    return _of("Blip2ForConditionalGeneration", _read(4), **settings, image_token_index=PICTURE)


def _llama(name: str, patches: int, vision: Any = SEER, pixels: Tensor | None = None, **settings: Any) -> Built:
    text = {"model_type": "llama", **READER, "pad_token_id": PADDING}
    inputs = _read(patches, pixels=pixels)
    return _of(name, inputs, vision_config=vision, text_config=text, image_token_id=PICTURE, **settings)


GEMMA = {"head_dim": 16, **READER}

FAMILIES: dict[str, Callable[[], Built]] = {
    "altclip": lambda: _clip("AltCLIPModel", text_config={**NARROW, **PLACES, "project_dim": 32}),
    "aya_vision": lambda: _prefixed(
        "AyaVisionForConditionalGeneration", 4, vision_config={**SIGLIP, "patch_size": 4}, downsample_factor=2,
        text_config={"model_type": "cohere2", **READER}, image_token_index=PICTURE,
    ),
    "blip": _blip,
    "blip-2": _blip_2,
    "clip": lambda: _clip("CLIPModel", text_config={**NARROW, **PLACES, "eos_token_id": PICTURE}),
    "florence2": _florence2,
    "gemma3": lambda: _prefixed(
        "Gemma3ForConditionalGeneration", 4, vision_config=SIGLIP, text_config={"model_type": "gemma3_text", **GEMMA},
        image_token_index=PICTURE, mm_tokens_per_image=4,
    ),
    "git": lambda: _of("GitForCausalLM", _read(), vision_config=SEER, **NARROW, **PLACES),
    "glm4v": _glm4v,
    "idefics3": lambda: _llama("Idefics3ForConditionalGeneration", 1, pixels=_random(2, 1, 3, 16, 16), scale_factor=2),
    "internvl": lambda: _llama(
        "InternVLForConditionalGeneration", 4, {**NARROW, "image_size": [16, 16], "patch_size": [4, 4]},
        image_seq_length=4, downsample_ratio=0.5,
    ),
    "kosmos-2": _kosmos2,
    "llava": lambda: _llama("LlavaForConditionalGeneration", 4, {"model_type": "clip_vision_model", **SEER}),
    "llava_next": _llava_next,
    "lxmert": _lxmert,
    "mllama": _mllama,
    "paligemma": lambda: _prefixed(
        "PaliGemmaForConditionalGeneration", 4, vision_config={**SIGLIP, "projection_dim": 32}, projection_dim=32,
        text_config={"model_type": "gemma", **GEMMA}, image_token_index=PICTURE,
    ),
    "qwen2_vl": lambda: _packed("Qwen2VLForConditionalGeneration", {"embed_dim": 32, "mlp_ratio": 2}),
    "qwen2_5_vl": _qwen2_5_vl,
    "qwen3_vl": _qwen3_vl,
    "siglip": _siglip,
    "smolvlm": lambda: _llama("SmolVLMForConditionalGeneration", 1, pixels=_random(2, 1, 3, 16, 16), scale_factor=2),
    "vilt": _vilt,
    "visual_bert": _visual_bert,
}  # fmt: skip
"""By family, a model, and what it sees and reads, by the names of its arguments."""
