"""Inputs that are looked at: samples of a subject, and behind them pictures or texts that somebody brought."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import traitlets

from ...readable import Readable
from ...subjects.modality import modality_of
from .asking import Asking, Place
from .sentences import sentence

MOST = 100 * 2**20
"""Bytes of an uploaded file; the page says so before it sends them."""

MOST_HELD = 20 * 2**20
"""Bytes of all uploads that one state file holds."""

_UPLOADS = -1_000_000
"""Lane of the first upload: each has its own, since none may be dropped, and the next has its turn after it."""


@dataclass(frozen=True, eq=False, repr=False)
class Upload(Readable):
    """A file from outside, with a picture or a text: its content, not its name, says which one it is."""

    name: str
    data: bytes | None = None
    """None where only its fingerprint is known: a state speaks of it, or it was removed."""
    digest: str = ""
    """Fingerprint of the content: the first 32 digits of its SHA-256."""

    def __post_init__(self) -> None:
        if self.data is not None:
            object.__setattr__(self, "digest", hashlib.sha256(self.data).hexdigest()[:32])

    def to_dict(self, *, whole: bool = False) -> dict[str, str]:
        """Plain values for JSON: name and fingerprint, or the `whole` file, in base64."""
        if whole and self.data is not None:
            return {"name": self.name, "data": base64.b64encode(self.data).decode()}
        return {"name": self.name, "digest": self.digest}

    @classmethod
    def from_dict(cls, given: Any) -> Upload:
        """What :meth:`to_dict` described; raises ValueError that names what is wrong."""
        parts = dict(given) if isinstance(given, Mapping) else {}
        name, data, digest = (parts.get(each) for each in ("name", "data", "digest"))
        if isinstance(name, str) and isinstance(data, str):
            try:
                return cls(name, base64.b64decode(data, validate=True))
            except ValueError:
                raise ValueError(f"The upload {name!r} in the state is damaged; save the state again.") from None
        if isinstance(name, str) and isinstance(digest, str) and re.fullmatch("[0-9a-f]{32}", digest):
            return cls(name, digest=digest)
        raise ValueError(f"A state speaks of an upload by name and digest, got {str(given)[:80]!r}.")


class PictureMissingError(ValueError):
    """A state speaks of an uploaded picture or text, of what is `brought`, that is not here."""

    def __init__(self, upload: Upload, namesake: bool, brought: str) -> None:
        self.upload = upload
        name = upload.name
        super().__init__(
            f"This state is of another {brought} {name!r} than the one that is here: upload that one, and the state "
            f"opens; or ask for a state file that holds the {brought}."
            if namesake
            else f"This state is of the uploaded {brought} {name!r}, which is not here: upload {name!r} again, and the "
            f"state opens; or ask for a state file that holds the {brought}."
        )


class Inputs(Asking):
    """A state that looks at one input at a time."""

    uploads = traitlets.Tuple(help="Pictures or texts from outside, Uploads; one that was removed keeps its place.")

    refused = traitlets.Tuple(help="Why files of the newest bunch of uploads are not here, a sentence for each.")

    _reading: tuple[Upload, ...] = ()
    _said: tuple[str, ...] = ()  # of the newest bunch of uploads
    _awaited: tuple[Upload, Mapping[str, Any] | str] | None = None  # an upload, and the state that lacks it
    _lane = _UPLOADS

    @property
    def count(self) -> int:
        """How many inputs there are: samples of the subject, then uploads."""
        return len(self.subject.dataset) + len(self.uploads)

    def name(self, item: int) -> str:
        """What the input number `item` is called, without decoding it."""
        upload = self.upload(item)
        return self.subject.item_name(item) if upload is None else upload.name

    def upload(self, item: int | None) -> Upload | None:
        """The input number `item`, if somebody brought it; None for a sample of the subject."""
        samples = len(self.subject.dataset)
        if item is None or not samples <= item < self.count:
            return None
        upload: Upload = self.uploads[item - samples]
        return upload

    def has(self, item: int) -> bool:
        """Whether the input number `item` was not removed."""
        upload = self.upload(item)
        return upload is None or upload.data is not None

    @property
    def removed(self) -> tuple[int, ...]:
        """Numbers of the uploads that were removed."""
        samples = len(self.subject.dataset)
        return tuple(samples + place for place, each in enumerate(self.uploads) if each.data is None)

    def remove(self, item: int) -> None:
        """Let go of an upload, and of all that was computed of it; raises ValueError if `item` is none that is here.

        The others keep their numbers: no number ever means another input. The same file may come again.
        """
        upload = self.upload(item)
        if upload is None or upload.data is None:
            raise ValueError(f"Input {item} is no upload that is here; samples of the subject stay.")
        self.uploads = tuple(replace(each, data=None) if each is upload else each for each in self.uploads)
        self._went(item)

    def remove_all(self, digests: Collection[str]) -> None:
        """Let go of the uploads of these fingerprints, as far as they are here."""
        for item in range(len(self.subject.dataset), self.count):
            upload = self.upload(item)
            if upload is not None and upload.data is not None and upload.digest in digests:
                self.remove(item)

    def beside(self, item: int) -> int | None:
        """The next input that is here, else the one before; None if there is no other."""
        later = (number for number in range(item + 1, self.count) if self.has(number))
        earlier = (number for number in range(item - 1, -1, -1) if self.has(number))
        return next(later, next(earlier, None))

    def show(self, data: bytes, name: str, *, follows: bool = False) -> None:
        """Look at an uploaded file with content `data`; one that cannot be read is refused.

        It `follows` another of the same bunch: what is said of that one stays. What is here already is looked at
        again.
        """
        self._begin_bunch(follows)
        upload = Upload(name, data)
        self._lane += 1
        self._reading = (*self._reading, upload)
        self.worker.submit(partial(self._decoded, upload), partial(self._was_read, upload), lane=self._lane)

    def refuse(self, why: str, *, follows: bool = False) -> None:
        """Say `why` a file cannot be looked at: a sentence that names it."""
        self._begin_bunch(follows)
        if why not in self.refused:
            self.refused = (*self.refused, why)
            self._say(why)

    def _begin_bunch(self, follows: bool) -> None:
        if not follows:
            self._said = self.refused = ()

    def _read(self, upload: Upload) -> str:
        """Decode `upload` on the worker: what is to be said of it as a sentence, empty if nothing is."""
        raise NotImplementedError

    def _decode(self, upload: Upload) -> None:
        """Decode `upload` here and now; raises what its decoder raises."""
        raise NotImplementedError

    def _came(self, item: int | None, opened: bool) -> None:
        """An upload is the input number `item` now, or None: it could not be read.

        It may have `opened` a state that lacked it, which looks at what it wants.
        """
        raise NotImplementedError

    def _went(self, item: int) -> None:
        """The input number `item` was removed."""
        raise NotImplementedError

    def _aside(self, job: Callable[[], None]) -> None:
        """Have the worker do something that no other job may push out."""
        self._lane += 1
        self.worker.submit(job, lambda _: None, lane=self._lane)

    def _decoded(self, upload: Upload) -> tuple[bool, str]:
        try:
            return True, self._read(upload)
        except Exception as error:  # whatever a subject raises
            return False, sentence(error)

    def _was_read(self, upload: Upload, outcome: tuple[bool, str]) -> None:
        readable, said = outcome
        self._reading = tuple(each for each in self._reading if each is not upload)
        if not readable:
            self.refuse(said, follows=True)
        elif said:
            self._say(said)
        if readable:
            self.uploads = self._with(upload)
        item = self._number(upload, self.uploads) if readable else None
        self._came(item, item is not None and self._opens(upload))

    def _say(self, said: str) -> None:
        """Say it beside whatever else is said of the newest bunch of uploads."""
        self._said = (*self._said, said)
        self.error = " ".join(self._said)

    def _with(self, *uploads: Upload) -> tuple[Upload, ...]:
        """All uploads with these, of which some may be here already; one that was removed has its place again."""
        known = {each.digest: each for each in self.uploads}
        for upload in uploads:
            if upload.digest not in known or known[upload.digest].data is None:
                known[upload.digest] = upload
        return tuple(known.values())

    def _number(self, upload: Upload, uploads: tuple[Upload, ...]) -> int | None:
        """Which input is the `upload`, of which the fingerprint does; None if it is not among `uploads`."""
        present = (n for n, each in enumerate(uploads) if each.digest == upload.digest and each.data is not None)
        place = next(present, None)
        return None if place is None else len(self.subject.dataset) + place

    # -- text form -------------------------------------------------------------------------------------------------

    def to_dict(self, *, pictures: bool = False) -> dict[str, Any]:
        """The whole state as plain values, for a file.

        It speaks of uploads by their fingerprint, and opens where these are; with `pictures` it holds them, and opens
        anywhere.

        Raises
        ------
        ValueError
            If the state has no text form, as a composite that selects layers by a function of the user's has none, or
            they have more than 20 MB.
        """
        state = {"subject": self.subject.name, **self._text()}
        if pictures:
            _check_size(self.spoken_of)
            state["pictures"] = [each.to_dict(whole=True) for each in self.spoken_of]
        return state

    @property
    def spoken_of(self) -> tuple[Upload, ...]:
        """The uploads that a state is of."""
        found = {upload.digest: upload for each in self._questions() if (upload := self.upload(each.item))}
        return tuple(found.values())

    def restore(self, state: Mapping[str, Any] | str) -> None:
        """Look again at what :meth:`to_dict` or ``link`` described.

        Raises
        ------
        PictureMissingError
            If the state speaks of an upload that is not here. It opens when that comes, unless another is restored.
        ValueError
            If the state is damaged, is of another subject, or speaks of an input that is not here. Nothing is
            changed then.
        """
        self._awaited = None
        parts = self._parts_of(state)
        uploads = self._with(*self._held(parts.pop("pictures", [])))
        try:
            self._restore(parts, uploads)
        except PictureMissingError as error:
            self._awaited = error.upload, state
            raise

    def take_over(self, other: Inputs) -> None:
        """Have the uploads that another room has."""
        self.uploads = self._with(*(each for each in other.uploads if each.data is not None))

    def _text(self) -> dict[str, Any]:
        """The state as plain values but for its subject; uploads by their fingerprint."""
        raise NotImplementedError

    def _questions(self) -> tuple[Any, ...]:
        """All that the state asks."""
        return (self.question,)

    def _restore(self, parts: dict[str, Any], uploads: tuple[Upload, ...]) -> None:
        """Have `uploads`, and show what :meth:`_text` described; an error changes nothing."""
        raise NotImplementedError

    def _held(self, given: Any) -> tuple[Upload, ...]:
        """The uploads that a state holds; raises ValueError if one cannot be looked at, or they are too large."""
        if not isinstance(given, list):
            raise ValueError(f"The part 'pictures' of a state must be a list, got {str(given)[:80]!r}.")
        pictures = tuple(map(Upload.from_dict, given))
        _check_size(pictures)
        for each in pictures:
            self._decode(each)
        return pictures

    def _opens(self, upload: Upload) -> bool:
        """Whether a state that lacked `upload` is open now."""
        if self._awaited is None:
            return False
        lacked, state = self._awaited
        if upload.digest != lacked.digest and upload.name != lacked.name:
            return False
        try:
            self.restore(state)
        except ValueError as error:
            self._say(sentence(error))
            return False
        return True

    # -- speaking of inputs ----------------------------------------------------------------------------------------

    def looked_at(self, item: int | None) -> dict[str, Any]:
        """What of a :class:`Place` says which input that is, also to a room with other uploads."""
        upload = self.upload(item)
        return {"item": item} if upload is None else {"upload": upload}

    def number_of(self, place: Place) -> dict[str, int | None]:
        """The part of a question that looks at the input of `place`, if that has one; an upload is taken over."""
        if place.upload is not None:
            self.uploads = self._with(place.upload)
            return {"item": self._number(place.upload, self.uploads)}
        return {} if place.item is None else {"item": place.item}

    def described(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """`parts` of a text form that speak of an upload by its fingerprint: its number says little."""
        upload = self.upload(parts.get("item"))
        if upload is None:
            return dict(parts)
        return {**{name: value for name, value in parts.items() if name != "item"}, "upload": upload.to_dict()}

    def numbered(self, parts: Mapping[str, Any], uploads: tuple[Upload, ...]) -> dict[str, Any]:
        """What :meth:`described` made of `parts`, again with the number of the input, which may be one of `uploads`.

        Raises
        ------
        PictureMissingError
            If they speak of an upload that is not there.
        ValueError
            If they speak of an input by a number that no sample has.
        """
        found, samples = dict(parts), len(self.subject.dataset)
        if "upload" in found:
            upload = Upload.from_dict(found.pop("upload"))
            found["item"] = self._number(upload, uploads)
            if found["item"] is None:
                present = (each for each in uploads if each.data is not None)
                namesake = any(each.name == upload.name for each in present)
                raise PictureMissingError(upload, namesake, modality_of(self.subject).brought)
        elif isinstance(item := found.get("item"), int) and item >= samples:
            raise ValueError(
                f"This state is of input {item}, and the subject has {samples}, counted from 0. If it was an upload, "
                "upload it again and save the view anew: this state does not say which one it was."
            )
        return found


def _check_size(pictures: tuple[Upload, ...]) -> None:
    size = sum(len(each.data or b"") for each in pictures)
    if size > MOST_HELD:
        raise ValueError(
            f"The uploads of this state have {size / 2**20:.0f} MB, and a state file holds {MOST_HELD // 2**20} MB at "
            "most: save it without them, and send them along."
        )


@dataclass
class Pieces:
    """Pieces of files, as a page sends them: Jupyter takes no large messages."""

    _parts: list[bytes] = field(default_factory=list, repr=False)

    def take(self, message: dict[str, Any], piece: bytes) -> bytes | None:
        """The whole file, if that was its last piece; `message` has name, number of the piece and how many there are.

        Raises
        ------
        ValueError
            If the file is too large.
        """
        self._parts = [*(self._parts if message["part"] else []), piece]
        if sum(map(len, self._parts)) > MOST:
            self._parts = []
            raise ValueError(f"{message['name']!r} is too large: a file may have {MOST // 2**20} MB at most.")
        if len(self._parts) < message["parts"]:
            return None
        content, self._parts = b"".join(self._parts), []
        return content


class Arrivals:
    """Hears what a page sends of files from outside, and hands them to the state `shared`."""

    def __init__(self, shared: Inputs) -> None:
        self._shared, self._pieces = shared, Pieces()

    def hear(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"name": "cat.jpg", "part": 0, "parts": 2}`` is a piece of a file, ``{"problem": "…"}`` why one is not.

        ``"follows": True`` if it came with the one before.
        """
        follows = bool(message.get("follows"))
        if "problem" in message:
            self._shared.refuse(str(message["problem"]), follows=follows)
            return
        try:
            data = self._pieces.take(message, bytes(buffers[0]))
        except ValueError as error:
            self._shared.refuse(sentence(error), follows=follows)
        else:
            if data is not None:
                self._shared.show(data, message["name"], follows=follows)
