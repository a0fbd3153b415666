"""What is wished for of a network, and all that is known of it: the traits that views of a maximization follow."""

from __future__ import annotations

from typing import Any

import traitlets

from ...lrp import Composite
from ...maximize import Run
from ..base.answers import Answer
from ..base.inputs import Inputs
from ..base.worker import NewestWins
from .concepts import Concepts, Opened
from .flow import Flow
from .question import PARTS, Wish
from .reel import Glance, Judged, Moment
from .samples import Gathering, Recognized, Samples


class Wishing(Inputs):
    """A state whose question is a :class:`Wish`; those who find out what is known of it share it with the views."""

    device: str | None
    """Where to compute, as ``torch.device`` spells it; None: where the model is."""
    composite: Composite
    """By whose rules real inputs are explained."""
    films: NewestWins
    """Whose thread makes films, and whatever may wait until none is made."""

    parts = PARTS
    pictured = ("judged",)

    layer = traitlets.Any(None, allow_none=True, help="Layer whose channel is to be excited; None: a class.")
    number = traitlets.Any(0, help="Of the channel, or of the class.")
    prior = traitlets.Any("auto", help="Name of a prior; auto: the one that suits.")
    steps = traitlets.Any(256, help="How many are taken.")
    seed = traitlets.Any(0, help="Same seed, same picture.")
    size = traitlets.Any(None, allow_none=True, help="Side in pixels; None: that of the data.")
    item = traitlets.Any(None, allow_none=True, help="Input in which channels are looked for.")
    classes = traitlets.Any(None, allow_none=True, help="Classes of the wall; None: three, evenly spread.")

    answer = traitlets.Instance(Run, allow_none=True, help="The run whose frames are shown; None before the first.")
    moment = traitlets.Instance(Moment, allow_none=True, help="The newest frame.")
    kept = traitlets.Tuple(help="Moments that stay, the first among them.")
    looked = traitlets.Int(None, allow_none=True, help="Which of them is looked at; None: the newest frame.")
    running = traitlets.Bool(help="Whether frames are made one after the other; not in a single step.")
    ended = traitlets.Bool(help="Whether there are no more.")
    glance = traitlets.Instance(Glance, allow_none=True, help="Where the film stands among real inputs, in passing.")
    judged = traitlets.Instance(Judged, allow_none=True, help="How honest a frame is; None before the first.")
    densities = traitlets.Tuple(help="(step, log-density) wherever it was measured.")
    trail = traitlets.Tuple(help="Steps of earlier films at whose frames this one was begun, the first film first.")

    layers = traitlets.Tuple(help="Layers that can be asked for, Opened, output first.")
    concepts = traitlets.Instance(Concepts, allow_none=True, help="Channels that matter in the input.")
    flow = traitlets.Instance(Flow, allow_none=True, help="How relevance flows through these channels; None: unknown.")
    samples = traitlets.Instance(Samples, allow_none=True, help="Real inputs in which it mattered, and fired.")
    faces = traitlets.Dict(help="What channels of the list saw where they mattered most, by layer and number.")
    recognized = traitlets.Instance(Recognized, allow_none=True, help="Strategies of the class.")
    gathering = traitlets.Instance(Gathering, allow_none=True, help="How far the pass for them is; None: ended.")
    sample_problem = traitlets.Unicode(help="Why there are no samples, as a sentence; empty if there are.")
    tiles = traitlets.Tuple(help="Tiles of the wall that are made.")
    painting = traitlets.Bool(True, help="Whether the wall goes on.")

    def __init__(self, **wish: Any) -> None:
        self._waiting: dict[object, str] = {}
        super().__init__(**wish)

    def __repr__(self) -> str:
        wanted = f"class {self.number}" if self.layer is None else f"channel {self.number} of {self.layer}"
        return f"{type(self).__name__}({self.subject!r}; {wanted}, prior {self.prior})"

    @property
    def question(self) -> Wish:
        """All that is wished for; raises ValueError for what cannot be."""
        return Wish(**{name: getattr(self, name) for name in PARTS})

    @property
    def seen(self) -> Moment | None:
        """The frame that is looked at."""
        if self.looked is not None and self.looked < len(self.kept):
            kept: Moment = self.kept[self.looked]
            return kept
        return self.moment

    def ask(self, **parts: Any) -> None:
        """Change several parts of the wish at once; raises ValueError for what cannot be asked."""
        raise NotImplementedError

    def listen(self, answer: Answer, listed: Concepts) -> None:
        """Take the channels that were found in an input."""
        raise NotImplementedError

    def wait_for(self, what: object, stage: str) -> None:
        """Say that `what` takes its time; nothing more once `stage` is empty."""
        if stage:
            self._waiting[what] = stage
        else:
            self._waiting.pop(what, None)
        self._tell()

    def opened(self, name: str) -> Opened | None:
        """What is known of a layer."""
        return next((each for each in self.layers if each.name == name), None)

    def _tell(self) -> None:
        stages = [*self._waiting.values()]
        with self.hold_trait_notifications():
            self.busy, self.progress = bool(stages), (stages[-1], 0, 0) if stages else ()
