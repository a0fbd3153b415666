"""Whatever a person does in whatever order: no view stumbles, and what is shown is what was asked."""

from __future__ import annotations

import asyncio
import io
import random
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PIL import Image

from lrpwidgets.dashboards import explore
from lrpwidgets.lrp import rules
from lrpwidgets.widgets import RuleBoard

EARNED = [
    "There is room for 5 maps beside the live one; close one of them first.",
    r"'up\d+\.png' is no image that Pillow can read; .*",
    "This is no state file, or it is damaged.",
    r"This state is of the uploaded picture 'up\d+\.png', which is not here: .*",
    r"This state is of another picture 'up\d+\.png' than the one that is here: .*",
    r"The picture 'up\d+\.png' is not here any more: upload it again\.",
    r"Input \d+ is no upload that is here; samples of the subject stay\.",
    r"There is no input -?\d+; here are \d+, counted from 0.",
    r"target 10 is out of range: the model has 10 classes, 0 to 9.",
    r"The layer '\w+' has channels 0 to \d+, there is no \d+\.",
    "Gamma: gamma must be .*",
    r"\w+ has no 'gamma' to turn; it has .*",
    "This layer hands all to the winner and has no rule to change; choose another layer.",
    r"There is no rule '\w+' for this layer; choose .*",
    r"\w+: ZBox has bounds for 1 channels, but its input .* has \d+.*",
    "Nothing is explained yet; look at an input first.",
    "Cancelled: what you see is the answer before.",
]


def png(value):
    file = io.BytesIO()
    Image.new("L", (8, 8), value).save(file, "PNG")
    return file.getvalue()


