"""Activation maximization: a step beside a bare one, and what the priors do to images of digits and photographs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torchvision

from lrpwidgets import subjects
from lrpwidgets.maximize import maximize, objectives
from lrpwidgets.subjects import Subject, digits

from .timing import medians, table

SHARED = Path(os.environ.get("LRPWIDGETS_DATA", Path(__file__).parents[3] / "shared" / "data"))

NOTE = """
bare: forward, gradient by the pixels and a step of Adam, for as many pictures as the prior takes views.
Priors of ours compute more than that: Fourier transforms, views, penalties, a copy of every frame.
distance: of a digit to the nearest one that the network learned from, Euclidean; of held-out digits it is {held:.2f}.
label: how often that one has the class that was asked for. Ten classes, five seeds, 128 steps.
under shifts: share of the score that is left when a photograph moves by a twentieth of its side."""

STEPS = 16
"""Steps that are timed at once."""


def measure(rounds: int) -> dict[str, Any]:
    """Print the tables; returns their numbers by name."""
    found = {"steps": _steps(rounds), "digits": _digits(), "photographs": _photographs()}
    images, _ = digits.training()
    held, _ = digits.held_out()
    print(NOTE.format(held=float(torch.cdist(held.flatten(1), images.flatten(1)).amin(1).mean())))
    return found


def _networks() -> dict[str, tuple[Subject, int, list[str]]]:
    """By name: the subject, the side of its image, and the priors to time."""
    os.environ.setdefault("TORCH_HOME", str(SHARED / "torch_home"))
    squeezenet = subjects.load("imagenet", images=SHARED / "imagenet")
    torch.manual_seed(0)
    resnet = Subject(torchvision.models.resnet18(num_classes=1000).eval(), squeezenet.dataset, squeezenet.classes)
    return {
        "digits": (subjects.load("digits"), 8, ["none", "l2", "fourier", "spectrum", "expert"]),
        "squeezenet1_0": (squeezenet, 128, ["none", "l2", "fourier", "spectrum"]),
        "resnet18": (resnet, 128, ["none", "fourier", "spectrum"]),
    }


def _steps(rounds: int) -> dict[str, Any]:
    found, rows = {}, []
    for name, (subject, side, priors) in _networks().items():
        for prior in priors:
            run = maximize(subject, objectives.class_score(3), prior, steps=10**6, size=side)
            frames = iter(run)
            for _ in range(3):
                next(frames)
            views = 1 if run.prior.views.plain else run.prior.views.count
            bare = _bare(subject.model, (views, *run.data.mean.shape))
            times = medians({"ours": lambda frames=frames: _taken(frames), "bare": bare}, rounds)
            ratio = times["ours"] / times["bare"]
            rate = STEPS / times["ours"]
            found[f"{name}, {prior}"] = {"ratio": ratio, "steps per second": rate}
            goal = f"≤ 1.2 {'✓' if ratio <= 1.2 else '✗'}"
            rows.append([f"{name} {side}²", prior, f"{1000 / rate:.2f} ms", f"{ratio:.2f} ×", goal, f"{rate:.0f}"])
    table("one step", ["network", "prior", "time", "of a bare step", "goal", "steps / s"], rows)
    return found


def _taken(frames: Any) -> None:
    for _ in range(STEPS):
        next(frames)


def _bare(model: torch.nn.Module, shape: tuple[int, ...]) -> Callable[[], None]:
    pixels = torch.randn(shape).requires_grad_()
    optimizer = torch.optim.Adam([pixels], lr=0.05)

    def steps() -> None:
        for _ in range(STEPS):
            (pixels.grad,) = torch.autograd.grad(-model(pixels)[:, 3].sum(), pixels)
            optimizer.step()

    return steps


def _digits() -> dict[str, Any]:
    subject, (images, labels) = subjects.load("digits"), digits.training()
    found, rows = {}, []
    for prior in ("none", "l2", "mean", "expert", "code"):
        distances, right = [], []
        for number in range(10):
            made = maximize(subject, objectives.class_score(number), prior, steps=128, count=5).finish().images
            distance, nearest = torch.cdist(made.flatten(1), images.flatten(1)).min(1)
            distances.append(distance)
            right.append(labels[nearest] == number)
        found[prior] = {
            "distance": float(torch.cat(distances).mean()),
            "label": float(torch.cat(right).float().mean()),
        }
        rows.append([prior, f"{found[prior]['distance']:.2f}", f"{found[prior]['label']:.0%}"])
    table("prototypes of digits", ["prior", "distance", "label"], rows)
    return found


def _photographs() -> dict[str, Any]:
    subject = _networks()["squeezenet1_0"][0]
    found, rows = {}, []
    for prior in ("none", "l2", "variation", "robust", "fourier", "spectrum", "expert"):
        started = time.perf_counter()
        result = maximize(subject, objectives.class_score("goose"), prior, steps=256, size=128).finish()
        seconds = time.perf_counter() - started
        honesty, data = result.honesty, result.run.data
        spectrum = torch.fft.rfft2(data.decorrelated(result.images)).abs()[0]
        error = float((spectrum - data.magnitude.abs()).abs().max() / data.magnitude.abs().max())
        found[prior] = {"seconds": seconds, "under shifts": honesty.under_shifts, "spectrum": error}
        rows.append(
            [
                prior,
                f"{seconds:.1f} s",
                f"{honesty.activation:.0f}",
                f"{honesty.under_shifts:.2f}",
                f"{honesty.log_density:.2f}",
                f"{error:.0e}",
            ]
        )
    columns = ["prior", "256 steps", "score", "under shifts", "log-density", "spectrum differs by"]
    table("a goose for SqueezeNet, 128²", columns, rows)
    return found
