"""Targets: one or several, classes, contrasts, weights, masks of dense scores, and where the scores are found."""

import re
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from lrpwidgets.lrp import Explainer, Rather, composites
from lrpwidgets.lrp.rules import Epsilon, Flat, Gamma, Zero
from tests.lrp.dense import assert_near
from tests.lrp.networks import Residual, pictures, realistic

CLASSES = 5
TERMS = ("explained", "reached_input", "bias", "stabilizer", "rules")
AMOUNTS = ("received", "handed", "bias", "stabilizer", "rules", "positions")
SEVERAL = [3, None, [0, 4], Rather(1, than=2), torch.tensor([1.0, 0, -2, 0.5, 0])]


@pytest.fixture
def model():
    return realistic(Residual()).double()


@pytest.fixture
def x():
    return pictures(2, 16)


def assert_stacked(several, singles, tolerance=1e-12):
    """`several` targets at once say what the `singles` say one by one."""

    def same(found, expected):
        expected = torch.stack(expected)
        assert_near(found, expected, tolerance, of=torch.cat([expected.flatten().double(), torch.ones(1).double()]))

    same(several.relevance, [one.relevance for one in singles])
    same(several.target, [one.target for one in singles])
    for layer, *others in zip(several.layers, *(one.layers for one in singles), strict=True):
        assert {(layer.name, layer.rule, layer.shape)} == {(one.name, one.rule, one.shape) for one in others}
        same(layer.relevance, [one.relevance for one in others])
    for term in TERMS:
        same(getattr(several.ledger, term), [getattr(one.ledger, term) for one in singles])
    for row, *rows in zip(several.ledger.rows, *(one.ledger.rows for one in singles), strict=True):
        assert {row.name} == {one.name for one in rows}
        for amount in AMOUNTS:
            same(getattr(row, amount), [getattr(one, amount) for one in rows])
    assert several.ledger.imbalance < 1e-9


# Several targets at once.


@pytest.mark.parametrize("preset", ["epsilon_plus_flat", "epsilon_alpha2_beta1", "epsilon", "excitation_backprop"])
def test_several_targets_say_what_each_of_them_says_alone(model, x, preset):
    explainer = Explainer(model, preset)
    several = explainer.explain(x, targets=SEVERAL)
    assert several.relevance.shape == (5, 2, 3, 16, 16)
    assert several["stem.0"].relevance.shape == (5, 2, 8, 16, 16)
    assert several.target.shape == (5, 2, CLASSES)
    assert several.scores.shape == (2, CLASSES)
    assert several.ledger.explained.shape == several.ledger.rows[0].received.shape == (5, 2)
    assert_stacked(several, [explainer.explain(x, each) for each in SEVERAL])


@pytest.mark.parametrize("rule", [Zero(), Gamma(), Flat(), Epsilon(0.1, relative=True)], ids=str)
def test_several_targets_under_one_rule_for_every_layer(model, x, rule):
    explainer = Explainer(model, rule)
    assert_stacked(explainer.explain(x, targets=SEVERAL), [explainer.explain(x, each) for each in SEVERAL])


def test_a_list_of_one_target_has_a_leading_axis_too(model, x):
    explainer = Explainer(model)
    assert_stacked(explainer.explain(x, targets=[3]), [explainer.explain(x, 3)])


def test_several_targets_are_switched_together(model, x):
    explainer = Explainer(model, "epsilon_plus")
    switched = explainer.explain(x, targets=[3, 1]).switch("epsilon_plus_flat")
    assert switched.recomputed == ["stem.0"]
    assert_stacked(switched, [Explainer(model, "epsilon_plus_flat").explain(x, each) for each in (3, 1)])
    again = switched.switch(rules={"two.3": Gamma()})
    assert_stacked(again, [Explainer(model, again.composite).explain(x, each) for each in (3, 1)])


def test_one_target_is_retargeted_to_several_and_back(model, x):
    explainer = Explainer(model)
    one = explainer.explain(x, 2)
    several = one.retarget(targets=[3, Rather(0, than=4)])
    assert_stacked(several, [explainer.explain(x, each) for each in (3, Rather(0, than=4))])
    others = several.retarget(targets=[3, 1])
    assert_stacked(others, [explainer.explain(x, each) for each in (3, 1)])
    assert_stacked(others.retarget(targets=[1, 2, 3]), [explainer.explain(x, each) for each in (1, 2, 3)])
    assert_stacked(several.retarget(targets=[1]), [explainer.explain(x, 1)])
    back = several.retarget(2)
    assert back.relevance.shape == x.shape
    assert torch.equal(back.relevance, one.relevance)
    assert torch.equal(one.retarget(targets=[2]).relevance[0], one.relevance)


