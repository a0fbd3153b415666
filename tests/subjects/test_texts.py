"""Texts in any form, for models of one's own."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from lrpwidgets.subjects import Subject, describe
from lrpwidgets.subjects.modality import modality_of
from lrpwidgets.subjects.texts import PADDING, UNKNOWN, Encoded, KnownTexts, TextSamples, Vocabulary
from lrpwidgets.subjects.texts.words import words

WORDS = [UNKNOWN, "the", "film", "is", "good", "bad", "not", "."]
GOOD, BAD = "The film is good.", "The film is not good."


class Mean(nn.Module):
    """Scores of each word, whose mean they are."""

    def __init__(self, classes=2, padded=True):
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.padded = nn.Embedding(len(WORDS), classes), padded

    def forward(self, tokens):
        if not self.padded:
            return self.embedding(tokens.clamp_min(0)).mean(1)
        there = (tokens != PADDING).unsqueeze(-1)
        return (self.embedding(tokens.clamp_min(0)) * there).sum(1) / there.sum(1)


@pytest.fixture
def tokenizer():
    return Vocabulary(WORDS)


FORMS = {
    "texts": ([GOOD, BAD], [None, None]),
    "one text": (GOOD, [None]),
    "two texts": ((GOOD, BAD), [None, None]),
    "pairs": ([(GOOD, 1), (BAD, 0)], [1, 0]),
    "two pairs": (((GOOD, 1), (BAD, 0)), [1, 0]),
    "lists": ([[GOOD, 1], [BAD, None]], [1, None]),
    "a pair": (([GOOD, BAD], [1, 0]), [1, 0]),
    "a pair with names": (([GOOD, BAD], ["yes", "no"]), [1, 0]),
    "a pair with a tensor": (([GOOD, BAD], torch.tensor([1, -1])), [1, None]),
    "names": ([(GOOD, "yes"), (BAD, "no")], [1, 0]),
    "dictionaries": ([{"sentence": GOOD, "label": 1}, {"sentence": BAD, "label": 0}], [1, 0]),
    "reviews": ([{"review": GOOD, "labels": "yes"}, {"review": BAD}], [1, None]),
    "columns": ({"text": [GOOD, BAD], "label": [1, 0]}, [1, 0]),
    "an array": (np.array([GOOD, BAD]), [None, None]),
    "a series": (pd.Series([GOOD, BAD], index=[7, 3]), [None, None]),
    "a column of pandas and labels": ((pd.Series([GOOD, BAD]), np.array([1, 0])), [1, 0]),
}


@pytest.mark.parametrize("form", FORMS)
def test_texts_come_in_many_forms(form, tokenizer):
    texts, labels = FORMS[form]
    subject = describe(Mean(), texts, tokenizer=tokenizer, classes=["no", "yes"])
    assert list(subject.dataset.texts) == [GOOD, BAD][: len(labels)]
    assert list(subject.dataset.labels) == labels
    assert (subject.modality, subject.classes, subject.title) == ("text", ["no", "yes"], "Mean")
    explained = subject.explainer().explain(subject.item(0)[0][None])
    torch.testing.assert_close(explained.relevance.sum(), explained.scores.max())


WRONG = {
    "number": ([GOOD, 3], TypeError, "Text 1 is of type int"),
    "none": ([(GOOD, 1), (None, 1)], TypeError, "Text 1 is of type NoneType"),
    "key": ([{"words": GOOD}], ValueError, "keys 'words'; one of text, sentence"),
    "splits": ({"train": [GOOD]}, TypeError, "dictionary with the keys 'train'"),
    "parts": ([(GOOD, 1, 2)], ValueError, "3 parts"),
    "counts": (([GOOD, BAD], [1]), ValueError, "2 texts and 1 labels"),
    "label": ([(GOOD, "maybe")], ValueError, "Text 0: its label 'maybe' is no name of a class"),
    "class": ([(GOOD, 2)], ValueError, "Text 0: its label is 2"),
    "stream": (iter([GOOD]), TypeError, "no length"),
    "empty": (["", " \n"], ValueError, "None of the first 2 texts can be used; text 0: There is no word"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_text_is_told(wrong, tokenizer):
    texts, error, message = WRONG[wrong]
    with pytest.raises(error, match=message):
        describe(Mean(), texts, tokenizer=tokenizer, classes=["no", "yes"])


def test_an_empty_text_among_others_is_told_when_it_is_asked_for(tokenizer):
    subject = describe(Mean(), ["", GOOD], tokenizer=tokenizer)
    assert subject.start == 1
    with pytest.raises(ValueError, match="no word"):
        subject.item(0)
    with pytest.raises(ValueError, match="no word"):
        modality_of(subject).opened(subject, b"  ", "mine")


def test_without_texts_they_come_from_outside(tokenizer):
    subject = describe(Mean(3), tokenizer=tokenizer, classes=["a", "b", "c"])
    assert len(subject.dataset) == 0
    shown, said = modality_of(subject).opened(subject, b"A good film.", "mine")
    assert subject.explainer().scores(shown.x).shape == (1, 3)
    assert "'A'" in said


def test_what_padding_does_to_a_model_is_told(tokenizer):
    assert not any("padding" in note for note in describe(Mean(), [GOOD], tokenizer=tokenizer).notes)
    notes = describe(Mean(padded=False), [GOOD], tokenizer=tokenizer).notes
    assert any("gives other scores" in note and "text by text" in note for note in notes)
    failing = nn.Sequential(nn.Embedding(len(WORDS), 2), nn.Flatten())
    notes = describe(failing, ["good"], tokenizer=tokenizer).notes
    assert any("fails" in note and "text by text" in note for note in notes)


def test_options_of_other_models_are_refused(tokenizer):
    with pytest.raises(ValueError, match="answer="):
        describe(Mean(), [GOOD], tokenizer=tokenizer, answer="It")
    with pytest.raises(ValueError, match="truncate="):
        describe(Mean(), [GOOD], tokenizer=tokenizer, truncate=True)
    with pytest.raises(ValueError, match="preprocessing="):
        describe(Mean(), [GOOD], tokenizer=tokenizer, preprocessing=str)
    with pytest.raises(TypeError, match="needs tokenizer="):
        describe(Mean(), [GOOD], modality="text")


def test_a_vocabulary_may_have_places_for_some_words_only():
    with pytest.raises(ValueError, match="5 words and marks, the model reads 4"):
        Vocabulary(WORDS, most=4).encode(GOOD)


def test_samples_have_a_label_and_a_truth_for_each_text(tokenizer):
    with pytest.raises(ValueError, match="1 texts and 0 labels"):
        TextSamples([GOOD], [], tokenizer)
    with pytest.raises(ValueError, match="1 texts and 0 truths"):
        KnownTexts([GOOD], [1], tokenizer)
    assert TextSamples([GOOD], [1], tokenizer, ["mine"]).names[0] == "mine"
    assert TextSamples([GOOD], [1], tokenizer).names[0] == GOOD


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It isn't 3.5, is it?", ["It", "isn't", "3.5", ",", "is", "it", "?"]),
        ("हिन्दी में है।", ["हिन्दी", "में", "है", "।"]),
        ("cafe\u0301 ok", ["cafe\u0301", "ok"]),
        ("می\u200cخواهم خوب", ["می\u200cخواهم", "خوب"]),
        ("שָׁלוֹם עולם", ["שָׁלוֹם", "עולם"]),
        ("東か\u3099い", ["東", "か\u3099", "い"]),
        ("good❤\ufe0ffilm", ["good", "❤\ufe0f", "film"]),
    ],
)
def test_signs_that_combine_belong_to_the_letter_before(text, expected):
    assert [text[start:end] for start, end in words(text)] == expected


class Attending(Mean):
    """The same of words that look at each other."""

    def forward(self, tokens):
        there = (tokens != PADDING).unsqueeze(-1)
        x = self.embedding(tokens.clamp_min(0)) * there
        weights = (x @ x.transpose(1, 2)).masked_fill(~there.transpose(1, 2), -torch.inf).softmax(-1)
        return (weights @ x * there).sum(1) / there.sum(1)


class Broken(nn.Module):
    def forward(self, tokens):
        raise RuntimeError("no")


@pytest.mark.parametrize(("kind", "sinks"), [(Mean, {4}), (Attending, {0, 4})])
def test_the_first_word_is_a_sink_under_attention_only(tokenizer, kind, sinks):
    model = kind()
    subject = describe(model, [GOOD, BAD], tokenizer=tokenizer)
    modality = modality_of(subject)
    shown = modality.sample(subject, 0)
    assert shown.text.sinks == sinks
    for other in (modality.typed(subject, shown, GOOD), modality.opened(subject, GOOD.encode(), "good.txt")[0]):
        assert other.text.sinks == sinks
    assert modality.changed(subject, shown, [1]).text.sinks == {each - (each > 0) for each in sinks}
    empty = Subject(kind(), TextSamples([], [], tokenizer), modality="text", tokenizer=tokenizer)
    assert modality.opened(empty, GOOD.encode(), "good.txt")[0].text.sinks == sinks


def test_a_model_is_asked_once_whether_it_has_attention(tokenizer):
    model = Mean()
    subject = describe(model, [GOOD, BAD], tokenizer=tokenizer)
    modality_of(subject).sample(subject, 0)
    asked = []
    model.register_forward_pre_hook(lambda *_: asked.append(1))
    for index in (0, 1):
        modality_of(subject).sample(subject, index)
    assert asked == []
    broken = Subject(Broken(), TextSamples([GOOD], [None], tokenizer), modality="text", tokenizer=tokenizer)
    assert modality_of(broken).sample(broken, 0).text.attended  # why it cannot run is told when it is to be explained


def test_a_first_text_that_cannot_be_read_does_not_decide_whether_there_is_attention(tokenizer):
    data = TextSamples(["", GOOD], [0, 1], tokenizer)
    subject = Subject(Mean(), data, modality="text", tokenizer=tokenizer)
    assert not modality_of(subject).sample(subject, 1).text.attended


def test_tokens_that_are_added_are_sinks_without_attention_too():
    encoded = Encoded("Good.", (0, 1, 2), ((0, 0), (0, 4), (4, 5)), ("[CLS]", "Good", "."), attended=False)
    assert encoded.sinks == {0, 2}
    assert Encoded("Good film", (0, 1), ((0, 4), (5, 9)), ("Good", "film")).sinks == {0}


@pytest.mark.parametrize("data", [[(torch.tensor([1, 2]), 0)], SimpleNamespace(texts=[GOOD])])
def test_data_without_texts_and_labels_is_told(tokenizer, data):
    subject = Subject(Mean(), data, modality="text", tokenizer=tokenizer, title="mine")
    with pytest.raises(ValueError, match="has no texts with labels; make it a"):
        modality_of(subject).sample(subject, 0)
