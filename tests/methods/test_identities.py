"""What must hold of every method by its definition, and what Captum says where it is called in its own way."""

from __future__ import annotations

from typing import Any

import captum.attr
import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from captum._utils.models.linear_model import SkLearnRidge
from torch import Tensor, nn

from lrpwidgets import methods
from lrpwidgets.lrp import Explainer
from lrpwidgets.methods import along, cam
from lrpwidgets.methods.draws import seeded
from lrpwidgets.methods.spreading import segments, shared_out

from .networks import SPELLINGS, Attending, Spelled, averaged, pictures, small, smooth


def relevance(model: nn.Module, x: Tensor, name: str, target: Any = 1, **settings: Any) -> Tensor:
    return methods.explain(model, x, name, target, progress=False, **settings).relevance


def totals(*maps: Tensor) -> list[Tensor]:
    return [each.flatten(1).sum(1) for each in maps]


def vectors(count: int = 3) -> Tensor:
    torch.manual_seed(5)
    return torch.randn(count, 6, dtype=torch.float64)


def linear() -> nn.Module:
    torch.manual_seed(4)
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 4)).double()


# Sums


def test_integrated_gradients_add_up_to_the_change_from_any_baseline():
    model, x = smooth(), vectors()
    for baseline in ("zero", "mean", torch.ones(6)):
        given = x.mean(1, keepdim=True).expand_as(x) if baseline == "mean" else baseline
        start = torch.zeros_like(x) if baseline == "zero" else given.expand_as(x).double()
        settings = {"baseline": baseline, "steps": 40, "quadrature": "gausslegendre"}
        (total,) = totals(relevance(model, x, "integrated_gradients", **settings))
        torch.testing.assert_close(total, (model(x) - model(start))[:, 1], rtol=1e-5, atol=1e-7)


def test_a_map_that_misses_its_sum_says_so():
    model, x = nn.Sequential(nn.Linear(6, 50), nn.Sigmoid(), nn.Linear(50, 2)).double(), 50 * vectors()
    few = methods.explain(model, x, "integrated_gradients", steps=2, quadrature="riemann_left", progress=False)
    assert any("adds up to" in caveat and "take more steps" in caveat for caveat in few.caveats)


def test_expected_gradients_add_up_in_expectation():
    model, x, background = small(), pictures(2), pictures(40)
    (total,) = totals(relevance(model, x, "expected_gradients", background=background, samples=4000, batch_size=200))
    expected = (model(x) - model(background).mean(0))[:, 1]
    assert float((total - expected).abs().max()) < 0.1 * float(model(background)[:, 1].std())


@pytest.mark.parametrize("baseline", ["zero", "mean", "blur"])
def test_shapley_values_add_up_to_the_change(baseline):
    model, x = small(), pictures()
    start = methods.baselines.of(x, baseline)
    settings = {"samples": 2, "patch": 4, "baseline": baseline}
    (total,) = totals(relevance(model, x, "shapley_sampling", **settings))
    torch.testing.assert_close(total, (model(x) - model(start))[:, 1], rtol=1e-5, atol=1e-5)


def test_kernel_shap_adds_up_to_the_change_and_finds_shapleys_values():
    model, x = small(), pictures(1)
    kernel = relevance(model, x, "kernel_shap", samples=200, patch=4)
    sampled = relevance(model, x, "shapley_sampling", samples=60, patch=4)
    (total,) = totals(kernel)
    torch.testing.assert_close(total, (model(x) - model(torch.zeros_like(x)))[:, 1], rtol=1e-3, atol=1e-3)
    assert float((kernel - sampled).abs().max()) < 0.4 * float(sampled.abs().max())


@pytest.mark.parametrize("make", [small, smooth])
def test_deeplift_adds_up_to_the_change(make):
    model, x = make(), vectors() if make is smooth else pictures()
    (total,) = totals(relevance(model, x, "deeplift"))
    torch.testing.assert_close(total, (model(x) - model(torch.zeros_like(x)))[:, 1], rtol=1e-5, atol=1e-7)


