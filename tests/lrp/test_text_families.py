"""Models of transformers as they come, without options, from what a tokenizer makes: a handful of the families.

All of them: ``python -m tests.benchmarks texts``.
"""

import pytest

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


@pytest.mark.parametrize("family", [*HANDFUL, "llava"])
def test_a_padded_batch_of_texts_is_explained_without_options(family):
    (build,) = (build for name, (_, build) in texts.MEMBERS.items() if name.split(" ")[0] == family)
    found = texts.explained(build())
    assert found["imbalance"] <= 1e-5
    assert found["padding"] == 0
    assert found["alone"] <= 1e-9
