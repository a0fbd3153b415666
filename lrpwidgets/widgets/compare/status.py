"""How many inputs are flipped, what that took, and every error and caveat as a sentence."""

from __future__ import annotations

from typing import Any

from ..base.status_line import Status
from .referee import Referee


class CompareStatus(Status):
    """Inputs, forward passes, regions and seed, what is under way, and what a person should know."""

    shared: Referee
    follows = ("answer", "busy", "progress", "error", "looked", "methods", "rows", "flipping", "searching", "marking")

    def _show(self) -> None:
        referee, found = self.shared, self.shared.answer
        stage, *progress = referee.progress or ("", 0, 0)
        done = 0 if found is None else len(found.items)
        parts: list[list[str]] = [
            ["", f"{done} of {referee.total}", " inputs flipped"],
            ["", f"{referee.passes:,}", " forward passes"],
            [f"{referee.size}, {len(referee.methods)} methods, {len(referee.kind.fills)} fills, seed {referee.seed}"],
        ]
        precision = str(referee.explainer.dtype).removeprefix("torch.") if referee.explainer.dtype else "float32"
        state: dict[str, Any] = {
            # Of flipping the ranking tells.
            "busy": referee.busy and (referee.searching or referee.marking or not referee.flipping),
            "stage": stage,
            "progress": progress,
            "error": referee.error,
            "parts": parts,
            "caveats": [f"{len(found.unreadable)} inputs could not be opened."] if found and found.unreadable else [],
            "where": f"{referee.explainer.device} · {precision}",
            "notes": referee.subject.notes,
        }
        self.draw(state=state)
