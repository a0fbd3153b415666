"""The rule board alone in a notebook, in a real browser."""

from __future__ import annotations

import json

import nbformat
import pytest
from playwright.sync_api import expect

NOTEBOOK = """
import torch, torchvision
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets import Exploration, RuleBoard
torch.manual_seed(0)
model = torchvision.models.squeezenet1_0(weights=None).eval()
subject = Subject(model, TensorSamples(torch.rand(1, 3, 64, 64), [0], ["noise"]), name="net")
RuleBoard(Exploration(subject, "epsilon_plus_flat"))
"""


@pytest.fixture(scope="module")
def squeezenet(serve, tmp_path_factory):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    path = tmp_path_factory.mktemp("rules") / "rules.ipynb"
    nbformat.write(notebook, path)
    return serve(path)


class Board:
    """What a person sees of the board, and does with it."""

    def __init__(self, page):
        self.page, self.root = page, page.locator(".lrp-rules")
        expect(self.root.locator("tbody tr").first).to_be_visible()

    def row(self, layer):
        return self.root.locator("tbody tr").filter(has=self.page.locator("th").get_by_text(layer, exact=True))

    def rule(self, layer):
        return self.root.get_by_label(f"Rule for {layer}", exact=True)

    def names(self):
        return self.root.locator("tbody th:visible").all_inner_texts()

    def changed(self):
        return self.root.locator("tr:has(select.lrp-changed):visible th").all_inner_texts()


@pytest.fixture
def board(visit, squeezenet):
    return Board(visit(squeezenet.address))


FIRES = [f"features.{number}" for number in (12, 10, 9, 8, 7, 5, 4, 3)]


def test_blocks_fold_and_unfold_by_keys(board):
    assert board.names() == ["classifier", *FIRES, "features.0"]
    board.row("features.5").locator(".lrp-name").focus()
    board.page.keyboard.press("ArrowRight")
    inside = [f"features.5.{part}" for part in ("expand3x3", "expand1x1", "squeeze")]
    assert board.names() == ["classifier", *FIRES[:6], *inside, *FIRES[6:], "features.0"]
    expect(board.row("features.5")).to_have_attribute("aria-expanded", "true")
    board.page.keyboard.press("ArrowDown")
    expect(board.root.locator(":focus")).to_have_text("features.5.expand3x3")
    board.page.keyboard.press("ArrowLeft")
    board.page.keyboard.press("ArrowLeft")
    assert board.names() == ["classifier", *FIRES, "features.0"]
    expect(board.row("features.5")).to_have_attribute("aria-expanded", "false")


def test_a_block_whose_layers_differ_says_so(board):
    board.page.get_by_role("button", name="unfold all").click()
    board.rule("features.5.squeeze").select_option("Gamma")
    expect(board.rule("features.5")).to_have_value("mixed")
    assert board.changed() == ["features.5", "features.5.squeeze"]
    board.rule("features.5").select_option("Gamma")
    expect(board.rule("features.5.expand1x1")).to_have_value("Gamma")
    board.row("features.5").get_by_title("Back to the preset").click()
    expect(board.rule("features.5")).to_have_value("ZPlus")
    assert board.changed() == []


def test_what_one_drag_of_a_slider_did_is_undone_at_once(board):
    board.rule("features.0").select_option("Gamma")
    slider = board.row("features.0").get_by_role("slider")
    expect(slider).to_have_attribute("aria-valuetext", "γ 0.25")
    box = slider.bounding_box()
    board.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    board.page.mouse.down()
    for step in range(10):
        board.page.mouse.move(box["x"] + box["width"] / 2 + 4 * step, box["y"] + box["height"] / 2)
        board.page.evaluate("new Promise(requestAnimationFrame)")
    board.page.mouse.up()
    expect(slider).not_to_have_attribute("aria-valuetext", "γ 0.25")
    board.root.get_by_role("button", name="undo").click()
    expect(slider).to_have_attribute("aria-valuetext", "γ 0.25")
    board.root.get_by_role("button", name="undo").click()
    expect(board.rule("features.0")).to_have_value("Flat")
    expect(board.root.get_by_role("button", name="undo")).to_be_disabled()
    board.root.get_by_role("button", name="redo").click()
    expect(board.rule("features.0")).to_have_value("Gamma")


def test_a_composite_goes_out_as_a_file_and_comes_back(board, tmp_path):
    board.rule("features.3").select_option("AlphaBeta")
    expect(board.row("features.3").get_by_role("slider")).to_be_visible()
    with board.page.expect_download() as download:
        board.root.get_by_label("Export the composite").select_option("json")
    assert download.value.suggested_filename == "epsilon_plus_flat.json"
    download.value.save_as(tmp_path / "mine.json")
    first = json.loads((tmp_path / "mine.json").read_text())["entries"][0]
    assert first["layers"] == {"inside": {"module": "features.3", "weighted": True}}
    board.root.get_by_role("button", name="undo").click()
    expect(board.rule("features.3")).to_have_value("ZPlus")
    board.root.locator("input[type=file]").set_input_files(tmp_path / "mine.json")
    expect(board.rule("features.3")).to_have_value("AlphaBeta")


def test_a_choice_that_leads_down_reaches_all_rows_below(board):
    board.rule("features.4").select_option("WSquare")
    board.row("features.4").get_by_title("This rule from here down to the input").click()
    expect(board.rule("features.0")).to_have_value("WSquare")
    assert board.changed() == ["features.4", "features.3", "features.0"]
    assert board.rule("features.5").input_value() == "ZPlus"


def test_bars_say_their_numbers_in_units_of_the_score(board):
    bar = board.row("features.0").get_by_role("img")
    words = (
        r"received -?[−\d].*, handed on .*, bias took .*, stabilizer took .*, rule dropped .*, in units of the score"
    )
    assert board.page.evaluate("([text, words]) => new RegExp(words).test(text)", [bar.get_attribute("title"), words])
    share = bar.evaluate("bar => bar.querySelector('.lrp-handed').getBoundingClientRect().width / bar.clientWidth")
    assert 0 < share <= 1.001


@pytest.mark.parametrize("width", [640, 1280, 2560])
def test_nothing_is_cut_off_at_any_width(board, width):
    board.page.set_viewport_size({"width": width, "height": 800})
    board.page.get_by_role("button", name="unfold all").click()
    board.rule("features.5.squeeze").select_option("AlphaBeta")
    expect(board.row("features.5.squeeze").get_by_role("slider")).to_be_visible()
    wide, seen = board.root.locator(".lrp-board").evaluate("board => [board.scrollWidth, board.clientWidth]")
    assert wide <= seen