def inside(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from inside(child)


class Person:
    """Somebody who tries everything; what may be wrong is wrong now and then."""

    def __init__(self, page, seed):
        self.shared, self.luck = page.shared, random.Random(seed)
        self.views = {type(view).__name__: view for view in inside(page)}
        self.files = []
        self.views["TopBar"].send = lambda message, buffers=None: self.files.append(message["text"])
        self.deeds = [name for name in vars(Person) if not name.startswith("_")]

    def _say(self, view, *buffers, **message):
        self.views[view]._handle_custom_msg(message, list(buffers))

    def _any(self, *choices):
        return self.luck.choice(choices)

    def _layer(self):
        answer = self.shared.answer
        return self._any(*(layer.name for layer in answer.whole.layers if layer.takes_rule)) if answer else "conv1"

    def _pin_number(self):
        return self.luck.randrange(max(len(self.shared.pins), 1))

    def pins(self):
        which = self._any({}, {"composite": "epsilon"}, {"second": True}, {"kept": True})
        self._say("HeatmapView", pin=which)

    def unpins(self):
        if self.shared.pins:
            self._say("HeatmapView", unpin=self._pin_number())

    def unpins_all(self):
        if self._any(True, False):
            self.shared.unpin_all()

    def lets_follow(self):
        if self.shared.pins and self.shared.answer:
            self._say("HeatmapView", number=self._pin_number(), follows=self._any(True, False))

    def saves(self):
        self._say("TopBar", want=self._any("state", "link"))

    def opens(self):
        if self.files:
            self._say("TopBar", restore=self._any(*self.files, "damaged"))

    def selects(self):
        self._say("InputStrip", item=self.luck.randrange(-1, self.shared.count + 1))

    def chooses_a_composite(self):
        self._say("QuestionBar", composite=self._any(*self.shared.presets()))

    def chooses_a_target(self):
        self._say("QuestionBar", target=self._any(None, *range(11)))

    def sets_against(self):
        self._say("ClassScores", than=self._any(None, *range(11)))

    def opens_a_layer(self):
        self._say("RuleBoard", open=self._layer())

    def looks_into_a_layer(self):
        self._say("ChannelMaps", layer=self._layer())

    def chooses_a_channel(self):
        self._say("ChannelMaps", channel=self.luck.randrange(20), add=self._any(True, False))

    def wants_those_only(self):
        self._say("ChannelMaps", only=self._any(True, False))

    def wants_the_whole_layer(self):
        self._say("QuestionBar", only=False)

    def changes_a_rule(self):
        self._say("RuleBoard", layer=self._layer(), rule=self._any(*rules.RULES))

    def turns_a_knob(self):
        value, drag = self._any(0.1, -1, float("nan"), 1e38, 3.0), self.luck.randrange(3)
        self._say("RuleBoard", layer=self._layer(), knob="gamma", value=value, drag=drag)

    def is_flat_from_here(self):
        self._say("RuleBoard", layer=self._layer(), down=True, rule="Flat")

    def takes_the_rule_back(self):
        self._say("RuleBoard", layer=self._layer(), reset=True)

    def undoes(self):
        self._say("RuleBoard", undo=True)

    def does_again(self):
        self._say("RuleBoard", redo=True)

    def uploads(self):
        content = self._any(png(self.luck.randrange(256)), png(self.luck.randrange(256)), b"no picture")
        self._say("InputStrip", content, name=f"up{self.luck.randrange(99)}.png", part=0, parts=1)

    def removes(self):
        self._say("InputStrip", remove=self.shared.count - self.luck.randrange(1, 4))

    def sees_the_whole_or_the_middle(self):
        self._say("InputStrip", fit=self._any(True, False))

    def chooses_a_window(self):
        self._say("InputStrip", window=self._any(None, [100, 50]))

    def paints(self):
        point = [8 * self.luck.random(), 8 * self.luck.random()]
        self._say("HeatmapView", strokes=[{"kind": "grey", "radius": 1.5, "points": [point]}])

    def cleans(self):
        self._say("HeatmapView", strokes=[])

    def cancels(self):
        self._say("StatusLine", cancel=True)


@pytest.fixture
def page():
    made = explore()
    yield made
    made.close()


def unearned(said):
    return [each for each in said if not any(re.fullmatch(pattern, each) for pattern in EARNED)]


def acts(page, seed, number) -> Iterator[tuple[str, list[str]]]:
    """Do `number` things; yields what was done, and what was said since the last."""
    person, said = Person(page, seed), []
    page.shared.observe(lambda change: said.append(change["new"]), "error")
    for _ in range(number):
        deed = person._any(*person.deeds)
        getattr(person, deed)()
        yield deed, [each for each in said if each]
        said.clear()


@pytest.mark.parametrize("seed", range(4))
def test_five_hundred_random_deeds_leave_what_was_asked_and_no_error_that_was_not_earned(page, seed):
    state = page.shared
    for deed, said in acts(page, seed, 500):
        assert unearned(said) == [], deed
        assert state.answer.question == state.question or not state.only, deed
        assert replace(state.answer.question, layer=None, channels=()) == replace(
            state.question, layer=None, channels=()
        ), deed
        assert len(state.pins) == len(state.pinned), deed
        for pin, held in zip(state.pins, state.pinned, strict=True):
            asked = pin if pin.item is not None else pin.of(state.question)
            assert held is None or held.question == asked, deed


def test_the_same_with_a_thread_that_answers_when_it_can():
    async def anything() -> None:
        page, luck = explore(), random.Random(0)
        try:
            for deed, said in acts(page, 9, 500):
                assert unearned(said) == [], deed
                assert len(page.shared.pins) == len(page.shared.pinned), deed
                await asyncio.sleep(luck.choice((0, 0, 0, 0.003, 0.02)))
        finally:
            page.close()

    asyncio.run(anything())


def test_what_was_saved_with_pins_is_opened_over_other_pins_as_a_whole(page):
    state, seen = page.shared, []
    state.pin()
    state.pin(replace(state.question, item=3))
    saved = state.to_dict()
    state.ask(item=5, target=2)
    state.unpin(0)
    state.observe(lambda change: seen.append(state.to_dict()), ["item", "target", "pins", "pinned"])
    state.restore(saved)
    assert seen
    assert all(each == saved for each in seen)
    assert [held is not None for held in state.pinned] == [True, True]
    assert state.error == ""


@pytest.mark.parametrize("count", [0, 1, 3])
def test_pins_that_are_set_as_they_are_get_their_answers(page, count):
    state = page.shared
    state.pin(state.question, state.question)
    state.pins = (replace(state.question, item=4),) * count
    assert [held.question.item for held in state.pinned] == [4] * count
    assert state.error == ""


def test_channels_of_one_layer_are_not_asked_of_the_next_that_is_opened(page):
    state = page.shared
    state.ask(layer="linear", channels=(7,), only=True)
    board = next(view for view in inside(page) if isinstance(view, RuleBoard))
    board.heard({"open": "conv1"}, [])
    assert (state.layer, state.channels, state.only, state.error) == ("conv1", (), False, "")


def test_a_pin_that_is_not_there_is_a_sentence(page):
    state = page.shared
    state.pin()
    for number in (-1, 1):
        with pytest.raises(ValueError, match=f"There is no map {number} beside the live one; there are 1, from 0 on"):
            state.unpin(number)
        with pytest.raises(ValueError, match=f"There is no map {number} beside"):
            state.repin(number, state.question)
    assert len(state.pins) == len(state.pinned) == 1


def test_a_question_with_a_part_of_the_wrong_type_changes_nothing(page):
    state = page.shared
    before = state.question
    with pytest.raises(Exception, match="target"):
        state.ask(item=3, target="nine")
    assert state.question == before


def test_a_negative_number_is_no_input(page):
    state = page.shared
    state.item = -1
    assert state.error == f"There is no input -1; here are {state.count}, counted from 0."
    assert state.item == state.subject.start
