"""What a person is told of an input of a store."""

from __future__ import annotations

from ...spray import RelevanceStore


def outcome(store: RelevanceStore, row: int) -> str:
    """Its class by the model and, where that is another one, in truth, and the score that was explained."""
    said, truth = int(store.prediction[row]), int(store.label[row])
    in_truth = f", in truth {store.class_name(truth)}" if truth not in (-1, said) else ""
    return f"{store.class_name(said)}{in_truth}, f = {store.score[row]:.3g}"
