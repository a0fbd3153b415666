"""The training loop: it learns, is the same by its seed, stops in time, and never ends with worse weights."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from lrpwidgets.improve import Training
from lrpwidgets.improve.training import fit, trainable_copy
from lrpwidgets.lrp import Cancelled

from .nets import conv, dense

X = torch.randn(80, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long().numpy()


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2))


def fitted(net, loss=None, watch=lambda progress: None, labels=Y, **settings):
    def plain(x, y):
        return functional.cross_entropy(net(x), y)

    held_out = settings.pop("held_out", 0.2)
    return fit(net, loss or plain, lambda numbers: X[numbers], labels, Training(**settings), watch, held_out=held_out)


def right(net):
    with torch.no_grad():
        return float((net.eval()(X).argmax(1).numpy() == Y).mean())


def test_it_learns_and_tells_how():
    net = model()
    told = []
    history = fitted(net, epochs=40, rate=1e-2, batch=16, watch=told.append)
    assert right(net) > 0.9
    assert len(history.losses) + 1 == len(history.held_out)
    assert history.losses[-1] < history.losses[0]
    assert history.held_out[history.best] == min(history.held_out)
    assert told[-1].done == len(told) == 4 * len(history.losses)
    assert told[0].total == 4 * 40
    assert history.seconds > 0


def test_the_same_seed_gives_the_same_weights_and_torch_s_own_random_state_stays():
    nets = [model() for _ in range(3)]
    torch.manual_seed(7)
    before = torch.get_rng_state()
    for net, seed in zip(nets, (1, 1, 2), strict=True):
        fitted(net, epochs=3, seed=seed)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(nets[0][0].weight, nets[1][0].weight)
    assert not torch.equal(nets[0][0].weight, nets[2][0].weight)


def test_the_weights_of_the_best_epoch_are_kept():
    """What is trained on is taught the opposite of what is held out, so that each epoch is worse."""
    net, weights = model(), []
    fitted(net, epochs=30, rate=1e-2)
    good = copy.deepcopy(net.state_dict())
    held_out: set[tuple[float, ...]] = set()

    def contrary(x, y):
        weights.append(net[0].weight.detach().clone())
        if torch.equal(weights[-1], weights[0]) and len(weights) <= 3:  # before the first step, three times
            held_out.update(map(tuple, x.tolist()))
        known = torch.tensor([tuple(row) in held_out for row in x.tolist()])
        return functional.cross_entropy(net(x), torch.where(known, y, 1 - y))

    history = fitted(net, contrary, epochs=20, rate=1e-2, batch=16, patience=2)
    assert history.best == 0
    assert history.stopped == "The loss on held-out pictures fell no more."
    assert len(history.losses) == 2
    assert all(torch.equal(now, good[name]) for name, now in net.state_dict().items())


@pytest.mark.parametrize("held_out", [0.2, 0.0])
@pytest.mark.parametrize("broken", [False, True])
def test_steps_that_are_too_large_leave_finite_weights(held_out, broken):
    net = model()

    def loss(x, y):
        value = functional.cross_entropy(net(x), y)
        return value + (0 * net[0].weight).sqrt().sum() if broken else value  # whose gradient is no number

    history = fitted(net, loss, epochs=4, rate=1e6, held_out=held_out)
    assert all(torch.isfinite(each).all() for each in net.parameters())
    assert torch.isfinite(net(X)).all()
    assert history.best <= len(history.losses)


@pytest.mark.parametrize("held_out", [0.2, 0.0])
def test_a_loss_that_is_no_number_ends_it_with_the_last_good_weights(held_out):
    net = model()
    calls = []

    def loss(x, y):
        calls.append(1)
        value = functional.cross_entropy(net(x), y)
        return value * (math.nan if len(calls) > 9 else 1)

    history = fitted(net, loss, epochs=9, rate=1e-2, batch=16, held_out=held_out)
    assert "The loss was nan in epoch" in history.stopped
    assert "its steps are too large" in history.stopped
    assert all(torch.isfinite(each).all() for each in net.parameters())
    assert all(each.grad is None for each in net.parameters())


def test_a_model_that_gives_no_numbers_stays_as_it_is():
    net = model()
    with torch.no_grad():
        net[0].weight.fill_(torch.nan)
        before = net[3].weight.clone()
    history = fitted(net, epochs=3)
    assert "The loss was nan in epoch 1" in history.stopped
    assert history.best == 0
    assert torch.equal(net[3].weight, before)


def test_a_watcher_can_end_it_and_flags_are_as_before():
    net = model().eval()
    net[1].train()

    def cancel(progress):
        raise Cancelled

    state = torch.get_rng_state()
    with pytest.raises(Cancelled):
        fitted(net, watch=cancel)
    assert [module.training for module in net] == [False, True, False, False]
    assert torch.equal(torch.get_rng_state(), state)


def test_norms_keep_their_statistics_and_dropout_is_active():
    net = conv()
    x, y = torch.randn(20, 3, 8, 8), np.arange(20) % 3
    before = copy.deepcopy(net.block.norm.state_dict())
    seen = []
    net.last.register_forward_pre_hook(lambda *_: seen.append((net.training, net.block.norm.training)))
    fit(net, lambda a, b: functional.cross_entropy(net(a), b), lambda i: x[i], y, Training(epochs=2), lambda _: None)
    assert set(seen) == {(True, False)}
    for name in ("running_mean", "running_var"):
        assert torch.equal(net.block.norm.state_dict()[name], before[name])
    assert not torch.equal(net.block.norm.weight, before["weight"])


def test_what_cannot_be_trained_is_refused():
    net = model().requires_grad_(False)
    with pytest.raises(ValueError, match="no parameters that can be trained; choose a repair without training"):
        fitted(net)
    with pytest.raises(ValueError, match="needs two samples at least, got 1"):
        fitted(model(), labels=Y[:1])


def test_two_samples_are_enough():
    assert fitted(model(), labels=Y[:2], epochs=2).held_out == ()


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"epochs": 2.5}, {"rate": 0.0}, {"rate": math.nan}, {"batch": 0}, {"patience": 0}, {"seed": -1}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Training(**wrong)


def test_a_copy_is_trainable_and_apart():
    net = dense().requires_grad_(False)
    made = trainable_copy(net)
    assert all(each.requires_grad for each in made.parameters())
    assert not any(each.requires_grad for each in net.parameters())
