"""The dashboard `explore` as a person uses it; its pictures are held against the backend's numbers."""

from __future__ import annotations

import io
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from lrpwidgets import subjects
from lrpwidgets.colours import GAMMA, coloured
from lrpwidgets.lrp import Explainer, Rather, rules
from tests.browser.dashboard import BEGIN, NEXT_FRAME, Dashboard, end_of_scale, with_gamma

SECONDS = 60

OVERLAPS = """() => {
  const things = [...document.querySelectorAll(
    `.lrp-page :is(button, select, input, h2, figcaption > *, .lrp-frame, .lrp-scale > *, .lrp-tile, .lrp-bar, .bqplot,
     .lrp-figures > *, .lrp-subject)`,
  )].filter((thing) => thing.checkVisibility({ opacityProperty: true }) && !thing.closest("[popover], dialog"))
    .filter((thing) => thing.getBoundingClientRect().width > 0);
  const boards = ".lrp-thumbnails, .lrp-board, .lrp-panes, .lrp-layers";  // scrolled out of sight is no overlap
  const found = [];
  things.forEach((one, index) => things.slice(index + 1).forEach((other) => {
    const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
    const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    const apart = one.closest(boards) !== other.closest(boards);
    const sticks = Boolean(one.closest(".lrp-status")) !== Boolean(other.closest(".lrp-status"));
    if (width > 1 && height > 1 && !one.contains(other) && !other.contains(one) && !apart && !sticks)
      found.push(`${one.outerHTML.slice(0, 200)} / ${other.outerHTML.slice(0, 200)}`);
  }));
  return found;
}"""
TOO_WIDE = """() => [...document.querySelectorAll("html, body, .lrp-page, .lrp-page *")].filter((each) => {
  if (each.closest(".lrp-thumbnails, .lrp-frame, .bqplot, svg, [popover]")) return false;
  const canScroll = ["auto", "scroll"].includes(getComputedStyle(each).overflowX);
  const { right } = each.getBoundingClientRect();
  return (canScroll && each.scrollWidth > each.clientWidth + 1) || right > window.innerWidth + 0.5;
}).map((each) => each.outerHTML.slice(0, 150))"""


