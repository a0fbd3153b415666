"""A text encoder over 512 tokens: explanations with ledger beside gradients, LXT's efficient form, and a switched rule.

BERT's size and architecture, random weights, one thread or as many as torch is told. The gradient is that of the top
score by the embeddings, after a forward; LXT's efficient form is gradient × input on the same model with the forwards
of its modules exchanged, see :mod:`tests.lrp.test_lxt_transformers`. All in one run, interleaved.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from lrpwidgets.lrp import Explainer, Explanation, rules
from lrpwidgets.lrp.propagation import Keep
from tests.lrp.test_lxt import Efficient
from tests.lrp.test_lxt_transformers import patched

from .resident import added, can_tell
from .timing import medians, table

LAYERS, SWITCHED_LAYERS, TOKENS, CLASSES = 12, 6, 512, 3


@dataclass(frozen=True)
class Encoder:
    """A classifier of texts, and a text for it."""

    model: Any
    inputs: dict[str, Tensor]

    @classmethod
    def build(cls, layers: int) -> Encoder:
        torch.manual_seed(0)
        config = transformers.BertConfig(num_hidden_layers=layers, num_labels=CLASSES)
        ids = torch.randint(5, config.vocab_size, (1, TOKENS))
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        return cls(transformers.BertForSequenceClassification(config).eval(), inputs)


def gradient(encoder: Encoder) -> Callable[[], Tensor]:
    """A forward, and the gradient of the top score by the embeddings, times these: one number per token."""
    rows = encoder.model.get_input_embeddings()(encoder.inputs["input_ids"]).detach()

    def run() -> Tensor:
        leaf = rows.clone().requires_grad_()
        scores = encoder.model(inputs_embeds=leaf, attention_mask=encoder.inputs["attention_mask"]).logits
        (found,) = torch.autograd.grad(scores.max(1).values.sum(), leaf)
        return (found * rows).sum(-1)

    return run


def lxt(encoder: Encoder) -> Callable[[], Tensor]:
    """The same on patched modules: AttnLRP as in `lxt.efficient`."""
    plain = gradient(encoder)

    def run() -> Tensor:
        with pytest.MonkeyPatch.context() as patch:
            patched(patch, Efficient(constant_attention=False))
            return plain()

    return run


def ours(encoder: Encoder, keep: Keep = "all") -> Callable[[], Explanation]:
    """An explanation with its ledger."""
    explainer = Explainer(encoder.model, "attn_lrp")

    def run() -> Explanation:
        explanation = explainer.explain(encoder.inputs, keep=keep)
        explanation.ledger.imbalance  # noqa: B018
        return explanation

    return run


def switched(encoder: Encoder) -> Callable[[], object]:
    """Another rule in the layer before the last, and the relevance under it."""
    explanation = ours(encoder)()
    name = f"bert.encoder.layer.{SWITCHED_LAYERS - 2}.output.dense"
    epsilons = iter(range(1, 1000))
    return lambda: explanation.switch(rules={name: rules.Epsilon(1e-4 * next(epsilons))}).relevance


def measure(rounds: int) -> dict[str, float]:
    """Print and return seconds, and bytes at the peak, of everything that is compared."""
    encoder = Encoder.build(LAYERS)
    relevance = ours(encoder)().relevance
    assert isinstance(relevance, dict)
    expected = lxt(encoder)()
    figures = medians({"gradient": gradient(encoder), "LXT": lxt(encoder), "explanation": ours(encoder)}, rounds)
    figures |= medians({"switched": switched(Encoder.build(SWITCHED_LAYERS))}, rounds)
    figures["agreement"] = float((relevance["input_ids"] - expected).abs().max() / expected.abs().max())
    if can_tell():
        figures |= {f"memory of {name}": float(_peak(name)) for name in METHODS}
    _print(figures)
    return figures


def _print(figures: dict[str, float]) -> None:
    gradient, ours = figures["gradient"], figures["explanation"]
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    rows = [
        ["forward + backward", f"{gradient:.2f} s", ""],
        ["explanation with ledger", f"{ours / gradient:.2f} ×", "≤ 1.6"],
        ["LXT's efficient form", f"{figures['LXT'] / gradient:.2f} ×", ""],
        ["  / explanation", f"{figures['LXT'] / ours:.2f}", "≥ 1.0"],
        ["  difference of the maps", f"{figures['agreement']:.0e}", ""],
        [f"rule switched, {SWITCHED_LAYERS} layers", f"{1000 * figures['switched']:.0f} ms", "< 300"],
    ]
    if "memory of gradient" in figures:
        least = figures["memory of gradient"]
        rows += [
            [f"peak memory of {name}", f"{figures[f'memory of {name}'] / least:.2f} × of {least / 1e6:.0f} MB", "≤ 2"]
            for name in list(METHODS)[1:]
        ]
    title = f"{LAYERS} layers, {TOKENS} tokens, {torch.get_num_threads()} threads, load {load}"
    table(title, ["", "measured", "goal"], rows)


METHODS: dict[str, Callable[[Encoder], Callable[[], object]]] = {
    "gradient": gradient,
    "explanation": ours,
    "map-and-ledger": partial(ours, keep="input"),
}


def _peak(name: str) -> int:
    """Bytes that a method takes at its peak beyond the model, in a fresh process."""
    command = [sys.executable, "-m", __name__, name]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


if __name__ == "__main__":
    print(added(METHODS[sys.argv[1]](Encoder.build(LAYERS))))