def test_several_targets_are_conditioned_together(model, x):
    explainer = Explainer(model)
    several = explainer.explain(x, targets=[3, 1]).condition({"two.0": [1, 2]})
    assert_stacked(several, [explainer.explain(x, each).condition({"two.0": [1, 2]}) for each in (3, 1)])
    assert_stacked(
        several.switch("epsilon_alpha2_beta1"),
        [Explainer(model, "epsilon_alpha2_beta1").explain(x, each).condition({"two.0": [1, 2]}) for each in (3, 1)],
    )
    assert_stacked(
        several.retarget(targets=[0, 2]), [explainer.explain(x, each).condition({"two.0": [1, 2]}) for each in (0, 2)]
    )


def test_the_parameters_of_several_targets_have_a_leading_axis(model, x):
    explainer = Explainer(model)
    several = explainer.explain(x, targets=[3, 1]).parameters
    singles = [explainer.explain(x, each).parameters for each in (3, 1)]
    assert several.keys() == singles[0].keys()
    for name, found in several.items():
        assert_near(found, torch.stack([one[name] for one in singles]), 1e-12)


def test_the_frame_of_several_targets_has_one_line_per_target_step_and_sample(model, x):
    several = Explainer(model).explain(x, targets=[3, 1, 0])
    frame = several.ledger.to_frame()
    assert list(frame.columns) == ["target", "sample", "name", "kind", "rule", *AMOUNTS]
    assert len(frame) == 3 * 2 * len(several.layers)
    totals = frame.groupby(["target", "sample"])[["bias", "stabilizer", "rules"]].sum()
    for term in totals:
        assert totals[term].to_numpy() == pytest.approx(getattr(several.ledger, term).flatten().numpy())


def test_several_targets_of_several_inputs_give_a_tuple():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.other, self.head = nn.Linear(4, 6), nn.Linear(3, 6), nn.Linear(6, CLASSES)

        def forward(self, a, b):
            return self.head(F.relu(self.one(a) + self.other(b)))

    torch.manual_seed(0)
    inputs = torch.randn(2, 4).double(), torch.randn(2, 3).double()
    explainer = Explainer(Two().double())
    several = explainer.explain(inputs, targets=[3, None])
    singles = [explainer.explain(inputs, each) for each in (3, None)]
    assert [tuple(part.shape) for part in several.relevance] == [(2, 2, 4), (2, 2, 3)]
    for number, part in enumerate(several.relevance):
        assert_near(part, torch.stack([one.relevance[number] for one in singles]), 1e-12)
    assert several.ledger.imbalance < 1e-9


@pytest.mark.parametrize("ask", ["explain", "retarget"])
def test_one_target_and_several_at_once_are_refused(model, x, ask):
    explainer = Explainer(model)
    call = explainer.explain(x).retarget if ask == "retarget" else lambda *args, **kw: explainer.explain(x, *args, **kw)
    for arguments in ({"target": 3, "targets": [1]}, {"targets": []}):
        with pytest.raises(ValueError, match="either one target or several"):
            call(**arguments)


def test_an_unfit_one_among_several_targets_is_named(model, x):
    with pytest.raises(ValueError, match="target 7 is out of range"):
        Explainer(model).explain(x, targets=[1, 7])
    with pytest.raises(ValueError, match="target -1 is out of range"):
        Explainer(model).explain(x).retarget(targets=[1, -1])


def test_too_many_class_numbers_are_told_about_targets(model, x):
    with pytest.raises(ValueError, match="Several targets for every sample go into `targets`"):
        Explainer(model).explain(x, [0, 1, 2])


# A contrast.


