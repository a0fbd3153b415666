"""The state of the room Improve: what is to be forgotten, where, and what repairs did."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import torch

from lrpwidgets import dashboards, improve, subjects
from lrpwidgets.improve.proof import examine
from lrpwidgets.subjects import tagged_digits
from lrpwidgets.widgets.improve import RepairTable, Workshop, exports
from lrpwidgets.widgets.improve.bench import NONE
from lrpwidgets.widgets.improve.question import ImproveQuestion


def test_a_repair_mends_and_a_random_direction_does_not(workshop):
    before, mended, control = (workshop.outcomes[name, 0] for name in (NONE, "P-ClArC", "random direction"))
    assert before.examined.verdict.clever_hans
    assert not mended.examined.verdict.clever_hans
    assert control.examined.verdict.clever_hans
    assert mended.examined.verdict.after > 0.9 > before.examined.verdict.after
    assert not workshop.running
    assert workshop.error == ""


def test_figures_are_those_of_the_library(workshop, tagged, tag):
    direction = tag.direction(tagged, "pool2", seed=0)
    mended = improve.project(tagged, direction)
    known = direction.used | workshop.found[0].judged | set(improve.repairs.usable(tagged, 0).tolist())
    expected = examine(mended.explainer(), tagged, tag.artefact, 0, direction, 500, known)
    found = workshop.outcomes["P-ClArC", 0].examined
    assert found.verdict == expected.verdict
    for figure in ("clean", "poisoned", "shares"):
        np.testing.assert_array_equal(getattr(found, figure).numbers, getattr(expected, figure).numbers)
        np.testing.assert_allclose(getattr(found, figure).values, getattr(expected, figure).values)


def test_all_repairs_of_a_seed_are_examined_on_the_same_inputs_that_none_has_seen(workshop):
    each = [workshop.outcomes[name, 0] for name in (NONE, *workshop.repairs)]
    assert len({tuple(outcome.examined.clean.numbers) for outcome in each}) == 1
    assert each[1].cost == pytest.approx(each[1].examined.clean.mean - each[0].examined.clean.mean)


def test_an_innocent_model_is_repaired_too(workshop, mending, tagged):
    assert set(workshop.controls) == {"P-ClArC", "random direction"}
    assert abs(workshop.controls["P-ClArC"]) <= 0.03
    alone = Workshop(
        replace(tagged, innocent=None), None, workshop.concept, layer="pool2", repairs=("P-ClArC",), seeds=1
    )
    assert alone.controls == {"P-ClArC": None}
    alone.close()


def test_the_layer_that_gains_most_is_taken_if_none_is_asked_for(mending):
    workshop = mending(layer="", repairs=("P-ClArC",))
    assert [each.layer for each in workshop.found] == ["relu1", "relu2", "pool2", "relu3", "pool3"]
    assert workshop.bench.layer == improve.foremost(workshop.found).layer
    assert workshop.carrier.undone > 0.9


def test_what_the_layer_was_chosen_by_is_no_proof(mending):
    workshop = mending(layer="", repairs=("P-ClArC",))
    judged = workshop.found[0].judged
    examined = workshop.outcomes["P-ClArC", 0].examined
    assert judged
    assert not judged & {*examined.clean.numbers.tolist(), *examined.poisoned.numbers.tolist()}


def test_a_repair_that_cannot_be_made_says_why_and_the_others_come(tagged, tag):
    in_a_layer = replace(tag.artefact, plant=tag.artefact.plant)
    object.__setattr__(in_a_layer, "taken", lambda inputs, random: None)  # as of a direction: it is in no input
    concept = replace(tag, artefact=in_a_layer)
    repairs = ("P-ClArC", "A-ClArC in the input", "pruning")
    workshop = Workshop(tagged, None, concept, layer="pool2", repairs=repairs, seeds=1)
    assert workshop.error == ""
    assert set(workshop.obstacles) == {"A-ClArC in the input", "pruning"}
    assert "is in no input but in a layer" in workshop.obstacles["pruning"]
    assert ("P-ClArC", 0) in workshop.outcomes
    assert not workshop.running
    columns = {column["name"]: column for column in RepairTable(workshop).columns}
    assert columns["pruning"]["obstacle"] == workshop.obstacles["pruning"]
    assert columns["P-ClArC"]["obstacle"] == ""
    workshop.drop("pruning")
    assert set(workshop.obstacles) == {"A-ClArC in the input"}
    workshop.close()


def test_another_layer_is_repaired_without_looking_through_all_again(workshop):
    found = workshop.found
    workshop.ask(layer="relu2")
    assert workshop.found is found
    assert workshop.mended("P-ClArC").repair.settings["layer"] == "relu2"


def test_another_kind_of_direction_is_looked_for_at_every_layer(workshop):
    before = workshop.found
    workshop.ask(method="logistic")
    assert workshop.found is not before
    assert {each.direction.method for each in workshop.found} == {"logistic"}


def test_a_repair_more_leaves_the_others(workshop):
    before = workshop.outcomes["P-ClArC", 0]
    workshop.add("reactive P-ClArC")
    assert workshop.outcomes["P-ClArC", 0] is before
    assert ("reactive P-ClArC", 0) in workshop.outcomes
    workshop.drop("reactive P-ClArC")
    assert ("reactive P-ClArC", 0) not in workshop.outcomes


def test_a_trained_repair_and_a_pruned_one(mending):
    workshop = mending(repairs=("A-ClArC", "pruning"))
    trained = workshop.outcomes["A-ClArC", 0]
    assert trained.examined.verdict.turned < workshop.outcomes[NONE, 0].examined.verdict.turned / 2
    assert "stay as they are" in trained.said[0]
    assert workshop.outcomes["pruning", 0].examined.slopes is None or workshop.mended("pruning").repair.structure


def test_the_original_is_never_changed(mending, tagged):
    before = {name: each.clone() for name, each in tagged.model.state_dict().items()}
    mending(repairs=("P-ClArC", "A-ClArC", "RR-ClArC"))
    assert all(torch.equal(each, before[name]) for name, each in tagged.model.state_dict().items())
    assert not any(module._forward_hooks for module in tagged.model.modules())


def test_a_curve_of_pruning_is_made_when_it_is_asked_for(workshop):
    assert workshop.step is None
    workshop.prune("weight")
    steps = workshop.curves["weight"]
    assert [round(each.pruned.fraction, 1) for each in steps[:3]] == [0.0, 0.1, 0.2]
    assert steps[-1].pruned.parameters < steps[0].pruned.parameters / 10
    workshop.at = 3
    assert workshop.step is steps[3]
    with pytest.raises(ValueError, match="There is no criterion 'beauty'; there are relevance, weight"):
        workshop.prune("beauty")


def test_a_link_leads_back(workshop, mending):
    state = workshop.to_dict()
    assert state == {
        "subject": "tagged-digits",
        "layer": "pool2",
        "repairs": ["P-ClArC", "random direction"],
        "seeds": 1,
    }
    other = mending(seeds=2)
    other.restore(workshop.link())
    assert other.question == workshop.question


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"repairs": ["prayer"]}, "There is no repair 'prayer'; there are P-ClArC"),
        ({"seeds": 0}, "seeds must be a whole number from 1 to 20, got 0"),
        ({"method": "guess"}, "method must be one of 'signal', 'svm', 'logistic', got 'guess'"),
        ({"over": "pixels"}, "over must be one of '', 'units', 'channels', got 'pixels'"),
        ({"origin": {"where": 3}}, "origin must have parts among group, by, sign"),
        ({"colour": 3}, "A state has no part 'colour'"),
    ],
)
def test_what_cannot_be_asked_says_why(workshop, part, message):
    before = workshop.question
    with pytest.raises(ValueError, match=message):
        workshop.restore({"subject": "tagged-digits", **part})
    assert workshop.question == before


def test_a_layer_that_is_not_there_is_told_with_its_neighbours(mending):
    workshop = mending(layer="pool9")
    assert "there is no layer 'pool9'" in workshop.error.lower() or "'pool9' is no module" in workshop.error
    assert "pool3" in workshop.error


def test_figures_are_saved_as_a_table(workshop):
    rows = list(csv.DictReader(io.StringIO(exports.table(workshop))))
    assert [row["repair"] for row in rows] == ["none", "P-ClArC", "random direction"]
    verdict = workshop.outcomes["P-ClArC", 0].examined.verdict
    assert float(rows[1]["poisoned"]) == pytest.approx(verdict.after, abs=1e-5)


def test_it_finds_what_to_forget_by_itself_and_says_so_in_python(tmp_path, monkeypatch):
    monkeypatch.setattr("lrpwidgets.spray.kept.user_cache_path", lambda _: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    workshop = Workshop(subjects.load("tagged-digits", seed=2), repairs=("P-ClArC",), seeds=1)
    assert workshop.error == ""
    assert workshop.concept.convicted
    assert workshop.concept.label == tagged_digits.CLASS
    inside = workshop.subject.dataset.tagged[np.asarray(workshop.concept.with_artefact)]
    assert inside.mean() > 0.9
    space = {}
    exec(exports.code(workshop), space)
    outcome = workshop.outcomes["P-ClArC", 0]
    assert space["proof"].after.poisoned.value == pytest.approx(outcome.examined.verdict.after, abs=0.03)
    assert space["proof"].mends
    loaded = improve.load(subjects.load("tagged-digits", seed=2), tmp_path / "tagged-digits-P-ClArC.safetensors")
    x = workshop.subject.dataset.inputs[:8]
    torch.testing.assert_close(loaded.model(x), space["repaired"].model(x))
    again = Workshop(workshop.subject, repairs=("P-ClArC",), seeds=1, origin=dict(workshop.concept.origin))
    assert list(again.concept.with_artefact) == list(workshop.concept.with_artefact)
    for each in (workshop, again):
        each.close()


def test_a_search_that_was_ended_says_so_and_can_be_made_again(tagged, tmp_path, monkeypatch):
    monkeypatch.setattr("lrpwidgets.spray.kept.user_cache_path", lambda _: tmp_path / "cache")
    searched = []

    def nothing(subject, explainer, watch):
        searched.append(subject)
        yield from ()

    monkeypatch.setattr("lrpwidgets.widgets.improve.workshop.search", nothing)
    workshop = Workshop(tagged)
    assert (workshop.running, workshop.stopped) == (False, False)
    assert "No class has clusters that could be tested" in workshop.error
    workshop.running = True  # as while it looks
    workshop.cancel()
    assert (workshop.running, workshop.stopped) == (False, True)
    workshop.go_on()
    assert len(searched) == 2
    assert not workshop.stopped
    workshop.close()


def test_a_data_set_without_labels_is_refused_in_words(tagged):
    from lrpwidgets.subjects import TensorSamples

    class Nameless(TensorSamples):
        def __getitem__(self, index):
            return self.inputs[index], None

    inputs = tagged.dataset.inputs[:60]
    samples = Nameless(inputs, [None] * 60, [f"{i}" for i in range(60)])
    workshop = Workshop(replace(tagged, dataset=samples, innocent=None))
    assert "has no labels" in workshop.error
    workshop.close()


def test_the_dashboard_takes_a_concept(tagged, tag):
    page = dashboards.improve(tagged, concept=tag, question={"layer": "pool2", "repairs": ("P-ClArC",), "seeds": 1})
    assert page.shared.concept is tag
    page.close()
    with pytest.raises(ValueError, match="There is no repair 'hope'"):
        dashboards.improve(tagged, concept=tag, question={"repairs": ("hope",)})


def test_a_question_prints_what_is_not_at_its_default():
    assert ImproveQuestion(seeds=3).to_dict() == {"seeds": 3}
    assert ImproveQuestion.from_dict({"repairs": ["P-ClArC"]}).repairs == ("P-ClArC",)
