"""Models of transformers as they come, without options, from what a tokenizer makes: a handful of the families.

All of them: ``python -m tests.benchmarks texts``.
"""

import pytest
import torch

from lrpwidgets.lrp import Explainer

pytest.importorskip("transformers", minversion="5.0")
texts = pytest.importorskip("tests.benchmarks.texts")

HANDFUL = [
    "bert",
    "deberta-v2",
    "modernbert",
    "xlnet",
    "gpt2",
    "llama",
    "opt",
    "qwen3_moe",
    "mamba",
    "bart",
    "led",
    "t5",
]


SEEN = ["gemma3", "git", "llava", "lxmert", "mllama", "vilt", "visual_bert"]
"""Look at pictures, too."""


def built(family):
    (build,) = (build for name, (_, build) in texts.MEMBERS.items() if name.split(" ")[0] == family)
    return build()


@pytest.mark.parametrize("family", [*HANDFUL, *SEEN])
def test_a_padded_batch_of_texts_is_explained_without_options(family):
    found = texts.explained(built(family))
    assert found["imbalance"] <= 1e-5
    assert found["padding"] == 0
    assert found["alone"] <= 1e-9


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen3_vl"])
def test_patches_of_one_picture_are_an_input_of_one_sample(family):
    """Their rows are no samples."""
    text = built(family)
    assert texts.explained(text)["imbalance"] <= 1e-5
    explanation = Explainer(text.model).explain(text.inputs)
    assert explanation.scores.shape == (1, 50)
    assert explanation.relevance["pixel_values"].shape == (16, 96)
    assert explanation.relevance["pixel_values"].abs().sum() > 0


@pytest.mark.parametrize("family", ["clip", "siglip", "altclip"])
def test_a_picture_is_held_against_several_texts(family):
    """A text does not change what is explained of another one."""
    text = built(family)
    model, inputs = (
        text.model.double(),
        {name: x.double() if x.is_floating_point() else x for name, x in text.inputs.items()},
    )
    explanation = Explainer(model).explain(inputs, 0)
    assert explanation.scores.shape == (1, 2)
    assert not explanation.relevance["input_ids"][1].any()
    first = {name: x[:1] for name, x in inputs.items()}
    alone = Explainer(model).explain(first, 0)
    for name in ("input_ids", "pixel_values"):
        torch.testing.assert_close(explanation.relevance[name][:1], alone.relevance[name])
    two = {**inputs, "pixel_values": inputs["pixel_values"].repeat(2, 1, 1, 1)}
    with pytest.raises(NotImplementedError, match=r"mixes the samples of the batch.*Explain one sample at a time"):
        Explainer(model).explain(two)
