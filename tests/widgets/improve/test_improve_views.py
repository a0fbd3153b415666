"""Promises that every view of the room Improve keeps, and what each shows."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from safetensors.torch import load as loaded

from lrpwidgets.widgets.improve import (
    CarrierView,
    ForgetView,
    ImproveBar,
    ImproveStatus,
    Pareto,
    PruneView,
    RepairTable,
)
from tests.conftest import without_loop
from tests.widgets import promises

VIEWS = [CarrierView, ForgetView, ImproveBar, ImproveStatus, Pareto, PruneView, RepairTable]


@pytest.fixture(scope="module")
def module_workshop(tagged, tag):
    """One that no test of this file changes for others."""
    from lrpwidgets.widgets.improve import Workshop
    from tests.widgets.improve.conftest import QUICK

    with without_loop():
        made = Workshop(tagged, None, tag, **QUICK)
    yield made
    made.close()


@pytest.fixture
def workshop(module_workshop):
    question = module_workshop.question
    yield module_workshop
    module_workshop.chosen, module_workshop.error = "", ""
    assert module_workshop.question == question


@pytest.mark.parametrize("view", VIEWS)
def test_a_closed_view_leaves_no_observer_and_no_widget(workshop, view):
    promises.leaves_nothing(workshop, view)
    workshop.chosen = "P-ClArC"  # nobody is there to fail
    assert workshop.error == ""


@pytest.mark.parametrize("view", VIEWS)
def test_a_closed_view_can_be_forgotten(workshop, view):
    promises.can_be_forgotten(workshop, view)


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_that_missed_something_is_sent_everything(workshop, say, view):
    promises.is_sent_what_a_page_missed(workshop, view, say)


@pytest.mark.parametrize("view", VIEWS)
def test_views_carry_their_scripts_and_no_address_of_another_machine(view):
    promises.carries_its_script(view)


SENSELESS = [
    {}, {"unknown": 1}, {"seeds": 0}, {"seeds": "x"}, {"method": "x"}, {"over": "x"}, {"add": "nothing"}, {"add": 3},
    {"visit": "cellar"}, {"save": True}, {"concept": 9}, {"by": "beauty"}, {"at": "x"}, {"want": "x"}, {"restore": "x"},
]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_a_message_that_makes_no_sense_changes_nothing(workshop, say, view):
    made, before = view(workshop), workshop.question
    for message in SENSELESS:
        say(made, **message)
        assert workshop.question == before, message
    made.close()


def test_columns_have_the_figures_of_their_repairs_on_shared_axes(workshop):
    view = RepairTable(workshop)
    none, mended, _ = view.columns
    outcome = workshop.outcomes["P-ClArC", 0]
    assert mended["dots"]["poisoned"] == [outcome.examined.verdict.after]
    assert mended["dots"]["relevance"] == [pytest.approx(outcome.examined.shares.mean)]
    assert mended["turned"] == [outcome.examined.verdict.turned, outcome.examined.verdict.samples]
    for figure, (low, high) in view.axes.items():
        assert low <= min(none["dots"][figure] + mended["dots"][figure])
        assert high >= max(none["dots"][figure] + mended["dots"][figure])
    assert none["verdict"]["word"] == "Clever Hans"
    assert mended["verdict"]["word"] == "acquitted 1 of 1"
    assert view.columns[2]["verdict"] == {"word": "acquitted 0 of 1", "guilty": True, "note": "mends nothing"}
    assert none["control"] == ["never saw it"]
    assert re.fullmatch(r"[+−]\d\.\d points", mended["control"][0])


def test_maps_are_shares_on_one_scale(workshop):
    view = RepairTable(workshop)
    found = np.frombuffer(view.maps, np.float16).reshape(3, 2, *view.map_size).astype(float) * view.scale
    for column in view.columns:
        expected = workshop.outcomes[column["name"], 0].maps
        np.testing.assert_allclose(found[column["at"]], expected, atol=2e-3 * view.scale)
        np.testing.assert_allclose(np.abs(expected).sum((1, 2)), 1, rtol=1e-4)
    assert view.examples[1][0].endswith(", with it pasted")


def test_what_the_chosen_repair_did_is_a_sentence(workshop, say):
    view = RepairTable(workshop)
    assert view.said == ""
    say(view, choose="P-ClArC")
    assert re.fullmatch(
        r"P-ClArC: poisoned \d\d\.\d% → \d\d\.\d%, clean \d\d\.\d% → \d\d\.\d%, acquitted 1 of 1", view.said
    )
    assert [column["chosen"] for column in view.columns] == [False, True, False]


def test_the_chosen_model_is_saved_as_a_file(workshop, say, tagged):
    view, sent = RepairTable(workshop), []
    view.send = lambda message, buffers=None: sent.append((message, buffers))
    say(view, choose="P-ClArC")
    say(view, save=True)
    (message, (content,)) = sent[0]
    assert message == {"as": "model", "name": "tagged-digits-P-ClArC.safetensors"}
    found = loaded(content)
    assert torch.equal(found["conv1.weight"], tagged.model.conv1.weight)
    assert found["pool2.projection_direction"].norm() == pytest.approx(1, abs=1e-6)


def test_layers_have_what_projecting_undoes_and_both_sides(workshop):
    workshop_found = workshop.found
    view = CarrierView(workshop)
    assert [row["layer"] for row in view.rows] == [each.layer for each in workshop_found]
    if view.chosen.get("with"):
        assert sum(view.chosen["with"]) == pytest.approx(1)
        assert sum(view.chosen["without"]) == pytest.approx(1)


def test_both_ends_of_the_direction_are_shown_with_what_shows_it(tagged, tag):
    from lrpwidgets.widgets.improve import Workshop

    made = Workshop(tagged, None, tag, repairs=("P-ClArC",), seeds=1)
    view = CarrierView(made)
    pictures = np.frombuffer(view.pictures, np.uint8).reshape(8, *view.size, 3)
    maps = np.frombuffer(view.maps, np.float16).reshape(8, *view.map_size)
    corner = np.abs(maps[:4].astype(float))[:, -3:, :5].sum((1, 2)) / np.abs(maps[:4].astype(float)).sum((1, 2))
    assert (pictures[:4, -3:, :5, 0] > 200).any((1, 2)).all()  # with the tag
    assert corner.min() > 0.4
    view.close()
    made.close()


def test_what_is_to_be_forgotten_is_shown(workshop):
    view = ForgetView(workshop)
    assert (view.state["name"], view.state["class"]) == ("the tag", "3")
    pictures = np.frombuffer(view.pictures, np.uint8).reshape(-1, *view.size, 3)
    assert len(pictures) == 1 + 5
    maps = np.frombuffer(view.maps, np.float16).reshape(-1, *view.map_size)
    assert len(maps) == 1 + 5
    assert np.isfinite(maps).all()


def test_a_curve_can_be_dragged_along(workshop, say):
    view = PruneView(workshop)
    assert view.curves == {}
    say(view, by="random")
    assert [point[0] for point in view.curves["random"]][:2] == [0.0, pytest.approx(0.1, abs=0.02)]
    say(view, at=5)
    assert view.state["at"] == 5
    assert view.figures["step"]["parameters"] < view.figures["whole"]["parameters"]
    sent = []
    view.send = lambda message, buffers=None: sent.append((message, buffers))
    say(view, save=True)
    assert sent[0][0]["name"] == "tagged-digits-pruned-random-50.safetensors"


def test_repairs_are_points_with_their_seeds(workshop):
    view = Pareto(workshop)
    assert [name for name, _ in view.points] == ["as it is", "P-ClArC", "random direction"]
    outcome = workshop.outcomes["P-ClArC", 0].examined
    assert view.points[1][1] == [[pytest.approx(outcome.clean.mean), pytest.approx(outcome.verdict.after)]]
    assert view.axes[1] <= min(poisoned for _, seeds in view.points for _, poisoned in seeds)


def test_the_status_says_how_many_pictures_were_asked(workshop):
    view = ImproveStatus(workshop)
    asked = workshop.outcomes["", 0].examined.verdict.samples
    assert any(f"{asked} poisoned pictures each" in text for part in view.state["parts"] for text in part)
