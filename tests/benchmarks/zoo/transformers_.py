"""transformers: every architecture that classifies texts, pictures, sounds or videos, and some that do other things.

Each from its configuration class, with two narrow layers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers.models.auto import configuration_auto, modeling_auto

from .member import Setup
from .reference import words

transformers.logging.set_verbosity(transformers.logging.CRITICAL + 1)

NARROW: dict[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "dim", "n_embd", "embed_dim", "projection_dim"), 32),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "decoder_layers"), 2),
    **dict.fromkeys(("num_encoder_layers", "num_decoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads", "num_key_value_heads"), 2),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2),
    **dict.fromkeys(
        ("intermediate_size", "n_inner", "hidden_dim", "ffn_dim", "encoder_ffn_dim", "decoder_ffn_dim"), 48
    ),
    **dict.fromkeys(("d_ff", "moe_intermediate_size", "ffn_hidden_size"), 48),
    "head_dim": 16,
    "d_kv": 16,
    "vocab_size": 50,
    "embedding_size": 32,
    "num_experts": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "use_cache": False,
    "num_labels": 5,
    "layer_types": None,
}

PICTURES = {"image_size": 32, "patch_size": 8, "num_channels": 3}

TEXTS = words("""
albert arcee bart bert big_bird biogpt bloom camembert canine convbert ctrl data2vec-text deberta deberta-v2 deepseek_v2
deepseek_v3 diffllama distilbert doge electra ernie esm eurobert exaone4 falcon flaubert fnet funnel gemma gemma2
gemma3_text glm glm4 gpt2 gpt_bigcode gpt_neo gpt_neox gpt_oss gptj helium hunyuan_v1_dense hunyuan_v1_moe ibert jamba
jetmoe layoutlm lilt llama longformer luke markuplm mbart megatron-bert minicpm3 minimax ministral mistral mixtral
mobilebert modernbert modernbert-decoder mpnet mpt mt5 mvp nemotron nomic_bert nystromformer olmo olmo2 olmo3
openai-gpt opt perceiver persimmon phi phi3 phimoe plbart qwen2 qwen2_moe qwen3 qwen3_moe qwen3_next reformer rembert
roberta roberta-prelayernorm roc_bert roformer seed_oss smollm3 squeezebert stablelm starcoder2 t5 tapas umt5
xlm xlm-roberta xlm-roberta-xl xlnet xmod yoso
""")

PADDED = words("albert bert distilbert electra gpt2 llama modernbert opt qwen3 roberta t5 xlnet")

LANGUAGE = words("""
apertus bart bert-generation bitnet cohere cohere2 codegen cpmant cwm dots1 ernie4_5 ernie4_5_moe exaone falcon_mamba
flex_olmo gemma3_text glm4_moe gpt2 granite granitemoe internlm3 lfm2 llama mamba mamba2 marian
minimax_m2 moshi nanochat nemotron_h olmoe pegasus phi3 prophetnet qwen3 rwkv trocr vaultgemma
whisper xlstm
""")

IMAGES = words("""
beit bit clip convnext convnextv2 data2vec-vision deit dinov2 dinov2_with_registers donut-swin focalnet
hgnet_v2 hiera ijepa levit mobilenet_v1 mobilenet_v2 mobilevit mobilevitv2 poolformer pvt pvt_v2 regnet resnet
siglip swiftformer swin swinv2 textnet vit vit_msn
""")

SOUNDS = words("""
audio-spectrogram-transformer data2vec-audio hubert sew sew-d unispeech unispeech-sat wav2vec2 wav2vec2-bert
wav2vec2-conformer wavlm whisper
""")

VIDEOS = words("timesformer videomae vivit vjepa2")

_STAGES = {
    "embed_dim": 16,
    "depths": [1, 1],
    "num_heads": [2, 2],
    "num_layers": 2,
    "window_size": 4,
    "image_size": 32,
    "patch_size": 4,
}
_SEGMENTS = {
    "hidden_sizes": [8, 16, 16, 32],
    "num_attention_heads": [1, 2, 2, 4],
    "depths": [1, 1, 1, 1],
    "num_hidden_layers": [1, 1, 1, 1],
    "image_size": 64,
    "patch_size": 4,
}

OWN: dict[str, dict[str, Any]] = {
    "xmod": {"default_language": "en_XX"},
    "dots1": {"n_routed_experts": 4, "n_shared_experts": 1, "n_group": 1, "topk_group": 1},
    "t5": {"decoder_start_token_id": 0},
    "clip": {
        "vision_config": {
            "image_size": 32,
            "patch_size": 8,
            "num_hidden_layers": 2,
            "hidden_size": 32,
            "num_attention_heads": 2,
            "intermediate_size": 48,
        }
    },
    "siglip": {
        "vision_config": {
            "image_size": 32,
            "patch_size": 8,
            "num_hidden_layers": 2,
            "hidden_size": 32,
            "num_attention_heads": 2,
            "intermediate_size": 48,
        }
    },
    "convnext": {"hidden_sizes": [8, 16, 16, 32], "depths": [1, 1, 1, 1], "image_size": 64},
    "convnextv2": {"hidden_sizes": [8, 16, 16, 32], "depths": [1, 1, 1, 1], "image_size": 64},
    "donut-swin": _STAGES,
    "swin": _STAGES,
    "swinv2": _STAGES,
    "focalnet": {"embed_dim": 16, "depths": [1, 1], "focal_levels": [2, 2], "focal_windows": [3, 3]},
    "hiera": {
        "image_size": [64, 64],
        "patch_size": [7, 7],
        "embed_dim": 16,
        "depths": [1, 1, 1, 1],
        "num_heads": [1, 2, 2, 4],
    },
    "levit": {
        "hidden_sizes": [32, 48, 64],
        "num_attention_heads": [2, 3, 4],
        "depths": [1, 1, 1],
        "key_dim": [8, 8, 8],
        "image_size": 64,
        "patch_size": 16,
    },
    "mobilevitv2": {"image_size": 256},
    "mobilevit": {"image_size": 128, "hidden_sizes": [16, 24, 32], "patch_size": 2},
    "pvt": {**_SEGMENTS, "hidden_sizes": [16, 32, 32, 64]},
    "pvt_v2": _SEGMENTS,
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "num_layers": 2},
    "gptj": {"rotary_dim": 8},
    "codegen": {"rotary_dim": 8},
    "deepseek_v2": {
        "qk_rope_head_dim": 8,
        "qk_nope_head_dim": 8,
        "v_head_dim": 16,
        "kv_lora_rank": 8,
        "q_lora_rank": 8,
        "n_group": 1,
        "topk_group": 1,
        "n_routed_experts": 4,
        "head_dim": 8,
    },
    "deepseek_v3": {
        "qk_rope_head_dim": 8,
        "qk_nope_head_dim": 8,
        "v_head_dim": 16,
        "kv_lora_rank": 8,
        "q_lora_rank": 8,
        "n_group": 1,
        "topk_group": 1,
        "n_routed_experts": 4,
        "head_dim": 8,
    },
    "lilt": {"channel_shrink_ratio": 2, "hidden_size": 48},
    "falcon": {},
    "whisper": {"num_mel_bins": 16, "max_source_positions": 20},
    "audio-spectrogram-transformer": {
        "max_length": 32,
        "num_mel_bins": 32,
        "patch_size": 8,
        "frequency_stride": 8,
        "time_stride": 8,
    },
    "wav2vec2-bert": {"feature_projection_input_dim": 16, "add_adapter": False},
    "vjepa2": {
        "crop_size": 32,
        "frames_per_clip": 4,
        "patch_size": 8,
        "pred_hidden_size": 16,
        "pred_num_attention_heads": 2,
        "pred_num_hidden_layers": 1,
        "num_pooler_layers": 1,
    },
    "vivit": {"tubelet_size": [2, 8, 8]},
    "albert": {"num_hidden_groups": 1},
    "luke": {"entity_vocab_size": 20, "entity_emb_size": 16},
    "perceiver": {
        "num_latents": 6,
        "d_latents": 16,
        "num_self_attends_per_block": 1,
        "num_blocks": 1,
        "num_self_attention_heads": 2,
        "num_cross_attention_heads": 2,
        "max_position_embeddings": 8,
        "image_size": 32,
    },
    "canine": {"num_hash_buckets": 64, "local_transformer_stride": 4},
    "longformer": {"attention_window": 4},
    "big_bird": {"attention_type": "original_full"},
    "mamba": {"state_size": 4, "time_step_rank": 2},
    "falcon_mamba": {"state_size": 4, "time_step_rank": 2},
    "mamba2": {"state_size": 4, "num_heads": 4, "head_dim": 16, "n_groups": 1, "chunk_size": 4, "expand": 2},
    "funnel": {"block_sizes": [1, 1], "d_head": 16, "d_inner": 48},
    "reformer": {
        "axial_pos_shape": [2, 4],
        "axial_pos_embds_dim": [16, 16],
        "attn_layers": ["local", "local"],
        "local_attn_chunk_length": 4,
        "attention_head_size": 16,
        "feed_forward_size": 48,
        "is_decoder": False,
        "max_position_embeddings": 8,
    },
    "tapas": {"type_vocab_sizes": [3, 8, 8, 2, 8, 8, 4]},
    "mobilebert": {"true_hidden_size": 16, "intra_bottleneck_size": 16, "embedding_size": 16},
}
"""What single architectures are told besides, or instead."""


class _Named(nn.Module):
    """A model whose inputs are given by name."""

    def __init__(self, model: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: Tensor) -> Any:
        return self.model(**dict(zip(self.names, inputs, strict=True)))


def configuration(kind: str, **more: Any) -> Any:
    """A narrow configuration of a `kind` of model."""
    make = configuration_auto.CONFIG_MAPPING[kind]
    usual = make()
    fixed = {name for name in NARROW if isinstance(getattr(make, name, None), property)} | set(make.attribute_map)
    wanted = {name: value for name, value in NARROW.items() if hasattr(usual, name) and name not in fixed}
    if "layer_types" in wanted:
        types = usual.layer_types
        wanted["layer_types"] = [types[0], types[-1]] if types else None
    for part in ("text_config", "vision_config", "backbone_config"):
        if hasattr(usual, part):
            wanted.pop("hidden_size", None)
    config = make(**{**wanted, "num_labels": 5, **more, **OWN.get(kind, {})})
    config._experts_implementation = "eager"  # the grouped kernel knows no float64
    return config


def _tokens() -> Tensor:
    ids = torch.randint(3, 50, (2, 8), generator=torch.Generator().manual_seed(1))
    ids[:, 0], ids[:, -1] = 1, 2
    return ids


def _text(kind: str, class_name: str, padded: bool = False) -> Setup:
    model = getattr(transformers, class_name)(configuration(kind))
    ids, mask = _tokens(), torch.ones(2, 8, dtype=torch.int64)
    if padded:
        ids[1, 5:], mask[1, 5:], ids[1, 4] = 0, 0, 2
        return Setup(_Named(model, ("input_ids", "attention_mask")), (ids, mask), lambda o: o.logits)
    return Setup(_Named(model, ("input_ids",)), (ids,), lambda o: o.logits)


def _language(kind: str, class_name: str) -> Setup:
    model = getattr(transformers, class_name)(configuration(kind))
    return Setup(_Named(model, ("input_ids",)), (_tokens(),), lambda o: o.logits[:, -1])


def _image(kind: str, class_name: str) -> Setup:
    config = configuration(kind, **PICTURES)
    size = config.image_size if isinstance(getattr(config, "image_size", None), int) else 64
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    model = getattr(transformers, class_name)(config)
    return Setup(_Named(model, ("pixel_values",)), (x,), lambda o: o.logits)


def _sound(kind: str, class_name: str) -> Setup:
    more = {"conv_dim": (8, 8, 8), "conv_kernel": (10, 3, 3), "conv_stride": (5, 2, 2), "num_conv_pos_embeddings": 16}
    more |= {"num_conv_pos_embedding_groups": 2, "classifier_proj_size": 16, "num_feat_extract_layers": 3}
    config = configuration(kind, **more)
    model = getattr(transformers, class_name)(config)
    x = torch.randn(2, 1600, generator=torch.Generator().manual_seed(1))
    return Setup(_Named(model, ("input_values",)), (x,), lambda o: o.logits)


def _video(kind: str, class_name: str) -> Setup:
    model = getattr(transformers, class_name)(configuration(kind, **PICTURES, num_frames=4))
    x = torch.randn(2, 4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    name = "pixel_values_videos" if kind == "vjepa2" else "pixel_values"
    return Setup(_Named(model, (name,)), (x,), lambda o: o.logits)


def _mel(kind: str, class_name: str, name: str, *shape: int) -> Setup:
    model = getattr(transformers, class_name)(configuration(kind))
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1))
    return Setup(_Named(model, (name,)), (x,), lambda o: o.logits)


def _of(names: str, kinds: list[str], build: Callable[..., Setup], **more: Any) -> dict[str, Callable[[], Setup]]:
    classes = getattr(modeling_auto, f"MODEL_FOR_{names}_MAPPING_NAMES")
    found = {}
    for kind in kinds:
        each = classes[kind]
        class_name = each if isinstance(each, str) else each[0]
        found[f"{class_name}{', padded' if more else ''}"] = partial(build, kind, class_name, **more)
    return found


_MEMBERS: dict[str, Callable[[], Setup]] = {
    **_of("SEQUENCE_CLASSIFICATION", TEXTS, _text),
    **_of("SEQUENCE_CLASSIFICATION", PADDED, _text, padded=True),
    **_of("CAUSAL_LM", LANGUAGE, _language),
    **_of("IMAGE_CLASSIFICATION", IMAGES, _image),
    **_of("AUDIO_CLASSIFICATION", SOUNDS, _sound),
    **_of("VIDEO_CLASSIFICATION", VIDEOS, _video),
    "ASTForAudioClassification": partial(
        _mel, "audio-spectrogram-transformer", "ASTForAudioClassification", "input_values", 32, 32
    ),
    "WhisperForAudioClassification": partial(
        _mel, "whisper", "WhisperForAudioClassification", "input_features", 16, 40
    ),
    "Wav2Vec2BertForSequenceClassification": partial(
        _mel, "wav2vec2-bert", "Wav2Vec2BertForSequenceClassification", "input_features", 20, 16
    ),
}

MEMBERS = {"transformers": _MEMBERS}
