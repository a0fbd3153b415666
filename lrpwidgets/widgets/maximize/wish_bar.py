"""The wish, as a sentence that one can read aloud."""

from __future__ import annotations

from typing import Any

import traitlets

from ...maximize import priors
from ..base.view import View, script, style
from .concepts import Opened
from .question import AUTO, MOST_STEPS, PARTS
from .studio import Studio

TITLES = {
    "none": "none",
    "l2": "L2",
    "variation": "total variation",
    "robust": "robustness",
    "fourier": "Fourier + robustness",
    "spectrum": "spectrum of the data (MACO)",
    "mean": "mean of the class",
    "expert": "density expert",
    "code": "code of a generator",
}
"""How priors are called on the screen."""


class WishBar(View):
    """*What excites channel 486 of features.12, prior spectrum of the data (MACO)*: choices in a sentence."""

    shared: Studio
    _esm = script(__file__)
    _css = style(__file__)
    classes: traitlets.List[Any] = traitlets.List(help="names of all classes").tag(sync=True)
    layers: traitlets.List[Any] = traitlets.List(help="[name, words, channels or None] of each").tag(sync=True)
    priors: traitlets.List[Any] = traitlets.List(help="[name, title] of each").tag(sync=True)
    state = traitlets.Dict(help="the wish, and the side of the picture").tag(sync=True)

    def __init__(self, state: Studio, **traits: Any) -> None:
        super().__init__(state, **traits)
        self.follow(self._show, "answer", "layers", "error", *PARTS)

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """A person chose something: ``{"set": "prior", "to": "l2"}``; a layer is chosen with one of its channels."""
        name, value = message["set"], message["to"]
        if name not in PARTS:
            raise ValueError(f"There is no choice {name!r}.")
        if name == "layer":
            self.shared.ask(layer=value, number=self._first(value))
        else:
            self.shared.ask(**{name: value})
        self.seq += 1  # what cannot be is taken back on the page, too

    def _first(self, layer: str | None) -> int:
        """The most relevant channel of a layer, where that is known."""
        known = self.shared.concepts
        if layer is None or known is None:
            return 0
        return known.concepts[0].channel if known.layer == layer and known.concepts else 0

    def _show(self) -> None:
        studio, run = self.shared, self.shared.answer
        classes = studio.subject.classes
        if not classes and run is not None:
            classes = [studio.subject.class_name(number) for number in range(run.network.classes)]
        automatic = TITLES.get(run.prior.name, run.prior.name) if run is not None and studio.prior == AUTO else "…"
        side = None if run is None else int(run.data.mean.shape[-1])
        layers = [[each.name, described(each), each.channels] for each in studio.layers]
        if studio.layer is not None and studio.layer not in [name for name, *_ in layers]:
            layers.append([studio.layer, "", None])  # one that a link or Python asked for
        self.draw(
            classes=list(classes),
            layers=layers,
            priors=[
                [AUTO, f"the one that suits ({automatic})"],
                *([name, TITLES.get(name, name)] for name in priors.names()),
            ],
            state={
                **{name: getattr(studio, name) for name in ("layer", "number", "prior", "steps", "seed", "size")},
                "side": side,
                "most": MOST_STEPS,
            },
        )


def described(layer: Opened) -> str:
    """Kind and sizes of a layer, as in ``conv · 64 × 4²``."""
    places = layer.positions
    square = len(places) == 2 and places[0] == places[1]
    sizes = [str(layer.channels), *([f"{places[0]}²"] if square else map(str, places))]
    return f"{layer.kind} · {' × '.join(sizes)}"
