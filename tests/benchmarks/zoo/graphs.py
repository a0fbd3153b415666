"""Networks for graphs: one graph is one sample, its edges are part of the model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from .given import Around, normal
from .member import Setup
from .reference import words

NODES, FEATURES = 6, 8
EDGES = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 0, 3], [1, 0, 2, 1, 3, 2, 4, 3, 5, 4, 0, 5, 3, 0]])
PLACES = normal(NODES, 3, seed=2).double()
TYPES = torch.arange(EDGES.shape[1]) % 3


def _graph(model: nn.Module, call: Callable[..., Any]) -> Setup:
    """A layer that is called with the nodes (N, F), for a batch of a single graph; scores of all its nodes."""
    around = Around(model, lambda model, x: call(model, x[0]).unsqueeze(0))
    return Setup(around, (normal(1, NODES, FEATURES),), lambda output: output.mean(1))


def _layer(
    name: str, *args: Any, edges: dict[str, Any] | None = None, extra: tuple[Any, ...] = (), **settings: Any
) -> Setup:
    layer = getattr(import_module("torch_geometric.nn"), name)(*args, **settings)
    return _graph(layer, lambda layer, x: layer(x, EDGES, *extra, **(edges or {})))


def _wide(*args: Any, **settings: Any) -> Any:
    return partial(_layer, *args, **settings)


def _mlp(inputs: int = FEATURES, outputs: int = 5) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, 12), nn.ReLU(), nn.Linear(12, outputs))


_ATTRIBUTES = {"edge_attr": normal(EDGES.shape[1], 4).double()}
_WEIGHTS = {"edge_weight": normal(EDGES.shape[1]).double().abs()}


def _points(name: str, call: Callable[..., Any], **settings: Any) -> Setup:
    layer = getattr(import_module("torch_geometric.nn"), name)(**settings)
    return _graph(layer, call)


def _model(name: str, **settings: Any) -> Setup:
    model = getattr(import_module("torch_geometric.nn.models"), name)(
        in_channels=FEATURES, hidden_channels=12, num_layers=2, out_channels=5, **settings
    )
    return _graph(model, lambda model, x: model(x, EDGES))


class _Pooled(nn.Module):
    """Two graphs of a batch with a pooling of their nodes, as a classifier of graphs has it."""

    def __init__(self, pooling: Callable[..., Tensor], *modules: nn.Module) -> None:
        super().__init__()
        from torch_geometric.nn import GCNConv

        self.layer, self.head = GCNConv(FEATURES, 12), nn.LazyLinear(5)
        self.pooling, self.kept = pooling, nn.ModuleList(modules)

    def forward(self, x: Tensor) -> Tensor:
        graphs, nodes, _ = x.shape
        offsets = nodes * torch.arange(graphs).repeat_interleave(EDGES.shape[1])
        hidden = nn.functional.softplus(self.layer(x.flatten(0, 1), EDGES.repeat(1, graphs) + offsets))
        scores: Tensor = self.head(self.pooling(hidden, torch.arange(graphs).repeat_interleave(nodes)))
        return scores


def _pooled(name: str) -> Setup:
    nets = import_module("torch_geometric.nn")
    aggregations = {
        "AttentionalAggregation": lambda: nets.AttentionalAggregation(_mlp(12, 1)),
        "SoftmaxAggregation": lambda: nets.SoftmaxAggregation(learn=True),
        "PowerMeanAggregation": lambda: nets.PowerMeanAggregation(learn=True),
        "Set2Set": lambda: nets.Set2Set(12, 2),
        "SortAggregation": lambda: nets.SortAggregation(3),
        "MultiAggregation": lambda: nets.MultiAggregation(["mean", "max", "std", "var", "sum"]),
        "DeepSetsAggregation": lambda: nets.DeepSetsAggregation(_mlp(12, 12), _mlp(12, 12)),
        "LSTMAggregation": lambda: nets.LSTMAggregation(12, 12),
        "GRUAggregation": lambda: nets.GRUAggregation(12, 12),
        "MedianAggregation": lambda: nets.MedianAggregation(),
        "SetTransformerAggregation": lambda: nets.SetTransformerAggregation(12, heads=2),
    }
    if name in aggregations:
        made = aggregations[name]()
        model = _Pooled(lambda x, graph: made(x, graph), made)
    else:
        pooling = getattr(nets, name)
        model = _Pooled(lambda x, graph: pooling(x, graph))
    x = normal(2, NODES, FEATURES)
    model.double()(x.double())
    return Setup(model, (x,))


def _egnn() -> Setup:
    from egnn_pytorch import EGNN

    layer = EGNN(dim=FEATURES)
    around = Around(layer, lambda layer, x: layer(x, PLACES.expand(len(x), -1, -1))[0].mean(1))
    return Setup(around, (normal(2, NODES, FEATURES),))


GEOMETRIC: dict[str, Callable[[], Setup]] = {
    **{
        name: _wide(name, FEATURES, 5)
        for name in words("""
