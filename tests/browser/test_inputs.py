"""The strip of inputs as a person uses it: sifting, choosing, and pictures from outside."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect
from sklearn.metrics import confusion_matrix

from lrpwidgets import subjects
from lrpwidgets.subjects import Subject
from tests.browser.dashboard import NEXT_FRAME, SEQUENCE

CELL = """
import torch
from torch import nn
from ipywidgets import VBox
from lrpwidgets import subjects
from lrpwidgets.subjects import Subject, TensorSamples
from lrpwidgets.widgets import Exploration, HeatmapView, InputStrip, StatusLine, TopBar
{subject}
exploration = Exploration(subject)
page = VBox([view(exploration) for view in (TopBar, InputStrip, HeatmapView, StatusLine)])
page.add_class("lrp-page")
page
"""

MANY = """
torch.manual_seed(0)
inputs = torch.rand(20_000, 1, 8, 8)
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 30)).eval()
names = [f"noise {i}" for i in range(20_000)]
names[1] = "<img src=x onerror='owned=1'>"
labels = [i % 30 for i in range(20_000)]
subject = Subject(model, TensorSamples(inputs, labels, names), [f"<b>class {i}</b>" for i in range(30)])
"""

DROP = """([node, type, files]) => {
  const dataTransfer = new DataTransfer();
  for (const [name, bytes] of files) dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
  node.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
}"""

PASTE = """([name, bytes]) => {
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([new Uint8Array(bytes)], name));
  document.body.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData }));
}"""


@dataclass(frozen=True)
class Strip:
    """The strip on its page."""

    page: Page

    @property
    def tiles(self):
        return self.page.locator(".lrp-thumbnails button")

    @property
    def chosen(self):
        return self.page.locator(".lrp-thumbnails [aria-selected=true]")

    @property
    def figure(self):
        """The title of the input that is explained."""
        return self.page.locator("figcaption").first

    @property
    def error(self):
        return self.page.locator(".lrp-status .lrp-words.lrp-error")

    @property
    def refusals(self):
        """What is said below the strip of files that are no pictures."""
        return self.page.locator(".lrp-strip .lrp-refusals")

    def tile(self, index: int):
        return self.page.locator(f".lrp-thumbnails [data-index='{index}']")

    def settled(self, total: int) -> Strip:
        """The network has been asked about all inputs."""
        expect(self.page.locator(".lrp-strip")).to_have_attribute("data-looked", str(total))
        return self

    def order(self) -> list[int]:
        """All inputs that pass the filters, in their order, found by walking through them."""
        found: dict[int, int] = {}
        row = self.page.locator(".lrp-thumbnails")
        self.page.evaluate(NEXT_FRAME)  # the row is drawn with the next frame
        count = int(self.tiles.first.get_attribute("aria-setsize")) if self.tiles.count() else 0
        while len(found) < count:
            row.evaluate("(row, to) => (row.scrollLeft = to)", 78 * len(found))
            self.page.evaluate(NEXT_FRAME)
            places = self.tiles.evaluate_all("(all) => all.map((each) => [each.ariaPosInSet, each.dataset.index])")
            found |= {int(place): int(index) for place, index in places}
        return [found[place] for place in sorted(found)]

    def panel(self, name: str):
        """Open one of the panels."""
        self.page.get_by_role("button", name=f"{name} ▾", exact=True).click()
        return self.page.locator(".lrp-panel:popover-open")

    def upload(self, **files: bytes) -> None:
        chosen = [{"name": name, "mimeType": "image/png", "buffer": content} for name, content in files.items()]
        self.page.locator(".lrp-strip input[type=file]").set_input_files(chosen)


@pytest.fixture(scope="module")
def served(serve, tmp_path_factory) -> Callable[[str, str], str]:
    """The address of a page with the strip of a subject, made by this Python."""

    def served(name: str, subject: str) -> str:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL.format(subject=subject))])
        notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
        path: Path = tmp_path_factory.mktemp(name) / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return str(serve(path).address)

    return served


@pytest.fixture(scope="module")
def few(served) -> str:
    return served("few", "subject = subjects.load('digits')")


@pytest.fixture(scope="module")
def shapes(served) -> str:
    return served("shapes", "subject = subjects.load('shapes')")


@pytest.fixture(scope="module")
def many(served) -> str:
    return served("many", MANY)


@pytest.fixture
def strip(visit, few) -> Strip:
    return Strip(visit(few)).settled(355)


@pytest.fixture
def long_strip(visit, many) -> Strip:
    return Strip(visit(many)).settled(20_000)


@pytest.fixture(scope="module")
def subject() -> Subject:
    return subjects.load("digits")


@pytest.fixture(scope="module")
def truth(subject) -> np.ndarray:
    return np.array([label for _, label in subject.dataset])


@pytest.fixture(scope="module")
def chances(subject) -> np.ndarray:
    """Probability of each class for each digit, (355, 10)."""
    with torch.no_grad():
        return subject.model(torch.stack([x for x, _ in subject.dataset])).softmax(1).numpy()


def png(value: int = 90, size: int = 40) -> bytes:
    file = io.BytesIO()
    Image.new("L", (size, size), value).save(file, "PNG")
    return file.getvalue()


def test_each_thumbnail_says_what_the_network_says(strip, chances, truth, subject):
    start = subject.start
    for index in (start, start + 2):
        tile = strip.tile(index)
        says, percent = chances[index].argmax(), round(100 * chances[index].max())
        expect(tile).to_have_text(str(says))
        said = f"sample {index}: the network says {says} ({percent} %), in truth {truth[index]}"
        expect(tile).to_have_attribute("title", said)
        tile.locator("img[src]").evaluate("(image) => image.decode()")
        assert tile.locator("img").evaluate("(image) => [image.naturalWidth, image.naturalHeight]") == [8, 8]
    expect(strip.page.locator(".lrp-count b")).to_have_text("355 pictures")
    wrong = int((chances.argmax(1) != truth).sum())
    expect(strip.page.get_by_text(f"{wrong} wrong", exact=True)).to_be_visible()


def test_only_wrong_ones_by_key_and_all_again(strip, chances, truth):
    wrong = np.flatnonzero(chances.argmax(1) != truth).tolist()
    strip.page.keyboard.press("w")
    expect(strip.tiles).to_have_count(len(wrong))
    assert strip.order() == wrong
    expect(strip.page.locator(".lrp-thumbnails [aria-selected=true]")).to_have_attribute("data-index", str(wrong[0]))
    expect(strip.page.locator(".lrp-thumbnails .lrp-wrong")).to_have_count(len(wrong))
    expect(strip.figure).to_contain_text("sample 8")  # what is looked at stays
    strip.page.keyboard.press("w")
    assert len(strip.order()) == 355


def test_the_classes_filter(strip, chances, truth):
    strip.page.get_by_label("Class that the network says").select_option("8")
    assert strip.order() == np.flatnonzero(chances.argmax(1) == 8).tolist()
    strip.panel("filter")
    strip.page.get_by_label("True class").select_option("1")
    assert strip.order() == np.flatnonzero((chances.argmax(1) == 8) & (truth == 1)).tolist()
    strip.page.keyboard.press("Escape")
    strip.page.get_by_role("button", name="show all").click()
    assert len(strip.order()) == 355


def test_the_confidence_filters_and_orders(strip, chances):
    confidence = chances.max(1)
    strip.panel("filter")
    strip.page.get_by_label("Highest confidence").fill("90")
    strip.page.get_by_label("Lowest confidence").fill("50")
    inside = np.flatnonzero((confidence >= 0.5) & (confidence <= 0.9))
    assert strip.order() == inside.tolist()
    strip.page.get_by_label("Order of the inputs").select_option("least confident first")
    assert strip.order() == inside[np.argsort(confidence[inside], kind="stable")].tolist()
    strip.page.get_by_label("Order of the inputs").select_option("most confident first")
    assert strip.order() == inside[np.argsort(-confidence[inside], kind="stable")].tolist()


def test_names_are_searched(strip):
    search = strip.panel("filter").get_by_role("searchbox")
    for word in ("12", "SAMPLE 35"):
        search.fill(word)
        found = strip.order()
        named = {i for i in range(355) if word.lower() in f"sample {i}"}
        assert set(found) == named


def test_the_confusion_matrix_counts_and_a_click_shows_those(strip, chances, truth):
    expected = confusion_matrix(truth, chances.argmax(1))
    panel = strip.panel("confusion")
    rows = panel.locator("tbody tr").all()
    shown = [[cell.replace("·", "0") for cell in row.locator("td").all_inner_texts()] for row in rows]
    np.testing.assert_array_equal(np.array(shown, int), expected)
    expect(panel).to_contain_text("355 labelled pictures")
    a, b = next((a, b) for a, b in np.argwhere(expected) if a != b)
    panel.get_by_role("button", name=f"of {a}, of which the network says {b}").click()
    assert strip.order() == np.flatnonzero((truth == a) & (chances.argmax(1) == b)).tolist()
    expect(panel).to_have_count(0)


def test_arrow_keys_lead_through_the_confusion_matrix(strip, chances, truth):
    expected = confusion_matrix(truth, chances.argmax(1))
    row = np.flatnonzero((expected > 0).sum(1) > 1)[0]  # with two cells that count something
    first, second = np.flatnonzero(expected[row])[:2]
    panel = strip.panel("confusion")
    panel.locator("tbody tr").nth(row).locator("td").nth(first).locator("button").focus()
    strip.page.keyboard.press("ArrowRight")
    expect(panel.locator("tbody tr").nth(row).locator("td").nth(second).locator("button")).to_be_focused()
    expect(panel.locator("td [tabindex='0']")).to_have_count(1)


def test_keys_go_to_the_next_input_and_back(strip, subject):
    for key, index in (("j", 9), ("j", 10), ("k", 9), ("k", 8), ("k", 7)):
        strip.page.keyboard.press(key)
        expect(strip.tile(index)).to_have_attribute("aria-selected", "true")
    expect(strip.figure).to_contain_text("sample 7")
    for _ in range(5):
        strip.page.keyboard.press("j")  # faster than the kernel answers
    expect(strip.figure).to_contain_text("sample 12")
    expect(strip.chosen).to_have_attribute("data-index", "12")


def test_arrows_lead_along_the_row_and_enter_chooses(strip):
    strip.tile(8).focus()
    strip.page.keyboard.press("ArrowRight")
    expect(strip.tile(9)).to_be_focused()
    strip.page.keyboard.press("End")
    expect(strip.tile(354)).to_be_focused()
    expect(strip.tile(354)).to_be_in_viewport(ratio=0.9)
    strip.page.keyboard.press("ArrowLeft")
    strip.page.keyboard.press("Enter")
    expect(strip.figure).to_contain_text("sample 353")
    strip.page.keyboard.press("Home")
    expect(strip.tile(0)).to_be_focused()
    strip.page.keyboard.press("PageDown")
    focused = int(strip.page.locator(":focus").get_attribute("data-index"))
    assert 5 < focused < 20
    expect(strip.page.locator(".lrp-thumbnails [tabindex='0']")).to_have_count(1)


def test_several_pictures_are_uploaded_and_a_bad_one_is_named_and_not_kept(strip):
    strip.page.keyboard.press("w")
    strip.upload(**{"one.png": png(20), "<img src=x onerror='owned=1'>.png": b"no picture", "two.png": png(200)})
    expect(strip.figure).to_contain_text("two.png")
    strip.settled(357)
    expect(strip.tile(356)).to_be_in_viewport(ratio=0.9)
    expect(strip.chosen).to_have_attribute("data-index", "356")
    for said in (strip.error, strip.refusals):
        expect(said).to_contain_text("<img src=x onerror='owned=1'>.png")
        expect(said).to_contain_text("is no image that Pillow can read")
    assert strip.page.evaluate("window.owned") is None


def test_each_file_that_is_refused_is_listed_where_one_uploaded_until_the_next_come(strip):
    expect(strip.refusals).to_be_hidden()
    strip.upload(**{"notes.txt": b"no picture", "one.png": png(20), "cut.png": png(20, 400)[:90], "two.png": png(200)})
    expect(strip.figure).to_contain_text("two.png")
    strip.settled(357)
    expect(strip.refusals).to_contain_text("2 files not uploaded:")
    first, second = strip.refusals.locator("li").all_inner_texts()
    assert "'notes.txt' is no image" in first
    assert "'cut.png' is damaged or truncated" in second
    strip.page.keyboard.press("k")
    expect(strip.figure).to_contain_text("one.png")
    expect(strip.error).to_have_count(0)
    expect(strip.refusals).to_be_visible()  # until somebody has read it
    strip.page.get_by_role("button", name="Hide what was not uploaded").click()
    expect(strip.refusals).to_be_hidden()
    strip.upload(**{"more.txt": b"no picture"})
    expect(strip.refusals).to_contain_text("Not uploaded:")
    expect(strip.refusals.locator("li")).to_have_count(1)
    strip.upload(**{"three.png": png(90)})
    expect(strip.refusals).to_be_hidden()


def test_a_person_chooses_between_the_middle_of_an_upload_and_all_of_it(visit, shapes):
    strip = Strip(visit(shapes))
    framing = strip.page.locator(".lrp-framing")
    expect(framing).to_be_hidden()
    file = io.BytesIO()
    Image.new("RGB", (90, 60), "red").save(file, "PNG")
    strip.upload(**{"<b>wide</b>.png": file.getvalue()})
    expect(framing).to_contain_text("<b>wide</b>.png: the network sees the middle 60 × 60 of its 90 × 60 pixels.")
    before = strip.page.evaluate(SEQUENCE)
    framing.get_by_role("button", name="fit").click()
    expect(framing).to_contain_text("the network sees all of its 90 × 60 pixels.")
    strip.page.wait_for_function(f"{SEQUENCE} > {before}")
    corner = strip.page.locator(".lrp-pixels").first.evaluate(
        "(of) => [...of.getContext('2d').getImageData(5, 1, 1, 1).data]"
    )
    assert corner[0] == corner[1] == corner[2]
    strip.page.get_by_role("button", name="Previous input").click()
    expect(framing).to_be_hidden()


def test_a_person_chooses_the_window_of_a_picture_of_twelve_bits(strip):
    window = strip.page.locator(".lrp-framing")
    file = io.BytesIO()
    Image.fromarray(np.linspace(0, 4000, 64).astype(np.uint16).reshape(8, 8)).save(file, "PNG")
    strip.upload(**{"scan.png": file.getvalue()})
    expect(window.get_by_label("level")).to_have_value("2047.5")
    expect(window.get_by_label("width")).to_have_value("4095")
    expect(window.get_by_role("button", name="crop")).to_be_hidden()
    before = strip.page.evaluate(SEQUENCE)
    window.get_by_label("width").fill("10")
    window.get_by_label("width").press("Enter")
    strip.page.wait_for_function(f"{SEQUENCE} > {before}")
    read = "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 8, 8).data].filter((_, i) => i % 4 === 0)"
    assert set(strip.page.locator(".lrp-pixels").first.evaluate(read)) == {0, 255}
    window.get_by_role("button", name="as it comes").click()
    expect(window.get_by_label("width")).to_have_value("4095")


def test_uploads_are_removed_by_a_button_and_by_key(strip):
    strip.upload(**{f"{value}.png": png(value) for value in (20, 110, 200)})
    strip.settled(358)
    expect(strip.figure).to_contain_text("200.png")
    expect(strip.page.locator(".lrp-remove")).to_have_count(3)  # samples have none
    strip.tile(355).locator(".lrp-remove").click()
    expect(strip.tile(355)).to_have_count(0)
    expect(strip.page.locator(".lrp-count b")).to_have_text("357 pictures")
    expect(strip.figure).to_contain_text("200.png")  # what is looked at stays
    strip.tile(356).focus()
    strip.page.keyboard.press("Delete")
    expect(strip.tile(356)).to_have_count(0)
    expect(strip.tile(357)).to_be_focused()
    strip.page.keyboard.press("Delete")
    expect(strip.figure).to_contain_text("sample 354")
    expect(strip.tile(354)).to_be_focused()
    strip.page.keyboard.press("Delete")  # a sample stays
    strip.upload(**{"again.png": png(110)})
    expect(strip.figure).to_contain_text("again.png")
    strip.settled(356)
    strip.tile(356).locator("img[src]").evaluate("(image) => image.decode()")
    expect(strip.page.locator(".lrp-count b")).to_have_text("356 pictures")


def test_a_large_picture_travels_in_pieces(strip):
    noise = Image.frombytes("L", (3000, 3000), np.random.default_rng(0).bytes(9_000_000))
    file = io.BytesIO()
    noise.save(file, "PNG")
    assert file.tell() > 8 * 2**20
    strip.upload(**{"noise.png": file.getvalue()})
    expect(strip.figure).to_contain_text("noise.png")


def test_pictures_are_dropped_anywhere_on_the_page(strip):
    picture = strip.page.locator(".lrp-heatmap").element_handle()
    files = [["dropped.png", list(png(30))], ["also.png", list(png(60))]]
    strip.page.evaluate(DROP, [picture, "dragover", files])
    expect(strip.page.get_by_text("drop pictures here")).to_be_visible()
    strip.page.evaluate(DROP, [picture, "drop", files])
    expect(strip.page.get_by_text("drop pictures here")).to_have_count(0)
    expect(strip.figure).to_contain_text("also.png")
    strip.settled(357)


def test_a_picture_is_pasted(strip):
    strip.page.evaluate(PASTE, ["pasted.png", list(png(30))])
    expect(strip.figure).to_contain_text("pasted.png")


def test_without_a_camera_there_is_a_sentence(strip):
    strip.page.evaluate(
        """() => {
            navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("none", "NotFoundError"));
        }"""
    )
    strip.page.get_by_role("button", name="camera").click()
    expect(strip.page.get_by_role("dialog")).to_contain_text("There is no camera.")
    strip.page.get_by_role("button", name="close").click()
    expect(strip.page.get_by_role("dialog")).to_have_count(0)


def test_a_still_of_the_camera_is_looked_at_and_the_camera_let_go(strip):
    strip.page.evaluate(
        """() => {
            const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
            canvas.getContext("2d").fillRect(10, 10, 20, 20);
            const stream = (window.stream = canvas.captureStream(30));
            navigator.mediaDevices.getUserMedia = () => Promise.resolve(stream);
            setInterval(() => canvas.getContext("2d").fillRect(10, 10, 20, 20), 30);
        }"""
    )
    strip.page.get_by_role("button", name="camera").click()
    strip.page.get_by_role("button", name="take").click()
    expect(strip.figure).to_contain_text("camera ")
    assert strip.page.evaluate("stream.getTracks().map((track) => track.readyState)") == ["ended"]


def test_of_many_inputs_only_those_in_view_exist(long_strip):
    strip = long_strip
    expect(strip.page.locator(".lrp-count b")).to_have_text("20,000 pictures")
    row = strip.page.locator(".lrp-thumbnails")
    for share in (0.3, 0.7, 1):
        row.evaluate("(row, share) => (row.scrollLeft = share * row.scrollWidth)", share)
        strip.page.evaluate(NEXT_FRAME)
        assert 0 < strip.tiles.count() < 200
    tile = strip.tile(19_999)
    expect(tile).to_be_in_viewport(ratio=0.9)
    tile.locator("img[src]").evaluate("(image) => image.decode()")
    tile.click()
    expect(strip.figure).to_contain_text("noise 19999")
    expect(strip.chosen).to_have_attribute("data-index", "19999")
    assert strip.tiles.count() < 200


def test_many_classes_are_a_list_of_confusions_and_hostile_names_are_text(long_strip):
    strip = long_strip
    torch.manual_seed(0)
    inputs = torch.rand(20_000, 1, 8, 8)
    with torch.no_grad():
        model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 30))
        says = model(inputs).argmax(1).numpy()
    counts = confusion_matrix(np.arange(20_000) % 30, says, labels=range(30))
    np.fill_diagonal(counts, 0)
    panel = strip.panel("confusion")
    first = panel.locator("li").first
    truth, said = np.unravel_index(counts.argmax(), counts.shape)
    assert first.inner_text() == f"<b>class {truth}</b> → <b>class {said}</b> {counts.max()}"
    first.get_by_role("button").click()
    expect(strip.page.locator(".lrp-notes")).to_contain_text(f"{counts.max()} shown")
    strip.page.get_by_role("button", name="show all").click()
    assert strip.tile(1).get_attribute("title").startswith("<img src=x onerror='owned=1'>: the network says <b>class ")
    strip.panel("filter").get_by_role("searchbox").fill("<IMG")
    expect(strip.tiles).to_have_count(1)
    assert strip.page.evaluate("window.owned") is None


def test_without_samples_the_strip_asks_for_pictures(visit, served):
    make = "from dataclasses import replace\nsubject = replace(subjects.load('digits'), dataset=())"
    page = visit(served("none", make))
    strip = Strip(page)
    expect(page.get_by_text("There are no pictures yet")).to_be_visible()
    strip.upload(**{"first.png": png(90)})
    expect(strip.figure).to_contain_text("first.png")
    expect(strip.tiles).to_have_count(1)
