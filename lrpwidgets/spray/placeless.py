"""Poison tests of what has no fixed place: a mark that moves, a cast, stripes, a texture.

Each takes something else of a cluster's pictures to pictures of other classes, and in its control the same of other
pictures of the cluster's class:

========== ===========================================================================================================
spot       what each picture looks at most beyond its class, cut out and pasted where it was
shift      what the pictures have in common beyond their class, added: their mean difference, in pixels
spectrum   the same of the amplitudes of their Fourier transforms; phases stay, so it may lie anywhere
direction  the same of the channels of a layer, added to the layer's output at every position
========== ===========================================================================================================

The control of a shift is how single other pictures of the class differ from their mean, made as long. A style of the
class, as a way to write a two, moves others in its direction, too, and more than single pictures do: so a shift must
turn more of them than a box. The direction is the one of P-ClArC (Anders et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..lrp.outputs import NoOutputError, module_of, output_through
from ..progress import Progress, Watcher, listening
from .channels import INPUT
from .features import unit_maps
from .inserted import Inserted, word_of
from .poison import (
    MEMBERS,
    TURNS,
    Artefact,
    Suspect,
    UntestableError,
    Verdict,
    box_of,
    judged,
    label_of,
    other_clusters,
    suspicious_box,
)

if TYPE_CHECKING:
    from ..lrp import Explainer
    from ..subjects import Subject
    from .atlas import Atlas
    from .channels import LayerShape
    from .dataset_store import DatasetStore

SHIFTED = 0.25
"""Share of other pictures that a shift turns into its class, beyond what its control does, if it is an artefact.

Of styles in ten classes of handwritten digits up to 0.15; of a border line, a mark and stripes from 0.25 on.
"""

EXPLAINED = 0.25
"""Share of the pictures that a spot or a shift turns which its control may turn, too; time stamps, stickers up to 0.24.

