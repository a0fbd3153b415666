"""Repairs: a new subject that no longer falls for it, the same by its seed, and the old one as it was."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from lrpwidgets import subjects
from lrpwidgets.improve import Planted, Training, augment, direction, penalise, project
from lrpwidgets.improve.repairs import _redrawn, usable
from lrpwidgets.lrp import Cancelled
from lrpwidgets.spray import poison_test
from lrpwidgets.subjects import tagged_digits
from lrpwidgets.subjects.samples import TensorSamples

from .nets import COUNT, WITH, WITHOUT, Returning, conv, dense, handed_on, subject_of

TAG = Planted(tagged_digits.with_tag, tagged_digits.CLASS, "the tag")
QUICK = Training(epochs=2)
SHORT = Training(epochs=6, rate=2e-3)
DIRECTIONS = {"A-ClArC": augment, "RR-ClArC": penalise}


@pytest.fixture(scope="module")
def tagged():
    """A network that fell for a tag, and the direction of that."""
    subject = subjects.load("tagged-digits")
    of_class = np.equal(subject.dataset.labels, tagged_digits.CLASS)
    there, elsewhere = (np.flatnonzero(of_class & (subject.dataset.tagged == each))[::2] for each in (True, False))
    return subject, direction(subject, "pool2", there, elsewhere)


@pytest.fixture
def small():
    subject = subject_of(conv(), 3, 8, 8)
    return subject, direction(subject, "pool", WITH, WITHOUT)


@pytest.mark.parametrize(
    "mend",
    [
        lambda subject, way: project(subject, way),
        lambda subject, way: project(subject, way, reactive=True),
        lambda subject, way: augment(subject, way, training=SHORT, progress=False),
        lambda subject, way: augment(subject, TAG, training=SHORT, progress=False),
        lambda subject, way: penalise(subject, way, training=SHORT, progress=False),
        lambda subject, way: penalise(subject, TAG, training=SHORT, progress=False),
        lambda subject, way: penalise(subject, way, of="relevance", training=SHORT, progress=False),
    ],
    ids=["project", "reactive", "augment", "augment inputs", "penalise", "penalise inputs", "penalise relevance"],
)
def test_a_network_that_fell_for_a_tag_no_longer_does(tagged, mend):
    subject, way = tagged
    before = poison_test(TAG, subject.explainer(), subject, samples=300, progress=False)
    after = poison_test(TAG, mend(subject, way).explainer(), subject, samples=300, progress=False)
    assert before.clever_hans
    assert before.after < 0.7
    assert not after.clever_hans
    assert after.after > 0.95
    assert after.before > before.before - 0.02


def test_a_random_direction_mends_nothing(tagged):
    subject, way = tagged
    after = poison_test(TAG, project(subject, way.random(0)).explainer(), subject, samples=300, progress=False)
    assert after.clever_hans
    assert after.after < 0.7


@pytest.mark.parametrize("name", DIRECTIONS)
def test_only_what_comes_after_the_layer_is_trained_and_the_old_model_stays(small, name):
    subject, way = small
    subject.model.block.norm.weight.requires_grad = False
    before = copy.deepcopy(subject.model.state_dict())
    torch.manual_seed(3)
    random = torch.get_rng_state()
    after = DIRECTIONS[name](subject, way, training=QUICK, progress=False)
    changed = {key for key, now in after.model.state_dict().items() if not torch.equal(now, before[key])}
    assert changed == {f"block.{key}" for key in ("conv.weight", "conv.bias", "norm.weight", "norm.bias")} | {
        "last.weight",
        "last.bias",
    }
    assert all(torch.equal(now, before[key]) for key, now in subject.model.state_dict().items())
    for model in (subject.model, after.model):
        assert [key for key, each in model.named_parameters() if not each.requires_grad] == ["block.norm.weight"]
        assert not any(each.grad is not None for each in model.parameters())
        assert not any(module._forward_hooks for module in model.modules())
        assert not model.training
    assert torch.equal(torch.get_rng_state(), random)
    assert after.repair.said[0] == "Layers up to pool stay as they are."


class Branches(nn.Module):
    """Attention after a layer, a branch beside it, and parameters of the model's own."""

    def __init__(self):
        super().__init__()
        self.first, self.beside, self.norm = nn.Linear(6, 6), nn.Linear(6, 6), nn.LayerNorm(6)
        self.attention, self.last = nn.MultiheadAttention(6, 2, batch_first=True), nn.Linear(30, 3)
        self.scale = nn.Parameter(torch.ones(6))

    def forward(self, x):
        y = torch.relu(self.first(x * self.scale))
        y = self.norm(y + self.beside(x))
        return self.last(self.attention(y, y, y, need_weights=False)[0].flatten(1))


