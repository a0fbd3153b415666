"""What the model is to forget: in pictures, and what the poison tests said of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray
from torch import Tensor

from ...colours import averaged
from ...improve import Concept
from ..base.view import View, script, style
from .workshop import Workshop

SIDE = 64
"""Most pixels along a side of a picture."""


class ForgetView(View):
    """The concept that is to be forgotten, some inputs with it, and the verdict; others that were tested."""

    shared: Workshop
    _esm = script(__file__)
    _css = style(__file__)
    state = traitlets.Dict(help="name, class, sentence and verdict of what is to be forgotten; what is looked for").tag(
        sync=True
    )
    tested: traitlets.List[Any] = traitlets.List(help="[text, whether it is the one] of what was tested").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="height and width of each picture").tag(sync=True)
    pictures = traitlets.Bytes(help="uint8 RGB: what is in them beyond others, then inputs").tag(sync=True)
    map_size = traitlets.Tuple((0, 0), help="height and width of each map").tag(sync=True)
    maps = traitlets.Bytes(help="float16, a share of the scale: mean map, then those of the inputs").tag(sync=True)

    def __init__(self, workshop: Workshop, **traits: Any) -> None:
        super().__init__(workshop, **traits)
        self.follow(self._show, "answer", "running", "stopped", "concepts", "error")
        self.follow(self._draw_pictures, "portrait")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"concept": 2}`` has the model forget another one that was tested; ``{"spray": true}`` opens that room.

        ``{"go": true}`` looks again for what is to be forgotten.
        """
        if "concept" in message:
            self.shared.forget(self.shared.concepts[int(message["concept"])])
        elif "go" in message:
            self.shared.go_on()
        elif "spray" in message:
            self.shared.enter("spray")

    def _show(self) -> None:
        workshop = self.shared
        concept: Concept | None = workshop.answer
        tested = [[self._called(each), each is concept] for each in workshop.concepts]
        if concept is None:
            state = {"searching": workshop.running, "stopped": workshop.stopped, "tested": len(tested)}
            self.draw(state=state, tested=tested)
            return
        trial, name = concept.trial, workshop.subject.class_name(concept.label)
        verdict = trial.verdicts.get(trial.foremost) if trial else None
        self.draw(
            tested=tested,
            state={
                "searching": False,
                "name": concept.name,
                "class": name,
                "with": len(concept.with_artefact),
                "without": len(concept.without),
                "convicted": concept.convicted,
                "told": [] if verdict is None else _told(verdict, name),
                "conclusion": "" if trial is None else trial.conclusion,
            },
        )

    def _called(self, concept: Concept) -> str:
        word = "convicted" if concept.convicted else "not convicted" if concept.trial else "not tested"
        return f"{self.shared.subject.class_name(concept.label)} · {concept.name}, {word}"

    def _draw_pictures(self) -> None:
        made, subject = self.shared.portrait, self.shared.subject
        if made is None or made.inputs.dim() != 4:
            self.draw(pictures=b"", maps=b"", size=(0, 0), map_size=(0, 0))
            return
        images = [_grey(made.beyond), *(small(subject, x, SIDE) for x in made.inputs)]
        images = [each if each.shape == images[1].shape else _fitted(each, images[1].shape) for each in images]
        maps = shrunk(np.concatenate([made.maps.mean(0, keepdims=True), made.maps]), SIDE)
        self.draw(
            size=images[1].shape[:2],
            pictures=b"".join(each.tobytes() for each in images),
            map_size=maps.shape[1:],
            maps=b"".join((each / limit(each)).astype(np.float16).tobytes() for each in maps),
        )


def small(subject: Any, x: Tensor, most: int) -> NDArray[np.uint8]:
    """The picture of an input (h, w, 3), small."""
    image = subject.to_image(x).convert("RGB")
    share = min(1.0, most / max(image.size))
    return np.asarray(image.resize((max(1, round(image.width * share)), max(1, round(image.height * share))), 1))


def shrunk(maps: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Maps (n, H, W) with at most so many pixels along a side; relevance is averaged."""
    share = min(1.0, most / max(maps.shape[1:]))
    size = tuple(max(1, round(each * share)) for each in maps.shape[1:])
    return averaged(maps, (size[0], size[1]))


def limit(values: NDArray[np.float32]) -> float:
    """What full colour stands for."""
    return float(np.quantile(np.abs(values), 0.995)) or float(np.abs(values).max()) or 1.0


def _told(verdict: Any, name: str) -> list[str]:
    """The figures of a verdict, in words."""
    return [
        f"Taken to {verdict.samples} pictures of other classes:",
        f"{verdict.before:.1%} → {verdict.after:.1%}",
        f"read right, {verdict.turned} turned into “{name}”; {verdict.turned_by_control} by the control.",
    ]


def _grey(beyond: Tensor) -> NDArray[np.uint8]:
    """A difference of inputs (C, H, W) as a picture: grey where there is none."""
    channels = beyond.double().numpy()
    shown = channels if len(channels) == 3 else np.repeat(channels.mean(0, keepdims=True), 3, 0)
    strongest = float(np.abs(shown).max()) or 1.0
    return (128 + 127 * shown / strongest).round().astype(np.uint8).transpose(1, 2, 0)


def _fitted(image: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((shape[1], shape[0])))
