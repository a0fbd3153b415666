"""Inputs that are looked at: samples of a subject, and behind them pictures that somebody brought."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import traitlets

from ...readable import Readable
from ...subjects import Subject
from .asking import Asking, Place

MOST = 100 * 2**20
"""Bytes of an uploaded file; the page says so before it sends them."""


@dataclass(frozen=True, eq=False, repr=False)
class Upload(Readable):
    """A picture file from outside."""

    name: str
    data: bytes


class Inputs(Asking):
    """A state that looks at one input at a time."""

    subject: Subject

    uploads = traitlets.Tuple(help="Pictures from outside, Uploads.")

    @property
    def count(self) -> int:
        """How many inputs there are: samples of the subject, then uploads."""
        return len(self.subject.dataset) + len(self.uploads)

    def name(self, item: int) -> str:
        """What the input number `item` is called, without decoding it."""
        samples = len(self.subject.dataset)
        return self.subject.item_name(item) if item < samples else str(self.uploads[item - samples].name)

    def looked_at(self, item: int | None) -> dict[str, Any]:
        """What of a :class:`Place` says which input that is, also to a room with other uploads."""
        samples = len(self.subject.dataset)
        if item is None or item < samples:
            return {"item": item}
        return {"upload": self.uploads[item - samples]}

    def number_of(self, place: Place) -> dict[str, int]:
        """The part of a question that looks at the input of `place`, if that has one; an upload is taken over."""
        if place.upload is not None:
            if place.upload not in self.uploads:
                self.uploads = (*self.uploads, place.upload)
            return {"item": len(self.subject.dataset) + self.uploads.index(place.upload)}
        return {} if place.item is None else {"item": place.item}


@dataclass
class Pieces:
    """Pieces of picture files, as a page sends them: Jupyter takes no large messages."""

    _parts: list[bytes] = field(default_factory=list, repr=False)

    def take(self, message: dict[str, Any], piece: bytes) -> Upload | None:
        """The file, if that was its last piece; `message` has its name, the piece's number and how many there are.

        Raises
        ------
        ValueError
            If the file is too large.
        """
        self._parts = [*(self._parts if message["part"] else []), piece]
        if sum(map(len, self._parts)) > MOST:
            self._parts = []
            raise ValueError(f"{message['name']!r} is too large: a picture may have {MOST // 2**20} MB at most.")
        if len(self._parts) < message["parts"]:
            return None
        content, self._parts = b"".join(self._parts), []
        return Upload(message["name"], content)