@pytest.fixture(scope="module")
def photos(serve, shared_data):
    """SqueezeNet and photographs: the server and the same subject here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(shared_data / "torch_home"))
        folder = shared_data / "imagenet"
        server = serve(arch="squeezenet1_0", images=folder)
        yield server, subjects.from_folder(folder, arch="squeezenet1_0")


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def drawn_four() -> Image.Image:
    picture = Image.new("L", (120, 160), "white")
    draw = ImageDraw.Draw(picture)
    draw.line([(70, 15), (25, 95), (100, 95)], fill="black", width=14)
    draw.line([(75, 60), (75, 145)], fill="black", width=14)
    return picture


def on_grey(grey: np.ndarray, relevance: np.ndarray, scale: float) -> np.ndarray:
    """Relevance in its colours on a grey picture (H, W, 1) instead of white."""
    strength = (np.clip(np.abs(relevance) / scale, 0, 1) ** GAMMA)[..., None]
    hue = coloured(np.sign(relevance), 1).astype(float)
    return grey + (hue - grey) * strength


def figure(text: str) -> float:
    return float(text.replace("−", "-"))


def test_the_first_picture_is_the_backends_relevance_in_its_colours(dashboard, explain, subject):
    dashboard.shows(explain())
    picture = np.asarray(subject.to_image(subject.item(subject.start)[0]).convert("RGB"))
    np.testing.assert_array_equal(dashboard.pixels(0), picture)
    largest = end_of_scale(explain().relevance.numpy())
    low, high = dashboard.page.locator(".lrp-scale .lrp-number").all_inner_texts()
    assert (figure(low), figure(high)) == pytest.approx((-largest, largest), rel=5e-3)


def test_a_slider_changes_the_pixels_as_switching_does_in_python(dashboard, explain, subject):
    dashboard.choose("Composite", "epsilon_gamma_box")
    before = dashboard.pixels()
    for position in (0.5, -1.5):
        gamma = dashboard.turn("convolutions", position)
        dashboard.shows(explain().switch(with_gamma(subject).with_rule(1, rules.Gamma(gamma))))
        assert (dashboard.pixels() != before).any()
    text = dashboard.row("convolutions").locator("output").inner_text()
    assert figure(text.removeprefix("γ ")) == pytest.approx(gamma, rel=5e-3)


def test_a_slider_moves_by_keys_and_is_not_moved_back(dashboard, explain, subject):
    dashboard.choose("Composite", "epsilon_gamma_box")
    slider = dashboard.row("convolutions").locator("input")
    start = float(slider.input_value())
    with dashboard.redrawn():
        slider.focus()
        for _ in range(10):
            dashboard.page.keyboard.press("ArrowRight")
    moved = float(slider.input_value())
    assert moved == pytest.approx(start + 10 * 3 / 200, abs=1e-6)
    expected = explain().switch(with_gamma(subject).with_rule(1, rules.Gamma(float(f"{10**moved:.3g}"))))
    largest = end_of_scale(expected.relevance.numpy())
    expect(dashboard.page.locator(".lrp-scale .lrp-number").last).to_have_text(f"+{largest:.3g}")
    assert float(slider.input_value()) == moved
    dashboard.shows(expected)


def test_another_rule_and_its_knobs(dashboard, explain, subject):
    row = dashboard.row("convolutions")
    with dashboard.redrawn():
        row.locator("select").select_option("AlphaBeta")
    dashboard.shows(explain().switch(BEGIN.with_rule(1, rules.AlphaBeta())))
    expect(row.locator("output")).to_have_text("α 2")
    expect(row.locator("select")).to_have_class(re.compile("lrp-changed"))
    expect(dashboard.page.get_by_text("changed: reset")).to_be_visible()


def test_a_preset_replaces_all_rules(dashboard, explain, subject):
    dashboard.choose("Composite", "epsilon_gamma_box")
    dashboard.turn("convolutions", 0.5)
    dashboard.choose("Composite", "epsilon_plus_flat")
    dashboard.shows(explain().switch("epsilon_plus_flat"))
    expect(dashboard.page.get_by_text("changed: reset")).to_be_hidden()
    expect(dashboard.row("first layer").locator("select")).to_have_value("Flat")


def test_the_status_line_says_what_it_cost_and_what_was_lost(dashboard, explain, subject):
    status = dashboard.page.locator(".lrp-figures")
    explanation = explain()
    ledger = explanation.ledger
    expect(status).to_contain_text("Σ R")
    found = re.search(r"Σ R = (\S+) of f = (\S+)", status.inner_text())
    assert figure(found[1]) == pytest.approx(float(ledger.reached_input), rel=5e-3)
    assert figure(found[2]) == pytest.approx(float(ledger.explained), rel=5e-3)
    expect(status).to_contain_text("4 of 4 layers propagated again")
    expect(status).not_to_contain_text("forward kept")
    with dashboard.redrawn():
        dashboard.row("first layer").locator("select").select_option("WSquare")
    expect(status).to_contain_text("1 of 4 layers propagated again, forward kept")
    marked = dashboard.page.locator(".lrp-rules tr.lrp-again")
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text("first layer")
    dashboard.choose("Class to explain", "9")
    expect(status).to_contain_text("4 of 4 layers propagated again, forward kept")


def test_a_class_is_chosen_in_the_sentence_and_by_its_bar(dashboard, explain):
    dashboard.choose("Class to explain", "9")
    dashboard.shows(explain(target=9))
    expect(dashboard.page.locator("figcaption").nth(1)).to_contain_text("“9”")
    order = sorted(range(10), key=explain().scores[0].tolist().__getitem__, reverse=True)
    classes = dashboard.page.locator(".lrp-classes button")
    for position in (0, 3):
        with dashboard.redrawn():
            classes.nth(position).click()
        dashboard.shows(explain(target=order[position]))
        expect(dashboard.page.get_by_label("Class to explain")).to_have_value(str(order[position]))
    with dashboard.redrawn():
        dashboard.page.keyboard.press("2")  # the second best, by its place
    dashboard.shows(explain(target=order[1]))
    with dashboard.redrawn():
        dashboard.page.get_by_role("button", name="explain top").click()
    dashboard.shows(explain())


def test_a_class_is_set_against_another(dashboard, explain, subject):
    contrast = dashboard.page.get_by_title("Explain why one class rather than another")
    with dashboard.redrawn():
        contrast.click()  # against the second best
    order = sorted(range(10), key=explain().scores[0].tolist().__getitem__, reverse=True)
    dashboard.shows(explain(target=Rather(order[0], than=order[1])))
    expect(dashboard.page.locator("figcaption").nth(1)).to_contain_text(f"“{order[0]}” rather than “{order[1]}”")
    expect(contrast).to_have_attribute("aria-pressed", "true")
    with dashboard.redrawn():
        dashboard.page.locator(".lrp-classes button").nth(4).click()  # now it chooses what to set it against
    dashboard.shows(explain(target=Rather(order[0], than=order[4])))
    expect(dashboard.page.get_by_label("Rather than which class")).to_have_value(str(order[4]))
    dashboard.choose("Rather than which class", "")
    dashboard.shows(explain())


def test_a_class_is_found_by_its_name(photos, look, page):
    server, subject = photos
    dashboard = look(server.address)
    page.keyboard.press("/")
    page.keyboard.type("zebr")
    with dashboard.redrawn():
        page.keyboard.press("Enter")
    expect(page.get_by_label("Class to explain")).to_have_value(str(subject.classes.index("zebra")))


def test_a_thumbnail_is_looked_at_and_marked(dashboard, explain):
    for item in (5, 12):
        dashboard.look_at(item)
        dashboard.shows(explain(item))
        expect(dashboard.page.locator(f".lrp-thumbnails [data-index='{item}']")).to_have_attribute(
            "aria-selected", "true"
        )
        expect(dashboard.page.locator(".lrp-thumbnails [aria-selected=true]")).to_have_count(1)


def test_gain_overlay_and_zoom_need_no_kernel(page, look, digits, explain, subject):
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    dashboard = look(digits.address).settled()
    page.wait_for_function("document.body.dataset.kernel === 'idle'")
    page.wait_for_timeout(1500)  # the link of the first view is sent a second after it
    relevance = explain().relevance[0].sum(0).numpy()
    largest = end_of_scale(relevance)
    before, frames = dashboard.pixels(), len(sent)
    assert frames

    page.get_by_label("gain", exact=True).fill("1")
    np.testing.assert_allclose(dashboard.pixels().astype(int), coloured(relevance, largest / 10), atol=1)
    assert figure(page.locator(".lrp-scale .lrp-number").last.inner_text()) == pytest.approx(largest / 10, rel=5e-3)
    page.get_by_label("gain", exact=True).fill("0")
    np.testing.assert_array_equal(dashboard.pixels(), before)

    page.get_by_label("overlay", exact=True).fill("1")
    grey = dashboard.pixels(0).mean(-1, keepdims=True)
    np.testing.assert_allclose(dashboard.pixels(), on_grey(grey, relevance, largest), atol=1)
    page.get_by_label("overlay", exact=True).fill("0")

    page.get_by_label("Zoom in").click()
    assert "scale(1.5)" in dashboard.heatmap.get_attribute("style")
    page.get_by_label("Show the whole picture").click()
    assert "scale(1)" in dashboard.heatmap.get_attribute("style")
    page.evaluate(NEXT_FRAME)
    assert len(sent) == frames


def test_keys_zoom_and_move_both_pictures(dashboard):
    page = dashboard.page
    page.locator(".lrp-frame").first.focus()

    def transforms():
        return [
            page.locator(".lrp-pixels").nth(which).evaluate("(canvas) => canvas.style.transform") for which in (0, 1)
        ]

    page.keyboard.press("+")
    page.keyboard.press("+")
    one, other = transforms()
    assert one == other
    assert one.startswith("scale(2.25)")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    moved = transforms()[0]
    assert moved != one
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowUp")
    assert transforms()[0] == "scale(2.25) translate(0%, 0%)"  # never beyond the edge
    page.keyboard.press("-")
    assert transforms()[0].startswith("scale(1.5)")
    page.keyboard.press("0")
    assert transforms() == ["scale(1) translate(0%, 0%)"] * 2


def test_a_picture_from_outside_is_explained(dashboard, subject):
    picture = drawn_four()
    with dashboard.redrawn():
        dashboard.upload("four.png", png(picture))
    x = subject.from_image(picture.convert("RGB"))[None]
    dashboard.shows(Explainer(subject.model, BEGIN).explain(x))
    expect(dashboard.page.locator("figcaption").first).to_contain_text("four.png")
    expect(dashboard.page.locator(".lrp-thumbnails [aria-selected=true]")).to_have_attribute("data-index", "355")
    dashboard.still_works()


def test_bad_files_are_sentences_and_the_dashboard_goes_on(dashboard, explain):
    jpeg = io.BytesIO()
    Image.effect_noise((400, 300), 90).save(jpeg, "JPEG")
    bad = {
        "notes.txt": (b"not a picture", "is no image that Pillow can read"),
        "empty.png": (b"", "is no image that Pillow can read"),
        "half.jpg": (jpeg.getvalue()[:2000], "is damaged or truncated"),
        "bomb.png": (png(Image.new("1", (10_000, 6_000))), "is too large (10000 × 6000 pixels"),
    }
    for name, (content, words) in bad.items():
        dashboard.upload(name, content)
        expect(dashboard.error).to_contain_text(words)
        expect(dashboard.error).to_contain_text(f"'{name}'")
        dashboard.shows(explain())
        expect(dashboard.page.locator(".lrp-thumbnails [aria-selected=true]")).to_have_count(1)
    dashboard.still_works()


def test_a_large_file_travels_in_pieces(dashboard, subject):
    noise = Image.frombytes("L", (3000, 3000), np.random.default_rng(0).bytes(9_000_000))
    content = png(noise)
    assert len(content) > 8 * 2**20
    with dashboard.redrawn():
        dashboard.upload("noise.png", content)
    x = subject.from_image(noise.convert("RGB"))[None]
    dashboard.shows(Explainer(subject.model, BEGIN).explain(x))


def fits(dashboard: Dashboard) -> None:
    page = dashboard.page
    for width, height in ((1024, 768), (1280, 800), (1440, 900), (1920, 1080), (2560, 1440)):
        page.set_viewport_size({"width": width, "height": height})
        page.mouse.wheel(0, -5000)
        expect(dashboard.heatmap).to_be_in_viewport(ratio=0.9)
        assert page.evaluate(OVERLAPS) == [], width
        assert page.evaluate(TOO_WIDE) == [], width
        assert page.evaluate("document.scrollingElement.scrollWidth <= document.scrollingElement.clientWidth")
        rule = page.locator(".lrp-rules tbody tr:visible select").last
        rule.scroll_into_view_if_needed()
        rule.click(trial=True)  # the status line does not cover it for good


def test_digits_fit_into_small_and_large_windows(dashboard):
    fits(dashboard.settled())


def test_photographs_are_explained_and_fit(look, photos):
    server, subject = photos

    def explained(item):
        x, label = subject.item(item)
        return label, Explainer(subject.model, BEGIN).explain(x[None])

    dashboard = look(server.address).settled()
    explanation = next(made for label, made in map(explained, range(8)) if made.top_class == label)  # one read right
    dashboard.shows(explanation)
    dashboard.choose("Composite", "epsilon_gamma_box")
    gamma = dashboard.turn("convolutions", 0.25)
    composite = with_gamma(subject).with_rule(1, rules.Gamma(gamma))
    dashboard.shows(explanation.switch(composite))
    dashboard.choose("Class to explain", "8")
    dashboard.shows(explanation.switch(composite).retarget(8))
    expect(dashboard.page.locator(".lrp-classes .lrp-chosen")).to_contain_text(subject.class_name(8))
    fits(dashboard)


HOSTILE = """
import torch
from torch import nn
from lrpwidgets import dashboards
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples

