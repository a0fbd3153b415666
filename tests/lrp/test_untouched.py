"""Explaining leaves the model and the caller's tensors as they were."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Explainer, StaleExplanationError, watched
from tests.lrp.networks import SMALL, Residual, pictures, realistic, small_networks, small_pictures


def snapshot(model):
    """All that explaining may not change."""
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return (
        {name: (id(t), t._version, t.requires_grad, t.data_ptr(), t.grad) for name, t in tensors.items()},
        {name: t.detach().clone() for name, t in tensors.items()},
        {name: module.training for name, module in model.named_modules()},
        {name: [dict(getattr(module, hook)) for hook in hooks] for name, module in model.named_modules()},
        {name: set(vars(module)) for name, module in model.named_modules()},
    )


def assert_untouched(before, model):
    after = snapshot(model)
    assert before[0] == after[0]
    for name, tensor in before[1].items():
        assert torch.equal(tensor, after[1][name])
    assert before[2:] == after[2:]


@pytest.fixture
def model():
    return realistic(Residual()).double()


@pytest.mark.parametrize("composite", ["epsilon_plus_flat", "epsilon_alpha2_beta1", "epsilon"])
def test_the_model_is_as_before(model, composite):
    model.stem.train()
    model.two[1].train()
    model.head.weight.requires_grad_(False)
    before = snapshot(model)
    explanation = Explainer(model, composite).explain(pictures(2, 16))
    explanation.switch("epsilon_plus").retarget(3)
    assert_untouched(before, model)


@pytest.mark.parametrize("net", SMALL, ids=lambda net: net.name)
def test_a_model_is_as_before_however_its_forward_is_written(net):
    small_networks()
    before = snapshot(net)
    Explainer(net).explain(small_pictures())
    assert_untouched(before, net)


def test_the_users_own_hooks_stay_and_are_called(model):
    calls = []
    model.stem.register_forward_hook(lambda *_: calls.append("hook"))
    before = snapshot(model)
    explainer = Explainer(model)
    explainer.explain(pictures(1, 16))
    assert set(calls) == {"hook"}
    calls.clear()
    explainer.explain(pictures(1, 16))
    assert calls == ["hook"]
    assert_untouched(before, model)


class Failing(Residual):
    def forward(self, x):
        super().forward(x)
        raise KeyError("inside")


def test_the_model_is_as_before_after_an_error_in_its_forward():
    model = realistic(Failing()).double()
    model.stem.train()
    before = snapshot(model)
    with pytest.raises(KeyError, match="inside"):
        Explainer(model).explain(pictures(1, 16))
    assert_untouched(before, model)


def test_the_model_is_as_before_after_an_error_in_a_layer(model):
    def fail(*_):
        raise ZeroDivisionError

    model.two[0].register_forward_hook(fail)
    before = snapshot(model)
    with pytest.raises(ZeroDivisionError):
        Explainer(model).explain(pictures(1, 16))
    assert_untouched(before, model)


def test_an_explanation_after_an_error_is_right(model):
    x = pictures(1, 16)
    expected = Explainer(model).explain(x).relevance
    handle = model.two[0].register_forward_hook(lambda *_: 1 / 0)
    explainer = Explainer(model)
    with pytest.raises(ZeroDivisionError):
        explainer.explain(x)
    handle.remove()
    assert torch.equal(explainer.explain(x).relevance, expected)


def test_gradients_flow_as_before(model):
    x = pictures(2, 16)
    expected = torch.autograd.grad(model(x).sum(), model.head.weight)
    Explainer(model).explain(x)
    assert torch.equal(torch.autograd.grad(model(x).sum(), model.head.weight)[0], expected[0])
    assert torch.is_grad_enabled()


def test_the_relevance_carries_no_graph(model):
    explanation = Explainer(model).explain(pictures(1, 16).requires_grad_())
    assert not any(layer.relevance.requires_grad or layer.activation.requires_grad for layer in explanation.layers)
    assert not explanation.scores.requires_grad


class Overwriting(nn.Module):
    """Changes its input in place, as a whole and through a view."""

    def __init__(self, through_view):
        super().__init__()
        self.through_view, self.head = through_view, nn.Linear(4, 2)

    def forward(self, x):
        if self.through_view:
            x[:, :2].mul_(2)
            return self.head(x[:, :4] * 1)
        x += 1
        x[:, 0] = 0
        return self.head(x.relu_())


def test_in_place_operations_do_not_reach_the_callers_input():
    x = torch.randn(2, 4)
    kept, version = x.clone(), x._version
    model = Overwriting(through_view=False)
    explanation = Explainer(model).explain(x, 1)
    assert torch.equal(x, kept)
    assert x._version == version
    assert torch.equal(explanation.scores, model(x.clone()))


def test_an_input_written_through_a_view_is_kept():
    x = torch.randn(2, 4)
    kept, version = x.clone(), x._version
    model = Overwriting(through_view=True)
    explanation = Explainer(model).explain(x, 1)
    assert torch.equal(x, kept)
    assert x._version == version
    assert torch.equal(explanation.scores, model(x.clone()))


def test_saved_activations_are_those_that_the_next_step_saw():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True), nn.Linear(4, 2))
    x = torch.randn(3, 4)
    explanation = Explainer(model).explain(x)
    assert torch.equal(explanation["0"].activation, model[0](x))
    assert torch.equal(explanation["1"].activation, model[0](x).relu())


def test_threads_that_share_one_model_and_explainer_agree_with_one_after_the_other(model):
    x = pictures(6, 16)
    names = ["epsilon_plus_flat", "epsilon_alpha2_beta1", "epsilon_plus", "excitation_backprop"]
    jobs = [(name, sample[None]) for name in names for sample in x] * 2
    shared = Explainer(model, "epsilon")
    before = snapshot(model)

    def explain(job):
        name, sample = job
        return shared.explain(sample).switch(name).relevance

    expected = [Explainer(model, name).explain(sample).relevance for name, sample in jobs]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(explain, jobs))
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    assert_untouched(before, model)


def test_predictions_in_another_thread_are_not_recorded(model):
    x = pictures(1, 16)
    explainer = Explainer(model)
    expected = explainer.explain(x)
    with ThreadPoolExecutor(2) as pool:
        predicting = pool.submit(lambda: [model(x) for _ in range(30)])
        explanations = [explainer.explain(x) for _ in range(10)]
        predicting.result()
    for explanation in explanations:
        assert [layer.name for layer in explanation.layers] == [layer.name for layer in expected.layers]
        assert torch.equal(explanation.relevance, expected.relevance)


def test_explaining_under_inference_mode_works(model):
    x = pictures(1, 16)
    expected = Explainer(model).explain(x).relevance
    with torch.inference_mode():
        for same in (x, x.clone()):
            explanation = Explainer(model, "epsilon").explain(same)
            assert torch.equal(explanation.retarget(1).switch("epsilon_plus_flat").retarget(None).relevance, expected)


def test_another_device_gets_a_copy_and_the_model_stays(model):
    explainer = Explainer(model, device="cpu")
    assert explainer.model is model
    explainer = Explainer(copy.deepcopy(model).to("meta"), device="meta")
    assert explainer.device.type == "meta"


class Waiting(nn.Module):
    """Calls `meanwhile` in the middle of its forward, on another thread."""

    def __init__(self, meanwhile):
        super().__init__()
        self.first, self.drop, self.last = nn.Linear(4, 4), nn.Dropout(), nn.Linear(4, 2)
        self.meanwhile = meanwhile

    def forward(self, x):
        x = self.drop(self.first(x).relu())
        with ThreadPoolExecutor(1) as thread:
            thread.submit(self.meanwhile, self).result()
        return self.last(x)


def trained(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1)


@pytest.mark.parametrize("through", ["explain", "record"])
def test_a_model_that_trains_while_it_is_explained_is_refused_with_the_way_out(through):
    with pytest.raises(StaleExplanationError, match=r"changed while it was explained.* explain a copy"):
        getattr(Explainer(Waiting(trained)), through)(torch.randn(2, 4))


def test_weights_that_change_while_relevance_is_propagated_are_noticed():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    explainer, steps = Explainer(model, "epsilon"), []

    def watch(progress):
        steps.append(progress.done)
        if progress.total is not None and progress.done == 1:
            trained(model)

    explanation = explainer.explain(torch.randn(2, 4))
    with watched(watch), pytest.raises(StaleExplanationError, match="changed while it was explained"):
        explainer.explain(torch.randn(2, 4))
    assert steps
    with pytest.raises(StaleExplanationError, match="changed since this explanation was made"):
        explanation.retarget(0)


def test_a_model_that_writes_into_its_own_buffers_is_explained():
    class Counting(nn.Linear):
        def forward(self, x):
            self.calls += 1
            return super().forward(x)

    model = Counting(4, 2)
    model.register_buffer("calls", torch.zeros(()))
    assert Explainer(model).explain(torch.randn(2, 4)).ledger.imbalance < 1e-6


def test_what_another_thread_makes_of_the_mode_of_a_model_stays_and_is_told():
    model = Waiting(lambda model: model.train()).eval()
    explanation = Explainer(model).explain(torch.randn(2, 4))
    assert all(module.training for module in model.modules())
    assert any("put into training mode while it was explained" in caveat for caveat in explanation.caveats)


def test_no_flag_of_a_model_in_eval_mode_is_written(monkeypatch):
    model, written = Waiting(lambda model: None).eval(), []
    setting = nn.Module.__setattr__
    monkeypatch.setattr(nn.Module, "__setattr__", lambda *given: (written.append(given[1]), setting(*given)))
    Explainer(model).explain(torch.randn(2, 4))
    assert "training" not in written


def test_a_model_in_training_mode_is_in_it_again_after_it_was_explained_or_failed():
    seen = []
    model = Waiting(lambda model: seen.append(model.training))
    explainer = Explainer(model)
    assert any("explained in eval mode" in caveat for caveat in explainer.explain(torch.randn(2, 4)).caveats)
    assert set(seen) == {False}  # as the docstring says
    model.meanwhile = lambda model: 1 / 0
    with pytest.raises(ZeroDivisionError):
        explainer.explain(torch.randn(2, 4))
    assert all(module.training for module in model.modules())
