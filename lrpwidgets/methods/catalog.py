"""All methods, by their names."""

from __future__ import annotations

from . import cam, controls, derivatives, gradients, masks, perturbations, relevance, rollout
from .method import METHODS, Method, register
from .run import cost, described, explain, get, names, obstacles

_BUILT_IN: dict[str, type[Method]] = {
    "lrp": relevance.LRP,
    "sensitivity": gradients.Sensitivity,
    "gradient_times_input": gradients.GradientTimesInput,
    "integrated_gradients": gradients.IntegratedGradients,
    "expected_gradients": gradients.ExpectedGradients,
    "smoothgrad": gradients.SmoothGrad,
    "guided_backprop": derivatives.GuidedBackprop,
    "deconvnet": derivatives.Deconvnet,
    "deeplift": derivatives.DeepLift,
    "gradcam": cam.GradCam,
    "guided_gradcam": cam.GuidedGradCam,
    "occlusion": perturbations.Occlusion,
    "erasure": perturbations.Erasure,
    "lime": perturbations.Lime,
    "kernel_shap": perturbations.KernelShap,
    "shapley_sampling": perturbations.ShapleySampling,
    "rise": masks.Rise,
    "meaningful_perturbation": masks.MeaningfulPerturbation,
    "excitation_backprop": relevance.ExcitationBackprop,
    "contrastive_excitation_backprop": relevance.ContrastiveExcitationBackprop,
    "pattern_attribution": relevance.PatternAttribution,
    "attention_rollout": rollout.AttentionRollout,
    "random": controls.Noise,
    "edges": controls.Edges,
    "magnitude": controls.Magnitude,
}
for _name, _method in _BUILT_IN.items():
    register(_name, _method)

__all__ = ["METHODS", "cost", "described", "explain", "get", "names", "obstacles", "register"]
