from __future__ import annotations

import numpy as np
import pytest

from lrpwidgets.widgets.explore.compare import Compare


def test_composites_targets_and_items_stand_beside_the_live_map(exploration):
    view = Compare(exploration, composites=["epsilon"], targets=[3], items=[0])
    assert [pin["composite"] for pin in view.pinned] == ["epsilon", *[exploration.composite.name] * 2]
    assert view.pinned[1]["class"] == "3"
    assert view.pinned[2]["name"] == exploration.name(0)
    assert [pin["follows"] for pin in view.pinned] == [True, True, False]
    expected = exploration.answer.explanation.retarget(3).relevance[0].sum(0).numpy()
    found = np.frombuffer(view.pin_maps[1], np.float32).reshape(view.size)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_what_was_pinned_before_gives_way(exploration):
    exploration.pin()
    assert len(Compare(exploration, targets=[1, 2]).pinned) == 2
    assert len(Compare(exploration, targets=[1]).pinned) == 1
    assert exploration.error == ""


@pytest.mark.parametrize("targets", [[], list(range(6))])
def test_too_few_or_too_many_are_refused_with_a_sentence(exploration, targets):
    with pytest.raises(ValueError, match=f"1 to 5 variations beside the live map, got {len(targets)}"):
        Compare(exploration, targets=targets)
    assert exploration.pins == ()


def test_an_unknown_composite_is_refused_with_a_sentence(exploration):
    with pytest.raises(ValueError, match="nonsense"):
        Compare(exploration, composites=["nonsense"])
