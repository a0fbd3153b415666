"""Explore on a model of transformers that sees a picture and reads a question, as a person uses it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytest.importorskip("transformers")

from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.modality import modality_of
from tests.browser.conftest import Server
from tests.browser.dashboard import Dashboard, opened
from tests.subjects import seeing


@pytest.fixture(scope="module")
def chatting() -> Subject:
    return seeing.subject()


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    return serve(subject=f"{seeing.__file__}:subject")


@pytest.fixture
def dashboard(visit: Callable[[str], Page], server: Server) -> Dashboard:
    return opened(visit(server.address))


def test_a_question_about_a_picture_is_typed_and_the_picture_is_one_word_among_the_added_ones(dashboard, chatting):
    page, modality = dashboard.page, modality_of(chatting)
    dashboard.look_at(1)
    added = page.locator(".lrp-word.lrp-added").filter(has_text="<image>")
    expect(added).to_have_count(1)
    expect(added).to_have_text("<image>×16")
    words = page.locator(".lrp-word[role=button]:not(.lrp-added)")
    expect(words).to_have_text([*seeing.QUESTIONS[1][:-1].split(), "?"])
    for level in ("token", "word"):
        page.get_by_role("button", name=level, exact=True).click()
        added.hover()
        expect(page.locator(".lrp-told").filter(has_text="<image>")).to_contain_text(
            "<image>×16 · positions 7–22, id 3 ·"
        )
    page.keyboard.press("e")
    field = page.get_by_label("Text to explain")
    expect(field).to_have_value(seeing.QUESTIONS[1])
    with dashboard.redrawn():
        field.fill("Is it dull?")
    expect(words).to_have_text(["Is", "it", "dull", "?"])
    typed = modality.typed(chatting, modality.sample(chatting, 1), "Is it dull?")
    scores = chatting.explainer().scores(typed.x)[0]
    top = page.locator(".lrp-classes button").first
    expect(top).to_contain_text(chatting.class_name(int(scores.argmax())))
    with dashboard.redrawn():
        words.nth(2).click()
    expect(page.locator(".lrp-text-said")).to_contain_text("without “dull”: f ")
    expect(dashboard.error).to_have_count(0)
