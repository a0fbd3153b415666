"""Workshops to hang views on. There is no event loop in these tests, so every figure is there at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from lrpwidgets import subjects
from lrpwidgets.improve import Concept, Planted
from lrpwidgets.subjects import Subject, tagged_digits
from lrpwidgets.subjects.tags import TaggedSamples
from lrpwidgets.widgets.improve import Workshop

QUICK: dict[str, Any] = {"layer": "pool2", "repairs": ("P-ClArC", "random direction"), "seeds": 1}


def part(subject: Subject, count: int = 450) -> Subject:
    """The subject with some of its samples of every class."""
    samples = subject.dataset
    assert isinstance(samples, TaggedSamples)
    chosen = np.random.RandomState(0).permutation(len(samples))[:count]
    some = TaggedSamples(
        samples.inputs[chosen],
        [samples.labels[i] for i in chosen],
        [samples.names[i] for i in chosen],
        samples.tagged[chosen],
    )
    return replace(subject, dataset=some)


@pytest.fixture(scope="session")
def tagged() -> Subject:
    """Some of the digits of which many a 3 has a tag, and their innocent twin."""
    innocent = part(subjects.load("tagged-digits", seed=1, tagged=False))
    return replace(part(subjects.load("tagged-digits", seed=1)), innocent=lambda: innocent)


@pytest.fixture(scope="session")
def tag(tagged: Subject) -> Concept:
    """The tag, as one who knows it says it."""
    samples = tagged.dataset
    assert isinstance(samples, TaggedSamples)
    threes = np.equal(samples.labels, tagged_digits.CLASS)
    sides = [np.flatnonzero(threes & carries) for carries in (samples.tagged, ~samples.tagged)]
    return Concept("the tag", tagged_digits.CLASS, Planted(tagged_digits.with_tag, tagged_digits.CLASS), *sides)


@pytest.fixture
def mending(tagged: Subject, tag: Concept) -> Iterator[Callable[..., Workshop]]:
    """A workshop of that, with parts of its question."""
    made = []

    def mending(**question: Any) -> Workshop:
        torch.manual_seed(0)
        made.append(Workshop(tagged, None, tag, **{**QUICK, **question}))
        return made[-1]

    yield mending
    for each in made:
        each.close()


@pytest.fixture
def workshop(mending: Callable[..., Workshop]) -> Workshop:
    """One repair and one control, one seed."""
    return mending()
