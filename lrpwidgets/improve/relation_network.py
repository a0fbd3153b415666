"""Relation networks, which learn to compare (Sung et al. 2018, "Learning to compare").

An *embedding* makes features of every input. Those of a class, the mean over its shots, are put beside those of a
query, and a *relation module* gives the pair a score: how much the query is of that class. So a class needs no weights
of its own.

Here scores are logits over the classes of the episode, and features of shots are averaged; Sung et al. take a sigmoid
with squared errors, and the sum.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RelationNetwork(nn.Module):
    """Scores queries by their relation to the support of each class.

    Parameters
    ----------
    embedding
        Inputs (B, ...) to features (B, C, ...), at best not negative.
    relation
        Pairs of features (P, 2C, ...), those of the class before those of the query, to one score each, (P, 1).
    """

    def __init__(self, embedding: nn.Module, relation: nn.Module) -> None:
        super().__init__()
        self.embedding, self.relation = embedding, relation

    @classmethod
    def of(cls, sample: Tensor, embedding: nn.Module | None = None) -> RelationNetwork:
        """A small untrained one for inputs like `sample` (C, H, W), or (D,), without the batch axis.

        Parameters
        ----------
        embedding
            Used as it is; by default convolutions down to 4 × 4 … 7 × 7 positions for pictures, a dense layer for
            vectors.

        Raises
        ------
        ValueError
            If there is no default for such inputs, or the embedding makes no features (B, C, ...) of them.
        """
        made = _embedding(tuple(sample.shape)) if embedding is None else embedding
        features = _features(made, sample)
        return cls(made, _relation(tuple(features.shape[1:])).to(features))

    def forward(self, support: Tensor, query: Tensor) -> Tensor:
        """Scores (Q, N) of queries (Q, ...) for the classes of a support (N, K, ...)."""
        return self.scores(self.pairs(*self.features(support, query)))

    def features(self, support: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Features (N, K, C, ...) and (Q, C, ...), made in one batch."""
        way, shot = support.shape[:2]
        both: Tensor = self.embedding(torch.cat([support.flatten(0, 1), query]))
        first = both[: way * shot]
        return first.reshape(way, shot, *first.shape[1:]), both[way * shot :]

    def pairs(self, support: Tensor, query: Tensor) -> Tensor:
        """Each query with each class, (Q, N, 2C, ...), from the features (N, K, C, ...) and (Q, C, ...)."""
        classes = support.mean(1)
        shape = (len(query), len(classes), *query.shape[1:])
        return torch.cat([classes[None].expand(shape), query[:, None].expand(shape)], 2)

    def scores(self, pairs: Tensor) -> Tensor:
        """Score of each pair, (Q, N), from (Q, N, 2C, ...)."""
        found: Tensor = self.relation(pairs.flatten(0, 1))
        return found.reshape(pairs.shape[:2])


def _features(embedding: nn.Module, sample: Tensor) -> Tensor:
    """What the embedding makes of one sample; the norms in it count nothing."""
    first, training = next(embedding.parameters(), sample), embedding.training
    try:
        with torch.no_grad():
            found = embedding.eval()(sample[None].to(first.device))
    finally:
        embedding.train(training)
    if not isinstance(found, Tensor) or found.dim() < 2 or len(found) != 1:
        got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ValueError(f"The embedding must make features (B, C, ...); of one input, (1, ...), it made {got}.")
    return found


def _embedding(shape: tuple[int, ...]) -> nn.Module:
    if len(shape) == 1:
        return nn.Sequential(nn.Linear(shape[0], 64), nn.ReLU())
    if len(shape) != 3:
        raise ValueError(f"There is no default embedding for inputs of shape {shape}; give one, an nn.Module.")
    channels, side, width = shape[0], min(shape[1:]), 16
    layers: list[nn.Module] = []
    while side > 7:
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels, width, side = width, 32, side // 2
    return nn.Sequential(*layers, nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU())


def _relation(shape: tuple[int, ...]) -> nn.Module:
    """A relation module for features of that `shape`: of pictures (C, H, W), else as one long vector."""
    if len(shape) != 3:
        return nn.Sequential(nn.Flatten(), nn.Linear(2 * torch.Size(shape).numel(), 64), nn.ReLU(), nn.Linear(64, 1))
    channels, side = shape[0], min(2, *shape[1:])
    return nn.Sequential(
        nn.Conv2d(2 * channels, channels, 3, padding=1),
        nn.ReLU(),
        *([nn.MaxPool2d(2)] if min(shape[1:]) > 3 else []),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(side),
        nn.Flatten(),
        nn.Linear(channels * side**2, 32),
        nn.ReLU(),
        nn.Linear(32, 1),
    )