GCNConv SAGEConv GraphConv GATConv GATv2Conv TransformerConv TAGConv SGConv ARMAConv LEConv
ClusterGCNConv FiLMConv SuperGATConv MFConv GENConv ResGatedGraphConv GeneralConv MixHopConv HypergraphConv
""")
    },
    "GCNConv, weights": _wide("GCNConv", FEATURES, 5, edges=_WEIGHTS),
    "SAGEConv, max": _wide("SAGEConv", FEATURES, 5, aggr="max"),
    "SAGEConv, median": _wide("SAGEConv", FEATURES, 5, aggr="median"),
    "GATConv, heads": _wide("GATConv", FEATURES, 5, heads=2, concat=False, edge_dim=4, edges=_ATTRIBUTES),
    "GATv2Conv, heads": _wide("GATv2Conv", FEATURES, 5, heads=2, edge_dim=4, edges=_ATTRIBUTES),
    "TransformerConv, heads": _wide("TransformerConv", FEATURES, 5, heads=2, beta=True, edge_dim=4, edges=_ATTRIBUTES),
    "GENConv, softmax": _wide("GENConv", FEATURES, 5, aggr="softmax", learn_t=True, edge_dim=4, edges=_ATTRIBUTES),
    "ChebConv": _wide("ChebConv", FEATURES, 5, K=3),
    "GatedGraphConv": _wide("GatedGraphConv", FEATURES, 2),
    "APPNP": _wide("APPNP", K=3, alpha=0.1),
    "AGNNConv": _wide("AGNNConv"),
    "LGConv": _wide("LGConv"),
    "EGConv": _wide("EGConv", FEATURES, 8, num_heads=2, num_bases=2),
    "FeaStConv": _wide("FeaStConv", FEATURES, 5, heads=2),
    "DNAConv": lambda: _points(
        "DNAConv", lambda layer, x: layer(x.unsqueeze(1).repeat(1, 3, 1), EDGES), channels=FEATURES, heads=2
    ),
    "FAConv": lambda: _points("FAConv", lambda layer, x: layer(x, x, EDGES), channels=FEATURES),
    "GCN2Conv": lambda: _points("GCN2Conv", lambda layer, x: layer(x, x, EDGES), channels=FEATURES, alpha=0.1),
    "GINConv": lambda: _points("GINConv", lambda layer, x: layer(x, EDGES), nn=_mlp(), train_eps=True),
    "GINEConv": lambda: _points(
        "GINEConv", lambda layer, x: layer(x, EDGES, _ATTRIBUTES["edge_attr"]), nn=_mlp(), edge_dim=4
    ),
    "EdgeConv": lambda: _points("EdgeConv", lambda layer, x: layer(x, EDGES), nn=_mlp(2 * FEATURES)),
    "NNConv": lambda: _points(
        "NNConv",
        lambda layer, x: layer(x, EDGES, _ATTRIBUTES["edge_attr"]),
        in_channels=FEATURES,
        out_channels=5,
        nn=_mlp(4, 40),
    ),
    "CGConv": _wide("CGConv", FEATURES, 4, edges=_ATTRIBUTES),
    "PNAConv": _wide(
        "PNAConv",
        FEATURES,
        5,
        aggregators=["mean", "min", "max", "std"],
        scalers=["identity", "amplification"],
        deg=torch.tensor([0, 0, 4, 2]),
    ),
    "GMMConv": _wide("GMMConv", FEATURES, 5, dim=4, kernel_size=2, edges=_ATTRIBUTES),
    "RGCNConv": _wide("RGCNConv", FEATURES, 5, 3, edges={"edge_type": TYPES}),
    "FastRGCNConv": _wide("FastRGCNConv", FEATURES, 5, 3, edges={"edge_type": TYPES}),
    "RGATConv": _wide("RGATConv", FEATURES, 5, 3, edges={"edge_type": TYPES}),
    "PDNConv": _wide("PDNConv", FEATURES, 5, edge_dim=4, hidden_channels=6, edges=_ATTRIBUTES),
    "PointNetConv": lambda: _points(
        "PointNetConv", lambda layer, x: layer(x, PLACES, EDGES), local_nn=_mlp(FEATURES + 3)
    ),
    "PointTransformerConv": lambda: _points(
        "PointTransformerConv", lambda layer, x: layer(x, PLACES, EDGES), in_channels=FEATURES, out_channels=5
    ),
    "GPSConv": lambda: _points(
        "GPSConv",
        lambda layer, x: layer(x, EDGES),
        channels=FEATURES,
        conv=import_module("torch_geometric.nn").GCNConv(FEATURES, FEATURES),
        heads=2,
        norm="layer_norm",
    ),
    "AntiSymmetricConv": _wide("AntiSymmetricConv", FEATURES),
    "DenseGCNConv": lambda: _points(
        "DenseGCNConv", lambda layer, x: layer(x, _adjacency(x))[0], in_channels=FEATURES, out_channels=5
    ),
    "DenseGATConv": lambda: _points(
        "DenseGATConv", lambda layer, x: layer(x, _adjacency(x))[0], in_channels=FEATURES, out_channels=5
    ),
    **{name: partial(_model, name) for name in ("GCN", "GraphSAGE", "GIN", "GAT", "EdgeCNN")},
    "GAT v2, jumping": partial(_model, "GAT", v2=True, heads=2, jk="lstm"),
    "GCN, jumping": partial(_model, "GCN", jk="cat", norm="graph_norm"),
    **{name: partial(_pooled, name) for name in ("global_mean_pool", "global_add_pool", "global_max_pool")},
    **{
        name: partial(_pooled, name)
        for name in (
            "AttentionalAggregation",
            "SoftmaxAggregation",
            "PowerMeanAggregation",
            "Set2Set",
            "SortAggregation",
            "MultiAggregation",
            "DeepSetsAggregation",
            "LSTMAggregation",
            "GRUAggregation",
            "MedianAggregation",
            "SetTransformerAggregation",
        )
    },
}


def _adjacency(x: Tensor) -> Tensor:
    return x.new_zeros(NODES, NODES).index_put((EDGES[0], EDGES[1]), x.new_ones(()))


MEMBERS = {"torch-geometric": GEOMETRIC, "egnn-pytorch": {"EGNN": _egnn}}