def test_a_contrast_counts_one_score_for_and_one_against(model, x):
    explainer = Explainer(model)
    weights = torch.zeros(CLASSES).double()
    weights[3], weights[4] = 1, -1
    found, expected = explainer.explain(x, Rather(3, than=4)), explainer.explain(x, weights)
    assert torch.equal(found.relevance, expected.relevance)
    assert torch.equal(found.target, expected.target)
    assert torch.allclose(found.ledger.explained, found.scores[:, 3] - found.scores[:, 4])
    assert torch.equal(explainer.explain(x).retarget(Rather(3, than=4)).relevance, found.relevance)


def test_a_contrast_of_a_class_with_itself_explains_nothing(model, x):
    explanation = Explainer(model).explain(x, Rather(2, than=2))
    assert not explanation.relevance.any()
    assert any("score is 0" in caveat for caveat in explanation.caveats)
    assert explanation.ledger.imbalance == 0


@pytest.mark.parametrize("contrast", [Rather(5, than=1), Rather(1, than=5)], ids=str)
def test_a_contrast_with_a_class_that_is_not_there_is_refused(model, x, contrast):
    with pytest.raises(ValueError, match="target 5 is out of range: the model has 5 classes"):
        Explainer(model).explain(x, contrast)


# Dense scores: a class for every position.


class Segmenting(nn.Module):
    """A segmentation net: down, up again, and scores for every pixel."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.middle, self.head = nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, CLASSES, 1)

    def forward(self, x):
        scores = self.head(F.relu(self.middle(self.down(x))))
        return F.interpolate(scores, x.shape[2:], mode="bilinear", align_corners=False)


@pytest.fixture
def segmenting():
    return realistic(Segmenting()).double()


@pytest.fixture
def mask():
    torch.manual_seed(3)
    return torch.randint(-1, CLASSES, (2, 8, 8))


def one_hot(classes: Tensor) -> Tensor:
    """Weights of the scores for a class per position; −1 leaves out."""
    weights = torch.zeros(len(classes), CLASSES, *classes.shape[1:]).double()
    for number in range(CLASSES):
        weights[:, number] = (classes == number).double()
    return weights


def dense_targets(scores: Tensor, mask: Tensor):
    top = scores.argmax(1)
    weights = torch.randn(scores.shape, dtype=scores.dtype)
    return [
        (None, one_hot(top)),
        (2, one_hot(torch.where(top == 2, 2, -1))),
        ([2], one_hot(torch.where(top == 2, 2, -1))),
        (mask, one_hot(mask)),
        (mask.int(), one_hot(mask)),
        (mask[0], one_hot(mask[:1].expand(2, -1, -1))),
        (weights, weights),
        (weights[0], weights[:1].expand(2, -1, -1, -1)),
    ]


def test_dense_scores_are_explained_by_class_mask_or_weights(segmenting, mask):
    x = pictures(2, 8)
    explainer = Explainer(segmenting, Zero())
    leaf = x.clone().requires_grad_()
    scores = segmenting(leaf)
    for target, weights in dense_targets(scores.detach(), mask):
        explanation = explainer.explain(x, target)
        (gradient,) = torch.autograd.grad((scores * weights).sum(), leaf, retain_graph=True)
        assert torch.equal(explanation.target, weights)
        assert_near(explanation.relevance, gradient * x)
        assert_near(explanation.ledger.explained, (scores.detach() * weights).flatten(1).sum(1))
        assert explanation.ledger.imbalance < 1e-9


def test_several_targets_of_dense_scores(segmenting, mask):
    x = pictures(2, 8)
    explainer = Explainer(segmenting, "epsilon_plus_flat")
    targets = [target for target, _ in dense_targets(explainer.scores(x), mask)]
    assert_stacked(explainer.explain(x, targets=targets), [explainer.explain(x, each) for each in targets])
    assert_stacked(explainer.explain(x).retarget(targets=targets), [explainer.explain(x, each) for each in targets])


@pytest.mark.parametrize("ask", ["explain", "retarget"])
def test_a_class_that_is_nowhere_on_top_is_refused_with_those_that_are(segmenting, ask):
    with torch.no_grad():
        segmenting.head.bias[4] = -1000
    explainer, x = Explainer(segmenting), pictures(2, 8)
    call = (
        explainer.explain(x).retarget
        if ask == "retarget"
        else lambda *args, **more: explainer.explain(x, *args, **more)
    )
    there = explainer.scores(x).argmax(1).unique().tolist()
    told = f"target 4 is nowhere on top, .* on top somewhere: {', '.join(map(str, there))}. Choose one of these"
    for arguments in ({"target": 4}, {"target": Rather(4, than=0)}, {"targets": [there[0], 4]}):
        with pytest.raises(ValueError, match=told):
            call(**arguments)
    assert explainer.explain(x, there[0]).relevance.any()
    assert explainer.explain(x, torch.full((8, 8), 4)).relevance.any()


def test_a_class_that_is_on_top_in_one_sample_explains_nothing_of_the_others(segmenting):
    x = pictures(2, 8)
    explainer = Explainer(segmenting)
    only = next(number for number in range(CLASSES) if (explainer.scores(x).argmax(1) == number)[0].any())
    mask = torch.full((2, 8, 8), -1)
    mask[0, 0, 0] = only
    explanation = explainer.explain(x, mask)
    assert explanation.relevance[0].any()
    assert not explanation.relevance[1].any()
    assert any("score is 0" in caveat for caveat in explanation.caveats)


def test_a_class_mask_that_leaves_everything_out_is_refused(segmenting):
    with pytest.raises(ValueError, match="class mask leaves every position out, so there is nothing to explain"):
        Explainer(segmenting).explain(pictures(2, 8), torch.full((2, 8, 8), -1))


# Classes on the last axis, as in token classification.


@pytest.fixture
def tagging():
    """Scores (B, tokens, 9): one of nine classes for each token, as transformers' token classifiers give them."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 9)).double()


