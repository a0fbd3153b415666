"""Networks for sequences of tokens."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from .given import Around, given, last, normal, numbers
from .member import Setup
from .reference import words

Members = dict[str, Callable[[], Setup]]


def _x(kind: str = "Decoder", **settings: Any) -> Setup:
    import x_transformers

    outer = {name: settings.pop(name) for name in list(settings) if name in _OF_THE_WRAPPER}
    layers = getattr(x_transformers, kind)(dim=32, depth=1, heads=2, attn_dim_head=16, **settings)
    model = x_transformers.TransformerWrapper(num_tokens=50, max_seq_len=16, attn_layers=layers, **outer)
    return Setup(model, (numbers(50, 2, 8),), last)


_OF_THE_WRAPPER = ("num_memory_tokens", "use_abs_pos_emb", "scaled_sinu_pos_emb", "post_emb_norm", "emb_dim")


def _continuous() -> Setup:
    import x_transformers

    layers = x_transformers.Encoder(dim=32, depth=1, heads=2, attn_dim_head=16)
    model = x_transformers.ContinuousTransformerWrapper(dim_in=6, dim_out=4, max_seq_len=16, attn_layers=layers)
    return Setup(model, (normal(2, 8, 6),), lambda o: o.mean(1))


def _picture() -> Setup:
    import x_transformers

    layers = x_transformers.Encoder(dim=32, depth=1, heads=2, attn_dim_head=16)
    model = x_transformers.ViTransformerWrapper(image_size=32, patch_size=8, num_classes=5, attn_layers=layers)
    return Setup(model, (normal(2, 3, 32, 32),))


X: Members = {
    "Decoder": _x,
    "Encoder": partial(_x, "Encoder"),
    **{
        name: partial(_x, **{name: True})
        for name in words("""
rotary_pos_emb alibi_pos_bias rel_pos_bias use_rmsnorm use_simple_rmsnorm use_scalenorm
ff_glu ff_swish ff_relu_squared ff_no_bias sandwich_norm residual_attn gate_residual
scale_residual macaron attn_qk_norm attn_flash attn_gate_values attn_one_kv_head shift_tokens
pre_norm_has_final_norm attn_head_scale attn_add_zero_kv rotary_xpos
attn_laser attn_on_attn ff_post_act_ln attn_value_rmsnorm use_dynamic_tanh
""")
    },
    "attn_kv_heads": partial(_x, attn_kv_heads=1),
    "attn_sparse_topk": partial(_x, attn_sparse_topk=3),
    "attn_num_mem_kv": partial(_x, attn_num_mem_kv=2),
    "num_memory_tokens": partial(_x, num_memory_tokens=2),
    "scaled_sinu_pos_emb": partial(_x, scaled_sinu_pos_emb=True),
    "post_emb_norm": partial(_x, post_emb_norm=True),
    "emb_dim": partial(_x, emb_dim=12),
    "num_residual_streams": partial(_x, num_residual_streams=2),
    "ContinuousTransformerWrapper": _continuous,
    "ViTransformerWrapper": _picture,
}


def _bert() -> Any:
    import transformers

    config = transformers.BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48, vocab_size=50, num_labels=5
    )
    return transformers.BertForSequenceClassification(config)


def _peft(name: str, **settings: Any) -> Setup:
    import peft

    config = getattr(peft, name)(task_type="SEQ_CLS", **settings)
    model = peft.get_peft_model(_bert(), config)
    around = Around(model, lambda model, ids: model(input_ids=ids).logits)
    return Setup(around, (numbers(50, 2, 8, low=1),))


_TARGETS = {"target_modules": ["query", "value"]}

PEFT: Members = {
    "LoRA": partial(_peft, "LoraConfig", r=4, **_TARGETS),
    "DoRA": partial(_peft, "LoraConfig", r=4, use_dora=True, **_TARGETS),
    "LoRA, rank-stabilized": partial(_peft, "LoraConfig", r=4, use_rslora=True, target_modules="all-linear"),
    "AdaLoRA": partial(_peft, "AdaLoraConfig", init_r=4, total_step=10, **_TARGETS),
    "IA3": partial(_peft, "IA3Config", target_modules=["key", "value"], feedforward_modules=[]),
    "LoHa": partial(_peft, "LoHaConfig", r=4, **_TARGETS),
    "LoKr": partial(_peft, "LoKrConfig", r=4, **_TARGETS),
    "OFT": partial(_peft, "OFTConfig", oft_block_size=4, **_TARGETS),
    "BOFT": partial(_peft, "BOFTConfig", boft_block_size=4, **_TARGETS),
    "VeRA": partial(_peft, "VeraConfig", r=4, **_TARGETS),
    "prompt tuning": partial(_peft, "PromptTuningConfig", num_virtual_tokens=3),
    "P-tuning": partial(_peft, "PromptEncoderConfig", num_virtual_tokens=3, encoder_hidden_size=8),
    "layer norm tuning": partial(_peft, "LNTuningConfig", target_modules=["LayerNorm"]),
}


def _tokens(path: str, *, select: Any = last, **settings: Any) -> Setup:
    module, _, name = path.partition(":")
    model = getattr(import_module(module), name)(**settings)
    return Setup(model, (numbers(50, 2, 8),), select)


_USUAL = {"num_tokens": 50, "dim": 32, "depth": 1, "heads": 2, "max_seq_len": 8}


def _sentence() -> Setup:
    import transformers

    model = transformers.BertModel(_bert().config)

    def pooled(model: Any, ids: Any) -> Any:
        """As sentence-transformers pools: the mean of all tokens that are none of padding, normalized."""
        from sentence_transformers.util import normalize_embeddings

        states, mask = model(input_ids=ids).last_hidden_state, (ids != 0).unsqueeze(-1).to(model.dtype)
        return normalize_embeddings((states * mask).sum(1) / mask.sum(1).clamp(min=1e-9))

    return Setup(Around(model, pooled), (numbers(50, 2, 8, low=1),))


MEMBERS: dict[str, Members] = {
    "x-transformers": X,
    "peft": PEFT,
    "performer-pytorch": {"PerformerLM": partial(_tokens, "performer_pytorch:PerformerLM", **_USUAL, causal=False)},
    "linformer": {
        "LinformerLM": partial(
            _tokens, "linformer:LinformerLM", num_tokens=50, dim=32, seq_len=8, depth=1, k=4, heads=2
        )
    },
    "linear-attention-transformer": {
        "LinearAttentionTransformerLM": partial(
            _tokens, "linear_attention_transformer:LinearAttentionTransformerLM", **_USUAL
        )
    },
    "nystrom-attention": {
        "Nystromformer": partial(
            given,
            "nystrom_attention:Nystromformer",
            (2, 8, 32),
            select=lambda o: o.mean(1),
            dim=32,
            depth=1,
            heads=2,
            dim_head=16,
            num_landmarks=4,
        )
    },
    "sentence-transformers": {"mean pooling": _sentence},
}
