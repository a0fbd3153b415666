"""Train a model a little more: one plain loop for all repairs that need one.

It can be watched and ended, has a seed, keeps the weights of its best epoch, and stops where the loss on data that it
does not train on falls no more.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..knobs import Turnable, knob
from ..lrp.hooks import copied
from ..progress import Progress, Watcher
from ..readable import Readable

Loss = Callable[[Tensor, Tensor], Tensor]
"""The mean loss of inputs (B, ...) and labels (B,), with its graph; may draw from torch's random numbers."""

HELD_OUT = 0.2
"""Share of the data that early stopping looks at."""
_DRAWS = 3
"""How often it is looked at, as losses draw who gets an artefact."""


@dataclass(frozen=True, repr=False)
class Training(Turnable):
    """How a model is trained further."""

    epochs: int = knob(15, "epochs", "How often it sees all pictures, at most.", (1, 100), least=1, whole=True)
    rate: float = knob(1e-3, "step", "Step size of AdamW.", (1e-5, 1e-1), logarithmic=True, above=0)
    batch: int = knob(64, "batch", "Pictures for one step.", (8, 256), least=1, whole=True)
    patience: int = knob(
        5,
        "patience",
        "Epochs without a smaller loss on held-out pictures after which it stops.",
        (1, 20),
        least=1,
        whole=True,
    )
    seed: int = knob(0, "seed", "Order of the pictures, and what is drawn at random.", (0, 99), least=0, whole=True)


@dataclass(frozen=True, repr=False)
class History(Readable):
    """How a training went."""

    losses: tuple[float, ...]
    """Mean loss of each epoch."""
    held_out: tuple[float, ...]
    """The same on data that it does not train on, before the first epoch and after each; empty without such data."""
    best: int
    """After how many epochs the weights were as they are now."""
    seconds: float = field(compare=False)
    stopped: str = ""
    """Why it ended before its time, as a sentence; empty if it did not."""


def fit(
    model: nn.Module,
    loss: Loss,
    inputs: Callable[[NDArray[np.int64]], Tensor],
    labels: Sequence[int] | NDArray[np.int64],
    training: Training,
    tell: Watcher,
    *,
    parameters: Iterable[nn.Parameter] | None = None,
    held_out: float = HELD_OUT,
) -> History:
    """Train `model` in place; its weights at the end are those of the best epoch.

    Norms keep the statistics that they have: a few pictures would tell others. Torch's own random state stays.

    Parameters
    ----------
    loss
        Mean loss of a batch.
    inputs
        The inputs (B, ...) of numbers (B,), each below the number of labels.
    labels
        Of each of them, (N,).
    parameters
        What is trained; all that requires a gradient by default.
    held_out
        Share of the data that is not trained on, but tells when to stop; 0: it never stops early.

    Raises
    ------
    ValueError
        If nothing can be trained, or there are fewer than two samples.
    """
    trained = [each for each in (model.parameters() if parameters is None else parameters) if each.requires_grad]
    if not trained:
        raise ValueError("The model has no parameters that can be trained; choose a repair without training.")
    truth = torch.as_tensor(np.asarray(labels, np.int64))
    if len(truth) < 2:
        raise ValueError(f"Training needs two samples at least, got {len(truth)}.")
    started = time.perf_counter()
    judges = _drawn(truth.numpy(), held_out, np.random.default_rng(training.seed))
    rest = np.setdiff1d(np.arange(len(truth)), judges)
    course = _Course(model, trained)
    with _training(model), torch.random.fork_rng(devices=_devices(trained)):
        torch.manual_seed(training.seed)
        optimizer = torch.optim.AdamW(trained, lr=training.rate)
        device = trained[0].device
        steps = training.epochs * -(-len(rest) // training.batch)

        def mean_loss(numbers: NDArray[np.int64]) -> Tensor:
            return loss(inputs(numbers).to(device), truth[numbers].to(device))

        if len(judges):
            course.judge(_held_out_loss(mean_loss, judges, training.batch))
        for epoch in range(training.epochs):
            total = 0.0
            shuffled = rest[torch.randperm(len(rest)).numpy()]
            parts = np.array_split(shuffled, -(-len(rest) // training.batch))
            for number, part in enumerate(parts, start=epoch * len(parts) + 1):
                found = mean_loss(part)
                if not math.isfinite(value := float(found.detach())):
                    return course.ended(started, f"The loss was {value} in epoch {epoch + 1}: its steps are too large.")
                optimizer.zero_grad()
                found.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                total += value * len(part)
                tell(Progress(number, steps, f"training, epoch {epoch + 1}"))
            course.losses.append(total / len(rest))
            course.judge(_held_out_loss(mean_loss, judges, training.batch) if len(judges) else course.losses[-1])
            if len(judges) and epoch + 1 - course.best >= training.patience and epoch + 1 < training.epochs:
                return course.ended(started, "The loss on held-out pictures fell no more.")
    return course.ended(started, "")


class _Course:
    """What happened so far, and the best weights."""

    def __init__(self, model: nn.Module, trained: list[nn.Parameter]) -> None:
        self.losses: list[float] = []
        self.judged: list[float] = []
        self.best = 0
        self._trained, self._kept = trained, [each.detach().clone() for each in trained]
        self._least = math.inf

    def judge(self, loss: float) -> None:
        """Take the weights as the best so far if their loss is, and they are numbers: it may be of those before."""
        self.judged.append(loss)
        if loss < self._least and all(bool(each.isfinite().all()) for each in self._trained):
            self._least, self.best = loss, len(self.losses)
            self._kept = [each.detach().clone() for each in self._trained]

    def ended(self, started: float, why: str) -> History:
        """The whole course; the model has its best weights again."""
        with torch.no_grad():
            for parameter, kept in zip(self._trained, self._kept, strict=True):
                parameter.copy_(kept)
                parameter.grad = None
        seconds = time.perf_counter() - started
        held_out = tuple(self.judged) if len(self.judged) > len(self.losses) else ()
        return History(tuple(self.losses), held_out, self.best, seconds, why)


def _drawn(labels: NDArray[np.int64], share: float, random: np.random.Generator) -> NDArray[np.int64]:
    """Numbers of a share of the samples of each class: without any of one, nobody would see it forgotten."""
    classes = [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return np.concatenate([of_class[: round(share * len(of_class))] for of_class in classes])


def _held_out_loss(loss: Callable[[NDArray[np.int64]], Tensor], numbers: NDArray[np.int64], batch: int) -> float:
    """Mean loss; with gradients on, as some losses contain some, and always of the same random draws, several."""
    parts = np.array_split(np.tile(numbers, _DRAWS), -(-len(numbers) * _DRAWS // batch))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return sum(float(loss(part).detach()) * len(part) for part in parts) / (len(numbers) * _DRAWS)


def _devices(parameters: Sequence[Tensor]) -> list[torch.device]:
    return list({each.device for each in parameters if each.is_cuda})


@contextmanager
def _training(model: nn.Module) -> Iterator[None]:
    """While this lasts, `model` is in training mode but for norms with running statistics."""
    before = {module: module.training for module in model.modules()}
    model.train()
    for module in model.modules():
        if getattr(module, "running_mean", None) is not None:
            module.training = False
    try:
        yield
    finally:
        for module, was in before.items():
            module.training = was


def trainable_copy(model: nn.Module) -> nn.Module:
    """A copy of `model` whose floating point parameters require gradients; the hooks of both are their own."""
    made = copied(model)
    for parameter in made.parameters():
        if parameter.is_floating_point():
            parameter.requires_grad_(True)
    return made
