"""Families of transformers' models of texts, and of pictures with texts, explained without options in single precision.

Small random configurations, as in the zoo; a batch of two lengths. What is asked: does it work, does the ledger add up,
does padding get exactly nothing, and is a sample explained in the batch as it is alone?
"""

from __future__ import annotations

import gc
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers.models.auto import modeling_auto

from lrpwidgets.lrp import Explainer

from .pictures_and_texts import FAMILIES
from .zoo.reference import words
from .zoo.transformers_ import configuration

CLASSIFIERS = words("""
albert bert big_bird camembert convbert deberta deberta-v2 distilbert electra ernie eurobert flaubert funnel longformer
luke mobilebert modernbert mpnet nomic_bert nystromformer reformer rembert roberta roberta-prelayernorm roformer
squeezebert xlm xlm-roberta xlnet yoso
""")

DECODERS = words("""
bloom ctrl deepseek_v3 falcon gemma gemma2 gemma3_text glm4 gpt2 gpt_bigcode gpt_neo gpt_neox gpt_oss gptj granite
jamba llama mamba mamba2 mistral mixtral mpt nemotron olmo2 opt phi phi3 qwen2 qwen3 qwen3_moe recurrent_gemma smollm3
stablelm starcoder2
""")

ENCODER_DECODERS = words("bart blenderbot led longt5 m2m_100 marian mbart mvp pegasus plbart t5 umt5")

PADDED_LEFT = ("xlnet",)
"""Read the last token, whatever the mask says."""

KINDS = {
    "encoder, classifies": (CLASSIFIERS, "SEQUENCE_CLASSIFICATION"),
    "decoder, next token": (DECODERS, "CAUSAL_LM"),
    "encoder–decoder, next token": (ENCODER_DECODERS, "SEQ_TO_SEQ_CAUSAL_LM"),
}

LENGTHS = (8, 5)


@dataclass(frozen=True)
class Text:
    """A model, and a batch for it by the names of its arguments."""

    model: nn.Module
    inputs: dict[str, Tensor]


def built(kind: str, task: str) -> Text:
    """The model of a `kind` for a `task`, and a padded batch of two lengths."""
    torch.manual_seed(0)
    classes = getattr(modeling_auto, f"MODEL_FOR_{task}_MAPPING_NAMES")[kind]
    config = configuration(kind)
    model = getattr(transformers, classes if isinstance(classes, str) else classes[0])(config).eval()
    ids = torch.randint(3, 50, (2, LENGTHS[0]), generator=torch.Generator().manual_seed(1))
    mask = (torch.arange(LENGTHS[0]) < torch.tensor(LENGTHS)[:, None]).long()
    mask = mask.flip(1) if kind in PADDED_LEFT else mask
    inputs = {"input_ids": ids * mask + config.pad_token_id * (1 - mask), "attention_mask": mask}
    if "SEQ" in task and getattr(config, "is_encoder_decoder", False):
        inputs["decoder_input_ids"] = torch.tensor([[2, 7, 9], [2, 4, 11]])
    return Text(_lively(model), inputs)


def seen_and_read(family: str) -> Text:
    """A model that looks at pictures and reads texts."""
    torch.manual_seed(0)
    model, inputs = FAMILIES[family]()
    return Text(_lively(model.eval()), inputs)


@torch.no_grad()
def _lively(model: nn.Module) -> nn.Module:
    """`model` with nothing at zero."""
    for parameter in model.parameters():
        if parameter.numel() and float(parameter.abs().max()) < 1e-3:
            parameter.normal_(0, 0.1)
    return model


MEMBERS: dict[str, tuple[str, Callable[[], Text]]] = {
    **{
        f"{kind} ({group})": (group, lambda kind=kind, task=task: built(kind, task))
        for group, (kinds, task) in KINDS.items()
        for kind in kinds
    },
    **{
        f"{family} (picture and text)": ("picture and text", lambda family=family: seen_and_read(family))
        for family in FAMILIES
    },
}
"""By family, what it does and how one is built."""


def explained(text: Text) -> dict[str, float]:
    """Figures of an explanation without options: imbalance, what padding gets, and how far a sample alone differs.

    Differences are in units of the largest relevance; those of a sample alone are measured in double precision.
    """
    explanation = Explainer(text.model).explain(text.inputs)
    relevance, mask = explanation.relevance, text.inputs.get("attention_mask")
    assert isinstance(relevance, dict)
    found = {"imbalance": explanation.ledger.imbalance}
    if mask is not None:
        found["padding"] = float(relevance["input_ids"][mask == 0].abs().sum())
    return {**found, "alone": _alone(text)} if len(explanation.scores) > 1 else found


def _alone(text: Text) -> float:
    """How far the relevance of the shorter sample in the batch is from that of the sample alone, without padding."""
    explainer = Explainer(text.model.double())
    inputs = {name: x.double() if x.is_floating_point() else x for name, x in text.inputs.items()}
    there = inputs["attention_mask"][1] != 0
    placed = inputs["input_ids"].shape
    cut = {name: x[1:, there] if x.shape[:2] == placed else x[1:] for name, x in inputs.items()}
    target = int(explainer.scores(cut).argmax())
    together, alone = explainer.explain(inputs, target).relevance, explainer.explain(cut, target).relevance
    text.model.float()
    assert isinstance(together, dict)
    assert isinstance(alone, dict)
    expected = alone["input_ids"]
    difference = (together["input_ids"][1:, there] - expected).abs().max() / expected.abs().max()
    return float(difference)


def measure(pattern: str = "") -> list[dict[str, Any]]:
    """Print the table of the families whose name matches `pattern`, and return a line for each."""
    found = []
    for name, (group, build) in MEMBERS.items():
        if re.search(pattern, name):
            found.append({"family": name.partition(" (")[0], "does": group, **_outcome(build)})
            print(found[-1], flush=True)
            gc.collect()
    _print(found)
    return found


def _outcome(build: Callable[[], Text]) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            text = build()
        except Exception as error:  # of a package's own making
            return {"refused": f"not built: {_first_line(error)}"}
        try:
            return explained(text)
        except Exception as error:
            return {"refused": _first_line(error)}


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"[:200]


def _print(found: list[dict[str, Any]]) -> None:
    """The table of the README: each group's families, and the worst figures of those that are explained."""
    print(f"| {' | '.join(('family', 'without options', 'imbalance', 'to padding', 'in a batch as alone'))} |")
    print("|---|---|---|---|---|")
    for group in dict.fromkeys(each["does"] for each in found):
        own = [each for each in found if each["does"] == group]
        works = [each for each in own if "refused" not in each]
        worst = [
            f"{max((each[name] for each in works if name in each), default=0):.0e}"
            for name in ("imbalance", "padding", "alone")
        ]
        names = ", ".join(each["family"] for each in own)
        print(f"| {group}: {names} | {len(works)} of {len(own)} | {' | '.join(worst)} |")
    for each in found:
        if each.get("refused"):
            print(f"{each['family']}: {each['refused']}")
