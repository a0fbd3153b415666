"""The state of the dashboard `explore` outlives the page: links, files, reloads, Python; and all of it by keys."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from lrpwidgets.colours import coloured
from lrpwidgets.lrp import Rather, rules
from lrpwidgets.lrp.selectors import Exactly
from tests.browser.dashboard import BEGIN, SEQUENCE, Dashboard, end_of_scale, opened

KERNEL = "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
SHOWN = ".lrp-question select, .lrp-question button, .lrp-heatmap figcaption, .lrp-second, .lrp-rules td select"
UNNAMED = """() => {
  const text = (ids) => ids.split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
  const labels = (node) => [...(node.labels ?? [])].map((label) => label.textContent).join(" ");
  const content = (node) => (node.matches("select, input") ? "" : node.textContent);
  const name = (node) => [node.getAttribute("aria-label"), text(node.getAttribute("aria-labelledby") ?? ""),
    node.title, node.alt, labels(node), content(node)].find((each) => each?.trim());
  const roles = ["button", "checkbox", "dialog", "group", "img", "listbox", "menu", "option", "progressbar", "radio",
    "slider", "tab", "treegrid"].map((role) => `[role=${role}]`).join();
  return [...document.querySelectorAll(`button, select, input, summary, a[href], [tabindex="0"], ${roles}`)]
    .filter((node) => node.checkVisibility() && !name(node)).map((node) => node.outerHTML.slice(0, 200));
}"""
TWICE = """() => {
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  return ids.filter((id, index) => ids.indexOf(id) !== index);
}"""


@pytest.fixture
def second(new_page) -> Callable[[str], Dashboard]:
    """Open an address in another tab."""

    def second(address: str) -> Dashboard:
        page = new_page()
        page.goto(address)
        return opened(page)

    return second


def press(dashboard: Dashboard, name: str) -> None:
    dashboard.page.get_by_role("button", name=name, exact=True).click()


def shared_link(dashboard: Dashboard) -> str:
    """What a click on "Share link" puts on the clipboard."""
    page = dashboard.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(dashboard, "Copy a link to this view")
    expect(page.locator(".lrp-note")).to_have_text("link copied")
    return str(page.evaluate("navigator.clipboard.readText()"))


def drawn_with(dashboard: Dashboard) -> dict[str, object]:
    return dict(json.loads(dashboard.page.locator(".lrp-heatmap").get_attribute("data-look")))


def said(dashboard: Dashboard) -> list[str]:
    """The sentence, the captions and the rules."""
    script = """(all) => all.filter((each) => each.checkVisibility())
      .map((each) => (each.matches("select") ? each.selectedOptions[0].text : each.textContent))"""
    return list(dashboard.page.locator(SHOWN).evaluate_all(script))


def is_like(one: Dashboard, other: Dashboard) -> None:
    np.testing.assert_array_equal(one.pixels(), other.pixels())
    np.testing.assert_array_equal(one.pixels(0), other.pixels(0))
    assert said(one) == said(other)
    assert drawn_with(one) == drawn_with(other)


def tools(dashboard: Dashboard) -> None:
    if dashboard.page.locator(".lrp-tools.lrp-more").is_hidden():
        dashboard.page.get_by_role("button", name="tools").click()


def click_together(dashboard: Dashboard) -> None:
    """Change the item, the class, what it is set against, the rule of one layer, and the look."""
    dashboard.look_at(5)
    dashboard.choose("Class to explain", "3")
    dashboard.choose("Rather than which class", "8")
    with dashboard.redrawn():
        dashboard.layer("conv2").locator("select").select_option("Gamma")
    dashboard.page.get_by_label("gain", exact=True).fill("0.5")
    tools(dashboard)
    dashboard.page.get_by_label("colours", exact=True).select_option(label="orange–purple")


def follows(page: Page, *words: str) -> None:
    """The address comes to hold these words."""
    page.wait_for_function("(words) => words.every((word) => location.search.includes(word))", arg=list(words))


# -- links ----------------------------------------------------------------------------------------------------------


def test_a_shared_link_shows_the_same_in_another_tab(dashboard, second, explain, subject):
    click_together(dashboard)
    link = shared_link(dashboard)
    other = second(link)
    expect(other.page.get_by_label("Class to explain")).to_have_value("3")
    is_like(dashboard, other)
    assert drawn_with(other)["map"] == "orange–purple"
    changed = explain(5, Rather(3, than=8)).switch(BEGIN.revised(Exactly("conv2"), rules.Gamma(), explain(5).layout))
    relevance = changed.relevance[0].sum(0).numpy()
    np.testing.assert_array_equal(map_of(other), relevance)


def test_a_pin_that_shows_its_difference_shows_it_in_another_tab(dashboard, second):
    for name in ("epsilon", "epsilon_alpha2_beta1"):
        dashboard.page.get_by_label("Pin another map").click()
        dashboard.page.locator(".lrp-list").get_by_role("button", name=name, exact=True).click()
    expect(dashboard.page.locator("figure[data-kind=pin][aria-busy=false]")).to_have_count(2)
    dashboard.page.get_by_role("button", name="difference").nth(1).click()
    other = second(shared_link(dashboard))
    expect(other.page.locator("figure[data-kind=pin][aria-busy=false]")).to_have_count(2)
    expect(other.page.locator("figcaption").nth(3)).to_contain_text("difference to")
    np.testing.assert_array_equal(dashboard.pixels(3), other.pixels(3))
    other.page.get_by_label("Close this map").first.click()
    expect(other.page.locator("figcaption")).to_have_count(3)
    expect(other.page.locator("figcaption").nth(2)).to_contain_text("difference to")


def test_a_link_opens_while_the_first_kernel_of_the_server_still_starts(serve, page, second):
    server = serve()
    query = urlencode({"subject": "digits", "item": 12, "target": 4, "composite": "epsilon_plus_flat"})
    page.goto(f"{server.address}?{query}")
    first = opened(page)
    expect(page.get_by_label("Class to explain")).to_have_value("4")
    warm = second(f"{server.address}?{query}")
    expect(warm.page.get_by_label("Class to explain")).to_have_value("4")
    is_like(first, warm)
    expect(page.get_by_label("Composite", exact=True)).to_have_value("epsilon_plus_flat")


def test_the_address_follows_and_a_reload_comes_back(dashboard):
    page = dashboard.page
    click_together(dashboard)
    follows(page, "item=5", "target=3", "than=8", "orange")
    before = dashboard.pixels(), said(dashboard), drawn_with(dashboard)
    page.reload()
    again = opened(page)
    expect(page.get_by_label("Rather than which class")).to_have_value("8")
    np.testing.assert_array_equal(again.pixels(), before[0])
    assert (said(again), drawn_with(again)) == before[1:]


def test_the_state_survives_its_kernel(dashboard, digits):
    page = dashboard.page
    dashboard.look_at(5)
    dashboard.choose("Class to explain", "3")
    follows(page, "item=5", "target=3")
    before = dashboard.pixels()
    digits.kernels()[page.evaluate(KERNEL)].kill()
    expect(page.locator("#lost")).to_be_visible(timeout=10_000)
    page.get_by_role("link", name="Open the page again").click()
    page.wait_for_function("document.readyState === 'complete'")
    expect(page.locator("#lost")).to_be_hidden()
    again = opened(page)
    expect(page.get_by_label("Class to explain")).to_have_value("3")
    np.testing.assert_array_equal(again.pixels(), before)
    again.still_works()


DAMAGED = {
    "item={": "The link is damaged: item='{' cannot be read",
    "subject=digits&item=99999": "This state is of input 99999, and the subject has 355, counted from 0.",
    "subject=imagenet&item=3": "This state is of the subject 'imagenet'; here is 'digits'",
    "subject=digits&item=3&layer=nowhere&channels=[1]&only=true": "nowhere",
    "subject=digits&item=3&target=10": "10",
    'subject=digits&item=3&look={"gain":-5}': "The gain of a look must be a number from 1 to 100, got -5",
}


@pytest.mark.parametrize("query", DAMAGED)
def test_a_damaged_link_is_one_sentence_and_the_default_view(look, digits, explain, query):
    dashboard = look(f"{digits.address}?{query}")
    expect(dashboard.error).to_have_count(1)
    expect(dashboard.error).to_contain_text(DAMAGED[query])
    dashboard.shows(explain())
    dashboard.still_works()


# -- files ----------------------------------------------------------------------------------------------------------


def test_a_saved_view_is_opened_in_a_fresh_tab(dashboard, second, digits, tmp_path):
    click_together(dashboard)
    with dashboard.page.expect_download() as download:
        press(dashboard, "Save this view as a file")
    assert download.value.suggested_filename == "lrpwidgets-digits.json"
    download.value.save_as(tmp_path / "view.json")
    other = second(digits.address)
    with other.redrawn():
        other.page.get_by_label("State file").set_input_files(tmp_path / "view.json")
    expect(other.page.get_by_label("Class to explain")).to_have_value("3")
    is_like(dashboard, other)


def picture(value: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8), value).save(file, "PNG")
    return file.getvalue()


def saved(dashboard: Dashboard, name: str, path: Path) -> Path:
    """Where a view of an upload is saved, with its picture or without."""
    press(dashboard, "Save this view as a file")
    asked = dashboard.page.get_by_role("dialog", name="Save this view as a file")
    expect(asked).to_contain_text("It is of what you uploaded: <b>grey</b>.png.")
    expect(asked).to_contain_text("(less than 0.1 MB; 20 MB at most)")
    with dashboard.page.expect_download() as download:
        asked.get_by_text(name, exact=True).click()
    expect(asked).to_be_hidden()
    download.value.save_as(path)
    return path


def test_a_view_of_an_upload_opens_anywhere_with_its_picture_and_else_once_that_is_uploaded(
    dashboard, second, digits, tmp_path
):
    with dashboard.redrawn():
        dashboard.upload("<b>grey</b>.png", picture(90))
    dashboard.choose("Class to explain", "4")
    whole = saved(dashboard, "with the picture", tmp_path / "whole.json")
    plain = saved(dashboard, "without", tmp_path / "plain.json")
    other = second(digits.address)
    with other.redrawn():
        other.page.get_by_label("State file").set_input_files(whole)
    expect(other.page.get_by_label("Class to explain")).to_have_value("4")
    is_like(dashboard, other)

    for state in (plain, shared_link(dashboard)):
        third = second(digits.address if state is plain else state)
        if state is plain:
            third.page.get_by_label("State file").set_input_files(plain)
        expect(third.error).to_contain_text("uploaded picture '<b>grey</b>.png', which is not here: upload")
        with third.redrawn():
            third.upload("wrong.png", picture(10))
        with third.redrawn():
            third.upload("grey (1).png", picture(90))
        expect(third.page.get_by_label("Class to explain")).to_have_value("4")
        expect(third.error).to_have_count(0)
        np.testing.assert_array_equal(dashboard.pixels(), third.pixels())


BROKEN = {"": "This is no state file", "hello": "This is no state file", '{"subject": "mine"}': "of the subject 'mine'"}


def test_a_broken_state_file_is_a_sentence(dashboard, explain):
    for content, words in BROKEN.items():
        file = {"name": "view.json", "mimeType": "application/json", "buffer": content.encode()}
        dashboard.page.get_by_label("State file").set_input_files(file)
        expect(dashboard.error).to_contain_text(words)
        dashboard.shows(explain())
    dashboard.still_works()


# -- Python ---------------------------------------------------------------------------------------------------------


def map_of(dashboard: Dashboard) -> np.ndarray:
    """The numbers that the page holds, (H, W)."""
    found = dashboard.page.evaluate(
        """async () => {
          const manager = await jupyterapp.widgetManagerPromise.promise;
          const models = await Promise.all(Object.values(manager._models));
          const model = models.find((each) => each.get("caption"));
          return { size: model.get("size"), bytes: [...new Uint8Array(model.get("relevance").buffer)] };
        }"""
    )
    return np.frombuffer(bytes(found["bytes"]), np.float32).reshape(found["size"])


def copied_python(dashboard: Dashboard) -> str:
    press(dashboard, "Copy Python code that computes this")
    listing = dashboard.page.get_by_role("dialog", name="Copy as Python")
    text = listing.locator("pre").inner_text()
    listing.get_by_role("button", name="close").click()
    expect(listing).to_be_hidden()
    return text


def paints(dashboard: Dashboard) -> None:
    tools(dashboard)
    press(dashboard, "paint grey")
    box = dashboard.page.locator(".lrp-frame").first.bounding_box()
    x, y, side = box["x"], box["y"], box["width"]
    mouse = dashboard.page.mouse
    with dashboard.redrawn():
        mouse.move(x + 0.3 * side, y + 0.3 * side)
        mouse.down()
        mouse.move(x + 0.6 * side, y + 0.7 * side, steps=5)
        mouse.up()
    expect(dashboard.page.get_by_role("button", name="clear paint")).to_be_visible()


def contrasts(dashboard: Dashboard) -> None:
    with dashboard.redrawn():
        dashboard.page.get_by_title("Explain why one class rather than another").click()


def chooses_a_channel(dashboard: Dashboard) -> None:
    dashboard.choose_channel("conv2")
    with dashboard.redrawn():
        dashboard.page.locator("[data-shortcut=c]").click()


def turns_a_family(dashboard: Dashboard) -> None:
    dashboard.choose("Composite", "epsilon_gamma_box")
    dashboard.turn("convolutions", -0.4)


def goes_down_from_a_layer(dashboard: Dashboard) -> None:
    dashboard.look_at(12)
    dashboard.choose("Composite", "epsilon_plus")
    with dashboard.redrawn():
        dashboard.layer("conv3").locator("select").select_option("Epsilon")
    with dashboard.redrawn():
        dashboard.layer("conv3").get_by_role("button", name="from here down").click()


STATES = (paints, contrasts, chooses_a_channel, turns_a_family, goes_down_from_a_layer)


def run(texts: list[str], folder: Path) -> list[np.ndarray]:
    """What `relevance` is after each of these texts, in a Python of their own."""
    (folder / "texts.json").write_text(json.dumps(texts))
    subprocess.run([sys.executable, "-c", RUN], cwd=folder, check=True)
    with np.load(folder / "relevance.npz") as found:
        return [found[name] for name in found]


RUN = """
import json, numpy
found = []
for text in json.load(open("texts.json")):
    names = {}
    exec(text, names)
    found.append(names["relevance"].numpy())