class Model(nn.Sequential):
    def forward(self, x):
        if bool((x == 0).flatten(1).all(1).any()):  # also among others
            raise RuntimeError("no light <img src=x onerror='owned=5'> here")
        return super().forward(x)

torch.manual_seed(0)
inputs = torch.rand(3, 1, 6, 6)
inputs[1] = 0
names = ["<img src=x onerror='owned=1'>.png", "dark.png", "<script>owned=2</script>"]
classes = ["<script>owned=3</script>", "<img src=x onerror='owned=4'>"]
model = Model(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2)).eval()
dashboards.explore(Subject(
    model,
    TensorSamples(inputs, [0, 1, 0], names),
    classes,
    bounds=((0.0,), (1.0,)),
    title="<b>own</b> & <i>ed</i>",
))
"""


@pytest.fixture
def hostile(serve, look, tmp_path: Path) -> Dashboard:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(HOSTILE)])
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    nbformat.write(notebook, tmp_path / "hostile.ipynb")
    return look(serve(tmp_path / "hostile.ipynb").address)


def test_hostile_names_are_text_and_a_model_that_raises_is_a_sentence(hostile):
    page = hostile.settled().page
    title = hostile.page.locator(".lrp-subject")
    expect(title).to_have_text("<b>own</b> & <i>ed</i>")
    expect(page.locator("figcaption").first).to_contain_text("<img src=x onerror='owned=1'>.png")
    for name in ("<script>owned=3</script>", "<img src=x onerror='owned=4'>"):
        expect(page.locator("option").filter(has_text=name)).not_to_have_count(0)
    for number in ("0", "1"):
        hostile.choose("Class to explain", number)
    expect(page.locator("figcaption").nth(1)).to_contain_text("“<img src=x onerror='owned=4'>”")
    thumbnails = page.locator(".lrp-thumbnails button")
    expect(thumbnails.nth(1)).to_have_text("unreadable")
    thumbnails.nth(1).click()
    expect(hostile.error).to_contain_text("no light <img src=x onerror='owned=5'> here")
    expect(thumbnails.first).to_have_attribute("aria-selected", "true")
    hostile.still_works()
    with hostile.redrawn():
        thumbnails.nth(2).click()
    expect(page.locator("figcaption").first).to_contain_text("<script>owned=2</script>")
    assert page.evaluate("window.owned") is None
    assert page.locator(".lrp-page :is(script, iframe, img:not(.lrp-thumbnails img))").count() == 0


def test_closing_the_tab_ends_the_kernel_and_its_worker(dashboard, digits):
    page = dashboard.page
    kernel = page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
    process = digits.kernels()[kernel]
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    process.wait(SECONDS)
