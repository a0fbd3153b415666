"""A model with one score per sample, explored as one of two classes."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import Dashboard

NOTEBOOK = """
import torch
import lrpwidgets as lw

class Large(torch.nn.Module):
    '''Whether a digit is a five or larger: one score, (B,).'''

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        scores = self.model(x)
        return scores[:, 5:].amax(1) - scores[:, :5].amax(1)

digits = lw.subjects.load("digits")
labels = torch.tensor(digits.dataset.labels)
pixels = digits.dataset.inputs
lw.explore(Large(digits.model).eval(), (pixels, labels >= 5), classes=["small", "large"], composite="epsilon")
"""


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    path: Path = tmp_path_factory.mktemp("one") / "one.ipynb"
    nbformat.write(notebook, path)
    return serve(path)


@pytest.fixture
def two(look, server) -> Dashboard:
    return look(server.address)


def test_the_two_classes_have_opposite_scores_and_maps(two):
    rows = two.page.locator(".lrp-classes button")
    expect(rows).to_have_count(2)
    names, scores = rows.locator(".lrp-name").all_inner_texts(), rows.locator("b").all_inner_texts()
    assert {*names} == {"small", "large"}
    assert scores[1] == f"−{scores[0]}"
    before = two.pixels().astype(int)
    with two.redrawn():
        rows.nth(1).click()
    after = two.pixels().astype(int)
    red, blue = before[..., 0] - before[..., 2], after[..., 0] - after[..., 2]
    strong = np.abs(red) > 60
    assert strong.any()
    assert (np.sign(red) == -np.sign(blue))[strong].all()
    expect(two.error).to_have_count(0)
    two.still_works()


def test_what_was_decided_is_told_and_inputs_are_sifted_by_the_two_classes(two):
    two.settled()
    two.page.get_by_role("button", name="guesses about your data").click()
    expect(two.page.locator(".lrp-status")).to_contain_text("above 0 it says 'large', else 'small'")
    two.page.get_by_role("button", name="confusion").click()
    cells = two.page.locator(".lrp-confusion td button")
    right = cells.filter(has_text=re.compile(r"^1\d\d$"))
    expect(right).to_have_count(2)  # most of both classes
    assert sum(int(each) for each in cells.all_inner_texts()) == 355
