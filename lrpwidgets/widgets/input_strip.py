"""The samples as thumbnails: choose one, or see only those that the network gets wrong."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import traitlets
from PIL import Image

from .exploration import Exploration, sentence
from .view import View, script

MOST = 400
"""Samples that are shown; of a larger dataset the first ones."""

_BATCH = 16
_SIZE = 64


class InputStrip(View):
    """A row of thumbnails with what the network says of each; wrong predictions are marked.

    The samples are looked at in the background, whenever no question waits.
    """

    _esm = script("input_strip")
    items: traitlets.List[Any] = traitlets.List(
        help="per sample that was looked at: name, says, truth, wrong, problem"
    ).tag(sync=True)
    thumbnails: traitlets.List[Any] = traitlets.List(help="PNG or JPEG files, one for each of `items`").tag(sync=True)
    chosen = traitlets.Int(None, allow_none=True, help="index of the sample that is shown").tag(sync=True)
    total = traitlets.Int(help="number of samples in the dataset").tag(sync=True)

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        super().__init__(exploration, total=len(exploration.subject.dataset), **traits)
        exploration.worker.when_idle(self._look_at_all())
        self.follow(self._mark, "item")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Look at another sample: ``{"item": 5}``."""
        self.exploration.item = message["item"]

    def _mark(self) -> None:
        self.draw(chosen=self.exploration.item)

    def _look_at_all(self) -> Iterator[Callable[[], None]]:
        """On the worker: look at a few samples at a time, and yield how to show them."""
        count = min(self.total, MOST)
        for start in range(0, count, _BATCH):
            yield partial(self._add, *self._look_at(range(start, min(start + _BATCH, count))))

    def _add(self, items: list[dict[str, Any]], thumbnails: list[bytes]) -> None:
        self.draw(items=[*self.items, *items], thumbnails=[*self.thumbnails, *thumbnails])

    def _look_at(self, indices: range) -> tuple[list[dict[str, Any]], list[bytes]]:
        subject = self.exploration.subject
        items: list[dict[str, Any]] = []
        thumbnails: list[bytes] = []
        for index in indices:
            item: dict[str, Any] = {"name": f"sample {index}"}
            try:
                item["name"] = subject.item_name(index)
                x, label = subject.item(index)
                said = int(self.exploration.explainer.scores(x[None])[0].argmax())
                item["says"] = subject.class_name(said)
                item["truth"] = "" if label is None else subject.class_name(label)
                item["wrong"] = label is not None and said != label
                thumbnails.append(_thumbnail(subject.to_image(x)))
            except Exception as error:  # one broken file must not hide the others
                item["problem"] = sentence(error)
                thumbnails.append(b"")
            items.append(item)
        return items, thumbnails


def _thumbnail(image: Image.Image) -> bytes:
    image = image.convert("RGB")
    image.thumbnail((_SIZE, _SIZE))  # never larger: the browser scales tiny pictures up, pixel by pixel
    file = io.BytesIO()
    small = max(image.size) < _SIZE
    image.save(file, "PNG" if small else "JPEG", **({} if small else {"quality": 85}))
    return file.getvalue()
