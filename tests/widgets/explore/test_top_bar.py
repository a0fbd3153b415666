from __future__ import annotations

import json

import pytest

from lrpwidgets.lrp import Composite, rules
from lrpwidgets.widgets import TopBar


@pytest.fixture
def bar(exploration, monkeypatch):
    """A top bar that remembers what it sent."""
    bar = TopBar(exploration)
    bar.sent = []
    monkeypatch.setattr(bar, "send", lambda message, buffers=None: bar.sent.append(message))
    return bar


def test_it_names_the_subject(explore, moody):
    assert TopBar(explore(moody)).title == "moody"


def test_a_state_file_is_restored(exploration, say, bar):
    exploration.ask(item=12, target=4)
    say(bar, want="state")
    (message,) = bar.sent
    assert message["as"] == "state"
    exploration.ask(item=1, target=None)
    say(bar, restore=message["text"])
    assert (exploration.item, exploration.target, exploration.error) == (12, 4, "")


def test_a_link_is_restored_with_the_look_of_its_maps(exploration, say, bar):
    exploration.ask(item=12, target=4)
    say(bar, want="link")
    exploration.ask(item=1, target=None)
    say(bar, restore=f"?{bar.sent[0]['text']}&look=" + json.dumps({"gain": 3}))
    assert (exploration.item, exploration.target) == (12, 4)
    assert exploration.look == {"gain": 3}


@pytest.mark.parametrize("text", ["", "hello", "[1, 2]", "{", '"?"', "null", "[" * 100_000])
def test_a_damaged_state_file_is_a_sentence(exploration, say, bar, text):
    before = exploration.question
    say(bar, restore=text)
    assert exploration.error == "This is no state file, or it is damaged."
    assert exploration.question == before


def test_a_damaged_link_is_a_sentence(exploration, say, bar):
    say(bar, restore="?item={")
    assert exploration.error == "The link is damaged: item='{' cannot be read. Copy it again, as a whole."


def test_what_has_no_text_form_is_a_sentence(exploration, say, bar):
    exploration.composite = Composite([(lambda place: True, rules.ZPlus())], "mine")
    for want in ("code", "link", "state"):
        exploration.error = ""
        say(bar, want=want)
        assert "is a function and cannot be saved" in exploration.error
    assert bar.sent == []