TAGS = torch.tensor([[0, 8, -1], [3, -1, 8]])


@pytest.mark.parametrize("target", [8, TAGS, Rather(8, than=3)], ids=["class", "mask", "contrast"])
def test_a_target_that_fits_the_last_axis_only_is_refused_with_a_way_out_that_works(tagging, target):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 4).double()
    with pytest.raises(ValueError, match=r"axis 1 holds 3 classes; if the last axis holds them, 9, explain") as refused:
        Explainer(tagging).explain(x, target)
    (way,) = re.findall(r"select=(lambda output: .*?\))(?= \()", str(refused.value))
    explainer = Explainer(tagging, Zero(), select=eval(way))
    mask = TAGS if target is TAGS else torch.full((2, 3), 8)
    leaf = x.clone().requires_grad_()
    scores = tagging(leaf)
    chosen = scores.gather(2, mask.clamp(min=0)[..., None])[..., 0] * (mask >= 0)
    (gradient,) = torch.autograd.grad(chosen.sum(), leaf)
    assert_near(explainer.explain(x, mask).relevance, gradient * x)


def test_scores_of_one_place_each_are_explained_as_plain_ones(segmenting):
    x = pictures(2, 8)
    pooled = nn.Sequential(segmenting, nn.AdaptiveAvgPool2d(1))
    expected = Explainer(nn.Sequential(pooled, nn.Flatten()), "epsilon_plus").explain(x)
    assert_near(Explainer(pooled, "epsilon_plus").explain(x).relevance, expected.relevance, 1e-12)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (torch.zeros(2, 8, 8, dtype=torch.bool), r"integers of shape \(2, 8, 8\), got torch.bool of shape \(2, 8, 8\)"),
        (
            torch.zeros(2, 4, 4, dtype=torch.long),
            r"integers of shape \(2, 8, 8\), got torch.int64 of shape \(2, 4, 4\)",
        ),
        (torch.full((2, 8, 8), 5), "target 5 is out of range: the model has 5 classes, 0 to 4"),
        (torch.full((2, 8, 8), -2), "target -2 is out of range"),
        (5, "target 5 is out of range"),
        (-1, "target -1 is out of range"),
        ([0, 1], r"take one class number, or a class mask of shape \(2, 8, 8\), got 2 numbers"),
        (torch.zeros(2, 8, 8), r"weights must have the shape of the scores \(2, 5, 8, 8\), got \(2, 8, 8\)"),
        (torch.full((5, 8, 8), torch.nan), "target weights contain NaN"),
    ],
    ids=["bool", "shape", "above", "below", "class", "negative class", "two classes", "float mask", "nan"],
)
def test_an_unfit_target_of_dense_scores_is_refused(segmenting, target, message):
    explainer = Explainer(segmenting)
    with pytest.raises(ValueError, match=message):
        explainer.explain(pictures(2, 8), target)
    with pytest.raises(ValueError, match=message):
        explainer.explain(pictures(2, 8)).retarget(targets=[0, target])


