"""The state that all views share: what is looked at, what is asked of it, and the answer.

Views follow an :class:`Exploration` and never each other. Setting ``item``, ``target`` or ``composite`` asks a
question; the answer arrives later, computed on a worker thread, as the trait ``answer``. While a slider moves,
questions that were overtaken by newer ones are dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import traitlets
from torch import Tensor

from .. import subjects
from ..lrp import Composite, Explainer, Explanation, StaleExplanationError, composites
from ..subjects import Subject
from .worker import NewestWins

_PATIENCE = 0.2
"""Seconds before a question counts as waiting: most are answered sooner, and saying so would cost time."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An input of the model that is being looked at."""

    x: Tensor
    """Ready for the model, (1, C, H, W)."""
    name: str
    label: int | None
    """Its true class, None where unknown."""


@dataclass(frozen=True, eq=False)
class _Source:
    """Where a picture comes from."""

    item: int | None
    """Index of the sample; None for an upload."""
    open: Callable[[], Picture]


@dataclass(frozen=True, eq=False)
class Answer:
    """An explanation and what it is an explanation of."""

    picture: Picture
    explanation: Explanation
    target: int
    """The class that is explained."""
    milliseconds: float
    """From the start of the computation to its end, ledger included."""
    forward: bool = True
    """Whether the network had to run; else a forward that was kept did for it."""

    @property
    def scores(self) -> list[float]:
        """The model's score for every class."""
        return self.explanation.scores[0].tolist()