numpy.savez("relevance.npz", *found)
"""


def test_copied_python_computes_what_the_page_shows(dashboard, tmp_path):
    """Bit for bit, for states that a person clicks together one after the other."""
    seen = []
    for act in STATES:
        act(dashboard)
        while True:  # until the last of its answers is there
            text = copied_python(dashboard)
            shown, pixels = map_of(dashboard), dashboard.pixels()
            if copied_python(dashboard) == text:
                break
        seen.append((shown, pixels, text))
    for (shown, pixels, text), relevance in zip(seen, run([text for *_, text in seen], tmp_path), strict=True):
        np.testing.assert_array_equal(shown, relevance[0].sum(0), err_msg=text)
        np.testing.assert_allclose(pixels.astype(int), coloured(shown, end_of_scale(shown)), atol=1)
    assert len({pixels.tobytes() for _, pixels, _ in seen}) == len(STATES)


# -- keys -----------------------------------------------------------------------------------------------------------


def key(dashboard: Dashboard, name: str) -> None:
    with dashboard.redrawn():
        dashboard.page.keyboard.press(name)


def test_shortcuts_do_what_the_help_sheet_says(dashboard, explain, subject):
    page = dashboard.page
    key(dashboard, "j")
    dashboard.shows(explain(subject.start + 1))
    key(dashboard, "k")
    dashboard.shows(explain())

    order = np.argsort(-explain().scores[0].numpy(), kind="stable")
    best = page.locator(".lrp-classes button").first  # the scores are drawn after the map
    expect(best).to_have_attribute("aria-label", re.compile(f"^{subject.class_name(int(order[0]))}: "))
    for place in (*range(2, 8), 1):
        key(dashboard, str(place))
        dashboard.shows(explain(target=int(order[place - 1])))

    dashboard.choose("Composite", "epsilon_gamma_box")
    key(dashboard, "u")
    expect(page.get_by_label("Composite", exact=True)).to_have_value("epsilon_plus_flat")
    key(dashboard, "r")
    expect(page.get_by_label("Composite", exact=True)).to_have_value("epsilon_gamma_box")

    page.keyboard.press("p")
    expect(page.locator("figure[data-kind=pin]")).to_have_count(1)
    dashboard.choose_channel("conv2")
    key(dashboard, "c")
    expect(page.locator("[data-shortcut=c]")).to_have_attribute("aria-pressed", "true")
    key(dashboard, "c")
    expect(page.locator("[data-shortcut=c]")).to_have_attribute("aria-pressed", "false")

    page.keyboard.press("o")
    assert drawn_with(dashboard)["overlay"] == 0.5
    page.keyboard.press("o")
    page.get_by_label("gain", exact=True).fill("1")
    page.keyboard.press("g")
    page.keyboard.press("m")
    assert drawn_with(dashboard) | {"overlay": 0, "gain": 1, "map": "orange–purple"} == drawn_with(dashboard)

    page.keyboard.press("w")
    expect(page.get_by_label("Which inputs to show")).to_have_value("wrong")
    page.keyboard.press("/")
    expect(page.get_by_label("Search the classes")).to_be_focused()


def test_the_help_sheet_lists_every_shortcut(dashboard):
    page = dashboard.page
    page.wait_for_selector("[data-shortcut='7']", state="attached")  # the classes are listed
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys and words")
    listed = set(sheet.locator("kbd").all_inner_texts())
    assert listed >= set("fjkurpcdogmwy?/17") | {"Escape"}
    every = page.locator("[data-shortcut]").evaluate_all("(all) => all.map((each) => each.dataset.shortcut)")
    assert len(set(every) - set("23456")) == len(listed)
    assert all(page.locator("[data-shortcut]").evaluate_all("(all) => all.map((each) => each.title)"))
    for word in ("Σ R", "composite", "ε", "ledger"):
        expect(sheet.get_by_role("row", name=word).first).to_be_attached()
    before = page.evaluate(SEQUENCE)
    page.keyboard.press("j")  # a dialog is open: it has the keys
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    assert page.evaluate(SEQUENCE) == before


def test_a_page_that_is_presented_has_the_question_the_maps_and_the_scores_alone(dashboard, explain):
    page = dashboard.page
    shown = [".lrp-question", ".lrp-heatmap", ".lrp-classes"]
    hidden = [".lrp-strip", ".lrp-rules", ".lrp-inside", ".lrp-status", "nav"]
    page.keyboard.press("f")
    for part in hidden:
        expect(page.locator(part).first).to_be_hidden()
    for part in shown:
        expect(page.locator(part).first).to_be_in_viewport(ratio=1)
    dashboard.shows(explain())
    page.keyboard.press("f")
    for part in hidden:
        expect(page.locator(part).first).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1366, 768), (1440, 900), (1920, 1080)])
def test_the_map_stays_in_sight_whatever_is_scrolled_to(dashboard, width, height):
    page = dashboard.page
    page.set_viewport_size({"width": width, "height": height})
    for part in (".lrp-inside", ".lrp-rules tbody tr:last-child", ".lrp-classes"):
        page.locator(part).last.scroll_into_view_if_needed()
        expect(page.locator(part).last).to_be_in_viewport()
        for map_ in page.locator(".lrp-pixels").all():
            expect(map_).to_be_in_viewport(ratio=1)
    assert page.locator(".lrp-pixels").nth(1).bounding_box()["width"] >= 0.36 * height
    assert page.evaluate("document.scrollingElement.scrollHeight <= innerHeight")


def test_keys_typed_into_a_field_do_nothing_else(dashboard):
    page = dashboard.page
    before = page.evaluate(SEQUENCE)
    page.keyboard.press("/")
    page.keyboard.type("jkpcdw?1")
    expect(page.get_by_label("Search the classes")).to_have_value("jkpcdw?1")
    expect(page.get_by_text("No class has that in its name.")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_label("Rather than which class").focus()
    page.keyboard.type("pwd")
    expect(page.locator("figure[data-kind=pin]")).to_have_count(0)
    expect(page.get_by_label("Which inputs to show")).to_have_value("all")
    assert page.locator(".lrp-sheet[open]").count() == 0
    assert page.evaluate(SEQUENCE) == before
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there, as from the address bar."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    here = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    raise AssertionError(f"Tab does not reach {selector}; it is at {here}")


def test_everything_can_be_reached_and_changed_by_keys_alone(dashboard, explain, subject):
    page = dashboard.page
    page.evaluate("document.activeElement.blur()")
    tab_to(page, ".lrp-thumbnails button")
    page.keyboard.press("ArrowRight")
    key(dashboard, "Enter")
    item = subject.start + 1
    dashboard.shows(explain(item))

    tab_to(page, ".lrp-classes button")
    for _ in range(3):
        page.keyboard.press("Tab")
    key(dashboard, " ")
    order = np.argsort(-explain(item).scores[0].numpy(), kind="stable")
    dashboard.shows(explain(item, int(order[3])))

    tab_to(page, ".lrp-rules tbody .lrp-name")
    page.keyboard.press("ArrowDown")
    tab_to(page, "[aria-label='Rule for conv3']")
    key(dashboard, "G")  # a select goes on to what begins with that letter
    rule = page.get_by_label("Rule for conv3", exact=True)
    expect(rule).to_have_value("Gamma")
    changed = BEGIN.revised(Exactly("conv3"), rules.Gamma(), explain().layout)
    dashboard.shows(explain(item, int(order[3])).switch(changed))

    tab_to(page, "[aria-label='gamma for conv3']")  # it has a slider now
    slider = page.get_by_label("gamma for conv3", exact=True)
    before = dashboard.pixels()
    with dashboard.redrawn():
        for _ in range(20):
            page.keyboard.press("ArrowRight")
    expect(dashboard.page.locator(".lrp-light")).to_have_attribute("data-state", "ready")
    assert float(slider.input_value()) > -0.6
    assert (dashboard.pixels() != before).any()


# -- light and dark -------------------------------------------------------------------------------------------------


def paper(page: Page) -> tuple[int, ...]:
    """The colour behind the heatmap, as the style says it."""
    text = page.locator(".lrp-heatmap").evaluate("(node) => getComputedStyle(node).backgroundColor")
    return tuple(map(int, re.findall(r"\d+", text)[:3]))


def test_dark_is_remembered_and_nothing_is_the_colour_of_the_paper(dashboard, explain):
    page = dashboard.page
    dashboard.shows(explain())
    press(dashboard, "Light or dark")
    assert paper(page) == (29, 33, 37)
    dashboard.shows(explain(), paper=(29, 33, 37))
    page.reload()
    again = opened(page)
    assert paper(page) == (29, 33, 37)
    again.shows(explain(), paper=(29, 33, 37))
    page.keyboard.press("d")
    assert paper(page) == (255, 255, 255)
    again.shows(explain())


def test_a_first_visit_is_as_dark_as_the_visitor_likes_it(page, visit, digits, explain):
    page.emulate_media(color_scheme="dark")
    dashboard = opened(visit(digits.address))
    assert paper(page) == (29, 33, 37)
    dashboard.shows(explain(), paper=(29, 33, 37))


# -- apart ----------------------------------------------------------------------------------------------------------


def test_two_tabs_ask_different_questions(dashboard, second, digits, explain):
    other = second(digits.address)
    dashboard.look_at(5)
    other.choose("Class to explain", "9")
    dashboard.shows(explain(5))
    other.shows(explain(target=9))
    expect(dashboard.page.get_by_label("Class to explain")).to_have_value("")
    dashboard.choose("Class to explain", "3")
    dashboard.shows(explain(5, 3))
    other.shows(explain(target=9))


def test_every_control_has_a_name_and_no_id_is_given_twice(dashboard):
    page = dashboard.settled().page
    tools(dashboard)
    press(dashboard, "pin")
    expect(page.locator("figure[data-kind=pin][aria-busy=false]")).to_have_count(1)
    for opener in ("filter", "confusion"):
        page.locator(".lrp-strip button").filter(has_text=opener).click()
        assert page.evaluate(UNNAMED) == []
        page.keyboard.press("Escape")
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate(TWICE) == []
