"""The notebook of the dashboard `explore` in JupyterLab; the page must ask no other machine, see conftest."""

from __future__ import annotations

import numpy as np
from playwright.sync_api import Page, expect

from lrpwidgets import subjects
from lrpwidgets.dashboards.command import find_notebook
from lrpwidgets.lrp import Explainer, composites, rules
from lrpwidgets.widgets.colours import diverging

SEQUENCE = "Number(document.querySelector('.lrp-heatmap')?.dataset.seq)"
READ = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [...data];
}"""


def pixels(page: Page) -> np.ndarray:
    data = page.locator(".lrp-pixels").nth(1).evaluate(READ)
    return np.array(data).reshape(8, 8, 4)[..., :3]


def test_the_notebook_shows_the_heatmap_and_a_slider_changes_it(lab):
    subject = subjects.load("digits")
    x, _ = subject.item(subject.start)
    low, high = subject.bounds
    composite = composites.get("epsilon_gamma_box", low=low, high=high)
    explanation = Explainer(subject.model, composite).explain(x[None])

    def shows(explanation):
        relevance = explanation.relevance[0].sum(0).numpy()
        np.testing.assert_allclose(pixels(page), diverging(relevance, np.abs(relevance).max()), atol=1)

    page = lab(find_notebook("explore"))
    page.wait_for_function(f"{SEQUENCE} > 0")
    shows(explanation)
    expect(page.locator(".lrp-scores .tick").filter(has_text="100%")).to_have_count(1)

    slider = page.locator(".lrp-rules tbody tr").filter(has_text="convolutions").locator("input")
    for position in ("0.5", "-1", "0.2"):  # the first one alone says little: see NewestWins
        before = page.evaluate(SEQUENCE)
        slider.fill(position)
        page.wait_for_function(f"{SEQUENCE} > {before}")
        gamma = 10 ** float(slider.input_value())
        shows(explanation.switch(composite.with_rule(1, rules.Gamma(gamma))))

    before = page.evaluate(SEQUENCE)
    page.locator(".lrp-scores .bar").last.click()
    page.locator(".lrp-thumbnails button").nth(5).click()
    page.wait_for_function(f"{SEQUENCE} > {before}")
    expect(page.locator("figcaption").first).to_contain_text(subject.item_name(5))

    # half a window beside something else: nothing sticks out of the cell
    page.set_viewport_size({"width": 900, "height": 900})
    wide = page.locator(".lrp-page").bounding_box()["width"]
    for part in page.locator(".lrp-page > *, .lrp-pane").all():
        assert part.bounding_box()["width"] <= wide
