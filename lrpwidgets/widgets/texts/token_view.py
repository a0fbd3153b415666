"""The sentence is the heatmap: which words speak for the class, and which against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets
from torch import Tensor

from ...subjects.shown import Array
from ...subjects.texts import Encoded, levels
from ...subjects.texts.levels import Level
from ...subjects.texts.printing import printable
from ..base.answers import Answer
from ..base.view import script, style
from ..explore.exploration import Exploration
from ..explore.look import Look
from ..explore.map_view import MapView, file_name
from .exports import MADE, to_html, to_latex, to_svg


class TokenView(MapView):
    """A text in the colours of its relevance, and pinned ones below it.

    Colours, scale, the choice of tokens, words or sentences and what is said under the pointer are the browser's work
    alone. A click strikes a word, and a field takes another text: then the model is asked what it says.

    Parameters
    ----------
    exploration
        What to follow.
    look
        How to draw to begin with: ``level``, which is "token", "word" or "sentence", and ``sinks``, whether they are
        outside the scale, such as ``{"level": "token", "sinks": False}``.

    Raises
    ------
    ValueError
        If a value of `look` is none that it can have.
    """

    part = "tokens"
    _esm = script(__file__)
    _css = style(__file__)
    words = traitlets.Dict(help="words and tokens of the text, in their order").tag(sync=True)
    text = traitlets.Unicode(help="the text itself").tag(sync=True)
    typed = traitlets.Bool(help="whether somebody typed it").tag(sync=True)
    pin_words: traitlets.List[Any] = traitlets.List(help="those of pins of other texts; else None").tag(sync=True)
    reached = traitlets.Float(help="Σ R on the text").tag(sync=True)

    def __init__(self, exploration: Exploration, look: Mapping[str, Any] | None = None, **traits: Any) -> None:
        self._laid_out: Encoded | None = None
        super().__init__(exploration, look, **traits)

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Strike words, type, pin, unpin or save: one key says which.

        ``{"strike": [3]}`` strikes these words, or takes them back if all of them are struck; ``{"typed": text}`` looks
        at another text, and at the input's own again for None; ``{"save": "svg", "look": {"level": "word"}}``.
        """
        if "strike" in message:
            self._strike(message["strike"])
        elif "typed" in message:
            self.shared.read(message["typed"])
        elif message.get("save") in MADE:
            self._print(message["save"], Look.from_dict(message["look"]))
        elif message.get("save") == "report":
            self._save("html", {"clip": 100, **message["look"]})  # the scale ends at the largest, as on the screen
        else:
            super().heard(message, buffers)

    def _strike(self, words: list[int]) -> None:
        before, these = set(self.shared.struck), set(words)
        self.shared.struck = tuple(sorted(before - these if these <= before else before | these))

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        answer = self.shared.answer
        if answer is None or answer.shown.text is None:
            self._clear()
            return
        traits: dict[str, Any] = {
            **self._maps(answer),
            "typed": answer.question.typed is not None,
            "pin_words": [self._other_layout(held, answer) for _, held in self._pins()],
            "reached": float(answer.tokens.sum(dtype="float64")),
        }
        if answer.shown.text is not self._laid_out:  # words are sent once, not with every move of a slider
            self._laid_out = answer.shown.text
            traits |= {"words": layout(answer.shown.text), "text": answer.shown.text.text}
        self.draw(**traits)

    def _amounts(self, answer: Answer) -> Array:
        return answer.tokens

    def _input(self, answer: Answer) -> Tensor:
        return answer.text.x

    def _clear(self) -> None:
        """Show nothing: what was shown was removed."""
        self._laid_out = None
        self.draw(words={}, text="", relevance=b"", caption={}, pinned=[], pin_maps=[], pin_words=[])

    def _other_layout(self, held: Answer | None, live: Answer) -> dict[str, Any] | None:
        """The words of a pin of another text than the live one."""
        same = held is None or held.question.input == live.question.input
        return None if same or held is None or held.shown.text is None else layout(held.shown.text)

    # -- saving ----------------------------------------------------------------------------------------------------

    def _print(self, kind: str, look: Look) -> None:
        answer = self._answer()
        content = MADE[kind](answer, self.shared.subject, look.level, sinks=look.sinks)
        self.send({"save": f"{file_name(answer)}.{kind}"}, buffers=[content.encode()])

    def to_html(self, level: Level = "word", *, sinks: bool = True) -> str:
        """The coloured text as a page of HTML.

        Parameters
        ----------
        level
            What has a colour: ``"token"``, ``"word"`` or ``"sentence"``.
        sinks
            Whether separators, marks and, under attention, the first token are outside the scale, and hatched.

        Raises
        ------
        ValueError
            If nothing is explained yet, or there is no such level.
        """
        return to_html(self._answer(), self.shared.subject, level, sinks=sinks)

    def to_svg(self, level: Level = "word", *, sinks: bool = True) -> str:
        """The same as a drawing."""
        return to_svg(self._answer(), self.shared.subject, level, sinks=sinks)

    def to_latex(self, level: Level = "word", *, sinks: bool = True) -> str:
        r"""The same for a paper: to ``\input`` where there is ``\usepackage{xcolor}``."""
        return to_latex(self._answer(), self.shared.subject, level, sinks=sinks)


def layout(encoded: Encoded) -> dict[str, Any]:
    """Words and tokens of a text as the browser gets them: of each item word, texts, tokens, sentence and marks.

    The browser counts other characters than Python, so that it gets texts and no places in them.
    """
    return {
        "items": list(map(_sent, levels.items(encoded))),
        "pieces": list(map(printable, encoded.pieces)),
        "ids": list(encoded.ids),
        "unknown": sorted(encoded.unknown),
        "attended": encoded.attended,
    }


def _sent(item: levels.Item) -> list[Any]:
    return [
        item.word,
        list(map(printable, item.texts)),
        list(item.places),
        item.sentence,
        item.spaced,
        item.breaks,
        item.sink,
        item.struck,
    ]
