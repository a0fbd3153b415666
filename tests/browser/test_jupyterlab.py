"""The dashboard `explore` and its views in JupyterLab; the page must ask no other machine, see conftest."""

from __future__ import annotations

from pathlib import Path

import nbformat
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lrpwidgets.dashboards.command import find_notebook
from lrpwidgets.lrp import rules
from lrpwidgets.lrp.selectors import Exactly
from tests.browser.dashboard import BEGIN, SEQUENCE, Dashboard, opened, with_gamma

DARK_PAPER = (29, 33, 37)

CELLS = """
from lrpwidgets import subjects
from lrpwidgets.widgets import (
    ClassScores, Compare, Exploration, HeatmapView, InputStrip, LayerInspector, QuestionBar, RuleBoard, StatusLine
)
exploration = Exploration(subjects.load("digits"))
---
InputStrip(exploration)
---
QuestionBar(exploration)
---
HeatmapView(exploration)
---
RuleBoard(exploration)
---
ClassScores(exploration)
---
LayerInspector(exploration)
---
StatusLine(exploration)
---
Compare(Exploration(subjects.load("digits")), composites=["epsilon"])
"""
VIEWS = ("strip", "question", "heatmap", "rules", "scores", "inside", "status")

CUT_OFF = """() => {
  const page = [...document.querySelectorAll(".lrp-page")].find((each) => each.checkVisibility());
  const { left, right } = page.getBoundingClientRect();
  const scrolls = (each) => ["auto", "scroll"].includes(getComputedStyle(each).overflowX);
  const wide = [page, ...page.querySelectorAll("*")].filter((each) => {
    if (!each.checkVisibility()) return false;
    if (each.closest(".lrp-thumbnails, .lrp-frame, .bqplot, svg, [popover], dialog")) return false;
    const box = each.getBoundingClientRect();
    return box.right > right + 1 || box.left < left - 1 || (scrolls(each) && each.scrollWidth > each.clientWidth + 1);
  });
  return wide.map((each) => each.outerHTML.slice(0, 150));
}"""


AGAIN = """
import threading, time
from lrpwidgets import dashboards
dashboards.explore()
---
def workers():
    return sum(each.name == "lrpwidgets worker" for each in threading.enumerate())

for _ in range(100):  # a thread ends after the job under way
    if workers() > 1:
        time.sleep(0.1)
print("workers:", workers())
"""


@pytest.fixture
def explored(lab) -> Dashboard:
    """The notebook of `explore`, run."""
    return opened(lab(find_notebook("explore")))


@pytest.fixture
def cells(lab, tmp_path: Path) -> Page:
    """Every view in a cell of its own."""
    page: Page = lab(written(CELLS, tmp_path))
    return page


def written(cells: str, folder: Path) -> Path:
    """A notebook of these cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each.strip()) for each in cells.split("---")])
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    nbformat.write(notebook, folder / "cells.ipynb")
    return folder / "cells.ipynb"


def run_command(page: Page, command: str, **arguments: object) -> None:
    page.evaluate("([name, given]) => jupyterapp.commands.execute(name, given)", [command, arguments])


def turn(page: Page, theme: str) -> None:
    """Choose JupyterLab's theme; while one fades in, it would fail to take another."""
    page.wait_for_function("!document.querySelector('#jupyterlab-splash')")
    run_command(page, "apputils:change-theme", theme=f"JupyterLab {theme}")


def test_the_whole_of_explore_works(explored, explain, subject):
    page = explored.page
    explored.shows(explain())
    explored.choose("Composite", "epsilon_gamma_box")
    for position in (0.5, -1, 0.2):  # the first one alone says little: see NewestWins
        gamma = explored.turn("convolutions", position)
        composite = with_gamma(subject).with_rule(1, rules.Gamma(gamma))
        explored.shows(explain().switch(composite))
    explored.look_at(5)
    explored.shows(explain(5).switch(composite))
    explored.choose("Class to explain", "3")
    explanation = explain(5, 3).switch(composite)
    explored.shows(explanation)

    channel = explored.choose_channel("conv2")
    with explored.redrawn():
        page.locator("[data-shortcut=c]").click()
    explored.shows(explanation.condition({"conv2": [channel]}))
    page.get_by_role("button", name="pin", exact=True).click()
    expect(page.locator("figure[data-kind=pin][aria-busy=false]")).to_have_count(1)
    np.testing.assert_array_equal(explored.pixels(2), explored.pixels())


def test_shortcuts_are_those_of_the_dashboard_inside_it_and_jupyterlabs_outside(explored, explain, subject):
    page = explored.page
    cells = page.locator(".jp-Notebook .jp-Cell")
    before = cells.count()
    page.locator(".jp-Cell .cm-content").first.click()
    page.locator(".lrp-rules h2").click()  # what takes no focus by itself
    for _ in range(4):
        page.keyboard.press("d")
    expect(page.locator(".lrp-page")).to_have_attribute("data-theme", "light")
    assert cells.count() == before
    page.locator(".lrp-frame").first.focus()
    with explored.redrawn():
        page.keyboard.press("j")
    explored.shows(explain(subject.start + 1))
    for key in ("d", "d", "a", "b", "x"):  # to JupyterLab: delete, above, below, cut
        page.keyboard.press(key)
    expect(page.locator(".lrp-page")).to_have_attribute("data-theme", "light")
    assert cells.count() == before
    page.locator(".jp-Cell .cm-content").first.click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    expect(cells).to_have_count(before + 1)


