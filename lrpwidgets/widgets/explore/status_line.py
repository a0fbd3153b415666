"""What the answer cost and what was lost on the way."""

from __future__ import annotations

from typing import Any

from ...lrp.ledger import TRUSTED
from ..base.answers import Answer
from ..base.status_line import Status
from .exploration import Exploration


class StatusLine(Status):
    """Milliseconds, layers propagated again, Σ R against f(x), what biases and stabilizers absorbed, or the error.

    And how much memory is in use, beside the place where it is computed.

    A computation that takes longer shows how far it is, and can be cancelled.
    """

    shared: Exploration
    follows = (*Status.follows, "memory")

    def _show(self) -> None:
        exploration = self.shared
        answer, explorer = exploration.answer, exploration.explainer
        precision = str(explorer.dtype).removeprefix("torch.") if explorer.dtype else "float32"
        state: dict[str, Any] = {
            "busy": exploration.busy,
            "progress": list(exploration.progress),
            "error": exploration.error,
            "where": f"{explorer.device} · {precision}",
            "memory": exploration.memory,
            "notes": exploration.subject.notes,
        }
        self.draw(state=state | (_figures(answer) if answer else {}))


def _figures(answer: Answer) -> dict[str, Any]:
    explanation = answer.explanation
    ledger = explanation.ledger
    ruled = [layer.name for layer in explanation.layers if layer.rule]
    return {
        "milliseconds": answer.milliseconds,
        "again": len(set(ruled) & set(explanation.recomputed)),
        "layers": len(ruled),
        "forward": answer.forward,
        "score": float(ledger.explained[0]),
        "through": answer.question.only,
        "reached": float(ledger.reached_input[0]),
        "bias": float(ledger.bias[0]),
        "stabilizer": float(ledger.stabilizer[0]),
        "rules": float(ledger.rules[0]),
        "trusted": ledger.imbalance <= TRUSTED,
        "caveats": explanation.caveats,
    }