def test_deeplift_adds_up_through_pools_that_overlap_and_shortcuts():
    class Overlapping(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = small()

        def forward(self, x):
            x = F.max_pool2d(self.layers[0](x), 3, 1, padding=1)
            x = F.silu(x) + x.clamp(min=0)
            return self.layers[6:](F.max_pool2d(self.layers[3](x), 2).flatten(1))

    model, x = Overlapping().eval(), pictures()
    found = methods.explain(model, x, "deeplift", 1, progress=False)
    difference = (model(x) - model(torch.zeros_like(x)))[:, 1]
    torch.testing.assert_close(totals(found.relevance)[0], difference, rtol=1e-5, atol=1e-7)
    assert found.caveats == []


# Identities


def test_gradient_times_input_is_lrp_0_without_biases():
    model, x = small(bias=False), pictures()
    by_gradient = relevance(model, x, "gradient_times_input")
    torch.testing.assert_close(totals(by_gradient)[0], model(x)[:, 1], rtol=1e-5, atol=1e-7)
    explanation = Explainer(model, methods.relevance.LRP("epsilon").composite).explain(x, 1)
    torch.testing.assert_close(by_gradient, explanation.relevance, rtol=1e-3, atol=1e-4)


def test_sensitivity_adds_up_to_the_squared_norm_of_the_gradient():
    model, x = small(), pictures().requires_grad_()
    (gradient,) = torch.autograd.grad(model(x)[:, 1].sum(), x)
    torch.testing.assert_close(relevance(model, x, "sensitivity"), gradient**2)
    torch.testing.assert_close(relevance(model, x, "sensitivity", change="absolute"), gradient.abs())


def test_smoothgrad_without_noise_is_the_gradient():
    model, x = small(), pictures()
    found = relevance(model, x, "smoothgrad", noise=0.0, samples=3)
    torch.testing.assert_close(found * x, relevance(model, x, "gradient_times_input"), rtol=1e-5, atol=1e-9)


def test_occlusion_shapley_values_and_deeplift_are_exact_on_linear_models():
    model, x = linear(), pictures()
    exact = x * model[1].weight[1].reshape(x.shape[1:])
    torch.testing.assert_close(relevance(model, x, "deeplift"), exact, rtol=1e-5, atol=1e-9)
    for patch in (1, 4):
        per_patch = F.avg_pool2d(exact.mean(1, keepdim=True), patch)
        expected = F.interpolate(per_patch, scale_factor=patch).expand_as(x)
        for name, settings in {"occlusion": {}, "shapley_sampling": {"samples": 1}}.items():
            found = relevance(model, x, name, patch=patch, **settings)
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    overlapping = relevance(model, x, "occlusion", patch=2, stride=1)
    assert overlapping.shape == x.shape


def test_grad_cam_is_the_class_activation_map_behind_a_global_average_pooling():
    model, x = averaged(), pictures(2, 16)
    maps = model[:4](x)
    summed = torch.einsum("k,bkhw->bhw", model[6].weight[1], maps)[:, None]
    expected = F.interpolate(summed.clamp(min=0), (16, 16), mode="bilinear") / maps[0, 0].numel()
    found = relevance(model, x, "gradcam").sum(1, keepdim=True)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-9)
    named = relevance(model, x, "gradcam", layer="3")
    torch.testing.assert_close(named.sum(1, keepdim=True), expected, rtol=1e-5, atol=1e-9)


class Narrowed(nn.Module):
    """Maps as coarse as one likes, of pictures or signals, and a score of each."""

    def __init__(self, by: int, axes: int = 2):
        super().__init__()
        torch.manual_seed(0)
        layer = nn.Conv2d if axes == 2 else nn.Conv1d
        self.maps, self.head = layer(3, 5, by, stride=by), nn.Linear(5, 2)

    def forward(self, x):
        return self.head(self.maps(x).relu().mean(tuple(range(2, x.dim()))))


@pytest.mark.parametrize(
    ("by", "shape", "told"),
    [
        (16, (64, 64), "Each of the 4 × 4 values of relu covers 16 × 16 pixels: nothing finer than that is known."),
        (8, (64, 48), "Each of the 8 × 6 values of relu covers 8 × 8 pixels: nothing finer than that is known."),
        (16, (40, 100), "Each of the 2 × 6 values of relu covers 20 × 16.7 pixels: nothing finer than that is known."),
        (8, (40,), "Each of the 5 values of relu covers 8 positions: nothing finer than that is known."),
        (8, (56, 56), None),
        (1, (3, 40), None),  # as fine as the input
    ],
)
@pytest.mark.parametrize("name", ["gradcam", "guided_gradcam"])
def test_grad_cam_says_how_coarse_it_is_where_a_value_covers_much_of_the_input(name, by, shape, told):
    model, x = Narrowed(by, len(shape)).eval(), torch.randn(1, 3, *shape)
    caveats = methods.explain(model, x, name, progress=False).caveats
    assert [caveat for caveat in caveats if "covers" in caveat] == ([told] if told else [])