def test_a_cell_that_is_run_again_ends_the_dashboard_that_it_made(lab, tmp_path, explain):
    page = lab(written(AGAIN, tmp_path))
    opened(page).shows(explain())
    for _ in range(2):
        run_command(page, "notebook:run-all-cells")
    expect(page.locator(".jp-OutputArea-output").filter(has_text="workers:")).to_have_text("workers: 1\n")
    expect(page.locator(".lrp-page")).to_have_count(1)
    again = opened(page)
    again.look_at(5)
    again.shows(explain(5))


def test_the_theme_is_jupyterlabs(explored, explain):
    page = explored.page
    explored.shows(explain())
    turn(page, "Dark")
    expect(page.locator(".lrp-heatmap")).to_have_css("background-color", f"rgb{DARK_PAPER}")
    explored.shows(explain(), paper=DARK_PAPER)
    page.get_by_role("button", name="Light or dark").click()  # a page may be other than its notebook
    explored.shows(explain())
    turn(page, "Light")
    expect(page.locator(".lrp-heatmap")).to_have_css("background-color", "rgb(255, 255, 255)")
    turn(page, "Dark")
    expect(page.locator(".lrp-heatmap")).to_have_css("background-color", f"rgb{DARK_PAPER}")
    explored.shows(explain(), paper=DARK_PAPER)
    turn(page, "Light")  # it stays for whoever comes next


@pytest.mark.kernel_gone
def test_a_saved_notebook_shows_pictures_where_its_kernel_is_gone(explored, lab_server):
    page = explored.page
    still = page.locator(".lrp-still")
    expect(still.locator("img")).to_have_count(2)
    expect(still).to_be_hidden()
    explored.look_at(5)
    page.wait_for_function("document.querySelector('.lrp-still').textContent.includes('sample 5')")
    page.evaluate(
        """async () => {
            const { context } = jupyterapp.shell.currentWidget;
            await context.save();
            await context.sessionContext.shutdown();
        }"""
    )
    page.reload()
    expect(still).to_be_visible()
    expect(still).to_contain_text("As it was when the notebook was saved; run the cell to go on.")
    assert page.evaluate("[...document.querySelectorAll('.lrp-still img')].every((each) => each.naturalWidth > 100)")


def test_half_a_window_is_enough(explored):
    page = explored.settled().page
    panel = page.locator(".jp-NotebookPanel")
    page.set_viewport_size({"width": round(1280 - panel.bounding_box()["width"] + 640), "height": 900})
    page.wait_for_function("Math.abs(document.querySelector('.jp-NotebookPanel').clientWidth - 640) < 3")
    assert page.evaluate(CUT_OFF) == []
    scroller = page.locator(".jp-WindowedPanel-outer, .jp-Notebook").first
    assert scroller.evaluate("(node) => node.scrollWidth <= node.clientWidth + 1")
    explored.still_works()


def test_every_view_works_alone_in_a_cell(cells, explain, subject):
    for view in VIEWS:
        expect(cells.locator(f".lrp-{view}[data-ready=true]").first).to_be_attached()
    expect(cells.locator(".lrp-heatmap")).to_have_count(2)
    expect(cells.locator("figure[data-kind=pin][aria-busy=false]")).to_have_count(1)
    dashboard = opened(cells)
    dashboard.shows(explain())
    dashboard.look_at(5)
    dashboard.shows(explain(5))
    dashboard.choose("Class to explain", "3")
    changed = BEGIN.revised(Exactly("conv3"), rules.Gamma(), explain().layout)
    with dashboard.redrawn():
        cells.get_by_label("Rule for conv3", exact=True).select_option("Gamma")
    dashboard.shows(explain(5, 3).switch(changed))
    with dashboard.redrawn():
        cells.get_by_role("button", name="explain top").click()
    dashboard.shows(explain(5).switch(changed))
    expect(cells.locator(".lrp-status")).to_contain_text("Σ R")


def test_after_a_restart_of_the_kernel_the_cells_run_again(explored, explain):
    page = explored.page
    explored.look_at(5)
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    expect(page.locator(".lrp-gone")).to_have_text("The kernel that drew this has ended: run the cell again to go on.")
    page.evaluate(
        """async () => {
            await jupyterapp.commands.execute("notebook:clear-all-cell-outputs");
            await jupyterapp.commands.execute("notebook:run-all-cells");
        }"""
    )
    page.wait_for_function(f"{SEQUENCE} > 0")
    expect(page.locator(".lrp-heatmap")).to_have_count(1)
    expect(page.locator(".lrp-gone")).to_have_count(0)
    again = opened(page)
    again.shows(explain())
    again.look_at(5)
    again.shows(explain(5))
    again.still_works()
