"""The question, as a sentence that one can read aloud."""

from __future__ import annotations

from typing import Any

import traitlets

from ...lrp import composites
from ..base.presets import TITLES
from ..base.view import View, script, style
from .exploration import Exploration


class QuestionBar(View):
    """*Why "hen" rather than "cock", composite epsilon_plus_flat*: choices in a sentence."""

    shared: Exploration
    _esm = script(__file__)
    _css = style(__file__)
    classes: traitlets.List[Any] = traitlets.List(help="names of all classes").tag(sync=True)
    presets: traitlets.List[Any] = traitlets.List(
        help="composites that suit the subject: name, what people call it, and a sentence that says what it does"
    ).tag(sync=True)
    state = traitlets.Dict(
        help="what is asked: target (None for the top class), than, top, composite, changed, channels, strokes"
    ).tag(sync=True)

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        self._names = exploration.presets()
        told = [(name, TITLES.get(name, ""), composites.described(name)) for name in self._names]
        super().__init__(exploration, presets=told, **traits)
        self.follow(self._show, "answer", "error")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Change a part of the question.

        Another class, ``{"target": 9}`` or None for the top class; one to set against it, ``{"than": 4}`` or None;
        a preset, ``{"composite": name}``; or ask of the whole layer again, ``{"only": False}``.
        """
        if "composite" in message:
            self.shared.change_rules(self.shared.preset(message["composite"]))
        else:
            self.shared.ask(**{name: message[name] for name in ("target", "than", "only") if name in message})

    def _show(self) -> None:
        exploration, answer = self.shared, self.shared.answer
        if answer is None:
            return
        name, question = exploration.composite.name, answer.question
        subject = exploration.subject
        self.draw(
            classes=[subject.class_name(index, answer.shown) for index in range(len(answer.scores))],
            state={
                "target": question.target,
                "than": question.than,
                "top": answer.whole.top_class,
                "composite": name,
                "changed": name in self._names and exploration.composite != exploration.preset(name),
                "channels": list(question.channels) if question.only else [],
                "layer": question.layer,
            },
        )