def test_a_segmentation_net_of_torchvision_is_explained():
    model = realistic(
        torchvision.models.segmentation.lraspp_mobilenet_v3_large(weights_backbone=None, num_classes=CLASSES)
    ).double()
    x = pictures(1, 64)
    explainer = Explainer(model, composites.get("epsilon_plus_flat"), select=lambda output: output["out"])
    explanation = explainer.explain(x)
    expected = model(x)["out"].detach()
    assert_near(explanation.scores, expected, 1e-9)
    assert torch.equal(explainer.scores(x), expected)
    assert_near(explanation.ledger.explained, expected.amax(1).flatten(1).sum(1))
    assert explanation.relevance.shape == x.shape
    assert bool(explanation.relevance.isfinite().all())
    assert explanation.ledger.imbalance < 1e-9


# Regression, and scores inside of something.


class Regression(nn.Module):
    def __init__(self, squeezed):
        super().__init__()
        torch.manual_seed(0)
        self.squeezed, self.layers = squeezed, nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 1))

    def forward(self, x):
        return self.layers(x).squeeze(1) if self.squeezed else self.layers(x)


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("squeezed", [True, False], ids=["(B,)", "(B, 1)"])
def test_a_number_per_sample_is_explained(squeezed, samples):
    model = Regression(squeezed).double()
    x = torch.randn(samples, 4).double()
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaf).sum(), leaf)
    explainer = Explainer(model, Zero())
    explanation = explainer.explain(x)
    assert explanation.scores.shape == explanation.target.shape == (samples, 1)
    assert_near(explanation.relevance, gradient * x)
    assert torch.equal(explainer.explain(x, 0).relevance, explanation.relevance)
    assert explainer.explain(x, targets=[None, 0]).relevance.shape == (2, samples, 4)
    with pytest.raises(ValueError, match="target 1 is out of range: the model has 1 classes"):
        explainer.explain(x, 1)


@dataclass
class Output:
    loss: Tensor | None
    logits: Tensor


class Wrapped(nn.Module):
    def __init__(self, model, wrap):
        super().__init__()
        self.model, self.wrap = model, wrap

    def forward(self, x):
        return self.wrap(self.model(x))


@pytest.mark.parametrize(
    ("wrap", "select"),
    [
        (lambda scores: (scores, scores.mean(1)), lambda output: output[0]),
        (lambda scores: [scores * 2, scores], lambda output: output[1]),
        (lambda scores: {"logits": scores, "hidden": scores.relu()}, lambda output: output["logits"]),
        (lambda scores: Output(None, scores), lambda output: output.logits),
        (lambda scores: {"a": (scores[:, :2], scores[:, 2:])}, lambda output: torch.cat(output["a"], 1)),
        (lambda scores: scores[:, :, None, None], lambda output: output[..., 0, 0]),
    ],
    ids=["tuple", "list", "dict", "dataclass", "nested", "tensor"],
)
def test_the_scores_are_taken_out_of_what_the_model_returns(model, x, wrap, select):
    explainer, expected = Explainer(Wrapped(model, wrap), select=select), Explainer(model)
    assert_near(explainer.explain(x, 3).relevance, expected.explain(x, 3).relevance, 1e-12)
    assert torch.equal(explainer.scores(x), expected.scores(x))
    assert_stacked(explainer.explain(x, targets=[1, 2]), [explainer.explain(x, each) for each in (1, 2)])


def test_a_wrong_selection_is_told(model, x):
    wrapped = Wrapped(model, lambda scores: {"found": scores})
    with pytest.raises(TypeError, match=r"The model returned a dict; .* Explainer\(model, select="):
        Explainer(wrapped).explain(x)
    with pytest.raises(TypeError, match="select returned a dict; LRP needs one tensor of scores"):
        Explainer(wrapped, select=lambda output: output).explain(x)
    with pytest.raises(KeyError, match="scores"):
        Explainer(wrapped, select=lambda output: output["scores"]).explain(x)
    with pytest.raises(ValueError, match="does not depend on its inputs"):
        Explainer(wrapped, select=lambda output: torch.ones(2, 5)).explain(x)
