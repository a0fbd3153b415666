"""Networks for rows of tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from .given import Around, first, given, normal, numbers
from .member import Setup

Members = dict[str, Callable[[], Setup]]


def _called(
    path: str, *shapes: tuple[int, ...], select: Any = None, args: tuple[Any, ...] = (), **settings: Any
) -> Any:
    return partial(given, path, *shapes or ((3, 6),), select=select, args=args, **settings)


def _tabnet(mask: str) -> Setup:
    from pytorch_tabnet import sparsemax
    from pytorch_tabnet.tab_network import TabNet

    # Looked up when it is called, so that the reference can open it.
    sparsemax.entmax15 = lambda *given: sparsemax.Entmax15Function.apply(*given)
    settings = {"n_d": 4, "n_a": 4, "n_steps": 2, "mask_type": mask}
    model = TabNet(input_dim=6, output_dim=3, group_attention_matrix=torch.eye(6).double(), **settings)
    return Setup(model, (normal(3, 6),), first)


def _tab_transformer(name: str, **settings: Any) -> Setup:
    import tab_transformer_pytorch

    model = getattr(tab_transformer_pytorch, name)(
        categories=(4, 5), num_continuous=3, dim=16, dim_out=3, depth=1, heads=2, dim_head=8, **settings
    )
    return Setup(model, (numbers(4, 3, 2), normal(3, 3)))


def _ft(categories: bool) -> Setup:
    from rtdl_revisiting_models import FTTransformer

    cardinalities = [4, 5] if categories else []
    model = FTTransformer(
        n_cont_features=3,
        cat_cardinalities=cardinalities,
        d_out=3,
        **{**FTTransformer.get_default_kwargs(1), "d_block": 16, "attention_n_heads": 2},
    )
    x = normal(3, 3)
    if categories:
        return Setup(model, (x, numbers(4, 3, 2)))
    return Setup(Around(model, lambda model, x: model(x, None)), (x,))


def _deepctr(name: str, **settings: Any) -> Setup:
    import deepctr_torch.models as models
    from deepctr_torch.inputs import DenseFeat, SparseFeat

    features = [SparseFeat("a", 4, embedding_dim=4), SparseFeat("b", 5, embedding_dim=4), DenseFeat("c", 2)]
    model = getattr(models, name)(features, features, task="binary", dnn_hidden_units=(8, 8), **settings)
    x = torch.cat([numbers(3, 3, 2).double() + 1, normal(3, 2).double()], 1)  # no category 0: 0 × gradient is 0
    return Setup(model, (x,))


def _embedded(name: str, **settings: Any) -> Setup:
    import rtdl_num_embeddings

    layer = getattr(rtdl_num_embeddings, name)(4, 8, **settings)
    head = torch.nn.Linear(32, 3)
    return Setup(torch.nn.Sequential(layer, torch.nn.Flatten(), head), (normal(3, 4),))


def _kan() -> Setup:
    from kan import KAN

    model = KAN(width=[4, 3, 2], grid=3, k=3, auto_save=False, symbolic_enabled=False)
    model.speed()
    return Setup(model, (normal(3, 4).tanh(),))


MEMBERS: dict[str, Members] = {
    "pytorch-tabnet": {
        "TabNet, sparsemax": partial(_tabnet, "sparsemax"),
        "TabNet, entmax": partial(_tabnet, "entmax"),
    },
    "rtdl_revisiting_models": {
        "MLP": _called("rtdl_revisiting_models:MLP", d_in=6, d_out=3, n_blocks=2, d_block=8, dropout=0.1),
        "ResNet": _called(
            "rtdl_revisiting_models:ResNet",
            d_in=6,
            d_out=3,
            n_blocks=2,
            d_block=8,
            d_hidden=12,
            d_hidden_multiplier=None,
            dropout1=0.1,
            dropout2=0.0,
        ),
        "FTTransformer": partial(_ft, False),
        "FTTransformer, categories": partial(_ft, True),
    },
    "rtdl_num_embeddings": {
        "LinearReLUEmbeddings": partial(_embedded, "LinearReLUEmbeddings"),
        "PeriodicEmbeddings": partial(_embedded, "PeriodicEmbeddings", lite=False),
        "PeriodicEmbeddings, lite": partial(_embedded, "PeriodicEmbeddings", lite=True),
    },
    "tab-transformer-pytorch": {
        "TabTransformer": partial(_tab_transformer, "TabTransformer", mlp_act=torch.nn.ReLU()),
        "FTTransformer": partial(_tab_transformer, "FTTransformer"),
    },
    "deepctr-torch": {
        name: partial(_deepctr, name)
        for name in ("DeepFM", "WDL", "DCN", "xDeepFM", "AutoInt", "FiBiNET", "NFM", "IFM")
    },
    "pykan": {"KAN": _kan},
}
