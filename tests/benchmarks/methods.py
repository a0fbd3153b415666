"""Other methods: how long a first picture takes, beside the forward pass and gradient that none can do without."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import torch

from lrpwidgets import methods, subjects
from lrpwidgets.lrp import Explainer

from .timing import medians, table

SHARED = Path(os.environ.get("LRPWIDGETS_DATA", Path(__file__).parents[3] / "shared" / "data"))

NOTE = """
first: of an explainer that has seen nothing yet; it looks at the model with two more forward passes of one input.
again: the median of later ones, of which 'passes' says how often the network runs.
floor: one forward pass and the gradient by the input."""

ONE_GRADIENT = [
    *("sensitivity", "gradient_times_input", "guided_backprop", "deconvnet", "deeplift", "gradcam", "guided_gradcam"),
    *("excitation_backprop", "contrastive_excitation_backprop", "epsilon_plus_flat", "epsilon"),
]
"""Methods of one forward and one backward pass, which are to take less than a second."""

LONG: dict[str, dict[str, Any]] = {"integrated_gradients": {}, "smoothgrad": {}, "occlusion": {"patch": 56}}
"""Others, and settings that keep them short."""


def measure(rounds: int) -> dict[str, Any]:
    """Print the table; returns its numbers by name."""
    os.environ.setdefault("TORCH_HOME", str(SHARED / "torch_home"))
    subject = subjects.load("imagenet", images=SHARED / "imagenet")
    model, x = subject.model.eval(), subject.item(0)[0][None]
    methods.explain(model, x, "sensitivity", progress=False)  # Captum is imported
    explainer, found, rows = Explainer(model), {}, []
    for name, settings in ({name: {} for name in ONE_GRADIENT} | LONG).items():
        started = time.perf_counter()
        methods.explain(model, x, name, progress=False, **settings)
        first = time.perf_counter() - started

        def again(name: str = name, settings: dict[str, Any] = settings) -> None:
            methods.explain(explainer, x, name, progress=False, **settings)

        times = medians({"ours": again, "floor": lambda: _gradient(model, x)}, rounds)
        ratio, passes = times["ours"] / times["floor"], methods.cost(x, name, **settings)
        found[name] = {"first": first, "again": times["ours"], "floor": times["floor"], "ratio": ratio}
        goal = f"< 1 s {'✓' if first < 1 else '✗'}" if name in ONE_GRADIENT else ""
        cells = [f"{first:.2f} s", f"{times['ours']:.2f} s", f"{ratio:.1f} ×", str(passes), goal]
        rows.append([name, *cells])
    table("SqueezeNet, one picture", ["method", "first", "again", "of the floor", "passes", "goal"], rows)
    print(NOTE)
    return found


def _gradient(model: torch.nn.Module, x: torch.Tensor) -> None:
    leaf = x.clone().requires_grad_()
    torch.autograd.grad(model(leaf).amax(1).sum(), leaf)
