"""What all methods promise: one call, one result, an untouched model, no map that depends on its mates."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from torch import nn

from lrpwidgets import methods
from lrpwidgets.lrp import Explainer, Rather, TwoClasses, composites
from lrpwidgets.progress import Cancelled, Progress

from .networks import Attending, Reading, pictures, small, texts

QUICK: dict[str, dict[str, Any]] = {
    "expected_gradients": {"background": pictures(8), "samples": 10},
    "pattern_attribution": {"background": pictures(8)},
    "integrated_gradients": {"steps": 10},
    "smoothgrad": {"samples": 10},
    "lime": {"samples": 20, "patch": 4},
    "kernel_shap": {"samples": 20, "patch": 4},
    "shapley_sampling": {"samples": 3, "patch": 4},
    "occlusion": {"patch": 4},
    "rise": {"samples": 20, "cells": 3},
    "meaningful_perturbation": {"steps": 5, "cells": 4},
    "epsilon_gamma_box": {"low": -9.0, "high": 9.0},
    "vgg_tutorial": {"low": -9.0, "high": 9.0},
}
"""Settings with which methods take little time, or can do at all."""

RANDOM = [name for name in methods.names() if "seed" in methods.get(name, **QUICK.get(name, {})).settings]


def made_for(name: str) -> nn.Module:
    """A network that the method can explain."""
    kinds = {"attention_rollout": Attending, "erasure": Reading}
    return kinds.get(name, small)()


def inputs(name: str, count: int = 3) -> torch.Tensor:
    """That it takes."""
    return texts(count) if name == "erasure" else pictures(count, 16 if name == "attention_rollout" else 8)


def explained(name: str, x: torch.Tensor | None = None, model: nn.Module | None = None, **more: Any):
    settings = {"progress": False, **QUICK.get(name, {}), **more}
    return methods.explain(model or made_for(name), inputs(name) if x is None else x, name, **settings)


@pytest.mark.parametrize("name", methods.names())
def test_relevance_is_shaped_like_the_input_and_in_its_precision(name):
    found = explained(name)
    assert found.method == name
    assert found.scores.shape[0] == 3
    assert found.relevance.shape == inputs(name).shape
    assert found.relevance.dtype == torch.float64
    assert bool(found.relevance.isfinite().all())
    assert not found.relevance.requires_grad


@pytest.mark.parametrize("name", methods.names())
def test_a_batch_is_explained_as_its_inputs_are(name):
    whole = explained(name, batch_size=2).relevance
    for place, one in enumerate(inputs(name).split(1)):
        torch.testing.assert_close(explained(name, one).relevance[0], whole[place], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", methods.names())
def test_a_model_stays_as_it_was(name):
    model = made_for(name)
    model.train()
    next(model.parameters()).requires_grad_(False)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    x = inputs(name, 2)
    given = x.clone()
    with torch.no_grad():
        explained(name, x, model)
    assert torch.equal(x, given)
    assert not x.requires_grad
    assert all(module.training for module in model.modules())
    assert [p.requires_grad for p in model.parameters()][:2] == [False, True]
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in model.modules())


@pytest.mark.parametrize("name", methods.names())
def test_the_cost_says_how_many_passes_are_made(name):
    seen: list[Progress] = []
    explained(name, progress=seen.append)
    x = inputs(name)
    passes = methods.cost(x, name, **QUICK.get(name, {})).forwards
    assert (seen[-1].done if seen else 3) == 3 * passes
    assert all(each.total == 3 * passes for each in seen)


@pytest.mark.parametrize("name", [name for name in methods.names() if name not in ("random", "edges", "magnitude")])
def test_a_watcher_ends_any_method_and_the_model_is_free_again(name):
    def end(_: Progress) -> None:
        raise Cancelled

    model = made_for(name)
    model.train()
    x = inputs(name)
    state = torch.get_rng_state()
    with pytest.raises(Cancelled):
        explained(name, x, model, progress=end)
    assert all(module.training for module in model.modules())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_decides_all_that_is_random_and_nobody_elses_numbers(name):
    x, model = pictures(1), small()
    state = torch.get_rng_state()
    once, again, other = (explained(name, x, model, seed=seed).relevance for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", methods.names())
def test_a_method_says_what_it_does_in_a_sentence(name):
    told = methods.described(name)
    assert told.endswith(".") or composites.described(name) == told
    assert len(told) > 20


def test_settings_give_the_same_again():
    found = explained("smoothgrad", noise=0.3)
    again = methods.explain(small(), pictures(), "smoothgrad", progress=False, **found.settings)
    assert found.settings == {"samples": 10, "noise": 0.3, "seed": 0}
    assert torch.equal(found.relevance, again.relevance)


def test_a_method_of_a_class_is_as_good_as_its_name():
    chosen = methods.get("integrated_gradients", steps=7)
    by_class = methods.explain(small(), pictures(), chosen, progress=False)
    by_name = methods.explain(small(), pictures(), "integrated_gradients", steps=7, progress=False)
    assert by_class.method == "integrated_gradients"
    assert torch.equal(by_class.relevance, by_name.relevance)


def test_targets_are_spelled_as_for_an_explainer():
    model, x = small(), pictures()
    for target in (2, [0, 1, 2], Rather(1, than=3), torch.tensor([0.5, 0.0, -1.0, 0.0])):
        found = methods.explain(model, x, "epsilon", target, progress=False)
        explanation = Explainer(model, "epsilon").explain(x, target)
        torch.testing.assert_close(found.relevance, explanation.relevance)
        torch.testing.assert_close(found.target, explanation.target)
    rather = methods.explain(model, x, "gradient_times_input", Rather(1, than=3), progress=False).relevance
    each = [methods.explain(model, x, "gradient_times_input", target, progress=False).relevance for target in (1, 3)]
    torch.testing.assert_close(rather, each[0] - each[1])


def test_an_explainer_says_where_the_scores_are():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 1)).double()
    x = torch.randn(2, 4, dtype=torch.float64)
    for name in ("gradient_times_input", "occlusion", "epsilon"):
        found = methods.explain(Explainer(model, select=TwoClasses()), x, name, 1, progress=False)
        torch.testing.assert_close(found.relevance, x * model[0].weight, rtol=1e-3, atol=1e-4)


def test_dense_scores_and_signals_are_explained():
    torch.manual_seed(0)
    dense, x = nn.Sequential(nn.Conv1d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv1d(4, 3, 1)), torch.randn(2, 2, 12)
    for name in ("integrated_gradients", "occlusion", "guided_backprop", "gradcam", "deeplift", "shapley_sampling"):
        quick = {"samples": 2} if name == "shapley_sampling" else {}
        found = methods.explain(dense, x, name, progress=False, **quick)
        assert found.relevance.shape == x.shape


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("smoothgrads", {}, "no method 'smoothgrads'. Did you mean 'smoothgrad'"),
        ("smoothgrad", {"sigma": 1}, "no setting 'sigma'; it has samples, noise, seed"),
        ("smoothgrad", {"samples": 0}, "samples must be a whole number from 1"),
        ("smoothgrad", {"samples": 2.5}, "samples must be a whole number"),
        ("sensitivity", {"change": "cubed"}, "change must be one of 'squared', 'absolute', got 'cubed'"),
        ("lime", {"baseline": "black"}, "baseline must be one of 'zero', 'mean', 'blur' or a tensor"),
        ("epsilon", {"gamma": 1}, "no parameter 'gamma'"),
        ("epsilon_gamma_box", {}, "needs low and high"),
    ],
)
def test_what_is_not_there_is_named(name, settings, told):
    with pytest.raises(ValueError, match=told):
        methods.explain(small(), pictures(), name, **settings)


def test_one_input_is_explained_and_not_several():
    with pytest.raises(TypeError, match="explain one input"):
        methods.explain(small(), (pictures(), pictures()), "sensitivity")
    with pytest.raises(ValueError, match="batch_size must be a whole number from 1 on"):
        methods.explain(small(), pictures(), "sensitivity", batch_size=0)


def test_a_user_interface_finds_sliders_and_choices():
    assert [knob.name for knob in methods.METHODS["rise"].knobs()] == ["samples", "cells", "share", "seed"]
    assert methods.METHODS["rise"].choices() == {
        "output": ("probability", "score"),
        "baseline": ("zero", "mean", "blur"),
    }
    for name in methods.METHODS:
        for knob in methods.METHODS[name].knobs():
            assert knob.slider[0] < knob.slider[1]
            methods.get(name, **{knob.name: type(knob.slider[0])(knob.slider[1])})


def test_lrp_takes_the_composite_of_an_explainer():
    explainer = Explainer(small(), "epsilon_alpha2_beta1")
    found = methods.explain(explainer, pictures(), "lrp", progress=False)
    assert torch.equal(found.relevance, explainer.explain(pictures()).relevance)


def test_methods_work_under_inference_mode_and_in_half_precision():
    torch.manual_seed(0)
    model, x = small().bfloat16(), pictures().bfloat16()
    with torch.inference_mode():
        for name in (
            "gradient_times_input",
            "smoothgrad",
            "guided_backprop",
            "deeplift",
            "gradcam",
            "occlusion",
            "epsilon",
        ):
            found = methods.explain(model, x * 1, name, progress=False, **QUICK.get(name, {}))
            assert found.relevance.shape == x.shape
            assert bool(found.relevance.isfinite().all())


# What cannot be


def test_obstacles_are_told_without_running_anything_long():
    seen = []
    model = small()
    model.register_forward_hook(lambda *_: seen.append(1))
    reasons = methods.obstacles(model, pictures())
    assert set(reasons) == {
        *("expected_gradients", "pattern_attribution", "attention_rollout", "epsilon_gamma_box", "vgg_tutorial"),
        "erasure",
    }
    assert len(seen) < 12
    fit = methods.obstacles(model, pictures(), background=pictures(5), low=-9.0, high=9.0)
    assert set(fit) == {"attention_rollout", "erasure"}


def test_a_model_is_recorded_once_however_many_methods_are_asked_for_each_with_its_own_settings():
    model, seen = small(), []
    model.register_forward_hook(lambda *_: seen.append(1))
    counts = []
    settings = {"smoothgrad": {"noise": 0.2}, "epsilon_gamma_box": {"low": -9.0, "high": 9.0}, "vgg_tutorial": {}}
    some = {"gradcam": {}, "guided_backprop": {}, "deeplift": {}, "epsilon": {}, "epsilon_plus": {}, **settings}
    for asked in ({"epsilon": {}, "deeplift": {}}, some):
        seen.clear()
        reasons = methods.obstacles(model, pictures(), asked)
        counts.append(len(seen))
    assert reasons == {"vgg_tutorial": "it needs low and high, the bounds of the input."}
    assert counts[0] == counts[1]
    with pytest.raises(ValueError, match="no setting 'sigma'; it has samples, noise, seed"):
        methods.obstacles(model, pictures(), {"smoothgrad": {"sigma": 1}})


REFUSED = {
    "no maps": ("gradcam", nn.Linear(4, 2), torch.rand(1, 4), "no layer of the network has spatial maps"),
    "no picture": ("rise", nn.Linear(4, 2), torch.rand(1, 4), "no pictures"),
    "no ReLU": ("guided_backprop", nn.Sequential(nn.Linear(4, 2), nn.Tanh()), torch.rand(1, 4), "no ReLU"),
    "no attention": ("attention_rollout", nn.Linear(4, 2), torch.rand(1, 4), "no self-attention"),
    "attention": ("gradcam", Attending(), pictures(1, 16), "attention mixes places behind .* layer='patches'"),
    "softmax": (
        "deeplift",
        nn.Sequential(nn.Linear(4, 2), nn.Softmax(1)),
        torch.rand(1, 4),
        "no rule for `softmax` \\(1\\)",
    ),
    "norm": (
        "deeplift",
        nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)),
        torch.rand(1, 4),
        "no rule for `layer_norm`",
    ),
    "blur": ("integrated_gradients", nn.Linear(4, 2), torch.rand(1, 4), "only pictures .* can be blurred"),
    "tokens": (
        "integrated_gradients",
        nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(12, 2)),
        torch.arange(3)[None],
        "whole numbers",
    ),
    "no token": ("erasure", nn.Linear(4, 2), torch.rand(1, 4), "hides tokens, and the input holds none"),
    "one token": ("erasure", Reading(), torch.tensor([[3, -1]]), "but one token"),
    "background": ("expected_gradients", nn.Linear(4, 2), torch.rand(1, 4), "needs inputs of the data set"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_explained_is_refused_with_the_reason(kind):
    name, model, x, reason = REFUSED[kind]
    settings = {"baseline": "blur"} if kind == "blur" else {}
    with pytest.raises(methods.CannotExplainError, match=reason):
        methods.explain(model, x, name, **settings)
    assert name in methods.obstacles(model, x, **settings)


def test_lrp_and_controls_explain_tokens():
    model, tokens = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(12, 2)), torch.arange(3)[None]
    possible = set(methods.names()) - set(methods.obstacles(model, tokens))
    assert {"lrp", "epsilon", "random"} <= possible
    assert "row -1 is looked up" in methods.obstacles(model, tokens)["erasure"]
    assert methods.explain(model, tokens, "epsilon").relevance.shape == (1, 3)


def test_erasure_is_what_the_score_loses_without_a_token_and_nothing_behind_a_text():
    model, x = Reading(), torch.cat([texts(1), torch.full((1, 2), -1)], 1)
    found = methods.explain(model, x, "erasure", 2, batch_size=3, progress=False).relevance
    without = [model(torch.cat([x[:, :place], x[:, place + 1 :]], 1))[0, 2] for place in range(8)]
    torch.testing.assert_close(found[0, :8], model(x)[0, 2] - torch.stack(without))
    assert (found[0, 8:] == 0).all()


def test_without_captum_it_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setattr(methods.method.importlib.util, "find_spec", lambda name: None)  # type: ignore[attr-defined]
    with pytest.raises(methods.CannotExplainError, match=r"needs Captum: pip install captum"):
        methods.explain(small(), pictures(), "sensitivity")
    assert "guided_backprop" not in methods.obstacles(small(), pictures())
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ImportError, match="needs Captum"):
        methods.captum_attr.attr()  # type: ignore[attr-defined]


def test_a_method_of_ones_own_is_explained_by_its_name(monkeypatch):
    monkeypatch.setitem(methods.METHODS, "mine", type(methods.get("magnitude")))
    assert "mine" in methods.names()
    assert explained("mine").method == "mine"
