"""What one method says of the inputs that are shown, and which methods can say anything."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ... import methods
from ...evaluate.regions import summed
from ...lrp import Explainer
from ...lrp.targets import Target
from ...progress import Cancelled, Watcher
from ...readable import Readable
from ..base.sentences import sentence

CONTROLS = {
    "random": "control: knows nothing",
    "edges": "control: sees no network",
    "magnitude": "control: the input itself",
}
"""Methods that do not look at the network."""

TITLES = {
    "gradient_times_input": "gradient × input",
    "gradcam": "Grad-CAM",
    "guided_gradcam": "guided Grad-CAM",
    "smoothgrad": "SmoothGrad",
    "deeplift": "DeepLIFT",
    "lime": "LIME",
    "kernel_shap": "Kernel SHAP",
    "shapley_sampling": "Shapley sampling",
    "rise": "RISE",
    "pattern_attribution": "PatternAttribution",
    "edges": "Sobel edges",
}
"""What methods are called in their papers, where that is not their name in words."""

_COARSE = ("gradcam", "erasure", "rise", "meaningful_perturbation")
"""Methods without patches that stand beside those that have some."""

LEARNING = ("expected_gradients", "pattern_attribution")
"""Methods that learn from some inputs of the data set, their background."""

LONG = 50
"""Forward passes from which on a method shows a first, rough answer."""

ROUGH = 8
"""That has this part of the samples, or of the steps."""


@dataclass(frozen=True, eq=False, repr=False)
class Row(Readable):
    """A method, and its maps."""

    method: str
    maps: NDArray[np.float32] | None = field(default=None, repr=False)
    """Relevance summed over channels, (n, H, W), or of tokens, (n, T); None where there is an obstacle."""
    seconds: float = 0.0
    """It took for an input."""
    caveats: tuple[str, ...] = ()
    obstacle: str = ""
    """Why it cannot explain this model or these inputs."""
    rough: bool = False
    """Whether a better answer is under way."""


def explained(
    explainer: Explainer, x: Tensor, target: Target, name: str, settings: Mapping[str, Any], watch: Watcher
) -> Iterator[Row]:
    """The row of a method, a rough one first where it takes long; raises what `watch` raises."""
    for part in _stages(x, name, settings):
        started = time.perf_counter()
        try:
            found = methods.explain(explainer, x, name, target, progress=watch, **part)
        except Cancelled:
            raise
        except Exception as error:  # whatever a model or a method of one's own raises: the other rows must come
            yield Row(name, obstacle=sentence(error))
            return
        seconds = (time.perf_counter() - started) / len(x)
        maps = summed(found.relevance).float().numpy()
        yield Row(name, maps, seconds, tuple(found.caveats), rough=part is not settings)


def _stages(x: Tensor, name: str, settings: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    counted = {key: n for key, n in methods.get(name, **settings).settings.items() if key in ("samples", "steps")}
    if not counted or methods.cost(x, name, **settings).forwards < LONG:
        return [settings]
    return [{**settings, **{key: max(1, count // ROUGH) for key, count in counted.items()}}, settings]


def note(name: str, settings: Mapping[str, Any], row: Row | None) -> str:
    """What a person should know of a method, in a few words; whether its maps have a sign, once they are there."""
    if name in CONTROLS:
        return CONTROLS[name]
    sign = [] if row is None or row.maps is None else ["signed" if bool((row.maps < 0).any()) else "no sign"]
    if name not in methods.METHODS:
        return " · ".join(["LRP", *sign])
    known = methods.get(name, **settings).settings
    told = [f"{known[each]} {each}" for each in ("steps", "samples") if known.get(each)]
    told += [f"from {known['baseline']}"] if isinstance(known.get("baseline"), str) else []
    told += [f"{known['patch']} px patches"] if known.get("patch") else []
    return " · ".join([*told[:1], *sign])


def title(name: str) -> str:
    """A method's name as a person reads it."""
    return name if name not in methods.METHODS else TITLES.get(name, name.replace("_", " "))


def group(name: str) -> int:
    """Where a method stands: gradients, coarse ones and those that try out, LRP, controls."""
    if name in CONTROLS:
        return 3
    if name not in methods.METHODS:
        return 2
    method = methods.METHODS[name]
    return 1 if "patch" in method.__dataclass_fields__ or name in _COARSE else 0


def ordered(chosen: Sequence[str]) -> list[str]:
    """The methods, group by group."""
    return sorted(chosen, key=group)
