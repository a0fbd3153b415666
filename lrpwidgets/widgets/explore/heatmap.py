"""A picture and its relevance side by side: which pixels speak for the class, and which against it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import traitlets

from ...lrp.batch import unpacked
from ...subjects import Stroke
from ..base.answers import Answer
from ..base.question import Question
from ..base.still import Still, display_with_still
from ..base.view import View, script, style
from .exploration import Exploration
from .look import Look
from .report import report


class HeatmapView(View):
    """An input, the relevance of its pixels summed over channels, and the maps that are pinned beside it.

    Relevance travels as raw float32; colours, scale, zoom, contours, regions and the values under the pointer are
    the browser's work alone and need no kernel. A brush on the input does: the painted input is explained.

    Parameters
    ----------
    exploration
        What to follow.
    look
        How to draw to begin with, such as ``{"gain": 3, "map": "fire–ice"}``: see
        :class:`~lrpwidgets.widgets.look.Look`.

    Raises
    ------
    ValueError
        If a value of `look` is none that it can have.
    """

    shared: Exploration
    _esm = script(__file__)
    _css = style(__file__)
    relevance = traitlets.Bytes(help="float32, row by row, summed over channels").tag(sync=True)
    picture = traitlets.Bytes(help="RGB, one byte each, row by row").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="height and width in pixels").tag(sync=True)
    caption = traitlets.Dict(help="what is explained, and its score").tag(sync=True)
    pinned: traitlets.List[Any] = traitlets.List(help="one caption per pin").tag(sync=True)
    pin_maps: traitlets.List[Any] = traitlets.List(help="their relevance; empty while computing").tag(sync=True)
    composites: traitlets.List[Any] = traitlets.List(help="of the live map and of pins: equal ones, equal numbers").tag(
        sync=True
    )
    pin_pictures: traitlets.List[Any] = traitlets.List(help="RGB of those that keep another picture").tag(sync=True)
    presets: traitlets.List[Any] = traitlets.List(help="composites that can be pinned").tag(sync=True)
    strokes: traitlets.List[Any] = traitlets.List(help="what was painted").tag(sync=True)
    received = traitlets.Int(help="messages that `strokes` takes account of").tag(sync=True)
    look = traitlets.Dict(help="how to draw; the browser never writes it back").tag(sync=True)

    _still: Still | None = None

    def __init__(self, exploration: Exploration, look: Mapping[str, Any] | None = None, **traits: Any) -> None:
        self._drawn: Any = None
        self._messages = 0
        look = Look.from_dict(look or {}).to_dict()
        super().__init__(exploration, look=look, presets=exploration.presets(), **traits)
        self.follow(self._show, "answer", "error", "pins", "pinned")
        self.follow(self._restyle, "look")

    def _ipython_display_(self) -> None:
        self._still = display_with_still(self, self.shared)

    def close(self) -> None:
        """Stop following, also with the pictures that stand for it, and disappear from the page."""
        if self._still is not None:
            self._still.unfollow()
        super().close()

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Pin, unpin, paint or save: one key says which, such as ``{"unpin": 0}`` or ``{"strokes": []}``."""
        self._messages += 1
        if "strokes" in message:
            self.shared.strokes = tuple(map(Stroke.from_dict, message["strokes"]))
        elif "pin" in message:
            self._pin(message["pin"])
        elif "unpin" in message:
            self.shared.unpin(message["unpin"])
        elif "follows" in message:
            self._let_follow(message["number"], message["follows"])
        elif "save" in message:
            self._save(message["save"], message["look"])

    # -- pins ------------------------------------------------------------------------------------------------------

    def _pin(self, which: dict[str, Any]) -> None:
        """Pin the live map, with another composite, the second best class, or its picture kept."""
        question = self.shared.question.of(None)
        answer = self._answer()
        if "composite" in which:
            question = replace(question, composite=self.shared.preset(which["composite"]))
        elif which.get("second"):
            question = replace(question, target=_second(answer.scores, answer.target), than=None)
        elif which.get("kept"):
            question = self.shared.question
        self.shared.pin(question)

    def _let_follow(self, number: int, follows: bool) -> None:
        pin, held = self.shared.pins[number], self.shared.pinned[number] or self._answer()
        self.shared.repin(number, pin.of(None if follows else held.question))

    def _answer(self) -> Answer:
        answer: Answer | None = self.shared.answer
        if answer is None:
            raise ValueError("Nothing is explained yet; look at a picture first.")
        return answer

    def _restyle(self) -> None:
        """Draw as a restored state wants it, also where Python last said the same and a person changed it since."""
        if wanted := self.shared.look:
            look = Look.from_dict(wanted).to_dict()
            self.look = {}
            self.look = look

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        answer = self.shared.answer
        if answer is None:
            self._clear()
            return
        composites = [answer.question.composite, *(pin.composite for pin in self.shared.pins)]
        pins = [self._pinned(pin, held, answer) for pin, held in self._pins()]
        traits: dict[str, Any] = {
            "relevance": answer.pixels.tobytes(),
            "size": answer.pixels.shape,
            "caption": self._caption(answer) | {"before": _before(answer), "file": file_name(answer)},
            "pinned": pins,
            "composites": [composites.index(each) for each in composites],
            "pin_maps": [held.pixels.tobytes() if held else b"" for _, held in self._pins()],
            "pin_pictures": [self._other_picture(held, answer) for _, held in self._pins()],
            "strokes": [stroke.to_dict() for stroke in self.shared.strokes],
            "received": self._messages,
        }
        if answer.shown is not self._drawn:  # the picture is sent once, not with every move of a slider
            traits["picture"] = self._rgb(answer)
            self._drawn = answer.shown
        self.draw(**traits)

    def _clear(self) -> None:
        """Show nothing: what was shown was removed."""
        self._drawn = None
        self.draw(size=(0, 0), relevance=b"", picture=b"", caption={}, pinned=[], pin_maps=[], pin_pictures=[])

    def _pins(self) -> list[tuple[Question, Answer | None]]:
        return list(zip(self.shared.pins, self.shared.pinned, strict=True))

    def _caption(self, answer: Answer) -> dict[str, Any]:
        question, subject = answer.question, self.shared.subject
        through = ", ".join(f"#{channel}" for channel in question.channels)
        composite = question.composite
        return {
            "name": answer.shown.name,
            "class": subject.class_name(answer.target),
            "than": "" if answer.than is None else subject.class_name(answer.than),
            "through": f"{through} of {question.layer}" if question.only and through and question.layer else "",
            "composite": composite.name,
            "changed": composite.name in self.presets and composite != self.shared.preset(composite.name),
            "score": float(answer.whole.ledger.explained[0]),
            "painted": bool(question.strokes),
        }

    def _pinned(self, pin: Question, held: Answer | None, live: Answer) -> dict[str, Any]:
        follows = pin.item is None
        if held is None:
            return {"computing": True, "follows": follows}
        wanted = pin.of(live.question) if follows else pin
        ledger = held.explanation.ledger
        amounts = ("reached_input", "bias", "stabilizer", "rules")
        return {
            **self._caption(held),
            "computing": held.question != wanted,
            "follows": follows,
            "size": held.pixels.shape,
            "ledger": {amount: float(getattr(ledger, amount)[0]) for amount in amounts},
        }

    def _other_picture(self, held: Answer | None, live: Answer) -> bytes:
        """The picture of a pin that keeps another one than the live map's."""
        same = held is None or held.question.input == live.question.input
        return b"" if held is None or same else self._rgb(held)

    def _rgb(self, answer: Answer) -> bytes:
        image = self.shared.subject.to_image(answer.image).convert("RGB")
        colours: bytes = image.resize(answer.pixels.shape[::-1]).tobytes()
        return colours

    # -- saving ----------------------------------------------------------------------------------------------------

    def _save(self, kind: str, look: Mapping[str, Any]) -> None:
        content = self.to_npz() if kind == "npz" else report(self.shared, look).encode()
        self.send({"save": f"{file_name(self._answer())}.{kind}"}, buffers=[content])

    def to_npz(self) -> bytes:
        """The numbers as a NumPy archive.

        Returns
        -------
        bytes
            For ``np.load``: ``x`` and ``relevance`` (C, H, W), ``pixels`` (H, W) in units of the score, ``scores``
            (classes,), ``question`` as JSON, and ``pixels_pin1``, … with ``question_pin1``, … of the pins.
        """
        answer = self._answer()
        arrays: dict[str, Any] = {
            "x": answer.image.numpy(force=True),
            "relevance": unpacked(answer.explanation.relevance)[0][0].numpy(force=True),
            "pixels": answer.pixels,
            "scores": answer.explanation.scores[0].numpy(force=True),
            "question": self._text(answer.question),
        }
        for number, held in enumerate(self.shared.pinned, start=1):
            if held:
                arrays |= {f"pixels_pin{number}": held.pixels, f"question_pin{number}": self._text(held.question)}
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)
        return file.getvalue()

    def _text(self, question: Question) -> str:
        return json.dumps(self.shared.text(question), ensure_ascii=False)


def file_name(answer: Answer) -> str:
    """What to call files about an answer: the picture's name, in letters that every system takes."""
    stem = re.sub(r"\.\w{1,5}$", "", answer.shown.name)
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-")[:60] or "picture"


def _before(answer: Answer) -> float | None:
    """The explained score of the picture without paint; None without paint."""
    if answer.before is None:
        return None
    return answer.before[answer.target] - (0 if answer.than is None else answer.before[answer.than])


def _second(scores: list[float], target: int) -> int:
    """The best class but for `target`."""
    others = [number for number in range(len(scores)) if number != target]
    if not others:
        raise ValueError("There is one class only, so there is no second best.")
    return max(others, key=scores.__getitem__)
