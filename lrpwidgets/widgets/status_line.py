"""What the answer cost and what was lost on the way; errors appear here, never in a log only."""

from __future__ import annotations

from typing import Any

import traitlets

from .exploration import Answer, Exploration
from .view import View, script


class StatusLine(View):
    """Milliseconds, layers propagated again, Σ R against f(x), what biases and stabilizers absorbed, or the error."""

    _esm = script("status_line")
    state = traitlets.Dict(help="busy, error, caveats and the figures of the newest answer").tag(sync=True)

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        super().__init__(exploration, **traits)
        self.follow(self._show, "answer", "busy", "error")

    def _show(self) -> None:
        answer, explorer = self.exploration.answer, self.exploration.explainer
        state: dict[str, Any] = {
            "busy": self.exploration.busy,
            "error": self.exploration.error,
            "where": f"{explorer.device} · {str(explorer.dtype).removeprefix('torch.')}",
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
        "reached": float(ledger.reached_input[0]),
        "bias": float(ledger.bias[0]),
        "stabilizer": float(ledger.stabilizer[0]),
        "rules": float(ledger.rules[0]),
        "trusted": ledger.imbalance < 1e-3,
        "caveats": explanation.caveats,
    }