CAMS = {
    "mobilenet_v2": "features.18.2",
    "resnet18": "layer4.1.relu#2",
    "squeezenet1_1": "classifier.2",
    "googlenet": "inception5b.cat",
    "convnext_tiny": "features.7.2.add",
}
"""Behind a max pooling there are maps as well, and branches have theirs."""


@pytest.mark.parametrize("make", CAMS)
def test_grad_cam_looks_at_the_last_maps_that_all_goes_through(make):
    more = {"init_weights": False, "aux_logits": False} if make == "googlenet" else {}
    model, x = getattr(torchvision.models, make)(**more).eval(), torch.randn(1, 3, 64, 64)
    tape = Explainer(model).record(x, rewritten=False)
    assert tape.steps[cam._last(tape, x)].name == CAMS[make]


def test_guided_grad_cam_is_guided_backprop_where_grad_cam_is():
    model, x = averaged(), pictures(2, 16)
    both = relevance(model, x, "gradcam").sum(1, keepdim=True) * relevance(model, x, "guided_backprop")
    torch.testing.assert_close(relevance(model, x, "guided_gradcam"), both)


def test_excitation_backprop_is_z_plus_from_a_probability_of_1():
    model, x = small(bias=False), pictures()
    explanation = Explainer(model, "excitation_backprop").explain(x, 1)
    found = relevance(model, x, "excitation_backprop")
    expected = explanation.relevance / model(x)[:, 1].reshape(-1, 1, 1, 1)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)


def test_contrastive_excitation_is_the_map_less_that_of_negated_weights():
    model, x = small(bias=False), pictures()
    negated = small(bias=False)
    with torch.no_grad():
        negated[8].weight.neg_()
    both = relevance(model, x, "excitation_backprop") - relevance(negated, x, "excitation_backprop")
    found = methods.explain(model, x, "contrastive_excitation_backprop", 1, progress=False)
    torch.testing.assert_close(found.relevance, both, rtol=1e-4, atol=1e-6)
    assert not any("ledger" in caveat for caveat in found.caveats)


def test_presets_of_lrp_are_an_explainers():
    model, x = small(), pictures()
    for name in ("epsilon_plus_flat", "epsilon_alpha2_beta1", "deep_taylor"):
        assert torch.equal(relevance(model, x, name), Explainer(model, name).explain(x, 1).relevance)
    bounds = {"low": -9.0, "high": 9.0}
    assert relevance(model, x, "epsilon_gamma_box", **bounds).shape == x.shape


def test_behind_a_mask_that_hides_nothing_no_relevance_is_left():
    found = relevance(small(), pictures(), "meaningful_perturbation", steps=0)
    assert bool((found == 0).all())


def test_a_meaningful_perturbation_hides_what_the_class_needs():
    torch.manual_seed(0)
    weight = torch.zeros(2, 1, 12, 12)
    weight[1, 0, 2:6, 2:6] = 1.0
    model, x = nn.Sequential(nn.Flatten(), nn.Linear(144, 2, bias=False)), torch.ones(1, 1, 12, 12)
    with torch.no_grad():
        model[1].weight.copy_(weight.flatten(1))
    settings = {"steps": 60, "cells": 12, "baseline": "zero", "noise": 0.0, "output": "score"}
    found = relevance(model, x, "meaningful_perturbation", **settings)[0, 0]
    assert float(found[2:6, 2:6].mean()) > 5 * float(found[7:].mean())
    certain = {**settings, "output": "probability"}
    assert "hides nothing" in methods.explain(model, 9 * x, "meaningful_perturbation", 1, **certain).caveats[-1]


def test_rise_finds_where_the_score_comes_from():
    model, x = nn.Sequential(nn.Flatten(), nn.Linear(64, 1, bias=False)), torch.ones(1, 1, 8, 8)
    with torch.no_grad():
        model[1].weight.zero_()[0, :8] = 1.0  # the first row
    found = relevance(model, x, "rise", 0, samples=500, cells=4)[0, 0]
    assert float(found[0].mean()) > 1.2 * float(found[4:].mean())


def test_rollout_multiplies_attention_and_the_way_past_it():
    model, x = Attending(), pictures(2, 16)
    tokens = torch.cat([model.first.expand(2, -1, -1), model.patches(x).flatten(2).transpose(1, 2)], 1)
    rolled = torch.eye(17, dtype=torch.float64).expand(2, -1, -1)
    for layer in model.layers:
        made, weights = layer(tokens, tokens, tokens, need_weights=True)
        rolled = (weights + torch.eye(17)) / 2 @ rolled
        tokens = tokens + made
    expected = F.interpolate(rolled[:, 0, 1:].reshape(2, 1, 4, 4), (16, 16), mode="bilinear")
    found = methods.explain(model, x, "attention_rollout", progress=False)
    torch.testing.assert_close(found.relevance.sum(1, keepdim=True), expected, rtol=1e-5, atol=1e-9)
    assert "the same for every class" in found.caveats[0]


