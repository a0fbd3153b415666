"""What is asked of a store, whole and as a value; it has a text form, from which links and files are made."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, get_args

from ...spray.channels import AUTO
from ...spray.classes import By
from ...spray.clusters import METHODS, Method
from ...spray.features import SIGNS, Sign
from ..base.plain import Plain

COLOURS = ("cluster", "label", "prediction", "right or wrong", "score")
"""What can colour the points."""

BY = get_args(By)
EMBEDDINGS = ("spectral", "tsne", "umap")


@dataclass(frozen=True)
class AtlasQuestion(Plain):
    """Which maps, made comparable in which way, cut into which clusters, and how they are shown."""

    group: int | None = None
    """The class whose maps are looked at; None: all maps."""
    by: By = "prediction"
    """Which maps belong to a class: those of this prediction, or of this label."""
    composite: str = ""
    """The preset under which maps are computed again; empty: as they are in the store."""
    sign: Sign = "signed"
    layer: str = AUTO
    """What is compared: relevance of the ``"input"`` or of a layer's channels; ``"auto"``: where clusters stand out."""
    method: Method = "spectral"
    count: int | None = None
    """How many clusters; None: as many as the eigengap suggests."""
    embedding: str = "tsne"
    colour: str = "cluster"

    def __post_init__(self) -> None:
        choices = {"by": BY, "sign": tuple(SIGNS), "method": METHODS, "embedding": EMBEDDINGS, "colour": COLOURS}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}.")
        for name, least in (("group", 0), ("count", 1)):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
                raise ValueError(f"{name} must be a whole number from {least} on, got {value!r}.")
        if not isinstance(self.composite, str):
            raise ValueError(f"composite must be the name of a preset, got {self.composite!r}.")
        if not isinstance(self.layer, str):
            raise ValueError(f"layer must be the name of a layer, 'input' or 'auto', got {self.layer!r}.")

    @property
    def graph(self) -> tuple[Any, ...]:
        """What the neighbour graph depends on."""
        return self.group, self.by, self.composite, self.sign, self.layer

    @property
    def clustering(self) -> tuple[Any, ...]:
        """What clusters depend on."""
        return *self.graph, self.method, self.count


PARTS = tuple(each.name for each in fields(AtlasQuestion))
