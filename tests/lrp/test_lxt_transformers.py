"""LXT as an outside referee on whole models of transformers, as they come and from token ids.

`lxt.efficient` patches them for gradient × input, but cannot be imported with transformers 5. Its formulas, in
:class:`~tests.lrp.test_lxt.Efficient`, are put in the place of the modules' own forwards here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lrpwidgets.lrp import Composite, Explainer, composites, rules
from lrpwidgets.lrp.products import Product
from tests.benchmarks.zoo.member import ExactFloats
from tests.lrp.dense import assert_near
from tests.lrp.test_lxt import Efficient, livelier

transformers = pytest.importorskip("transformers", minversion="5.0")
activations = pytest.importorskip("transformers.activations")
llama = pytest.importorskip("transformers.models.llama.modeling_llama")
qwen3 = pytest.importorskip("transformers.models.qwen3.modeling_qwen3")
bert = pytest.importorskip("transformers.models.bert.modeling_bert")
gpt2 = pytest.importorskip("transformers.models.gpt2.modeling_gpt2")

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 30}
DECODER = {**SIZES, "num_key_value_heads": 1, "head_dim": 8}
MODELS: dict[str, Callable[..., nn.Module]] = {
    "Llama": lambda **how: transformers.LlamaForCausalLM(transformers.LlamaConfig(**DECODER, **how)),
    "Qwen3": lambda **how: transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**DECODER, **how)),
    "BERT": lambda **how: transformers.BertForSequenceClassification(
        transformers.BertConfig(**SIZES, num_labels=4, **how)
    ),
    "GPT-2": lambda **how: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=30, **how)
    ),
}
IDS = torch.tensor([[3, 7, 1, 9, 4, 22], [5, 2, 8, 8, 29, 6]])


def model(name: str, attention: str) -> nn.Module:
    torch.manual_seed(3)
    return livelier(MODELS[name](attn_implementation=attention).double().eval())


def patched(monkeypatch: pytest.MonkeyPatch, parts: Efficient) -> None:
    """The modules of transformers with the forwards of `parts`."""
    forwards = {
        nn.LayerNorm: parts.norm,
        **dict.fromkeys((llama.LlamaRMSNorm, qwen3.Qwen3RMSNorm), lambda self, x: _rms_norm(parts, self, x)),
        **dict.fromkeys((llama.LlamaMLP, qwen3.Qwen3MLP), lambda self, x: _mlp(parts, self, x)),
    }
    for each in (activations.GELUActivation, activations.SiLUActivation, activations.NewGELUActivation, nn.Tanh):
        forwards[each] = partial(_activation, parts, each.forward)
    for module, forward in forwards.items():
        monkeypatch.setattr(module, "forward", _method(forward))
    known = transformers.modeling_utils.ALL_ATTENTION_FUNCTIONS
    monkeypatch.setitem(known, "sdpa", partial(_attention, parts, known["sdpa"]))
    for module in (llama, qwen3, bert, gpt2):
        monkeypatch.setattr(
            module, "eager_attention_forward", partial(_attention, parts, module.eager_attention_forward)
        )


def _method(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda self, x: function(self, x)


def _rms_norm(parts: Efficient, norm: Any, x: Tensor) -> Tensor:
    return parts.rms_norm(x, norm.weight, norm.variance_epsilon)


def _mlp(parts: Efficient, mlp: Any, x: Tensor) -> Tensor:
    return mlp.down_proj(parts.gated(mlp.act_fn(mlp.gate_proj(x)), mlp.up_proj(x)))


def _activation(parts: Efficient, forward: Callable[..., Tensor], activation: nn.Module, x: Tensor) -> Tensor:
    return parts.activation(partial(forward, activation), x)


def _attention(
    parts: Efficient, forward: Callable[..., Any], module: Any, q: Tensor, k: Tensor, v: Tensor, *args, **how
):
    return forward(module, *parts.attended(q, k, v), *args, **how)


def by_gradient(net: nn.Module, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The scores, and gradient × input summed over each token's embedding, (B, T)."""
    rows = net.get_input_embeddings()(IDS).detach().requires_grad_()
    logits = net(inputs_embeds=rows).logits
    scores = logits if logits.dim() == 2 else logits[:, -1]
    (gradient,) = torch.autograd.grad((scores * weights).sum(), rows)
    return scores.detach(), (gradient * rows).sum(-1).detach()


ATTN_LRP, CP_LRP = (composites.get(name, epsilon=1e-15) for name in ("attn_lrp", "cp_lrp"))
METHODS = {"AttnLRP": (ATTN_LRP, False), "CP-LRP": (CP_LRP, True)}


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", MODELS)
def test_models_of_transformers_are_explained_as_by_lxt(name, method, attention, monkeypatch):
    composite, constant_attention = METHODS[method]
    net = model(name, attention)
    with ExactFloats():  # where a norm computes in 32 bits, both ways round otherwise
        found = Explainer(net, composite).explain({"input_ids": IDS, "attention_mask": torch.ones_like(IDS)}, [1, 3])
        patched(monkeypatch, Efficient(constant_attention))
        scores, expected = by_gradient(net, found.target)
    assert_near(found.scores, scores, 1e-12)
    assert found.ledger.imbalance < 1e-9
    assert_near(found.relevance["input_ids"], expected, 1e-9)


@dataclass(frozen=True, repr=False)
class ToTheSignal(rules.ProductRule):
    """All to the second factor: in a gated MLP of transformers the one without the activation."""

    def propagate(self, product: Product, relevance: Tensor) -> Any:
        return product.hand(relevance, (0.0, 1.0))


class ConstantGates(Efficient):
    """CP-LRP of `lxt.efficient`, which also takes the gate of a gated MLP for a constant, where ours gives it half."""

    def gated(self, gate: Tensor, signal: Tensor) -> Tensor:
        return gate.detach() * signal


@pytest.mark.parametrize("name", ["Llama", "Qwen3"])
def test_constant_gates_of_lxts_cp_lrp_are_a_rule_of_ones_own(name, monkeypatch):
    net = model(name, "sdpa")
    composite = Composite([("*.mlp.mul", ToTheSignal()), *CP_LRP.entries])
    with ExactFloats():
        found = Explainer(net, composite).explain({"input_ids": IDS}, [1, 3])
        patched(monkeypatch, ConstantGates(constant_attention=True))
        _, expected = by_gradient(net, found.target)
    assert_near(found.relevance["input_ids"], expected, 1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_in_single_precision_the_relevance_of_a_preset_is_that_of_lxt(name, monkeypatch):
    net = model(name, "sdpa").float()
    explainer = Explainer(net, "attn_lrp")
    found = explainer.explain({"input_ids": IDS}, [1, 3])
    patched(monkeypatch, Efficient(constant_attention=False))
    _, expected = by_gradient(net, found.target)
    assert_near(found.relevance["input_ids"], expected, 2e-2)  # within the preset's stabilizers


def test_lxts_own_patches_still_need_an_older_transformers():
    with pytest.raises(ImportError):
        __import__("lxt.efficient")
