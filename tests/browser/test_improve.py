"""The dashboard `improve` on digits of which many a 3 has a tag, as a person uses it."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

from lrpwidgets import improve, subjects
from lrpwidgets.subjects import tagged_digits

PATIENT = 180_000
"""Milliseconds in which all of it must be there on a busy machine."""


@pytest.fixture(scope="module")
def server(serve):
    return serve(dashboard="improve", subject="tagged-digits")


@pytest.fixture
def mended(visit, server) -> Page:
    """A page whose first repair was examined by all seeds."""
    page: Page = visit(server.address)
    expect(page.locator("[data-repair='P-ClArC'] .lrp-repairs-word")).to_have_text("acquitted 5 of 5", timeout=PATIENT)
    return page


def test_a_clever_hans_is_found_mended_proved_and_saved(mended, tmp_path):
    expect(mended.locator(".lrp-forget-said")).to_contain_text("A Clever Hans.")
    expect(mended.locator(".lrp-repairs-head h2")).to_contain_text("Make 3 forget")
    expect(mended.locator(".lrp-carriers-row")).to_have_count(5)
    expect(mended.locator("[data-repair=''] .lrp-repairs-word")).to_have_text("Clever Hans")
    mended.locator("[data-repair='P-ClArC'] .lrp-repairs-title").click()
    expect(mended.locator(".lrp-repairs-foot p")).to_contain_text(re.compile(r"poisoned \d+\.\d% → 9\d\.\d%"))
    with mended.expect_download() as download:
        mended.get_by_role("button", name="save repaired model").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "tagged-digits-P-ClArC.safetensors"
    subject = subjects.load("tagged-digits")
    loaded = improve.load(subject, file)
    others = np.not_equal(subject.dataset.labels, tagged_digits.CLASS)
    planted = tagged_digits.with_tag(subject.dataset.inputs[torch.from_numpy(others)])
    with torch.no_grad():
        turned = [(each.model(planted).argmax(1) == tagged_digits.CLASS).double().mean() for each in (subject, loaded)]
    assert turned[0] > 0.3
    assert turned[1] < 0.02


def test_another_layer_is_chosen_and_a_model_is_explored(mended):
    mended.locator(".lrp-carriers-row[data-layer=relu3]").click()
    expect(mended.locator(".lrp-repairs-head select")).to_have_value("relu3")
    expect(mended.locator("[data-repair='P-ClArC'] .lrp-repairs-word")).to_be_visible(timeout=PATIENT)
    mended.locator("[data-repair='P-ClArC'] .lrp-repairs-title").click()
    mended.get_by_role("button", name="Explore it").click()
    expect(mended.locator(".lrp-heatmap")).to_be_visible()
    expect(mended.locator(".lrp-subject").filter(visible=True)).to_contain_text("P-ClArC")


def test_a_curve_of_pruning_is_made_and_dragged_along(mended):
    mended.get_by_role("button", name="stop", exact=True).click()
    pruning = mended.locator(".lrp-pruning")
    pruning.get_by_role("button", name="weight", exact=True).click()
    expect(pruning.locator("polyline")).to_have_count(1, timeout=PATIENT)
    expect(pruning.get_by_role("status")).to_have_text("", timeout=PATIENT)
    pruning.get_by_label("How many channels are gone").fill("5")
    expect(pruning.locator("table")).to_contain_text("50 % gone")
    expect(pruning.get_by_role("button", name="save smaller model")).to_be_enabled()