def test_a_branch_beside_the_layer_stays_and_attention_after_it_is_trained():
    torch.manual_seed(0)
    subject = subject_of(Branches(), 5, 6)
    way = direction(subject, "first", WITH, WITHOUT)
    after = augment(subject, way, training=QUICK, progress=False)
    before = dict(subject.model.named_parameters())
    changed = {key.split(".")[0] for key, now in after.model.named_parameters() if not torch.equal(now, before[key])}
    assert changed == {"norm", "attention", "last"}
    assert not torch.equal(after.model.attention.out_proj.weight, subject.model.attention.out_proj.weight)


def test_residual_networks_are_trained_after_a_block():
    torch.manual_seed(0)
    subject = subject_of(torchvision.models.resnet18(num_classes=3), 3, 32, 32)
    way = direction(subject, "layer3", WITH, WITHOUT)
    after = penalise(subject, way, training=Training(epochs=1), progress=False)
    before = dict(subject.model.named_parameters())
    changed = {key.split(".")[0] for key, now in after.model.named_parameters() if not torch.equal(now, before[key])}
    assert changed == {"layer4", "fc"}


@pytest.mark.parametrize("by", ["direction", "artefact"])
@pytest.mark.parametrize("mend", [augment, penalise])
def test_the_same_seed_gives_the_same_weights(small, mend, by):
    subject, way = small
    what = way if by == "direction" else Planted(lambda x: x + 1, 0)
    one, again, other = (
        mend(subject, what, training=Training(epochs=2, seed=seed), progress=False).model.state_dict()
        for seed in (4, 4, 5)
    )
    assert all(torch.equal(one[key], again[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_in_place_activations_give_the_same_repair():
    plain, inplace = (subject_of(conv(each), 3, 8, 8) for each in (False, True))
    way = direction(plain, "conv", WITH, WITHOUT)
    for mend in (augment, penalise):
        one, other = (mend(each, way, training=QUICK, progress=False).model.state_dict() for each in (plain, inplace))
        for key in one:
            torch.testing.assert_close(other[key], one[key])


def test_a_select_is_used_in_training():
    subject = subject_of(Returning(conv()), 3, 8, 8, select="scores")
    way = direction(subject, "model.pool", WITH, WITHOUT)
    after = penalise(subject, way, training=QUICK, progress=False)
    assert after.repair.history.losses[0] > 0
    plain = subject_of(conv(), 3, 8, 8)
    same = penalise(plain, direction(plain, "pool", WITH, WITHOUT), training=QUICK, progress=False)
    assert torch.equal(after.model.model.last.weight, same.model.last.weight)


def test_models_in_64_bits_are_trained():
    subject = subject_of(dense().double(), 1, 4, 4)
    way = direction(subject, "relu", WITH, WITHOUT)
    for mend in (augment, penalise):
        assert mend(subject, way, training=QUICK, progress=False).model.last.weight.dtype == torch.float64


@pytest.mark.parametrize("over", ["units", "channels"])
def test_drawn_activations_get_the_artefact_and_no_other_keeps_it(over):
    subject = subject_of(conv(), 3, 8, 8)
    way = direction(subject, "pool", WITH, WITHOUT, over=over)
    h = handed_on(subject.model, "pool", subject.dataset.inputs)
    before = way.along(h)
    middle = (way.clean + way.artefact) / 2
    none, every = (way.along(_redrawn(h, way, share)) for share in (0.0, 1.0))
    assert (before > middle).any()
    assert (none <= middle).all()
    torch.testing.assert_close(none[before <= middle], before[before <= middle])
    torch.testing.assert_close(
        none[before > middle], torch.full_like(none, way.clean)[before > middle], rtol=1e-4, atol=1e-5
    )
    there = torch.isclose(every, torch.tensor(way.artefact).float(), rtol=1e-4)
    assert there.reshape(COUNT, -1).any(1).all()
    if over == "units":
        assert way.extent == 1
    else:
        assert 0 < way.extent < 1
        assert there.float().mean() == pytest.approx(max(way.extent, 1 / 16), abs=0.1)
        torch.testing.assert_close(every[~there], none[~there], rtol=1e-4, atol=1e-5)
    rest = _redrawn(h, way, 0.5) - h
    units = rest.flatten(1) if over == "units" else rest.movedim(1, -1)
    orthogonal = units - (units @ way.vector.float())[..., None] * way.vector.float()
    assert orthogonal.abs().max() < 1e-5 * h.abs().max()


# What a repair tells.


def test_it_tells_what_was_done_and_which_inputs_it_has_seen(small):
    subject, way = small
    first = project(subject, way)
    second = augment(first, replace_layer(first, "block"), training=QUICK, samples=range(10), progress=False)
    assert [each.name for each in second.repairs] == ["P-ClArC", "A-ClArC"]
    assert first.repair.used == set(WITH) | set(WITHOUT)
    assert second.repair.used == set(range(10)) | set(WITH[:6]) | set(WITHOUT[:6])
    assert second.title.endswith("P-ClArC · A-ClArC")
    assert "repaired by P-ClArC and A-ClArC" in repr(second)
    assert second.repair.settings["training"]["epochs"] == 2
    assert second.repair.settings["share"] == 0.5
    assert second.repair.history.seconds <= second.repair.seconds
    assert (second.recipe, subject.title) == ("", "subject")


def replace_layer(subject, layer):
    return direction(subject, layer, WITH[:6], WITHOUT[:6])


def test_half_of_each_class_is_used_by_default(tagged):
    subject, _ = tagged
    labels = np.array(subject.dataset.labels)
    numbers = usable(subject, 0)
    for label in range(10):
        assert (labels[numbers] == label).sum() == pytest.approx((labels == label).sum() / 2, abs=1)
    assert np.array_equal(numbers, usable(subject, 0))
    assert not np.array_equal(numbers, usable(subject, 1))


def test_a_raising_watcher_leaves_everything_as_it_was(small):
    subject, way = small
    before, flags = (
        copy.deepcopy(subject.model.state_dict()),
        [each.requires_grad for each in subject.model.parameters()],
    )

    def cancel(progress):
        raise Cancelled

    for mend in (augment, penalise):
        with pytest.raises(Cancelled):
            mend(subject, way, progress=cancel)
    assert all(torch.equal(now, before[key]) for key, now in subject.model.state_dict().items())
    assert flags == [each.requires_grad for each in subject.model.parameters()]
    assert not any(module._forward_hooks for module in subject.model.modules())


def test_steps_that_are_too_large_are_told_and_leave_good_weights(small):
    subject, way = small
    after = augment(subject, way, training=Training(rate=1e6, epochs=5), progress=False)
    assert all(torch.isfinite(each).all() for each in after.model.parameters())
    assert torch.isfinite(after.explainer().scores(subject.dataset.inputs)).all()


def test_a_loss_that_is_no_number_is_told(small):
    subject, _ = small
    broken = Planted(lambda x: x * torch.nan, 0)
    after = augment(subject, broken, training=QUICK, progress=False)
    assert "The loss was nan in epoch 1" in after.repair.said[-1]
    assert all(torch.equal(now, subject.model.state_dict()[key]) for key, now in after.model.state_dict().items())


# What is refused.


@pytest.mark.parametrize("share", [0, -0.1, 1.1, float("nan")])
def test_shares_out_of_range_are_refused(small, share):
    with pytest.raises(ValueError, match=r"share must be in \(0, 1\], got"):
        augment(*small, share=share)


@pytest.mark.parametrize("wrong", [{"weight": -1}, {"weight": float("nan")}, {"of": "activation"}])
def test_weights_and_kinds_that_are_none_are_refused(small, wrong):
    with pytest.raises(ValueError, match="weight must be at least 0 and of 'gradient' or 'relevance', got"):
        penalise(*small, **wrong)


@pytest.mark.parametrize("mend", [augment, penalise])
def test_data_that_training_cannot_use_are_refused(small, mend):
    subject, way = small
    data = subject.dataset

    def labelled(labels):
        return replace(subject, dataset=TensorSamples(data.inputs, labels, data.names), classes=["a", "b", "c"])

    with pytest.raises(ValueError, match="has no labels, and training needs them; choose a repair without training"):
        mend(labelled([None] * COUNT), way)
    with pytest.raises(ValueError, match="Training needs inputs of two classes at least, got 'b' only"):
        mend(labelled([1] * COUNT), way)
    with pytest.raises(ValueError, match="needs a label of each input; number 3 has none"):
        mend(labelled([0, 1, 2, None] * 6), way, samples=range(8))
    with pytest.raises(ValueError, match=f"has inputs 0 to {COUNT - 1}, there is no {COUNT}"):
        mend(subject, way, samples=[0, COUNT])
    with pytest.raises(ValueError, match="two classes at least, got none"):
        mend(subject, way, samples=[])


def test_models_that_have_nothing_to_train_are_refused():
    bare = subject_of(nn.Sequential(nn.Flatten(), nn.Linear(16, 6), nn.ReLU(), nn.Flatten()), 1, 4, 4)
    with pytest.raises(
        ValueError, match="After the layer '2' there are no parameters that could be trained; take one before"
    ):
        augment(bare, direction(bare, "2", WITH, WITHOUT))

    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("weight", torch.randn(3, 16))
            self.act = nn.ReLU()

        def forward(self, x):
            return self.act(x.flatten(1)) @ self.weight.T

    fixed = replace(bare, model=Fixed())
    for by in (direction(fixed, "act", WITH, WITHOUT), Planted(lambda x: x + 1, 0)):
        with pytest.raises(ValueError, match="no parameters that can be trained; choose a repair without training"):
            penalise(fixed, by)


def test_an_artefact_that_is_in_no_input_is_refused(small):
    class Nowhere(Planted):
        def taken(self, inputs, random):
            return None

    for mend in (augment, penalise):
        with pytest.raises(ValueError, match="is in no input but in a layer; give its direction instead"):
            mend(small[0], Nowhere(lambda x: x, 0), progress=False)


def test_a_direction_of_another_model_is_refused(small):
    way = small[1]
    other = subject_of(dense(), 1, 4, 4)
    for mend in (project, augment, penalise):
        with pytest.raises(ValueError, match="no module"):
            mend(other, way)
