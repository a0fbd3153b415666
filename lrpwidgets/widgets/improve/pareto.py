"""What each repair costs: clean accuracy against accuracy with the artefact; up and to the right is better."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from ..base.view import View, script, style
from .bench import NONE
from .workshop import Workshop


class Pareto(View):
    """A point for each repair, the mean over seeds, and fainter ones for the seeds; names never cover each other."""

    shared: Workshop
    _esm = script(__file__)
    _css = style(__file__)
    points: traitlets.List[Any] = traitlets.List(help="name, and [clean, poisoned] of each seed, of each repair").tag(
        sync=True
    )
    axes: traitlets.List[Any] = traitlets.List(help="least clean and least poisoned accuracy").tag(sync=True)

    def __init__(self, workshop: Workshop, **traits: Any) -> None:
        super().__init__(workshop, **traits)
        self.follow(self._show, "outcomes", "repairs")

    def _show(self) -> None:
        workshop = self.shared
        found = []
        for name in (NONE, *workshop.repairs):
            each = [workshop.outcomes.get((name, seed)) for seed in range(workshop.seeds)]
            seeds = [[o.examined.clean.mean, o.examined.verdict.after] for o in each if o is not None]
            if seeds:
                found.append([name or "as it is", seeds])
        least = np.min([point for _, seeds in found for point in seeds], 0) if found else np.zeros(2)
        self.draw(points=found, axes=(np.floor(50 * least - 1e-9) / 50).tolist())