More than of a box at one place: the spots of other pictures of the class, pasted where they were, are evidence for it.
"""

Patch = tuple[Tensor, int, int]
"""Pixels (C, h, w), and the row and column of their upper left corner."""


@dataclass(frozen=True, eq=False)
class Spots:
    """What each picture of a cluster looks at most beyond its class, where it was."""

    turns: ClassVar[float] = TURNS
    explained: ClassVar[float] = EXPLAINED
    what: ClassVar[str] = "each picture's own spot"
    of_class: ClassVar[bool] = True
    label: int
    patches: list[Patch] = field(repr=False)
    controls: list[list[Patch]] = field(repr=False)
    """The same of the pictures of each other cluster."""

    def scores(self, inputs: Tensor, explainer: Explainer, random: np.random.Generator) -> Tensor:
        """See :class:`.Suspect`."""
        each = [self.taken(inputs, random), *(_stuck(inputs, patches, random) for patches in self.controls)]
        return torch.stack([explainer.scores(x).float().cpu() for x in each])

    def taken(self, inputs: Tensor, random: np.random.Generator) -> Tensor:
        """Inputs with one of the spots on each, drawn at random."""
        return _stuck(inputs, self.patches, random)

    def removed(self, inputs: Tensor, random: np.random.Generator) -> Tensor | None:
        """None: where it is in another input, nobody knows."""
        return None

    def pictured(self, x: Tensor) -> list[Tensor]:
        """The first spot, and `x` with it; see :class:`.Suspect`."""
        return [self.patches[0][0], _stuck(x[None], self.patches[:1], np.random.default_rng(0))[0]]


@dataclass(frozen=True, eq=False)
class Shift:
    """What the pictures of a cluster have in common beyond their class, in some numbers that a picture has."""

    turns: ClassVar[float] = SHIFTED
    explained: ClassVar[float] = EXPLAINED
    of_class: ClassVar[bool] = True
    label: int
    what: str
    difference: Tensor = field(repr=False)
    """(...)"""
    ordinary: Tensor = field(repr=False)
    """How single other pictures of the class differ, as long as that, (m, ...)."""
    scored: Callable[[Explainer, Tensor, Tensor], Tensor] = field(repr=False)
    """The scores of inputs (B, ...) to which differences (B, ...) were added."""
    added: Callable[[Tensor, Tensor], Tensor] | None = field(default=None, repr=False)
    """Pictures (B, C, H, W) to which differences were added; None where they are in no picture."""

    def scores(self, inputs: Tensor, explainer: Explainer, random: np.random.Generator) -> Tensor:
        """See :class:`.Suspect`."""
        drawn = self.ordinary[torch.from_numpy(random.integers(len(self.ordinary), size=len(inputs)))]
        each = [self.scored(explainer, inputs, added) for added in (self.difference.expand_as(drawn), drawn)]
        return torch.stack(each).float().cpu()

    def taken(self, inputs: Tensor, random: np.random.Generator) -> Tensor | None:
        """Inputs with the difference; None where it is in no input, but in a layer."""
        return self._changed(inputs, self.difference)

    def removed(self, inputs: Tensor, random: np.random.Generator) -> Tensor | None:
        """Inputs without the difference; None where it is in no input."""
        return self._changed(inputs, -self.difference)

    def _changed(self, inputs: Tensor, difference: Tensor) -> Tensor | None:
        return self.added(inputs, difference.expand(len(inputs), *difference.shape)) if self.added else None

    def pictured(self, x: Tensor) -> list[Tensor]:
        """`x` without and with it; see :class:`.Suspect`."""
        changed = self._changed(x[None], self.difference)
        return [] if changed is None else [x, changed[0]]


@dataclass(frozen=True)
class Trial:
    """What all poison tests said of a cluster."""

    verdicts: dict[str, Verdict]
    """By test, of those that were made."""
    missing: dict[str, str]
    """Why another one could not be made, by test."""

    @property
    def convicting(self) -> list[str]:
        """The tests by which it is a Clever Hans."""
        return [name for name, verdict in self.verdicts.items() if verdict.clever_hans]

    @property
    def clever_hans(self) -> bool:
        """Whether the model falls for it, by any of the tests."""
        return bool(self.convicting)

    @property
    def foremost(self) -> str:
        """The test that turns most pictures, of those that convict it, if any does; else of all. Empty without any."""
        return max(self.convicting or self.verdicts, key=lambda test: self.verdicts[test].turned, default="")

    @property
    def conclusion(self) -> str:
        """What follows from them, in words."""
        if self.clever_hans:
            return f"A Clever Hans: the model falls for it ({', '.join(self.convicting)})."
        if not self.verdicts:
            return "Not convicted: no test could be made."
        if len(self.verdicts) == 1:
            return "Not convicted by this test."
        if self.missing:
            return f"Not convicted by any of {len(self.verdicts)} tests."
        seen = max(verdict.detectable for verdict in self.verdicts.values())
        end = f"an effect on {seen:.0%} of the pictures or more would have been seen"
        return f"Not a Clever Hans by any of {len(self.verdicts)} tests: {end}."

    def sentence(self, name: str) -> str:
        """The outcome with its figures, in words; `name` is that of the class."""
        missing = "".join(f" Not tested by {test}: {why}." for test, why in self.missing.items())
        if self.clever_hans or len(self.verdicts) == 1:
            others = [test for test in self.convicting if test != self.foremost]
            more = f" Convicted also by {', '.join(others)}." if others else ""
            return f"{self.verdicts[self.foremost].sentence(name)}{more}{missing}"
        figures = "; ".join(
            f"{test} {each.turned} turned, control {each.turned_by_control}" for test, each in self.verdicts.items()
        )
        return f"{self.conclusion}{figures and f' By test: {figures}.'}{missing}"


_SUGGESTED: dict[str, Callable[[Atlas, int, Subject], Artefact | Inserted]] = {"image": box_of, "text": word_of}
"""What a cluster suggests first, by the modality of its inputs."""

TESTS = {"image": ("box", "spot", "shift", "spectrum", "direction"), "text": ("word",)}
"""The poison tests by the modality of what they are of."""


def tests_of(store: DatasetStore[Any]) -> tuple[str, ...]:
    """Those for the inputs of a store."""
    return TESTS.get(store.info.modality, ())


def poison_tests(
    atlas: Atlas,
    number: int,
    explainer: Explainer,
    subject: Subject,
    *,
    samples: int = 500,
    seed: int = 0,
    known: Iterable[int] = (),
    progress: bool | Watcher = True,
) -> Trial:
    """Put a cluster to all poison tests: of a place, and of what has none.

    Parameters
    ----------
    samples
        How many inputs of other classes each takes, at most; drawn at random.
    known
        Numbers of inputs that are not asked: a repaired model has seen them.
    progress
        True writes a line; a function gets a :class:`.Progress` of the tests, and may raise to end them.

    Raises
    ------
    ValueError
        If there is no such cluster, the subject has no labels or no input of another class.
    """
    with listening(progress) as tell:
        suspects, missing = suspects_of(atlas, number, explainer, subject, tell)
        return tried(suspects, missing, explainer, subject, samples, seed, tell, known)


def suspects_of(
    atlas: Atlas, number: int, explainer: Explainer, subject: Subject, tell: Watcher
) -> tuple[dict[str, Suspect], dict[str, str]]:
    """What each test takes to other pictures, and of the others why they cannot be made, by test."""
    suspects: dict[str, Suspect] = {}
    missing: dict[str, str] = {}
    atlas.members(number)  # raises for a cluster that is not there
    tests = tests_of(atlas.store)
    for place, test in enumerate(tests):
        tell(Progress(place, len(tests), "looking for suspects"))
        try:
            suspects[test] = suspect_of(test, atlas, number, explainer, subject)
        except (UntestableError, NoOutputError) as why:
            missing[test] = str(why)
    return suspects, missing


def tried(
    suspects: Mapping[str, Suspect],
    missing: Mapping[str, str],
    explainer: Explainer,
    subject: Subject,
    samples: int,
    seed: int,
    tell: Watcher,
    known: Iterable[int] = (),
) -> Trial:
    """What came out for the suspects of a cluster, of which each may be the one that seems guilty by chance."""
    found = judged(list(suspects.values()), explainer, subject, samples, seed, tell, known) if suspects else []
    verdicts = zip(suspects, found, strict=True)
    return Trial({test: verdict.among(len(suspects)) for test, verdict in verdicts}, dict(missing))


def candidate(atlas: Atlas, number: int, subject: Subject) -> Artefact | Inserted:
    """What a cluster suggests: the box of pictures or the word of texts where its relevance exceeds the others' most.

    Raises
    ------
    ValueError
        If there is no cluster of that number, or no such test for its inputs.
    """
    return _SUGGESTED.get(atlas.store.info.modality, box_of)(atlas, number, subject)


def suspect_of(test: str, atlas: Atlas, number: int, explainer: Explainer, subject: Subject) -> Suspect:
    """What the test of that name takes to other pictures; raises UntestableError where it cannot be made."""
    members, label = atlas.members(number)[:MEMBERS], label_of(atlas, number)
    others = other_clusters(atlas, number, label)
    if not others:
        raise UntestableError("there is no other cluster of its class to compare with")
    if test == "word":
        return word_of(atlas, number, subject)
    x, _ = subject.item(int(atlas.store.index[members[0]]))
    if x.dim() != 3 and test != "direction":
        raise UntestableError(f"the inputs are no pictures but {tuple(x.shape)}")
    if test == "box":
        return box_of(atlas, number, subject)
    if test == "spot":
        return _spots(atlas, subject, members, others, label)
    rest = np.concatenate(others)[:: max(1, sum(map(len, others)) // MEMBERS)]
    if test == "direction":
        return _direction(atlas, members, rest, explainer, subject, label)
    what, numbers, changed = SPACES[test]

    def added(inputs: Tensor, differences: Tensor) -> Tensor:
        return _valid(subject, changed(inputs, differences))

    return Shift(
        label,
        what,
        *_differences(numbers(_inputs(atlas, subject, members)), numbers(_inputs(atlas, subject, rest))),
        lambda explainer, inputs, differences: explainer.scores(added(inputs, differences)),
        added,
    )


def _inputs(atlas: Atlas, subject: Subject, rows: NDArray[np.int64]) -> Tensor:
    """The inputs (n, ...) of those rows of the store."""
    return torch.stack([subject.item(int(item))[0] for item in atlas.store.index[rows]])


# -- spots ---------------------------------------------------------------------------------------------------------


def _spots(
    atlas: Atlas, subject: Subject, members: NDArray[np.int64], others: Sequence[NDArray[np.int64]], label: int
) -> Spots:
    """The spots of a cluster's pictures, and of those of the other clusters of the class."""
    each = [members, *(rows[:MEMBERS] for rows in others)]
    maps = [unit_maps(atlas.store.relevance(rows)) for rows in each]
    ordinary = np.concatenate(maps[1:]).mean(0)
    found = [_cut_out(atlas, subject, rows, part - ordinary) for rows, part in zip(each, maps, strict=True)]
    return Spots(label, found[0], found[1:])


