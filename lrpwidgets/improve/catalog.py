"""The repairs by name, all called alike, so that they can be compared: what each does, and whether it trains."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from ..progress import Watcher
from ..spray.poison import Suspect
from ..subjects import Subject
from .cutting_out import cut_out
from .directions import Direction
from .repaired import Repaired
from .repairs import augment, penalise, project, usable
from .training import Training

Make = Callable[[Subject, Direction, Suspect, Training, Iterable[int], "bool | Watcher"], Repaired]
"""Repairs a subject by a direction or an artefact; a training gets its settings and the inputs that it may use."""


@dataclass(frozen=True)
class Way:
    """A repair as it is chosen by its name."""

    does: str
    """What it does, in a few words."""
    trains: bool
    make: Make
    learns: bool = False
    """Whether it takes further inputs, although it does not train."""


def _projected(reactive: bool) -> Make:
    return lambda subject, direction, *_: project(subject, direction, reactive=reactive)


def _trained(how: Callable[..., Repaired], by: Literal["direction", "artefact"]) -> Make:
    def make(
        subject: Subject,
        direction: Direction,
        artefact: Suspect,
        training: Training,
        samples: Iterable[int],
        progress: bool | Watcher,
    ) -> Repaired:
        what = direction if by == "direction" else artefact
        return how(subject, what, training=training, samples=samples, progress=progress)

    return make


def _at_random(subject: Subject, direction: Direction, artefact: Suspect, training: Training, *_: object) -> Repaired:
    return project(subject, direction.random(training.seed))


def _pruned(
    subject: Subject,
    direction: Direction,
    artefact: Suspect,
    training: Training,
    samples: Iterable[int],
    progress: bool | Watcher,
) -> Repaired:
    return cut_out(subject, artefact, samples=samples, seed=training.seed, progress=progress)


REPAIRS: dict[str, Way] = {
    "P-ClArC": Way("project the direction out", False, _projected(reactive=False)),
    "reactive P-ClArC": Way("only where it is seen", False, _projected(reactive=True)),
    "A-ClArC": Way("added to all classes", True, _trained(augment, "direction")),
    "A-ClArC in the input": Way("pasted on all classes", True, _trained(augment, "artefact")),
    "RR-ClArC": Way("gradient along it penalised", True, _trained(penalise, "direction")),
    "right for the right reasons": Way("gradient on it penalised", True, _trained(penalise, "artefact")),
    "pruning": Way("channels that carry it cut", False, _pruned, learns=True),
    "random direction": Way("a control: mends nothing", False, _at_random),
}
"""By name, in the order in which they are shown."""


def repair(
    subject: Subject,
    name: str,
    direction: Direction,
    artefact: Suspect,
    *,
    training: Training | None = None,
    samples: Iterable[int] | None = None,
    progress: bool | Watcher = True,
) -> Repaired:
    """The subject repaired in the way of that name, one of `REPAIRS`.

    Raises
    ------
    ValueError
        If there is no such repair; and as the repair itself does.
    """
    if name not in REPAIRS:
        raise ValueError(f"There is no repair {name!r}; there are {', '.join(REPAIRS)}.")
    way, training = REPAIRS[name], training or Training()
    if samples is None:
        samples = usable(subject, training.seed) if way.trains or way.learns else ()
    return way.make(subject, direction, artefact, training, samples, progress)
