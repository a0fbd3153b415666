"""Projections: nothing is left along the direction, everything else stays, and the model is explained as it is."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
import torchvision
from torch import nn

from lrpwidgets.improve import direction, project
from lrpwidgets.improve.projection import Projection, projected, units_of
from lrpwidgets.lrp import Explainer, composites, rules
from lrpwidgets.lrp.outputs import NoOutputError
from lrpwidgets.subjects.samples import TensorSamples

from .nets import WITH, WITHOUT, Returning, conv, dense, handed_on, subject_of, tokens

KINDS = {
    "dense": (dense, (1, 4, 4), "relu", "units"),
    "dense, channels": (dense, (1, 4, 4), "first", "channels"),
    "conv, units": (conv, (3, 8, 8), "pool", "units"),
    "conv, channels": (conv, (3, 8, 8), "pool", "channels"),
    "a container": (conv, (3, 8, 8), "block", "channels"),
    "tokens, units": (tokens, (5, 6), "relu", "units"),
    "tokens, channels": (tokens, (5, 6), "relu", "channels"),
}
each = pytest.mark.parametrize("kind", KINDS)


def found(kind, dtype=torch.float32):
    """A subject of that kind, a direction in it, and the layer's name."""
    make, shape, layer, over = KINDS[kind]
    subject = subject_of(make().to(dtype), *shape)
    return subject, direction(subject, layer, WITH, WITHOUT, over=over), layer


@each
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_nothing_but_the_clean_mean_is_left_along_the_direction(kind, dtype, close):
    subject, way, layer = found(kind, dtype)
    x = subject.dataset.inputs
    before = units_of(handed_on(subject.model, layer, x), way.axis).double()
    after = units_of(handed_on(project(subject, way).model, layer, x), way.axis).double()
    scale = before.norm(dim=-1).max()
    assert (before @ way.vector - way.clean).abs().max() > 1e-2 * scale
    assert (after @ way.vector - way.clean).abs().max() <= close * scale


@each
def test_what_is_orthogonal_to_it_stays(kind):
    subject, way, layer = found(kind)
    x = subject.dataset.inputs
    before, after = (
        units_of(handed_on(model, layer, x), way.axis).double()
        for model in (subject.model, project(subject, way).model)
    )
    rest = before - (before @ way.vector)[..., None] * way.vector
    still = after - (after @ way.vector)[..., None] * way.vector
    torch.testing.assert_close(still, rest, rtol=0, atol=1e-6 * float(before.norm(dim=-1).max()))


def test_units_that_are_zero_in_the_direction_stay_bit_for_bit():
    vector = torch.tensor([0.6, 0.0, 0.8, 0.0])
    activation = torch.randn(50, 4) * 10 ** torch.arange(-3.0, 2).repeat(10)[:, None]
    moved = Projection(vector, torch.tensor(0.7))(activation)
    assert torch.equal(moved[:, [1, 3]], activation[:, [1, 3]])
    assert not torch.isclose(moved[:, [0, 2]], activation[:, [0, 2]]).all()


@each
def test_a_reactive_one_moves_only_where_its_detector_finds_something(kind):
    subject, way, layer = found(kind)
    before, after = (
        units_of(handed_on(model, layer, subject.dataset.inputs), way.axis)
        for model in (subject.model, project(subject, way, reactive=True).model)
    )
    weights, threshold = way.detector
    seen = before.double() @ weights > threshold
    assert 0 < seen.float().mean() < 1
    assert torch.equal(after[~seen], before[~seen])
    assert (after[seen].double() @ way.vector - way.clean).abs().max() <= 1e-6 * before.norm(dim=-1).max()


@each
def test_the_model_before_is_never_changed(kind):
    subject, way, _ = found(kind)
    subject.model.train()
    x = subject.dataset.inputs
    state = copy.deepcopy(subject.model.state_dict())
    hooks = [dict(module._forward_hooks) for module in subject.model.modules()]
    scores = subject.explainer().scores(x)
    after = project(subject, way)
    assert after.model.training
    assert all(torch.equal(now, state[name]) for name, now in subject.model.state_dict().items())
    assert hooks == [dict(module._forward_hooks) for module in subject.model.modules()]
    assert torch.equal(subject.explainer().scores(x), scores)
    assert not torch.allclose(after.explainer().scores(x), scores)
    assert set(state) < set(after.model.state_dict())
    assert set(dict(after.model.named_parameters())) == set(dict(subject.model.named_parameters()))
    assert [name for name, _ in after.model.named_modules()] == [name for name, _ in subject.model.named_modules()]


@each
@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_it_is_copied_and_pickled(kind, again):
    subject, way, _ = found(kind)
    model = project(subject, way, reactive=True).model
    assert torch.equal(again(model)(subject.dataset.inputs), model(subject.dataset.inputs))


def test_it_goes_with_the_model_to_another_precision():
    subject, way, _ = found("conv, channels")
    model = copy.deepcopy(project(subject, way).model).double()
    assert model(subject.dataset.inputs.double()).dtype == torch.float64


def test_what_projects_already_is_refused():
    subject, way, _ = found("a container")
    with pytest.raises(ValueError, match="'block' projects already; take another layer"):
        project(project(subject, way), way)


def test_a_layer_that_is_no_module_is_refused():
    with pytest.raises(NoOutputError, match=r"'relu7' is no module.*near it are 'relu'"):
        projected(dense(), "relu7", Projection(torch.ones(1), torch.zeros(())))


# How it is explained.