def _cut_out(atlas: Atlas, subject: Subject, rows: NDArray[np.int64], excess: NDArray[np.float32]) -> list[Patch]:
    made = []
    for row, each in zip(rows, excess, strict=True):
        x, _ = subject.item(int(atlas.store.index[row]))
        top, left, height, width = suspicious_box(each, tuple(x.shape[1:]))
        made.append((x[:, top : top + height, left : left + width].clone(), top, left))
    return made


def _stuck(inputs: Tensor, patches: list[Patch], random: np.random.Generator) -> Tensor:
    """Inputs (B, C, H, W) with a patch on each, drawn at random."""
    stuck = inputs.clone()
    for x, which in zip(stuck, random.integers(len(patches), size=len(stuck)), strict=True):
        patch, top, left = patches[which]
        x[:, top : top + patch.shape[1], left : left + patch.shape[2]] = patch
    return stuck


# -- what pictures have in common ----------------------------------------------------------------------------------


def _differences(members: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
    """The mean difference (...) of `members` (n, ...) to the `rest` (m, ...), and theirs (m, ...), as long as it."""
    middle = rest.mean(0)
    difference, ordinary = members.mean(0) - middle, rest - middle
    length = ordinary.flatten(1).norm(dim=1).clamp(min=1e-12).reshape(-1, *[1] * middle.dim())
    return difference, ordinary * (difference.norm() / length)


def _as_they_are(inputs: Tensor) -> Tensor:
    return inputs


def _amplitudes(inputs: Tensor) -> Tensor:
    amplitudes: Tensor = torch.fft.rfft2(inputs).abs()
    return amplitudes


def _amplified(inputs: Tensor, added: Tensor) -> Tensor:
    """The inputs with other amplitudes and the same phases."""
    spectra = torch.fft.rfft2(inputs)
    changed = torch.polar((spectra.abs() + added).clamp(min=0), spectra.angle())
    amplified: Tensor = torch.fft.irfft2(changed, s=inputs.shape[-2:])
    return amplified


SPACES: dict[str, tuple[str, Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "shift": ("what its pictures have in common, in pixels", _as_they_are, torch.add),
    "spectrum": ("what its pictures have in common, in spatial frequencies", _amplitudes, _amplified),
}
"""By test: what is taken, the numbers of pictures that are compared, and how a difference is added to pictures."""


def _valid(subject: Subject, inputs: Tensor) -> Tensor:
    """Inputs (B, C, H, W) without what no picture of the subject can have."""
    if subject.bounds is None:
        return inputs
    low, high = (torch.as_tensor(bound, dtype=inputs.dtype).reshape(-1, 1, 1) for bound in subject.bounds)
    return inputs.clamp(low, high)


# -- a direction in a layer ----------------------------------------------------------------------------------------


def _direction(
    atlas: Atlas,
    members: NDArray[np.int64],
    rest: NDArray[np.int64],
    explainer: Explainer,
    subject: Subject,
    label: int,
) -> Shift:
    """The direction of a cluster in the layer where it stands apart, else in the last that the store keeps."""
    layers = atlas.store.info.layers
    if not layers:
        raise UntestableError("the store keeps no layer")
    name = list(layers)[-1] if atlas.features.layer == INPUT else atlas.features.layer
    module, shape = module_of(explainer.model, name), layers[name]

    def heights(rows: NDArray[np.int64]) -> Tensor:
        seen: list[Tensor] = []

        def see(output: Tensor) -> Tensor:
            seen.append(shape.planes(output.detach()).float().amax(2).cpu())
            return output

        with output_through(module, see):
            for part in np.array_split(rows, -(-len(rows) // 64)):
                explainer.scores(_inputs(atlas, subject, part))
        found = torch.cat(seen)
        if len(found) != len(rows):
            raise UntestableError(f"the model calls {name} {len(found) // len(rows)} times")
        return found

    def scored(explainer: Explainer, inputs: Tensor, differences: Tensor) -> Tensor:
        own = module_of(explainer.model, name)  # of whichever model is tested, repaired ones among them
        with output_through(own, lambda output: output + _spread(differences, output, shape)):
            return explainer.scores(inputs)

    return Shift(label, f"its direction in {name}", *_differences(heights(members), heights(rest)), scored)


def _spread(differences: Tensor, output: Tensor, shape: LayerShape) -> Tensor:
    """Differences (B, C), so that they are added to each position of a layer's output."""
    sizes = [1] * output.dim()
    sizes[0], sizes[shape.axis] = differences.shape
    return differences.to(output).reshape(sizes)
