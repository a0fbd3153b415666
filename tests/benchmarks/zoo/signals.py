"""Networks for time series and sounds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import torch

from .given import Around, first, given, normal, pixels
from .member import Setup
from .reference import words

Members = dict[str, Callable[[], Setup]]

_EEG = words("""
ATCNet AttentionBaseNet BDTCN BIOT CBraMod CTNet ContraWR Deep4Net DeepSleepNet EEGConformer EEGITNet
EEGInceptionERP EEGInceptionMI EEGMiner EEGNeX EEGNet EEGTCNet HybridNet
MEDFormer MSVTNet SCCNet SPARCNet SSTDPN ShallowFBCSPNet SignalJEPA_PreLocal SincShallowNet
SleepStagerBlanco2020 SleepStagerChambon2018 TCFormer TIDNet TSception
""")


def _eeg(name: str) -> Setup:
    model = getattr(import_module("braindecode.models"), name)(
        n_chans=8, n_outputs=3, n_times=1000, sfreq=250, input_window_seconds=4, **_chans(name)
    )
    x = normal(2, 8, 1000)
    with torch.no_grad():
        made = model.eval()(x.to(next(model.parameters())))
    return Setup(model, (x,), pixels if made.dim() > 2 else None)


def _chans(name: str) -> dict[str, Any]:
    if not name.startswith("SignalJEPA"):
        return {}
    return {"chs_info": [{"ch_name": f"{i}", "loc": [0.01 * i] * 12} for i in range(8)]}


def _called(
    path: str, *shapes: tuple[int, ...], select: Any = None, args: tuple[Any, ...] = (), **settings: Any
) -> Any:
    return partial(given, path, *shapes, select=select, args=args, **settings)


def _with_lengths(model: torch.nn.Module, x: torch.Tensor, select: Any) -> Setup:
    return Setup(Around(model, lambda model, x: model(x, torch.full((len(x),), x.shape[1]))), (x,), select)


def _conformer() -> Setup:
    from torchaudio.models import Conformer

    model = Conformer(input_dim=8, num_heads=2, ffn_dim=12, num_layers=1, depthwise_conv_kernel_size=3)
    return _with_lengths(model, normal(2, 6, 8), lambda o: o[0].mean(1))


def _emformer() -> Setup:
    from torchaudio.models import Emformer

    model = Emformer(8, 2, 12, 1, segment_length=4, right_context_length=1)
    return Setup(
        Around(model, lambda model, x: model(x, torch.full((len(x),), 8))), (normal(2, 9, 8),), lambda o: o[0].mean(1)
    )


def _wav2vec2() -> Setup:
    from torchaudio.models import wav2vec2_model

    model = wav2vec2_model(
        extractor_mode="group_norm",
        extractor_conv_layer_config=[(8, 10, 5), (8, 3, 2)],
        extractor_conv_bias=False,
        encoder_embed_dim=16,
        encoder_projection_dropout=0.0,
        encoder_pos_conv_kernel=4,
        encoder_pos_conv_groups=2,
        encoder_num_layers=1,
        encoder_num_heads=2,
        encoder_attention_dropout=0.0,
        encoder_ff_interm_features=24,
        encoder_ff_interm_dropout=0.0,
        encoder_dropout=0.0,
        encoder_layer_norm_first=False,
        encoder_layer_drop=0.0,
        aux_num_out=5,
    )
    return Setup(model, (normal(2, 800),), lambda o: o[0].mean(1))


TORCHAUDIO: Members = {
    "Conformer": _conformer,
    "Emformer": _emformer,
    "Wav2Vec2": _wav2vec2,
    "ConvTasNet": _called(
        "torchaudio.models:ConvTasNet",
        (2, 1, 400),
        select=pixels,
        num_sources=2,
        enc_num_feats=8,
        msk_num_feats=8,
        msk_num_hidden_feats=8,
        msk_num_layers=2,
        msk_num_stacks=1,
    ),
    "DeepSpeech": _called(
        "torchaudio.models:DeepSpeech", (2, 1, 6, 8), select=lambda o: o.mean(1), n_feature=8, n_hidden=12
    ),
    "Wav2Letter": _called("torchaudio.models:Wav2Letter", (2, 1, 4000), select=pixels, num_classes=5),
}


def _ncp(name: str) -> Setup:
    model = getattr(import_module("ncps.torch"), name)(4, 6, return_sequences=False)
    return Setup(model, (normal(2, 5, 4),), first)


MEMBERS: dict[str, Members] = {
    "braindecode": {name: partial(_eeg, name) for name in _EEG},
    "torchaudio": TORCHAUDIO,
    "pytorch-tcn": {
        "TCN": _called("pytorch_tcn:TCN", (2, 4, 20), select=pixels, num_inputs=4, num_channels=[6, 6], kernel_size=3),
        "TCN, causal": _called(
            "pytorch_tcn:TCN",
            (2, 4, 20),
            select=pixels,
            num_inputs=4,
            num_channels=[6, 6],
            use_gate=True,
            use_skip_connections=True,
        ),
    },
    "ncps": {"CfC": partial(_ncp, "CfC"), "LTC": partial(_ncp, "LTC")},
    "conformer": {
        "Conformer": _called(
            "conformer:Conformer", (2, 10, 16), select=lambda o: o.mean(1), dim=16, depth=1, dim_head=8, heads=2
        ),
    },
}
