"""How far the film is, what a step costs, what its prior knows, and every error as a sentence."""

from __future__ import annotations

from typing import Any

from ..base.status_line import Status
from .studio import Studio


class MaximizeStatus(Status):
    """Steps, milliseconds of each, real inputs that the prior was fitted on, and what a person should know."""

    shared: Studio
    follows = ("moment", "looked", "busy", "progress", "error", "running")

    def _show(self) -> None:
        studio, run, moment = self.shared, self.shared.answer, self.shared.moment
        stage, *progress = studio.progress or ("", 0, 0)
        precision = str(studio.explainer.dtype).removeprefix("torch.") if studio.explainer.dtype else "float32"
        seed = f" · seed {run.seed}" if run is not None else ""
        state: dict[str, Any] = {
            "busy": studio.busy,
            "stage": stage,
            "progress": progress,
            "error": studio.error,
            "caveats": [run.stopped] if run is not None and run.stopped and not studio.running else [],
            "where": f"{studio.explainer.device} · {precision}{seed}",
            "notes": studio.subject.notes,
        }
        if run is not None and moment is not None:
            views, count = run.prior.views.count, len(run.data.inputs)
            each = f" a step, {views} views each" if views > 1 else " a step"
            state["parts"] = [
                ["", f"{moment.step:,} of {run.steps:,}", " steps"],
                ["", _duration(moment.milliseconds), each],
                ["prior ", run.prior.name, f", held against {count:,} real inputs" if count else ", no real inputs"],
                ["network untouched"],
            ]
        self.draw(state=state)


def _duration(milliseconds: float) -> str:
    return f"{milliseconds:.2g} ms" if milliseconds < 10 else f"{milliseconds:,.0f} ms"
