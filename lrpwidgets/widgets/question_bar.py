"""The question, as a sentence that one can read aloud."""

from __future__ import annotations

from typing import Any

import traitlets

from .exploration import Exploration
from .view import View, script


class QuestionBar(View):
    """*Why "3", composite epsilon_gamma_box*: the class to explain and the preset, as choices in a sentence."""

    _esm = script("question_bar")
    classes: traitlets.List[Any] = traitlets.List(help="names of all classes").tag(sync=True)
    presets: traitlets.List[Any] = traitlets.List(help="names of the composites that suit the subject").tag(sync=True)
    state = traitlets.Dict(help="what is asked: target (None for the top class), top, composite, changed").tag(
        sync=True
    )

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        super().__init__(exploration, presets=exploration.presets(), **traits)
        self.follow(self._show, "answer", "error")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Ask about another class, ``{"target": 9}`` or None for the top class, or choose a preset."""
        if "target" in message:
            self.exploration.target = message["target"]
        else:
            self.exploration.composite = self.exploration.preset(message["composite"])

    def _show(self) -> None:
        exploration, answer = self.exploration, self.exploration.answer
        if answer is None:
            return
        name = exploration.composite.name
        subject = exploration.subject
        self.draw(
            classes=[subject.class_name(index) for index in range(len(answer.scores))],
            state={
                "target": exploration.target,
                "top": answer.explanation.top_class,
                "composite": name,
                "changed": name in self.presets and exploration.composite != exploration.preset(name),
            },
        )
