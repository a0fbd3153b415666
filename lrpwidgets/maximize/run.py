"""A run: an image that forms, frame by frame, and what it ends in.

run = maximize(subject, objectives.channel("features.12", 486), prior="spectrum", steps=256, seed=0)
for frame in run:                 # or run.finish() at once
show(frame.images, frame.objective)
result = run.finish()
print(result.honesty)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..lrp import Explainer
from ..progress import Progress, Watcher, listening
from ..readable import Readable
from ..subjects import Subject
from . import priors
from .data import Data
from .honesty import Honesty, examined
from .network import DeadObjectiveError, Network
from .objectives import Objective
from .priors import Prior

if TYPE_CHECKING:
    from PIL.Image import Image

REDIRECTED = 50
"""Steps that an image may take with redirected gradients before it counts as dead."""

AT_ONCE = 16
"""Real inputs that are looked at in one forward pass."""


@dataclass(frozen=True, eq=False, repr=False)
class Frame(Readable):
    """One moment of a run."""

    step: int
    """How many steps were taken before."""
    images: Tensor
    """(B, C, H, W), inputs of the model."""
    objective: Tensor
    """(B,): the objective of each, the mean over its views."""
    terms: Mapping[str, float]
    """Every part of what is optimized: ``"objective"`` and the penalties by name, means over the images."""
    variables: Tensor = field(repr=False)
    """What is optimized in place of the images."""


def maximize(
    model: Subject | nn.Module | Explainer,
    objective: Objective,
    prior: str | Prior = "auto",
    steps: int = 256,
    seed: int = 0,
    *,
    count: int = 1,
    size: int | tuple[int, ...] | None = None,
    start: Frame | Tensor | None = None,
    device: str | None = None,
) -> Run:
    """Look for inputs that make the `objective` as large as they can, under a `prior`.

    Nothing is computed before the first frame is asked for, but that everything fits is checked at once. The model is
    left as it was.

    Parameters
    ----------
    model
        A subject, whose data gives priors their statistics; or a model alone, or its explainer.
    objective
        One of :mod:`.objectives`, or a sum of them.
    prior
        A name that :func:`.priors.get` knows, or a prior. ``"auto"``: for small inputs of a known class the density
        expert, for others the spectrum of the data, without data Fourier coefficients.
    steps
        How many the optimizer takes.
    seed
        Same seed, same images.
    count
        How many images are optimized side by side.
    size
        Side in pixels, or (C, H, W); by default that of the data.
    start
        A frame, or images (B, C, H, W), to begin at.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model or its explainer is.

    Raises
    ------
    ValueError
        If a class, layer, channel or prior is not there, or the size does not suit the model.
    """
    return Run(model, objective, prior, steps, seed, count, size, start, device)


class Run:
    """An optimization that yields frames: made by :func:`maximize`. It can be left at any time, and gone on with."""

    def __init__(
        self,
        model: Subject | nn.Module | Explainer,
        objective: Objective,
        prior: str | Prior,
        steps: int,
        seed: int,
        count: int,
        size: int | tuple[int, ...] | None,
        start: Frame | Tensor | None,
        device: str | None = None,
    ) -> None:
        for name, value, least in (("steps", steps, 0), ("count", count, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be a whole number from {least} on, got {value!r}.")
        if not isinstance(objective, Objective):
            raise TypeError(f"objective must be one of lrpwidgets.maximize.objectives, got {objective!r}.")
        self.explainer, self.subject = _opened(model, device)
        shape = _shape(self.subject, size)
        dtype = self.explainer.dtype or torch.float32
        self.data = Data.kept(self.subject, shape, dtype)
        """The real inputs, and their statistics."""
        probe = (self.data.inputs[:1] if len(self.data.inputs) else self.data.mean[None]).contiguous()
        self.network = Network(self.explainer, objective.layers, probe)
        self.objective = objective.settled(self.network, self.subject.classes, self.subject.select)
        self.prior = self._chosen(prior)
        self.steps, self.seed, self.count = steps, seed, count
        self.frame: Frame | None = None
        """The last one."""
        self.curves: dict[str, list[float]] = {}
        """By name, each term of every frame."""
        self.stopped = ""
        """Why it ended before its last step, a sentence; empty if it did not."""
        self._generator = torch.Generator().manual_seed(seed)
        self._variables = self._begun(start).to(self.network.device).requires_grad_()
        self._optimizer = self.prior.image.optimizer(self._variables)
        self._frames = self._made()

    def __repr__(self) -> str:
        at = "not begun" if self.frame is None else f"step {self.frame.step} of {self.steps}"
        return f"Run({self.objective}, prior {self.prior.name!r}, {self.count} × {tuple(self.data.mean.shape)}, {at})"

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def stop(self) -> None:
        """End after the frame that is being made."""
        self.stopped = self.stopped or "It was stopped."

    def finish(self, *, progress: bool | Watcher = True) -> Result:
        """Make the frames that are left, and what comes of all.

        Parameters
        ----------
        progress
            True writes a line; a function gets a :class:`.Progress` after each frame, and may raise to end the work.
        """
        with listening(progress) as tell:
            for frame in self._frames:
                tell(Progress(frame.step, self.steps, "frames"))
        assert self.frame is not None
        return Result(self, self.frame)

    @cached_property
    def real(self) -> Tensor:
        """(N,): the objective of each real input; computed when first asked for."""
        return self.measured(self.data.inputs)

    @torch.no_grad()
    def measured(self, images: Tensor) -> Tensor:
        """(B,): the objective of each of `images` as they are, on the CPU."""
        wanted, found = self.objective.alone, [torch.empty(0)]
        for first in range(0, len(images), AT_ONCE):
            seen = self.network.run(images[first : first + AT_ONCE].to(self.network.device), scores=wanted.reads_scores)
            found.append(wanted.of(seen).float().cpu())
        return torch.cat(found)

    def _chosen(self, prior: str | Prior) -> Prior:
        if isinstance(prior, Prior):
            return prior
        if prior != "auto":
            return priors.get(prior)
        enough, side = len(self.data.inputs) >= 8, min(self.data.mean.shape[1:])
        if not enough:
            return priors.fourier()
        return priors.expert() if side <= 16 and self.objective.class_number is not None else priors.spectrum()

    def _begun(self, start: Frame | Tensor | None) -> Tensor:
        image, data = self.prior.image, self.data
        if start is None and not self.prior.from_class_mean:
            return image.start(data, self.count, self._generator)
        if start is None:
            begun = image.at(data, data.class_mean(self.objective.class_number).expand(self.count, -1, -1, -1))
            # Images of one run begin apart.
            return begun + 0.01 * torch.randn(begun.shape, generator=self._generator, dtype=begun.dtype)
        expected = (self.count, *data.mean.shape)
        images = start.images if isinstance(start, Frame) else start
        if tuple(images.shape) != expected:
            raise ValueError(f"start must hold images {expected}, got {tuple(images.shape)}.")
        if isinstance(start, Frame):
            variables = start.variables
            if variables.shape == image.start(data, self.count, torch.Generator()).shape:
                return variables.clone()
        return image.at(data, images.cpu().to(data.mean.dtype)).contiguous()

    def _balanced(self, pull: Tensor) -> Tensor:
        """The `pull` of each image as strong as a squared distance to the mean pulls back where real inputs are.

        An objective may grow a hundred times beyond what real inputs reach, so its own strength can't be weighed
        against that of a penalty (Nguyen et al. 2016 divide by it as well).
        """
        strength = pull.flatten(1).norm(dim=1).clamp(min=1e-30)
        wanted = 2 / (pull[0].numel() * self.data.energy) ** 0.5
        balanced: Tensor = pull * (wanted / strength).reshape(-1, 1, 1, 1)
        return balanced

    def _made(self) -> Iterator[Frame]:
        weighed = [(each, each.bound(self.data, self.objective.class_number)) for each in self.prior.penalties]
        image, redirected = self.prior.image, 0
        for step in range(self.steps + 1):
            images = image.image(self.data, self._variables)
            leaf = images.detach().requires_grad_()
            objective, pull = self._pull(leaf, redirect=False)
            dead = pull.flatten(1).abs().amax(1) == 0
            if bool(dead.any()) and step < self.steps:
                redirected += 1
                if redirected > REDIRECTED:
                    raise DeadObjectiveError(self._dead())
                _, pull = self._pull(leaf, redirect=True)
            charges = {
                each.name: each.weight * weigh(images, self._variables, self._generator) for each, weigh in weighed
            }
            terms = {name: float(each.detach().mean()) for name, each in {"objective": objective, **charges}.items()}
            if not all(map(math.isfinite, terms.values())):
                self.stopped = f"It ended at step {step}, where the objective became NaN or infinite."
                return
            frame = Frame(step, images.detach(), objective, terms, self._variables.detach().clone())
            if step < self.steps:
                charge = (
                    torch.stack([each.sum() for each in charges.values()]).sum() if charges else images.new_zeros(())
                )
                self._step(images, -self._balanced(pull) if weighed else -pull, charge)
            for name, amount in terms.items():
                self.curves.setdefault(name, []).append(amount)
            self.frame = frame
            yield frame
            if self.stopped:
                return

    def _pull(self, leaf: Tensor, *, redirect: bool) -> tuple[Tensor, Tensor]:
        """The objective of each image, and its gradient."""
        views = self.prior.views.of(leaf, self.data.span, self._generator)
        seen = self.network.run(views, scores=self.objective.reads_scores, redirect=redirect)
        objective = self.objective.of(seen).reshape(len(leaf), -1).mean(1)
        return objective.detach(), torch.autograd.grad(objective.sum(), leaf)[0]

    def _step(self, images: Tensor, pull: Tensor, charge: Tensor) -> None:
        """Move the variables against `pull`, which is the gradient by the images, and that of `charge`."""
        made, by = [images], [pull]
        if charge.requires_grad:
            made, by = [images, charge], [pull, torch.ones_like(charge)]
        (self._variables.grad,) = torch.autograd.grad(made, self._variables, by)
        self._optimizer.step()
        with torch.no_grad():
            self.prior.image.settle(self.data, self._variables)

    def _dead(self) -> str:
        strongest = f" Real inputs reach {float(self.real.max()):.3g}." if len(self.real) else ""
        return (
            f"Nothing about the image changes {self.objective}: its gradient is 0 everywhere, and stays so for "
            f"{REDIRECTED} steps with gradients redirected at ReLUs.{strongest} Begin elsewhere, with another seed or "
            "start=x, an input that excites it."
        )


@dataclass(frozen=True, eq=False, repr=False)
class Result(Readable):
    """What a run ends in: images, and all there is to know of them."""

    run: Run
    frame: Frame
    """The last good one."""

    @property
    def images(self) -> Tensor:
        """(B, C, H, W), inputs of the model."""
        return self.frame.images

    @property
    def image(self) -> Tensor:
        """(C, H, W): the first of them."""
        return self.images[0]

    @cached_property
    def objective(self) -> Tensor:
        """(B,): of the images as they are, whatever views were taken in the run."""
        return self.run.measured(self.images)

    @property
    def curves(self) -> dict[str, list[float]]:
        """By name, each term of every frame."""
        return self.run.curves

    @property
    def stopped(self) -> str:
        """Why the run ended before its last step; empty if it did not."""
        return self.run.stopped

    def picture(self, number: int = 0) -> Image:
        """One of the images as the subject shows its inputs."""
        return self.run.subject.to_image(self.images[number].cpu().float())

    @cached_property
    def honesty(self) -> Honesty:
        """How the first image compares with real inputs; :meth:`examined` tells it of the others."""
        return self.examined(0)

    def examined(self, number: int) -> Honesty:
        """How one of the images compares with real inputs."""
        return examined(self.run, self.images[number])


def _opened(model: Subject | nn.Module | Explainer, device: str | None) -> tuple[Explainer, Subject]:
    if isinstance(model, Explainer):
        return model, Subject(model=model.model, select=model.select)
    if isinstance(model, Subject):
        return model.explainer(device=device), model
    subject = Subject(model=model)
    return subject.explainer(device=device), subject


def _shape(subject: Subject, size: int | Sequence[int] | None) -> tuple[int, ...]:
    if size is not None and not isinstance(size, int):
        if len(size) != 3:
            raise ValueError(f"size must be a side in pixels or (channels, height, width), got {size!r}.")
        return tuple(size)
    if not len(subject.dataset):
        raise ValueError("Without data the size is unknown: give size=(3, 224, 224), say, channels first.")
    shape = tuple(subject.item(subject.start)[0].shape)
    if len(shape) != 3:
        raise ValueError(f"Images (C, H, W) are maximized, and inputs of this subject are {shape}.")
    return shape if size is None else (shape[0], size, size)
