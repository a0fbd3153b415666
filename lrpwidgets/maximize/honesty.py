"""How honest a maximized image is: what it has in common with real inputs, and what not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from ..lrp import Explainer, Explanation
from ..readable import Readable
from .data import Data
from .objectives import Objective

USUAL = 0.95
"""Share of real inputs that count as usual: what lies beyond is no natural input."""


class Maximized(Protocol):
    """What a :class:`.Run` tells of itself here."""

    explainer: Explainer
    data: Data
    objective: Objective

    @property
    def real(self) -> Tensor:
        """(N,): the objective of each real input."""

    def measured(self, images: Tensor) -> Tensor:
        """(B,): the objective of each of `images`, on the CPU."""


@dataclass(frozen=True, eq=False, repr=False)
class Honesty(Readable):
    """Where an image stands among real inputs; numbers are NaN and arrays empty where there are none."""

    what: str
    """What was maximized, in words."""
    activation: float
    """The objective of the image."""
    activations: Tensor = field(repr=False)
    """(N,): the objectives of real inputs."""
    percentile: float
    """Share of real inputs that excite less, from 0 to 1."""
    log_density: float
    """In nats per pixel and channel, under a Gaussian mixture that was fitted to one half of the real inputs."""
    log_densities: Tensor = field(repr=False)
    """(M,): those of the other half."""
    density_percentile: float
    """Share of these that are less likely, from 0 to 1."""
    nearest: int
    """Index of the nearest real input in the data set; −1 without data."""
    distance: float
    """Euclidean distance to it."""
    distances: Tensor = field(repr=False)
    """(N,): of each real input to its nearest other one."""
    under_shifts: float
    """Share of the objective that is left when the image is moved by a twentieth of its side, in any direction."""
    under_shifts_real: float
    """The same for real inputs that excite most."""
    explanation: Explanation = field(repr=False)
    """Why the network gives it its scores, with a ledger as that of any other input."""
    natural: bool
    """Whether it excites no more, is no less likely and no farther from others than is usual for real inputs."""
    sentence: str
    """What to say of it on the screen."""

    def __str__(self) -> str:
        return self.sentence


@torch.no_grad()
def examined(run: Maximized, image: Tensor) -> Honesty:
    """What there is to say of `image` (C, H, W), which came out of `run`."""
    data, image = run.data, image.detach().cpu().to(run.data.mean.dtype)
    activation, real = float(run.measured(image[None])[0]), run.real
    held_out = data.log_densities
    log_density = float(data.density.log_density(image[None])[0]) if len(held_out) else float("nan")
    nearest, distance, distances = _nearest(image, data.inputs)
    found = {
        "activation": activation,
        "percentile": _below(activation, real),
        "log_density": log_density,
        "density_percentile": _below(log_density, held_out),
        "distance": distance,
        "under_shifts": _under_shifts(run, image[None], activation),
    }
    reasons = _reasons(found, real, held_out, distances)
    strongest = real.argsort(descending=True)[:4]
    with torch.inference_mode(False), torch.enable_grad():
        explanation = run.explainer.explain(image[None], run.objective.class_number, keep="layers")
    return Honesty(
        what=str(run.objective.alone),
        activations=real,
        log_densities=held_out,
        nearest=int(data.indices[nearest]) if len(data.inputs) else -1,
        distances=distances,
        under_shifts_real=_under_shifts(run, data.inputs[strongest], float(real[strongest].mean())),
        explanation=explanation,
        natural=bool(len(real)) and not reasons,
        sentence=_sentence(str(run.objective.alone), reasons, len(real)),
        **found,
    )


def _below(value: float, real: Tensor) -> float:
    return float((real < value).float().mean()) if len(real) else float("nan")


def _nearest(image: Tensor, inputs: Tensor) -> tuple[int, float, Tensor]:
    """The nearest input, its distance, and the distance of every input to its nearest other one."""
    if len(inputs) < 2:
        return 0, float("nan"), torch.empty(0)
    rows = inputs.flatten(1)
    to_image = torch.cdist(image.reshape(1, -1), rows)[0]
    among = torch.cdist(rows, rows)
    among.fill_diagonal_(float("inf"))
    return int(to_image.argmin()), float(to_image.min()), among.amin(1)


def _under_shifts(run: Maximized, images: Tensor, whole: float) -> float:
    """What is left of the objective when images move by a twentieth of their side in eight directions, as a share."""
    if not len(images) or whole == 0:
        return float("nan")
    far = max(min(images.shape[2:]) // 20, 1)
    steps = [(i, j) for i in (-far, 0, far) for j in (-far, 0, far) if i or j]
    moved = torch.cat([_moved(images, i, j) for i, j in steps])
    return float(run.measured(moved).mean()) / whole


def _moved(images: Tensor, down: int, right: int) -> Tensor:
    """The images moved, their border repeated where nothing is known."""
    height, width = images.shape[2:]
    rows = (torch.arange(height) - down).clamp(0, height - 1)
    columns = (torch.arange(width) - right).clamp(0, width - 1)
    return images[:, :, rows][:, :, :, columns]


def _reasons(found: dict[str, float], real: Tensor, held_out: Tensor, distances: Tensor) -> list[str]:
    """Why the image is no natural input, each a clause."""
    reasons = []
    if len(real) and found["activation"] > float(real.max()):
        strongest = float(real.max())
        ratio = f"{found['activation'] / strongest:.2g} times as much as" if strongest > 0 else "more than"
        reasons.append(f"it excites {ratio} the strongest of {len(real):,} real inputs")
    if len(held_out) and (percentile := found["density_percentile"]) < 1 - USUAL:
        most = "all" if percentile == 0 else f"{min(1 - percentile, 0.99):.0%}"
        reasons.append(f"it is less likely (log-density {_minus(found['log_density'])}) than {most} of them")
    if len(held_out) and found["log_density"] > float(held_out.max()):
        reasons.append(f"it is likelier (log-density {_minus(found['log_density'])}) than all of them, so plain is it")
    if len(distances) and found["distance"] > float(distances.quantile(USUAL)):
        times = found["distance"] / float(distances.median().clamp(min=1e-12))
        reasons.append(f"its nearest real input is {times:.2g} times as far away as is usual among them")
    return reasons


def _sentence(what: str, reasons: list[str], count: int) -> str:
    if not count:
        return f"Made up to excite {what}. There are no real inputs to hold it against."
    if not reasons:
        return (
            f"Made up to excite {what}, and like a real input as far as three tests can tell: how much it excites, how "
            f"likely it is, and how far from the nearest of {count:,} real inputs."
        )
    listed = reasons[0] if len(reasons) == 1 else f"{', '.join(reasons[:-1])}, and {reasons[-1]}"
    return f"No natural input: {listed}. It shows what {what} would like, not what it sees."


def _minus(value: float) -> str:
    """Three digits, with the sign that print has."""
    return f"{value:.3g}".replace("-", "−")
