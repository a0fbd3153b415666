"""The LRP Toolbox's own maps of its LeNet, as an outside referee."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lrpwidgets.lrp import Composite, Explainer, Explanation
from lrpwidgets.lrp.rules import AlphaBeta, Epsilon, Flat, Rule, WSquare, Zero
from tests.lrp.dense import assert_near

EXACT = {"stabilizer": 0.0}
ALPHA1, ALPHA2 = AlphaBeta(1, **EXACT), AlphaBeta(2, **EXACT)
FLAT, WW = Flat(**EXACT), WSquare(bias=False, **EXACT)


def _epsilon(epsilon: float) -> dict[str, Rule]:
    """The toolbox adds ε to the sum of a window of 4, we to its average."""
    return {"pool": Epsilon(epsilon / 4), "*": Epsilon(epsilon)}


SIMPLE = {"pool": Epsilon(1e-12 / 4), "*": Epsilon(1e-16)}
RULES: dict[str, dict[str, Rule]] = {
    "simple": SIMPLE,
    "epsilon_1e-6": _epsilon(1e-6),
    "epsilon_0.01": _epsilon(0.01),
    "epsilon_0.25": _epsilon(0.25),
    "epsilon_1": _epsilon(1.0),
    "alphabeta_1_0": {"*": ALPHA1},
    "alphabeta_2_-1_poolsimple": {"pool": Zero(), "*": ALPHA2},
    "flat": {"*": FLAT},
    "ww": {"*": WW},
    "comp_alpha1_first_ww": {"first": WW, "*": ALPHA1},
    "comp_alpha1_first_flat": {"first": FLAT, "*": ALPHA1},
    "comp_eps_first_flat": {"first": FLAT, **_epsilon(1e-6)},
    "comp_epsilon_plus_flat": {"first": FLAT, "last": Epsilon(1e-6), "*": ALPHA1},
    "comp_epsilon_alpha2beta1_flat": {"first": FLAT, "last": Epsilon(1e-6), "pool": Zero(), "*": ALPHA2},
}
TOLERANCE = 2e-12  # of the largest magnitude in a map


@pytest.fixture(scope="module")
def toolbox(shared_data: Path) -> SimpleNamespace:
    """The LeNet, its images, and the maps that the toolbox computed."""
    oracle = np.load(shared_data / "lenet_mnist" / "oracle.npz")
    layers: list[nn.Module] = []
    for index in range(4):
        height, width, inputs, outputs = oracle[f"w{index}"].shape
        conv = nn.Conv2d(inputs, outputs, (height, width), dtype=torch.float64)
        # The toolbox's SumPool is sum / sqrt(4), twice the average; the next convolution carries the factor.
        weight = torch.from_numpy(oracle[f"w{index}"]).permute(3, 2, 0, 1) * (1 if index == 0 else 2)
        conv.load_state_dict({"weight": weight, "bias": torch.from_numpy(oracle[f"b{index}"])})
        layers += [conv, nn.ReLU(), nn.AvgPool2d(2)] if index < 3 else [conv, nn.Flatten()]
    return SimpleNamespace(oracle=oracle, model=nn.Sequential(*layers), images=_nchw(oracle["images"]))


def _nchw(maps: np.ndarray) -> Tensor:
    return torch.from_numpy(maps).double().permute(0, 3, 1, 2)


@pytest.fixture(scope="module")
def explain(toolbox: SimpleNamespace) -> Callable[[str, str], Explanation]:
    """Our explanation of all images for a rule set of the toolbox and one of its targets."""

    @cache
    def explained(name: str, target: str) -> Explanation:
        target_classes = torch.from_numpy(toolbox.oracle[target])
        return Explainer(toolbox.model, Composite(RULES[name].items())).explain(toolbox.images, target_classes)

    return explained


def test_the_scores_are_those_of_the_toolbox(toolbox, explain):
    assert_near(explain("simple", "target").scores, torch.from_numpy(toolbox.oracle["logits"]), TOLERANCE)


@pytest.mark.parametrize(("maps", "target"), [("R", "target"), ("Rother", "target_other")])
@pytest.mark.parametrize("name", RULES)
def test_input_relevance_agrees_with_the_toolbox(toolbox, explain, name, maps, target):
    expected = _nchw(toolbox.oracle[f"{maps}/{name}"])
    for ours, theirs in zip(explain(name, target).relevance, expected, strict=True):
        assert_near(ours, theirs, TOLERANCE)


@pytest.mark.parametrize(("layer", "below"), [("in3", "2"), ("in6", "5"), ("in9", "8")])
@pytest.mark.parametrize("name", RULES)
def test_relevance_between_the_layers_agrees_with_the_toolbox(toolbox, explain, name, layer, below):
    expected = _nchw(toolbox.oracle[f"Rlayer/{name}/{layer}"])
    for ours, theirs in zip(explain(name, "target")[below].relevance, expected, strict=True):
        assert_near(ours, theirs, TOLERANCE)
