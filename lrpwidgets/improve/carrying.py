"""At which layers a model carries an artefact: how well a direction separates there, and how much projecting undoes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..lrp import Explainer
from ..progress import Progress, Watcher, listening
from ..readable import Readable
from ..spray.poison import Suspect, Verdict, judged
from ..subjects import Subject
from .directions import Direction, Method, Over, Side, direction
from .layers import places
from .proof import right
from .repairs import project

_FEWEST = 20
"""Inputs that a layer is judged by, where a quarter of all is less."""


@dataclass(frozen=True, repr=False)
class Carrier(Readable):
    """A layer, and what its direction is good for."""

    direction: Direction
    undone: float
    """Share of the pictures turned by the artefact that no longer turn if the layer is projected: at most 1, and below
    0 where more turn."""
    gain: float
    """Accuracy on inputs of other classes with the artefact, after projecting minus before."""
    cost: float
    """Accuracy on inputs of all classes as they are, after minus before: below 0 where it harms."""
    judged: frozenset[int] = field(default=frozenset(), repr=False)
    """Numbers of the inputs that these figures are of: a proof takes others, see `known` of :func:`.prove`."""

    @property
    def layer(self) -> str:
        """Name of the layer."""
        return self.direction.layer


def carriers(
    subject: Subject,
    artefact: Suspect,
    with_artefact: Side,
    without: Side,
    *,
    layers: Sequence[str] | None = None,
    method: Method = "signal",
    over: Over | None = None,
    samples: int = 200,
    seed: int = 0,
    explainer: Explainer | None = None,
    progress: bool | Watcher = True,
) -> Iterator[Carrier]:
    """Each of some layers with its direction, and how much of the artefact's effect projecting there undoes.

    One after the other, from the input up.

    Parameters
    ----------
    layers
        Names; by default some of the model's activations, see :func:`.places`.
    samples
        Inputs of other classes that the artefact is put on, at most. They, and twice as many that are read as they are,
        come from a quarter of the data, so that others are left for a proof.

    Raises
    ------
    ValueError
        As :func:`.direction` and :func:`lrpwidgets.spray.poison_test`.
    """
    explainer = explainer or subject.explainer()
    names = [each.layer for each in places(explainer, subject)] if layers is None else list(layers)
    with listening(progress) as watch:
        every = np.flatnonzero(subject.labels() >= 0)
        most = min(2 * samples, max(_FEWEST, len(every) // 4))
        numbers = np.random.default_rng(seed).permutation(every)[:most]
        others = np.setdiff1d(np.arange(len(subject.dataset)), numbers)

        def told(by: Explainer) -> tuple[Verdict, float]:
            verdict = judged([artefact], by, subject, samples, seed, lambda _: None, others)[0]
            return verdict, float(right(by, subject, numbers).mean())

        before, clean = told(explainer)
        for done, name in enumerate(names):
            watch(Progress(done, len(names), "looking through layers"))
            found = direction(subject, name, with_artefact, without, method=method, over=over, explainer=explainer)
            after, still = told(project(subject, found).explainer(device=str(explainer.device)))
            undone = 1 - after.turned / before.turned if before.turned else 0.0
            yield Carrier(found, undone, after.after - before.after, still - clean, frozenset(numbers.tolist()))


def foremost(found: Sequence[Carrier]) -> Carrier:
    """The one to repair at: which gains most for what it costs; of those within half a point, the deepest.

    What is changed late leaves more of the network as it is.

    Raises
    ------
    ValueError
        If there is none.
    """
    if not found:
        raise ValueError("There are no layers to choose from; name some in carriers(..., layers=...).")
    most = max(each.gain + each.cost for each in found)
    return [each for each in found if each.gain + each.cost >= most - 0.005][-1]
