"""Other methods: how long a first picture takes, beside the forward pass and gradient that none can do without."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import torch

from lrpwidgets import evaluate, methods, subjects
from lrpwidgets.evaluate import tuning
from lrpwidgets.lrp import Explainer
from lrpwidgets.subjects import Subject

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

ALONE = 8
"""Of as many candidates one is explained on its own, and stands for them."""


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
    return found | {"tuning": _tuning(subject)}


def _tuning(subject: Subject) -> dict[str, float]:
    """Explanations under all combinations of 4 rules in 3 blocks: as a tree, and some of them each on its own."""
    search = tuning._prepared(subject, tuning.RULES, 3, 4, "auto", 0, {})
    x, target, _ = next(tuning._batches(subject, search, search.choosing[:1], 0))
    own = [search.explainer.under(search.composite(choice)) for choice in search.candidates[::ALONE]]
    started = time.perf_counter()
    layers = sum(len(explanation.recomputed) for explanation in tuning._walk(search, x, target))
    tree = time.perf_counter() - started
    fresh = ALONE * sum(len(explainer.explain(x, target, keep="input").recomputed) for explainer in own)
    alone = ALONE * (time.perf_counter() - started - tree)
    goal = f"≥ 3 × {'✓' if fresh >= 3 * layers else '✗'}"
    rows = [
        ["layers", f"{layers:,}", f"{fresh:,}", f"{fresh / layers:.1f} ×", goal],
        ["seconds", f"{tree:.1f}", f"{alone:.1f}", f"{alone / tree:.1f} ×", ""],
    ]
    title = f"Tuning SqueezeNet, one picture, {len(search.candidates)} candidates ({len(own)} explained alone)"
    table(title, ["", "as a tree", "each alone", "less by", "goal"], rows)
    print(f"With {len(subject.dataset)} pictures, half of which judge: {evaluate.tuning_cost(subject)}.")
    return {"layers": fresh / layers, "seconds": alone / tree}


def _gradient(model: torch.nn.Module, x: torch.Tensor) -> None:
    leaf = x.clone().requires_grad_()
    torch.autograd.grad(model(leaf).amax(1).sum(), leaf)
