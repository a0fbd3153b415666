"""Inputs that are looked at: samples of a subject, and behind them pictures that somebody brought."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import traitlets

from ...readable import Readable
from .asking import Asking, Place
from .sentences import sentence

MOST = 100 * 2**20
"""Bytes of an uploaded file; the page says so before it sends them."""


_UPLOADS = -1_000_000
"""Lane of the first upload: each has its own, since none may be dropped, and the next has its turn after it."""


@dataclass(frozen=True, eq=False, repr=False)
class Upload(Readable):
    """A picture file from outside."""

    name: str
    data: bytes


class Inputs(Asking):
    """A state that looks at one input at a time."""

    uploads = traitlets.Tuple(help="Pictures from outside, Uploads.")

    _reading: tuple[Upload, ...] = ()
    _said: tuple[str, ...] = ()  # of the newest bunch of uploads
    _lane = _UPLOADS

    @property
    def count(self) -> int:
        """How many inputs there are: samples of the subject, then uploads."""
        return len(self.subject.dataset) + len(self.uploads)

    def name(self, item: int) -> str:
        """What the input number `item` is called, without decoding it."""
        samples = len(self.subject.dataset)
        return self.subject.item_name(item) if item < samples else str(self.uploads[item - samples].name)

    def show(self, data: bytes, name: str, *, follows: bool = False) -> None:
        """Look at an uploaded picture file with content `data`; one that cannot be read becomes an error alone.

        That error stays over pictures of the same bunch: those that follow it.
        """
        self._said = self._said if follows else ()
        upload = Upload(name, data)
        self._lane += 1
        self._reading = (*self._reading, upload)
        self.worker.submit(partial(self._decoded, upload), partial(self._was_read, upload), lane=self._lane)

    def _read(self, upload: Upload) -> str:
        """Decode `upload` on the worker: what is to be said of it as a sentence, empty if nothing is."""
        raise NotImplementedError

    def _came(self, *, readable: bool) -> None:
        """An upload is the last of the inputs now, or could not be read."""
        raise NotImplementedError

    def _decoded(self, upload: Upload) -> tuple[bool, str]:
        try:
            return True, self._read(upload)
        except Exception as error:  # whatever a subject raises
            return False, sentence(error)

    def _was_read(self, upload: Upload, outcome: tuple[bool, str]) -> None:
        readable, said = outcome
        self._reading = tuple(each for each in self._reading if each is not upload)
        if said:
            self._said = (*self._said, said)
            self.error = " ".join(self._said)
        if readable:
            self.uploads = (*self.uploads, upload)
        self._came(readable=readable)

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