@each
@pytest.mark.parametrize("reactive", [False, True])
def test_lrp_0_is_gradient_times_input_there_too(kind, reactive):
    subject, way, _ = found(kind, torch.float64)
    model = project(subject, way, reactive=reactive).model
    x = subject.dataset.inputs[:4].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(x)[:, 1].sum(), x)
    relevance = Explainer(model, rules.Zero()).explain(x.detach(), 1).relevance
    torch.testing.assert_close(relevance, gradient * x.detach(), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("composite", [name for name in composites.names() if name not in ("attn_lrp", "cp_lrp")])
@pytest.mark.parametrize("reactive", [False, True])
@pytest.mark.parametrize("kind", ["dense", "conv, units", "conv, channels", "a container"])
def test_the_ledger_balances(kind, composite, reactive):
    subject, way, _ = found(kind)
    repaired = project(subject, way, reactive=reactive)
    needs = {"low": -10.0, "high": 10.0} if composites.takes_bounds(composite) else {}
    explanation = repaired.explainer(composites.get(composite, **needs)).explain(subject.dataset.inputs[:3], 1)
    assert abs(explanation.ledger.imbalance) <= 1e-5


@each
def test_the_layer_is_still_found_by_its_name(kind):
    subject, way, layer = found(kind)
    explanation = project(subject, way).explainer().explain(subject.dataset.inputs[:3], 1)
    assert explanation[layer].shape[1:] == way.place.shape
    assert explanation.channel_axis(layer) == way.place.axis


def test_it_equals_the_same_model_written_by_hand():
    subject, way, _ = found("dense", torch.float64)
    by_hand = nn.Linear(12, 12, dtype=torch.float64)
    with torch.no_grad():
        by_hand.weight.copy_(torch.eye(12) - way.vector[:, None] * way.vector)
        by_hand.bias.copy_(way.clean * way.vector)
    layers = list(subject.model)
    written = nn.Sequential(*layers[:3], by_hand, *layers[3:])
    x = subject.dataset.inputs[:5]
    mine, other = (Explainer(model, rules.Zero()).explain(x, 2) for model in (project(subject, way).model, written))
    torch.testing.assert_close(mine.scores, other.scores)
    torch.testing.assert_close(mine.relevance, other.relevance)


# Models of others.


def vision_transformer(**options):
    return torchvision.models.VisionTransformer(32, 16, 3, 2, 24, 48, **options)


def densenet(**options):
    return torchvision.models.DenseNet(4, (2, 2), 8, **options)


@pytest.mark.parametrize(
    ("make", "layer", "size"),
    [
        (torchvision.models.resnet18, "layer3", 64),
        (torchvision.models.squeezenet1_1, "features.7", 64),
        (vision_transformer, "encoder.layers.encoder_layer_1", 32),
        (densenet, "features.denseblock2", 32),
    ],
)
def test_networks_of_torchvision_are_projected(make, layer, size):
    torch.manual_seed(0)
    subject = subject_of(make(num_classes=5), 3, size, size)
    way = direction(subject, layer, WITH[:4], WITHOUT[:4], over="channels")
    after = project(subject, way)
    x = subject.dataset.inputs[:4]
    units = units_of(handed_on(after.model, layer, x), way.axis).double()
    assert (units @ way.vector - way.clean).abs().max() <= 1e-6 * units.norm(dim=-1).max()
    explanation = after.explainer().explain(x[:2], 1)
    assert explanation[layer].shape[1:] == way.place.shape
    assert abs(explanation.ledger.imbalance) <= 1e-5


@pytest.mark.parametrize("layer", ["conv", "relu", "block.norm", "block"])
def test_what_is_changed_in_place_afterwards_is_taken_as_it_was_before(layer):
    """The direction, its scores and its projection are those of the model that changes nothing in place."""
    plain, inplace = (subject_of(conv(each), 3, 8, 8) for each in (False, True))
    ways = [direction(subject, layer, WITH, WITHOUT) for subject in (plain, inplace)]
    torch.testing.assert_close(ways[1].vector, ways[0].vector)
    x = plain.dataset.inputs[:4]
    scores = [project(subject, way).explainer().scores(x) for subject, way in zip((plain, inplace), ways, strict=True)]
    torch.testing.assert_close(scores[1], scores[0])
    maps = [
        way.explainer(subject.explainer(rules.Zero())).explain(x).relevance
        for subject, way in zip((plain, inplace), ways, strict=True)
    ]
    torch.testing.assert_close(maps[1], maps[0])


def test_channels_last_inputs_give_the_same():
    subject, way, _ = found("conv, units")
    model, x = project(subject, way).model, subject.dataset.inputs
    torch.testing.assert_close(model(x.contiguous(memory_format=torch.channels_last)), model(x))


def test_scores_that_are_a_part_of_what_the_model_returns_are_found():
    plain = subject_of(conv(), 3, 8, 8)
    subject = subject_of(Returning(conv()), 3, 8, 8, select="scores")
    one, other = (
        project(each, direction(each, layer, WITH, WITHOUT)).explainer().scores(plain.dataset.inputs)
        for each, layer in ((plain, "pool"), (subject, "model.pool"))
    )
    assert torch.equal(one, other)


def test_a_projection_of_half_precision_stays_half():
    subject, way, _ = found("dense")
    model = projected(copy.deepcopy(subject.model).bfloat16(), "relu", way.projection())
    assert model(subject.dataset.inputs.bfloat16()).dtype == torch.bfloat16
    assert isinstance(subject.dataset, TensorSamples)
