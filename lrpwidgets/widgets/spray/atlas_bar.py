"""The question in words: whose strategies, under which composite, compared by what, and how they are shown."""

from __future__ import annotations

from typing import Any

import traitlets

from ...spray import Atlas
from ...spray.channels import AUTO, INPUT
from ..base.view import View, script, style
from .question import COLOURS, PARTS
from .state import Investigation

_EMBEDDINGS = {"spectral": "spectral", "tsne": "t-SNE", "umap": "UMAP"}


class AtlasBar(View):
    """Whose maps these are, and the choices that shape the atlas."""

    shared: Investigation
    _esm = script(__file__)
    _css = style(__file__)
    state = traitlets.Dict(help="the question, and its choices").tag(sync=True)

    def __init__(self, state: Investigation, **traits: Any) -> None:
        super().__init__(state, **traits)
        self.follow(self._show, "answer", *PARTS, "points")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """A person chose something: ``{"set": "colour", "to": "score"}``."""
        if message["set"] not in PARTS:
            raise ValueError(f"There is no choice {message['set']!r}.")
        setattr(self.shared, message["set"], message["to"])

    def _views(self, atlas: Atlas | None) -> list[list[str]]:
        """What can be compared, and in words what the atlas tells of it."""
        told = {view.layer: f" · {view.times:.1f} × chance" for view in (atlas.views if atlas else ())}
        places = {INPUT: "the input", **{name: f"channels of {name}" for name in self.shared.store.info.layers}}
        taken = f": {places[atlas.features.layer]}" if atlas and self.shared.shown.layer == AUTO else ""
        every = {
            AUTO: f"where it separates{taken}",
            **{name: words + told.get(name, "") for name, words in places.items()},
        }
        return [[name, words] for name, words in every.items()]

    def _show(self) -> None:
        state = self.shared
        atlas, info = state.answer, state.store.info
        whose = "all classes" if state.group is None else f"“{state.store.class_name(state.group)}”"
        own = str(info.composite["name"])
        self.draw(
            state={
                **{name: getattr(state, name) for name in PARTS},
                "title": f"Strategies of the network for {whose}",
                "drawn": state.drawn,
                "samples": 0 if atlas is None else len(atlas),
                "clusters": 0 if atlas is None else atlas.count,
                "eigengap": 0 if atlas is None else atlas.eigengap,
                "composites": [["", own], *([name, name] for name in state.presets() if name != own)],
                "embeddings": [[name, _EMBEDDINGS[name]] for name in state.embeddings()],
                "colours": list(COLOURS),
                "views": self._views(atlas),
                "moving": atlas is not None and state.embedding not in atlas.made,
            }
        )
