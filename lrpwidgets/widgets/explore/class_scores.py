"""What the network says: its scores as bars; a click on one asks why this class."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from ..base.view import View, script, style
from .exploration import Exploration


class ClassScores(View):
    """The highest scores, best first, each with its probability if it is that of a class; others are found by name.

    The explained class and the one it is contrasted with are always among them. While the input is painted on,
    a mark shows where each score was before.

    Parameters
    ----------
    exploration
        The state to follow.
    top
        Number of classes to show.
    """

    shared: Exploration
    _esm = script(__file__)
    _css = style(__file__)
    classes: traitlets.List[Any] = traitlets.List(help="names of all classes").tag(sync=True)
    scores = traitlets.Bytes(help="float32, one for each class").tag(sync=True)
    probabilities = traitlets.Bytes(help="the same as probabilities; empty for one score, which has none").tag(
        sync=True
    )
    before = traitlets.Bytes(help="the same before the input was painted on; empty if it is not").tag(sync=True)
    state = traitlets.Dict(help="classes by number: target, than, truth; whether the target follows the top").tag(
        sync=True
    )
    top = traitlets.Int(7, min=1, help="number of classes to show").tag(sync=True)

    def __init__(self, exploration: Exploration, top: int = 7, **traits: Any) -> None:
        super().__init__(exploration, top=top, **traits)
        self.follow(self._show, "answer", "error")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Ask why another class, ``{"target": 9}``, None for the top one, or why not another, ``{"than": 4}``."""
        self.shared.ask(**{name: message[name] for name in ("target", "than") if name in message})

    def _show(self) -> None:
        answer = self.shared.answer
        if answer is None:
            return
        subject = self.shared.subject
        shares = self.shared.explainer.probabilities(answer.explanation.scores[0].float())
        self.draw(
            classes=[subject.class_name(index, answer.shown) for index in range(len(answer.scores))],
            scores=np.asarray(answer.scores, np.float32).tobytes(),
            probabilities=shares.numpy(force=True).tobytes() if len(shares) > 1 else b"",
            before=np.asarray(answer.before or [], np.float32).tobytes(),
            state={
                "target": answer.target,
                "than": answer.than,
                "truth": answer.shown.label,
                "follows": answer.question.target is None,
            },
        )
