"""What the scripts of texts compute, without a page: as Python does it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lrpwidgets.colours import coloured
from lrpwidgets.subjects.texts import cells
from lrpwidgets.subjects.texts.levels import LEVELS, items, limit
from lrpwidgets.subjects.texts.printing import ink_on
from lrpwidgets.widgets.explore.look import Look
from lrpwidgets.widgets.texts.token_view import layout
from tests.widgets.scripts import node
from tests.widgets.texts.toy import make

PROGRAM = """((items) => ({
  cells: given.levels.map((level) => [true, false].map((sinks) => m.cellsOf(items, given.values, level, sinks))),
  limits: given.levels.map((level) => m.limitsOf([m.cellsOf(items, given.values, level, true)], [0])[0]),
  held: m.heldBySinks(items, given.values),
  blocks: m.blocksOf(m.itemsOf(given.long)),
  steps: given.steps.map(([key, at]) => m.stepTo(key, at, 5)),
  margins: given.margins.map(([wides, step]) => m.marginOf(wides.map((wide) => ({ name: "", wide })), step)),
  looks: given.looks.map((look) => m.lookOf(look)),
  inks: given.papers.map((paper) => given.inks.map((ink) => [...m.inkOn(paper, ink)])),
}))(m.itemsOf(given.layout))"""

PAPERS, INKS = [(255, 255, 255), (29, 33, 37)], [(28, 33, 38), (233, 231, 226)]
LOOKS = [
    (Look().to_dict(), ["word", True]),
    (Look(level="sentence", sinks=False).to_dict(), ["sentence", False]),
    ({"level": "letter", "sinks": "no"}, ["word", True]),
]
STEPS = [("ArrowLeft", 0), ("ArrowRight", 3), ("End", 1), ("Home", 5), ("x", 2)]


@pytest.fixture(scope="module")
def text():
    read = make().tokenizer.encode("A clumsy start, but warm.\nThe ending is bad, and never funny!")
    row = {"ids": read.ids + (0,) * 5, "spans": read.spans + ((0, 0),) * 5, "pieces": read.pieces + ("[CLS]",) * 5}
    return replace(read, **row)  # and a token that is added five times


@pytest.fixture(scope="module")
def values(text):
    return np.random.default_rng(0).normal(size=len(text)).astype(np.float32).tolist()


@pytest.fixture(scope="module")
def papers():
    """Colours that cells have, in the light and in the dark."""
    amounts = np.linspace(-1, 1, 101)
    return [each for paper in PAPERS for each in coloured(amounts, 1, paper=paper).tolist()]


@pytest.fixture(scope="module")
def said(text, values, papers):
    subject = make()
    long = subject.tokenizer.encode(subject.dataset.texts[-1])
    given = {"layout": layout(text), "long": layout(long), "values": values, "levels": LEVELS}
    given |= {"papers": papers, "inks": INKS, "steps": STEPS, "looks": [*(look for look, _ in LOOKS), None]}
    given |= {"margins": [[[20, 20], 14], [[5, 5], 30], [[10, 82], 14], [[], 14]]}
    parts = ("token_view/cells", "token_view/look", "token_view/sentence", "token_trace/sheet")
    scripts = ["base/contrast.js", *(f"texts/{part}.js" for part in parts)]
    return node(PROGRAM, *scripts, given=given)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("sinks", [True, False])
def test_cells_are_those_that_are_printed(said, text, values, level, sinks):
    expected = [(each.relevance, each.sink) for each in cells(text, values, level, sinks=sinks)]
    found = said["cells"][LEVELS.index(level)][not sinks]
    flat = [cell for parts in found for cell in parts]
    if level == "sentence":  # one cell for all of its words
        firsts = [at for at, item in enumerate(items(text)) if at < 2 or item.sentence != items(text)[at - 1].sentence]
        flat = [flat[at] for at in firsts]
    assert [each["sunk"] for each in flat] == [sink for _, sink in expected]
    np.testing.assert_allclose([each["amount"] for each in flat], [amount for amount, _ in expected], rtol=1e-6)
    if sinks:
        end = limit(cells(text, values, level))
        assert said["limits"][LEVELS.index(level)] == pytest.approx(end)


def test_sinks_hold_what_first_token_and_marks_have(said, text, values):
    assert said["held"] == pytest.approx(sum(values[place] for place in text.sinks))


def test_blocks_have_all_items_in_their_order_and_are_small(said):
    blocks = [[at for run in block for at in run] for block in said["blocks"]]
    flat = [at for block in blocks for at in block]
    assert flat == list(range(len(flat)))
    assert len(flat) == 4001
    assert max(map(len, blocks)) <= 60


def test_names_have_room_left_of_the_first_column(said):
    slanted = [(wide + 9) / 2**0.5 for wide in (20, 82)]
    assert said["margins"] == [np.ceil(slanted[0] - 7 - 4), 0, np.ceil(slanted[1] - 21 - 4), 0]


def test_arrows_stay_in_the_text(said):
    assert said["steps"] == [0, 4, 4, 0, None]


def test_a_look_of_python_is_taken_as_it_is_and_nonsense_is_not(said):
    found = [[each["level"], each["sinks"]] for each in said["looks"]]
    assert found == [*(expected for _, expected in LOOKS), ["word", True]]


def contrast(one, other):
    def light(colour):
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(colour) / 255]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    high, low = sorted([light(one), light(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_words_can_be_read_on_every_colour(said, papers):
    for paper, inks in zip(papers, said["inks"], strict=True):
        for ink in inks:
            assert contrast(paper, ink) >= 4.5
        assert contrast(paper, ink_on(paper)) >= 4.5