class Exploration(traitlets.HasTraits):
    """What is under examination and what is asked of it.

    Parameters
    ----------
    subject
        Model, data and classes.
    composite
        The name of a preset or a composite; by default ``attn_lrp_vision`` for a model with attention, else
        ``epsilon_gamma_box`` where the bounds of the input are known, else ``epsilon_plus_flat``.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    """

    item = traitlets.Int(None, allow_none=True, help="Index of the sample that is shown; None for an upload.")
    target = traitlets.Int(None, allow_none=True, help="Class to explain; None for the top class of each input.")
    composite = traitlets.Instance(Composite, help="Which rule each layer gets.")
    answer = traitlets.Instance(Answer, allow_none=True, help="The newest explanation; None before the first.")
    error = traitlets.Unicode(help="What went wrong with the newest question, as a sentence; empty if nothing did.")
    appeared = traitlets.Int(help="Counts the views that a browser began to draw.")
    busy = traitlets.Bool(help="Whether a question has waited for its answer long enough to say so.")

    def __init__(self, subject: Subject, composite: str | Composite | None = None, device: str | None = None) -> None:
        self.subject = subject
        self.explainer = Explainer(subject.model, device=device)
        self.worker = NewestWins()
        self._source: _Source | None = None  # of the picture that is asked about
        self._shown: _Source | None = None  # of the picture in the answer
        self._asked = self._answered = 0  # questions are numbered
        self._computed: tuple[_Source, Answer] | None = None  # the worker's own memory
        if composite is None:
            composite = _suiting(subject)
        super().__init__(composite=composite if isinstance(composite, Composite) else self.preset(composite))
        if len(subject.dataset):
            self.item = subject.start

    def presets(self) -> list[str]:
        """Names of the presets that suit the subject: those that need bounds only where they are known."""
        return [name for name in composites.names() if self.subject.bounds or not composites.requires_bounds(name)]

    def preset(self, name: str) -> Composite:
        """The preset `name`, with the bounds of the subject's input where it takes them."""
        if self.subject.bounds and name in composites.names() and composites.takes_bounds(name):
            low, high = self.subject.bounds
            return composites.get(name, low=low, high=high)
        return composites.get(name)

    def show(self, data: bytes, name: str) -> None:
        """Look at an uploaded picture file with content `data`."""

        def decode() -> Picture:
            if self.subject.from_image is None:
                raise ValueError(f"{self.subject.title} takes no pictures from outside.")
            return Picture(self.subject.from_image(subjects.open_picture(data, name=name))[None], name, None)

        self._source = _Source(None, decode)
        self.item = None  # before asking: views mark no sample any more
        self._ask()

    def close(self) -> None:
        """Stop computing."""
        self.worker.close()
        self.unobserve_all()

    @traitlets.observe("item")
    def _look_at_item(self, change: Any) -> None:
        item = change["new"]
        if item is not None and not (self._source and self._source.item == item):
            self._source = _Source(item, lambda: self._picture(item))
            self._ask()

    @traitlets.observe("target", "composite")
    def _ask_again(self, change: Any) -> None:
        self._ask()

    def _picture(self, item: int) -> Picture:
        x, label = self.subject.item(item)
        return Picture(x[None], self.subject.item_name(item), label)

    def _ask(self) -> None:
        if self._source is None:
            return
        self._asked += 1
        number, source, target, composite = self._asked, self._source, self.target, self.composite
        self.worker.later(_PATIENCE, lambda: self._still_waiting(number))
        self.worker.submit(
            lambda: self._compute(source, target, composite),
            lambda outcome: self._arrived(number, source, outcome),
        )

    def _compute(self, source: _Source, target: int | None, composite: Composite) -> Answer | str:
        """On the worker: the answer, or what went wrong as a sentence."""
        started = time.perf_counter()
        try:
            picture, explanation, forward = self._ask_on(source, target, composite) or self._explain(
                source, target, composite
            )
            explanation.ledger  # noqa: B018  # computed here, where it delays nobody
            wanted = explanation.top_class if target is None else target
            answer = Answer(picture, explanation, wanted, 1000 * (time.perf_counter() - started), forward)
            self._computed = (source, answer)
            return answer
        except Exception as error:  # a person without a console must see every one of them
            return sentence(error)

    def _explain(self, source: _Source, target: int | None, composite: Composite) -> tuple[Picture, Explanation, bool]:
        picture = source.open()
        self.explainer.composite = composite
        return picture, self.explainer.explain(picture.x, target), True

    def _ask_on(
        self, source: _Source, target: int | None, composite: Composite
    ) -> tuple[Picture, Explanation, bool] | None:
        """The newest explanation asked on; None if it is of another picture, or of weights that have changed."""
        if self._computed is None or self._computed[0] is not source:
            return None
        kept = self._computed[1]
        explanation = kept.explanation
        wanted = explanation.top_class if target is None else target
        try:
            if wanted != kept.target:
                explanation = explanation.retarget(wanted)
            if composite != explanation.composite:
                explanation = explanation.switch(composite)
        except StaleExplanationError:
            return None
        return kept.picture, explanation, False

    def _arrived(self, number: int, source: _Source, outcome: Answer | str) -> None:
        newest = number == self._asked
        if isinstance(outcome, Answer):
            self._shown = source
            self.error = ""  # before the answer: a view that cannot show it may say so
            self.answer = outcome
        elif newest:
            self.error = outcome
            if self._shown:  # a picture that cannot be opened: the next question is about the one on the screen
                self._source = self._shown
                self.item = self._shown.item
        self._answered = number
        self.busy = self.busy and not newest

    def _still_waiting(self, number: int) -> None:
        self.busy = self._answered < number


def _suiting(subject: Subject) -> str:
    """The preset that a person sees first."""
    if any("Attention" in type(module).__name__ for module in subject.model.modules()):
        return "attn_lrp_vision"
    return "epsilon_gamma_box" if subject.bounds else "epsilon_plus_flat"


def sentence(error: Exception) -> str:
    """What to tell a person about `error`: its message where we wrote it, else its type as well."""
    told = str(error).strip()
    ours = isinstance(error, ValueError | TypeError | LookupError | OSError | NotImplementedError) and told
    return told if ours else f"{type(error).__name__}: {told or 'no further word'}"
