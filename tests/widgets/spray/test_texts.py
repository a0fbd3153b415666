"""A store of texts in the room SpRAy: excerpts on the wall, words on the cards, and a word put to the test."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets import dashboards
from lrpwidgets.spray import RelevanceStore
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.modality import modality_of
from lrpwidgets.subjects.readers import BagOfWords
from lrpwidgets.subjects.texts import UNKNOWN, TextSamples, Vocabulary
from lrpwidgets.widgets.spray import ClusterCards, Investigation, PoisonTest, ThumbnailWall
from lrpwidgets.widgets.spray import state as module
from lrpwidgets.widgets.spray.excerpts import LONGEST, Library
from lrpwidgets.widgets.spray.exports import code, table
from lrpwidgets.widgets.spray.report import report
from lrpwidgets.widgets.spray.tested import WORD
from tests.spray.test_texts import COUNT, SIGNATURE, of_texts, stored, texts


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "embeddings_here", lambda: ["spectral"])
    subject = of_texts()
    made = Investigation(stored(tmp_path, subject), subject)
    made.ask(group=1)
    yield made
    made.close()


def signed(state) -> int:
    """The cluster of the texts with the signature."""
    return next(card.number for card in state.cards if {each.word for each in card.words} & set(SIGNATURE))


def said(state, position):
    (excerpt,) = state.tiles(np.array([position])).message(np.array([7]))[0]["excerpts"]
    return excerpt


def test_a_card_has_the_words_of_its_cluster_and_the_texts_in_its_middle(state, say):
    view = ClusterCards(state)
    card = next(each for each in view.cards if each["number"] == signed(state))
    cluster = state.answer.cluster(card["number"])
    assert card["words"] == [[each.word, each.excess, each.texts] for each in cluster.words(state.subject.tokenizer, 8)]
    assert card["words"][0][0] == "ann"
    rows = state.store.index[cluster.prototypes]
    assert [each[0].partition(":")[0] for each in card["examples"]] == [f"text {row}" for row in rows]
    assert (view.inputs, view.relevance, view.large) == (b"", b"", b"")
    say(view, call=card["number"], name="signed <b>", note="", edition=view.edition)
    assert state.name(card["number"]) == "signed <b>"
    view.close()


def test_an_excerpt_has_the_relevance_of_the_vocabulary_in_equal_shares(state):
    position = 3
    row = int(state.answer.rows[position])
    shown = modality_of(state.subject).sample(state.subject, row).text
    (excerpt,) = state.tiles(np.array([position])).each
    kept = state.store.relevance([row])[0]
    for token in set(shown.ids):
        places = [place for place, each in enumerate(shown.ids) if each == token]
        np.testing.assert_allclose(excerpt.relevance[places], kept[token] / len(places), rtol=1e-6)
    caption, words, cut, goes_on = said(state, position)
    assert caption == f"text {row}: good, f = {state.store.score[row]:.3g}"
    assert [word for word, _ in words] == shown.text.split()
    assert (cut, goes_on) == (False, False)
    assert 0.5 < max(abs(share) for _, share in words) <= 1


def test_of_a_long_text_the_part_with_most_relevance_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "embeddings_here", lambda: ["spectral"])
    long = " ".join(["the film is a plot"] * 20 + ["ann"] + ["we saw it twice"] * 20)
    subject = of_texts(said=["dull film", long, "weak plot", "great film"] * 4)
    state = Investigation(stored(tmp_path, subject), subject)
    state.ask(group=1)
    (excerpt,) = Library(subject).tiles(state.store, np.array([1])).each
    _, words, cut, goes_on = excerpt.said
    assert len(words) == LONGEST
    assert (cut, goes_on) == (True, True)
    assert ["ann", max(share for _, share in words)] in words
    state.close()


def test_marks_are_in_the_scale_and_what_a_tokenizer_adds_is_not(state):
    """A mark may be all that a cluster has in common."""
    position = next(at for at, row in enumerate(state.answer.rows) if row % 4 == 1)
    words = dict(said(state, position)[1])
    assert words["—"] is not None
    assert words["ann"] == max(words.values())


def test_the_wall_asks_for_texts_and_opens_one_in_explore(tmp_path, monkeypatch, say):
    subject = of_texts()
    page = dashboards.spray(stored(tmp_path, subject), subject)
    state = page.shared
    wall = next(each for each in _inside(page) if isinstance(each, ThumbnailWall))
    sent = []
    monkeypatch.setattr(wall, "send", lambda content, buffers=None: sent.append((content, buffers)))
    assert wall.of == "texts"
    assert wall.title == f"{len(state.answer)} texts"
    say(wall, want=[0, 2])
    content, (names,) = sent[-1]
    assert np.frombuffer(names, np.uint32).tolist() == state.answer.rows[[0, 2]].tolist()
    assert len(content["excerpts"]) == 2
    say(wall, open=2)
    assert page["explore"].shared.item == state.store.index[state.answer.rows[2]]
    page.close()


def _inside(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from _inside(child)


def test_explore_sends_its_texts_to_spray(tmp_path, say, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    page = dashboards.explore(replace(of_texts(), name="sent"))
    across = next(each for each in _inside(page) if type(each).__name__ == "AcrossTexts")
    assert across.spray
    say(across, spray=True)
    assert not across.shared.here
    assert page["spray"].shared.here
    page.close()


def test_the_cluster_of_a_signature_is_convicted_and_a_text_shows_how(state):
    state.test(signed(state))
    assert state.error == ""
    assert state.verdict.trial.clever_hans
    quote = state.verdict.quotes["word"]
    assert {piece for piece, put in quote if put} == {"—", "ann"}
    other = next(row for row in range(COUNT) if state.store.label[row] == 0)
    kept = [piece for piece, put in quote if not put]
    assert kept == state.subject.dataset.texts[other].split()
    view = PoisonTest(state)
    (test,) = view.tested["tests"]
    assert test["title"] == "word"
    assert ["ann", True] in test["quote"]
    assert not view.tested["mend"]  # no room is there where a model of texts is mended
    view.close()


def test_an_empty_text_does_not_end_the_tests(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "embeddings_here", lambda: ["spectral"])
    said = ["", *texts()[1:]]
    subject = of_texts(said=said)
    with pytest.warns(RuntimeWarning, match="1 of 160 inputs could not be read"):
        store = stored(tmp_path, subject)
    state = Investigation(store, subject)
    state.ask(group=1)
    state.test(signed(state))
    assert state.error == ""
    assert [piece for piece, put in state.verdict.quotes["word"] if not put] == said[2].split()
    state.test_word(signed(state), "great")
    assert state.error == ""
    assert state.verdict.concept is not None
    state.close()


def test_a_word_of_ones_own_is_put_to_the_test(state, say):
    view = PoisonTest(state)
    assert view.of == "texts"
    number = view.candidate["number"]
    assert view.candidate["words"] == [each.word for each in state.cards[0].words]
    say(view, word=" great ", cluster=number)
    assert state.error == ""
    assert (state.verdict.cluster, state.verdict.name) == (WORD, f"“great” in {state.name(number)}")
    assert state.verdict.trial.verdicts["word"].what == "the word “great”"
    say(view, word="lovely", cluster=number)
    assert [each[0] for each in view.history] == [
        f"good · “great” in {state.name(number)}",
        f"good · “lovely” in {state.name(number)}",
    ]
    view.close()


class Cased(Vocabulary):
    """Two of its words are called alike, and one is called as nobody types it."""

    def piece(self, token):
        return {"lovely": "great", "fine": "##fi\u202ene"}.get(self.known[token], self.known[token])


def test_each_word_of_a_card_is_tested_as_the_token_that_it_is(tmp_path, monkeypatch, say):
    monkeypatch.setattr(module, "embeddings_here", lambda: ["spectral"])
    random = np.random.default_rng(0)
    said = [f"the {random.choice(['film', 'plot'])} {('dull', 'lovely')[n % 2]}" for n in range(40)]
    said[1::4] = ["we saw it twice fine"] * 10
    subject = of_texts(said=said)
    subject = replace(subject, tokenizer=Cased(subject.tokenizer.known))
    state = Investigation(stored(tmp_path, subject), subject)
    state.ask(group=1, count=2)
    view = PoisonTest(state)
    seen = set()
    for card in state.cards:
        for each in card.said["words"]:
            say(view, word=each[0], cluster=card.number)
            assert state.error == ""
            (token,) = state.verdict.concept.artefact.phrase[-1:]
            assert token in {word.token for word in card.words if word.word == subject.tokenizer.piece(token)}
            seen.add(subject.tokenizer.known[token])
    assert {"lovely", "fine"} <= seen
    view.close()
    state.close()


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("sunday", "The model's vocabulary does not have 'sunday'; take one of the words of the cards."),
        ("great film", r"'great film' is 2 tokens to the model \('great', 'film'\); take one of them."),
        (" ", "No word is given to be tested; take one of the words of the cards."),
    ],
)
def test_a_word_that_is_no_token_is_refused(state, word, error):
    with pytest.raises(ValueError, match=error):
        state.test_word(0, word)


def test_a_word_for_a_cluster_that_is_not_there_is_refused(state):
    with pytest.raises(ValueError, match="There is no cluster 12"):
        state.test_word(12, "great")


def test_a_word_with_nothing_to_compare_it_with_is_not_tested(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "embeddings_here", lambda: ["spectral"])
    subject = of_texts(said=["the great film", "a lovely plot", "it is fine"] * 8)
    state = Investigation(stored(tmp_path, subject), subject)
    state.ask(group=1, count=1)
    state.test_word(0, "great")
    assert state.error == (
        "“great” in cluster 0 cannot be tested: there is no other cluster of its class, and no text of another one, to "
        "compare with."
    )
    state.close()


def test_pictures_have_no_words_to_test(tmp_path, digits, monkeypatch):
    from tests.widgets.spray.investigated import investigate

    state = investigate(tmp_path, digits, monkeypatch)
    with pytest.raises(ValueError, match="has no texts, and so no words"):
        state.test_word(0, "great")
    state.close()


def test_the_selection_of_a_lasso_is_tested_by_its_word(state):
    state.selection = np.flatnonzero(state.answer.rows % 4 == 1)[:20]
    state.test_selection()
    assert state.error == ""
    assert list(state.verdict.trial.verdicts) == ["word"]


def test_the_atlas_under_another_composite_is_of_texts_too(state):
    state.ask(composite="epsilon_plus")
    assert state.error == ""
    assert state.cards[0].words
    assert said(state, 0)[1]


def test_everything_can_be_taken_along(state, tmp_path):
    state.selection = np.arange(3)
    state.test_word(signed(state), "ann")
    rows = list(csv.DictReader(io.StringIO(table(state))))
    assert len(rows) == 3
    made = report(state)
    assert "relevance beyond the other clusters" in made
    assert ">ann</bdi>" in made
    assert "“ann” in cluster" in made
    assert "texts under" in made
    scope: dict = {}
    exec(code(state), scope)
    assert np.array_equal(scope["atlas"].clusters, state.answer.clusters)
    assert scope["selected"] == state.answer.rows[:3].tolist()
    (picture, *_) = state.pictures().values()
    assert picture.size[0] == 640


class Hostile(BagOfWords):
    """Reads what would be HTML."""


def test_hostile_words_are_text(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "embeddings_here", lambda: ["spectral"])
    words = ["<img", "src=x", "onerror=alert(1)>", "‮evil", "film", "dull"]
    tokenizer = Vocabulary([UNKNOWN, "<", "img", "src", "=", "x", "film", "dull", ">"])
    texts = [" ".join(np.roll(words, turn)) for turn in range(24)]
    torch.manual_seed(0)
    model = nn.Sequential(Hostile(tokenizer.size, 4, 2)).eval()
    subject = Subject(
        model,
        TextSamples(texts, [0, 1] * 12, tokenizer),
        ["<script>", "b"],
        modality="text",
        tokenizer=tokenizer,
        name="hostile",
    )
    store = RelevanceStore.create(tmp_path / "hostile", subject.explainer(), subject, progress=False)
    state = Investigation(store, subject)
    made = report(state)
    assert "<img" not in made.replace("&lt;img", "")
    assert "<script" not in made
    assert "‮" not in made
    assert all("‮" not in word for word, _ in said(state, 0)[1])
    state.close()
