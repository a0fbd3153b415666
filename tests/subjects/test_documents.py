"""Docstrings of the libraries that are installed."""

from __future__ import annotations

import re

import pytest
import torch

from lrpwidgets import subjects
from lrpwidgets.subjects import documents, train_documents
from lrpwidgets.subjects.texts import PADDING, padded

HEADS = re.compile(r"^(Args|Arguments|Keyword args|Keyword Arguments|Returns|Shape|Example|Examples):+\s*$", re.M)


@pytest.fixture(scope="module")
def subject():
    return subjects.load("documents")


def test_the_subject_is_whole(subject):
    assert subject.classes == documents.CLASSES
    assert set(subject.dataset.labels) == {0, 1, 2, 3}
    assert subject.item_name(0).startswith("numpy.")
    assert eval(subject.recipe, {"subjects": subjects}).dataset.texts == subject.dataset.texts
    assert all(documents.LEAST <= len(subject.item(index)[0]) <= documents.MOST for index in range(50))
    assert len(subject.tokenizer.known) == documents.WORDS


def test_no_docstring_is_in_both_parts(subject):
    texts, _, names = documents.part(held_out=False)
    assert not set(names) & set(subject.dataset.names)
    shared = set(texts) & set(subject.dataset.texts)
    assert len(shared) <= 0.01 * len(subject.dataset)  # that begin differently and are cut to the same are possible
    assert 0.15 < len(subject.dataset) / (len(texts) + len(subject.dataset)) < 0.25


@pytest.mark.parametrize("model", ["bag_of_words", "cnn"])
def test_the_library_is_told_of_docstrings_never_seen(model):
    network = subjects.load("documents", model=model).model
    assert train_documents.accuracy(network) > 0.85  # other versions have other docstrings


def test_relevance_of_a_bag_of_words_is_what_each_word_adds(subject):
    x = padded([subject.item(index)[0] for index in (0, 300)])
    explained = subject.explainer("epsilon").explain(x, 3)
    model = subject.model
    each = model.embedding(x.clamp_min(0)) @ model.classify.weight[3] * (x != PADDING) / (x != PADDING).sum(1, True)
    torch.testing.assert_close(explained.relevance, each, rtol=1e-3, atol=1e-5)


def test_the_network_goes_by_the_format(subject):
    """Clever Hans: torch's docstrings with numpydoc's headings are taken for another library's."""
    mine = [text for text, label in zip(subject.dataset.texts, subject.dataset.labels, strict=True) if label == 3]
    changed = [HEADS.sub(r"\1\n----------", text) for text in mine]
    both = [(a, b) for a, b in zip(mine, changed, strict=True) if a != b]
    right = [sum(_told(subject, text) == 3 for text in texts) for texts in zip(*both, strict=True)]
    assert right[0] - right[1] >= 0.08 * len(both)
    assert "-" in train_documents.telling(subject.model)["numpy"]


def _told(subject, text):
    with torch.no_grad():
        return int(subject.model(subject.tokenizer.encode(text).x[None]).argmax())


def test_what_is_no_network_is_told():
    with pytest.raises(ValueError, match="model must be one of bag_of_words, cnn"):
        subjects.load("documents", model="transformer")
