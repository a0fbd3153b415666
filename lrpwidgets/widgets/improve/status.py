"""How many repairs were examined, by how many seeds, what is under way, and every error as a sentence."""

from __future__ import annotations

from typing import Any

from ..base.status_line import Status
from .bench import NONE
from .workshop import Workshop


class ImproveStatus(Status):
    """Seeds, pictures, what stays untouched, what is under way, and what a person should know."""

    shared: Workshop
    follows = ("answer", "busy", "progress", "error", "outcomes", "repairs", "seeds", "found", "concepts")

    def _show(self) -> None:
        workshop = self.shared
        stage, *progress = workshop.progress or ("", 0, 0)
        before = workshop.outcomes.get((NONE, 0))
        parts: list[list[str]] = [["", f"{workshop.seeds} seeds", ", means over them"]]
        if before is not None:
            clean, asked = len(before.examined.clean), before.examined.verdict.samples
            parts.append([f"{clean:,} clean and {asked:,} poisoned pictures each, none of which a repair has seen"])
        elif workshop.answer is None:
            parts = [["", f"{len(workshop.concepts)}", " clusters tested"]]
        carrier = workshop.carrier
        caveats = [each for each in (carrier.direction.caveat,) if each] if carrier else []
        precision = str(workshop.explainer.dtype).removeprefix("torch.") if workshop.explainer.dtype else "float32"
        state: dict[str, Any] = {
            "busy": workshop.busy,
            "stage": stage,
            "progress": progress,
            "error": workshop.error,
            "parts": parts,
            "caveats": caveats,
            "where": f"{workshop.explainer.device} · {precision}",
            "notes": workshop.subject.notes,
        }
        self.draw(state=state)
