"""What is listened to for a while is copied as if nobody listened."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Explainer
from lrpwidgets.lrp.hooks import copied
from lrpwidgets.lrp.outputs import output_through, outputs_of


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).eval()


def hooks(model):
    return sum(len(each._forward_hooks) + len(each._forward_pre_hooks) for each in model.modules())


def double(module, inputs, output):
    return 2 * output


def test_a_copy_has_the_hooks_that_are_the_models_own():
    model, x = network(), torch.ones(2, 4)
    plain = model(x)
    model[2].register_forward_hook(double)
    with output_through(model[0], torch.zeros_like), outputs_of(model) as seen:
        made = copied(model)
        assert hooks(model) > hooks(made) == 1
        seen.clear()
        torch.testing.assert_close(made(x), 2 * plain)
        assert seen == []
    torch.testing.assert_close(model(x), 2 * plain)


def test_a_model_is_copied_while_another_thread_explains_it():
    model, x, stop = network(), torch.ones(2, 4), threading.Event()

    def explain():
        while not stop.is_set():
            Explainer(model, "epsilon").explain(x)

    thread = threading.Thread(target=explain)
    thread.start()
    try:
        assert [hooks(copied(model)) for _ in range(200)] == [0] * 200
    finally:
        stop.set()
        thread.join()


def test_what_cannot_be_copied_says_why():
    model = network()
    model.result = model[0](torch.ones(1, 4))  # a tensor with a graph
    with pytest.raises(RuntimeError, match="deepcopy protocol"):
        copied(model)
