from __future__ import annotations

import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Cancelled, Explainer, Progress, watched


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)).eval()


X = torch.rand(2, 1, 6, 6)


def test_a_watcher_hears_of_the_forward_and_of_every_step_of_the_propagation(model):
    heard = []
    with watched(lambda progress: heard.append((progress.done, progress.total))):
        explanation = Explainer(model, "epsilon").explain(X)
    assert {total for _, total in heard} == {None, 4}
    assert [done for done, total in heard if total] == [0, 1, 2, 3]
    heard.clear()
    explanation.switch("epsilon_plus")  # outside: nobody watches
    assert heard == []


@pytest.mark.parametrize("when", [None, 4], ids=["forward", "propagation"])
def test_a_watcher_ends_the_computation_and_nothing_is_left_of_it(model, when):
    explainer = Explainer(model, "epsilon")
    expected = explainer.explain(X).relevance

    def end(progress: Progress) -> None:
        if progress.total == when:
            raise Cancelled

    with pytest.raises(Cancelled), watched(end):
        explainer.explain(X)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert torch.equal(explainer.explain(X).relevance, expected)