def test_controls_know_nothing_of_the_network():
    one, other, x = small(), small(seed=1), pictures()
    for name in ("random", "edges", "magnitude"):
        assert torch.equal(relevance(one, x, name), relevance(other, x, name))
    flat = torch.ones(1, 3, 8, 8, dtype=torch.float64)
    assert bool((relevance(one, flat, "edges") == 0).all())


def test_random_maps_are_others_for_every_input_and_the_same_for_the_same():
    model, x = small(), pictures()
    found = relevance(model, torch.cat([x, x]), "random")
    assert torch.equal(found[: len(x)], found[len(x) :])
    assert len(found[: len(x)].unique(dim=0)) == len(x) > 1


# Equal programs


@pytest.mark.parametrize("name", ["guided_backprop", "deconvnet", "deeplift", "guided_gradcam", "gradcam"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_equal_programs_have_equal_maps(name, spelling):
    x, settings = pictures(), {"layer": "3"} if "gradcam" in name else {}
    twin = {"layer": "layers.2"} if "gradcam" in name else {}
    expected = relevance(small(), x, name, **settings)
    torch.testing.assert_close(relevance(Spelled(SPELLINGS[spelling]), x, name, **twin), expected, rtol=1e-6, atol=1e-9)


def test_a_relu_with_an_upper_bound_is_guided_however_it_is_written():
    x = pictures()
    maps = [
        relevance(Spelled(relu), x, "guided_backprop")
        for relu in (F.relu6, lambda x: x.clamp(0, 6), nn.Hardtanh(0, 6), lambda x: F.relu(x).clamp(max=6))
    ]
    for each in maps[1:]:
        torch.testing.assert_close(each, maps[0])
    assert not torch.allclose(maps[0], relevance(Spelled(F.hardswish), x, "gradient_times_input"))


def test_other_nonlinearities_are_told():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(6, 5), nn.Linear(5, 2)

        def forward(self, x):
            return self.two(F.gelu(F.relu(self.one(x)) - 0.2))

    found = methods.explain(Mixed().double().eval(), vectors(), "guided_backprop", progress=False)
    assert found.caveats == ["Only ReLUs are passed in another way; gelu as the gradient does."]


TAPED = {
    "resnet18": lambda: torchvision.models.resnet18(num_classes=5),
    "mobilenet_v3_small": lambda: torchvision.models.mobilenet_v3_small(num_classes=5),
    "vit": lambda: torchvision.models.VisionTransformer(64, 16, 2, 4, 32, 64, num_classes=5),
}


class Reader(torch.nn.Module):
    """Tokens to scores, through an embedding that autograd can be asked of."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.layer = torch.nn.Embedding(7, 6), torch.nn.TransformerEncoderLayer(6, 2, 8, batch_first=True)
        self.out = torch.nn.Linear(6, 3)

    def read(self, rows: Tensor) -> Tensor:
        return self.out(self.layer(rows).mean(1))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.read(self.embed(tokens))


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("gradient_times_input", {}, lambda gradient, rows: gradient * rows),
        ("sensitivity", {}, lambda gradient, rows: gradient**2),
        ("sensitivity", {"change": "absolute"}, lambda gradient, rows: gradient.abs()),
    ],
)
def test_gradients_of_tokens_are_those_of_their_embeddings_summed(name, settings, expected):
    torch.manual_seed(0)
    model, tokens = Reader().double().eval(), torch.randint(0, 7, (2, 5))
    rows = model.embed(tokens).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(model.read(rows)[:, 1].sum(), rows)
    found = methods.explain(model, tokens, name, target=1, progress=False, **settings)
    torch.testing.assert_close(found.relevance, expected(gradient, rows.detach()).sum(-1), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("make", TAPED)
def test_a_tape_has_the_derivatives_of_its_model(make):
    torch.manual_seed(0)
    model, x = TAPED[make]().double().eval(), pictures(2, 64).requires_grad_()
    for parameter in model.parameters():  # what begins at zero would hide what lies before it
        parameter.data += 0.01 * torch.randn_like(parameter)
    weights = torch.randn(2, 5, dtype=torch.float64)
    (expected,) = torch.autograd.grad((model(x) * weights).sum(), x)
    tape = Explainer(model).record(x.detach(), rewritten=False)
    torch.testing.assert_close(along.gradient(tape, weights), expected, rtol=1e-5, atol=1e-9)


# Captum, called in its own way


def called(explainer: Any, x: Tensor, seed: int = 0, **settings: Any) -> Tensor:
    with seeded(seed):
        return explainer.attribute(x.clone().requires_grad_(), target=1, **settings).detach()


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("guided_backprop", captum.attr.GuidedBackprop), ("deconvnet", captum.attr.Deconvolution)],
)
def test_where_captums_hooks_see_the_network_they_agree(name, theirs):
    model, x = small(), pictures()
    torch.testing.assert_close(relevance(model, x, name), called(theirs(model), x), rtol=1e-4, atol=1e-9)


def test_deeplift_agrees_with_captum_where_its_hooks_see_the_network():
    for model, x in ((small(), pictures()), (smooth(), vectors())):
        expected = called(captum.attr.DeepLift(model), x)
        torch.testing.assert_close(relevance(model, x, "deeplift"), expected, rtol=1e-4, atol=1e-8)


def test_grad_cam_agrees_with_captum():
    model, x = small(), pictures()
    coarse = captum.attr.LayerGradCam(model, model[4]).attribute(x, target=1, relu_attributions=True)
    expected = F.interpolate(coarse, x.shape[2:], mode="bilinear").detach()
    torch.testing.assert_close(relevance(model, x, "gradcam").sum(1, keepdim=True), expected, rtol=1e-4, atol=1e-9)


def test_gradients_agree_with_captum():
    model, x = small(), pictures(1)
    integrated = captum.attr.IntegratedGradients(model)
    expected = called(integrated, x, n_steps=20, method="riemann_middle")
    torch.testing.assert_close(relevance(model, x, "integrated_gradients", steps=20), expected, rtol=1e-4, atol=1e-9)
    tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(model))
    noise = 0.1 * float(x.max() - x.min())
    expected = called(tunnel, x, seed=3, nt_samples=12, stdevs=noise, abs=False)
    found = relevance(model, x, "smoothgrad", samples=12, noise=0.1, seed=3)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-9)


def test_expected_gradients_agree_with_captum():
    model, x, background = small(), pictures(1), pictures(7)
    expected = called(captum.attr.GradientShap(model), x, seed=5, baselines=background, n_samples=30, stdevs=0.0)
    found = relevance(model, x, "expected_gradients", background=background, samples=30, seed=5)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-9)


def test_perturbations_agree_with_captum():
    model, x = small(), pictures(1)
    numbers = segments(x, 4)
    sampled = called(captum.attr.ShapleyValueSampling(model), x, seed=2, feature_mask=numbers, n_samples=4)
    found = relevance(model, x, "shapley_sampling", samples=4, patch=4, seed=2)
    torch.testing.assert_close(found, shared_out(sampled, numbers).double(), rtol=1e-4, atol=1e-6)
    kernel = called(captum.attr.KernelShap(model), x, seed=2, feature_mask=numbers, n_samples=40)
    found = relevance(model, x, "kernel_shap", samples=40, patch=4, seed=2)
    torch.testing.assert_close(found, shared_out(kernel, numbers).double(), rtol=1e-4, atol=1e-5)
    covered = called(captum.attr.Occlusion(model), x, sliding_window_shapes=(3, 4, 4), strides=(3, 2, 2))
    found = relevance(model, x, "occlusion", patch=4, stride=2)
    torch.testing.assert_close(found, covered.double() / 48, rtol=1e-4, atol=1e-6)
    closeness = methods.get("lime", width=0.5).closeness
    lime = captum.attr.Lime(model, SkLearnRidge(alpha=1.0), similarity_func=closeness)
    expected = called(
        lime, x, seed=2, feature_mask=numbers, n_samples=50, baselines=x.mean((2, 3), keepdim=True).expand_as(x)
    )
    found = relevance(model, x, "lime", samples=50, patch=4, width=0.5, seed=2)
    torch.testing.assert_close(found, shared_out(expected, numbers).double(), rtol=1e-4, atol=1e-6)


def test_draws_are_those_of_captum_and_leave_numpys_alone():
    before = np.random.get_state()[1].copy()
    relevance(small(), pictures(1), "expected_gradients", background=pictures(4), samples=3)
    relevance(small(), pictures(1), "kernel_shap", samples=9, patch=4)
    assert np.array_equal(np.random.get_state()[1], before)
