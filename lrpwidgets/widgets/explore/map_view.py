"""What views of relevance have in common, whatever it is relevance of: captions, pins, and the numbers as a file."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import traitlets
from torch import Tensor

from ...lrp.batch import unpacked
from ...subjects.shown import Array
from ..base.answers import Answer
from ..base.question import Question
from ..base.still import Still, display_with_still
from ..base.view import View
from .exploration import Exploration
from .look import Look
from .report import report


class MapView(View):
    """The relevance of an input, and that of pinned questions beside it."""

    shared: Exploration
    part: ClassVar[str]
    """What of the input it shows: "pixels" or "tokens"."""
    relevance = traitlets.Bytes(help="float32, of each part of the input").tag(sync=True)
    caption = traitlets.Dict(help="what is explained, and its score").tag(sync=True)
    pinned: traitlets.List[Any] = traitlets.List(help="one caption per pin").tag(sync=True)
    pin_maps: traitlets.List[Any] = traitlets.List(help="their relevance; empty while computing").tag(sync=True)
    composites: traitlets.List[Any] = traitlets.List(help="of the live map and of pins: equal ones, equal numbers").tag(
        sync=True
    )
    presets: traitlets.List[Any] = traitlets.List(help="composites that can be pinned").tag(sync=True)

    look = traitlets.Dict(help="how to draw; the browser never writes it back").tag(sync=True)

    _still: Still | None = None

    def __init__(self, exploration: Exploration, look: Mapping[str, Any] | None = None, **traits: Any) -> None:
        drawn = Look.from_dict(look or {}).to_dict()
        super().__init__(exploration, presets=exploration.presets(), look=drawn, **traits)
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
        """Pin, unpin or save: one key says which, such as ``{"unpin": 0}``."""
        if "pin" in message:
            self._pin(message["pin"])
        elif "unpin" in message:
            self.shared.unpin(message["unpin"])
        elif "follows" in message:
            self._let_follow(message["number"], message["follows"])
        elif "save" in message:
            self._save(message["save"], message.get("look", {}))

    # -- pins ------------------------------------------------------------------------------------------------------

    def _pin(self, which: dict[str, Any]) -> None:
        """Pin the live map, with another composite, the second best class, or its input kept."""
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
            raise ValueError("Nothing is explained yet; look at an input first.")
        return answer

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _restyle(self) -> None:
        """Draw as a restored state wants it, also where Python last said the same and a person changed it since."""
        if wanted := self.shared.look:
            look = Look.from_dict(wanted).to_dict()
            self.look = {}
            self.look = look

    def _show(self) -> None:
        raise NotImplementedError

    def _amounts(self, answer: Answer) -> Array:
        """The relevance that is drawn."""
        raise NotImplementedError

    def _input(self, answer: Answer) -> Tensor:
        """What it is relevance of, as the model takes it, without a batch axis."""
        raise NotImplementedError

    def _maps(self, answer: Answer) -> dict[str, Any]:
        """Traits of the live map and of those that are pinned."""
        composites = [answer.question.composite, *(pin.composite for pin in self.shared.pins)]
        return {
            "relevance": self._amounts(answer).tobytes(),
            "caption": self._caption(answer) | {"before": _before(answer), "file": file_name(answer)},
            "pinned": [self._pinned(pin, held, answer) for pin, held in self._pins()],
            "composites": [composites.index(each) for each in composites],
            "pin_maps": [self._amounts(held).tobytes() if held else b"" for _, held in self._pins()],
        }

    def _pins(self) -> list[tuple[Question, Answer | None]]:
        return list(zip(self.shared.pins, self.shared.pinned, strict=True))

    def _caption(self, answer: Answer) -> dict[str, Any]:
        question, subject = answer.question, self.shared.subject
        through = ", ".join(f"#{channel}" for channel in question.channels)
        composite = question.composite
        return {
            "name": answer.shown.name,
            "class": subject.class_name(answer.target, answer.shown),
            "than": "" if answer.than is None else subject.class_name(answer.than, answer.shown),
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
            "size": self._amounts(held).shape,
            "ledger": {amount: float(getattr(ledger, amount)[0]) for amount in amounts},
        }

    # -- saving ----------------------------------------------------------------------------------------------------

    def _save(self, kind: str, look: Mapping[str, Any]) -> None:
        content = self.to_npz() if kind == "npz" else report(self.shared, look).encode()
        self.send({"save": f"{file_name(self._answer())}.{kind}"}, buffers=[content])

    def to_npz(self) -> bytes:
        """The numbers as a NumPy archive.

        Returns
        -------
        bytes
            For ``np.load``: ``x`` and its ``relevance``, for pictures (C, H, W), for texts (T,); ``pixels`` (H, W) or
            ``tokens`` (T,), which is drawn, in units of the score; ``scores`` (classes,), ``question`` as JSON, and
            ``pixels_pin1``, … with ``question_pin1``, … of the pins.
        """
        answer, parts = self._answer(), self.part
        x = self._input(answer)
        relevance = next(each[0] for each in unpacked(answer.explanation.relevance) if each.shape[1:] == x.shape)
        arrays: dict[str, Any] = {
            "x": x.numpy(force=True),
            "relevance": relevance.numpy(force=True),
            parts: self._amounts(answer),
            "scores": answer.explanation.scores[0].numpy(force=True),
            "question": self._text(answer.question),
        }
        for number, held in enumerate(self.shared.pinned, start=1):
            if held:
                arrays[f"{parts}_pin{number}"] = self._amounts(held)
                arrays[f"question_pin{number}"] = self._text(held.question)
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)
        return file.getvalue()

    def _text(self, question: Question) -> str:
        return json.dumps(self.shared.text(question), ensure_ascii=False)


def file_name(answer: Answer) -> str:
    """What to call files about an answer: the input's name, in letters that every system takes."""
    stem = re.sub(r"\.\w{1,5}$", "", answer.shown.name)
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-")[:60] or answer.modality.brought


def _before(answer: Answer) -> float | None:
    """The explained score of the input without changes; None where there are none."""
    if answer.before is None:
        return None
    return answer.before[answer.target] - (0 if answer.than is None else answer.before[answer.than])


def _second(scores: list[float], target: int) -> int:
    """The best class but for `target`."""
    others = [number for number in range(len(scores)) if number != target]
    if not others:
        raise ValueError("There is one class only, so there is no second best.")
    return max(others, key=scores.__getitem__)
