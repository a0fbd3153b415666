from __future__ import annotations

import csv
import gc
import html
import io
import subprocess
import sys
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets import dashboards, subjects
from lrpwidgets.lrp import Explainer, TwoClasses
from lrpwidgets.spray import RelevanceStore
from lrpwidgets.spray.annotations import read_annotations
from lrpwidgets.spray.placeless import TESTS
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets.spray import AtlasBar, AtlasQuestion, EigenvalueChart, Investigation, SprayBar, SprayStatus
from lrpwidgets.widgets.spray.exports import COLUMNS, code, table
from lrpwidgets.widgets.spray.report import report


@pytest.fixture(scope="module")
def store_path(tmp_path_factory):
    subject = subjects.load("digits")
    path = tmp_path_factory.mktemp("stores") / "digits"
    explainer = Explainer(subject.model, "epsilon_plus_flat")
    RelevanceStore.create(path, explainer, subject, progress=False)
    return path


@pytest.fixture
def state(digits, store_path):
    state = Investigation(RelevanceStore.open(store_path), digits)
    state.embedding = "spectral"
    yield state
    assert state.error == ""
    state.store.write_notes({})
    state.close()


def test_it_begins_with_the_most_separable_class(state):
    assert len(state.ranks) == 10
    assert [rank.times for rank in state.ranks] == sorted((rank.times for rank in state.ranks), reverse=True)
    assert state.group == state.ranks[0].label
    assert set(state.store.prediction[state.answer.rows]) == {state.group}


def test_what_a_person_chose_is_not_taken_away_by_the_ranking(digits, store_path):
    state = Investigation(RelevanceStore.open(store_path), digits)
    state.group = 9
    state.rank()
    assert state.group == 9
    state.close()


def test_it_ends_with_its_cell_and_holds_no_atlas_then(run_cell, digits, store_path):
    run_cell("a")
    page = dashboards.spray(RelevanceStore.open(store_path), digits)
    ghost = weakref.ref(page.shared.answer)
    run_cell("a")
    again = dashboards.spray(RelevanceStore.open(store_path), digits)
    gc.collect()
    assert ghost() is None
    assert not page.shared.worker.open
    assert not page.shared.solver._thread.open
    assert again.shared.worker.open
    again.close()


@pytest.mark.parametrize(
    "part", [{"sign": "absolute"}, {"layer": "conv3"}, {"by": "label"}, {"composite": "epsilon"}, {"group": None}]
)
def test_a_question_about_other_maps_gets_another_atlas(state, part):
    before = state.answer
    state.ask(**part)
    assert state.answer.affinity is not before.affinity
    assert len(state.points.rows) == len(state.answer)


def test_other_clusters_are_cut_from_the_same_graph(state):
    before = state.answer
    state.count = 4
    assert state.answer.affinity is before.affinity
    assert state.answer.count == 4
    state.method = "hdbscan"
    assert state.answer.clustering.startswith("hdbscan")


def test_selection_stays_while_the_maps_are_the_same(state):
    state.select_cluster(0)
    chosen = state.selection
    state.count = 3
    assert np.array_equal(state.selection, chosen)
    state.group = None
    assert not len(state.selection)


@pytest.mark.parametrize("colour", ["cluster", "label", "prediction", "right or wrong", "score"])
def test_points_are_coloured(state, colour):
    state.group = None
    state.colour = colour
    points = state.points
    if colour == "score":
        assert (points.values.min(), points.values.max()) == (0, 1)
    else:
        assert points.groups.max() == len(points.names) - 1 == len(points.hues) - 1
    if colour == "right or wrong":
        assert np.array_equal(points.groups == 1, points.wrong)


def test_an_impossible_question_is_a_sentence_and_the_state_steps_back(digits, store_path):
    state = Investigation(RelevanceStore.open(store_path), digits)
    for part, value in [("embedding", "pca"), ("composite", "mine"), ("group", 99), ("sign", "odd"), ("method", "x")]:
        before = getattr(state, part)
        setattr(state, part, value)
        assert repr(value) in state.error or str(value) in state.error
        assert getattr(state, part) == before
    state.close()


def test_cards_tell_what_clusters_have_in_common(state):
    assert [card.number for card in state.cards] == [ranked.cluster for ranked in state.answer.ranking]
    for card in state.cards:
        assert card.mean.shape[:2] == card.heatmap.shape == (8, 8)
        assert len(card.prototypes.inputs) == min(5, card.size)
        assert card.large.shape == (2, 8, 8, 1)


def test_a_card_shows_what_its_pictures_have_beyond_those_of_other_clusters(state):
    inputs, store = state.subject.dataset.inputs, state.store
    for card in state.cards:
        inside = state.answer.clusters == card.number
        means = [inputs[store.index[state.answer.rows[chosen]]].mean(0)[0].numpy() for chosen in (inside, ~inside)]
        shown = card.large[1, ..., 0].astype(float) - 128
        assert np.corrcoef(shown.ravel(), (means[0] - means[1]).ravel())[0, 1] > 0.99
        assert np.abs(shown).max() == 127


def test_the_card_of_the_only_cluster_has_nobody_to_be_compared_with(state):
    state.count = 1
    assert state.cards[0].large.shape == (1, 8, 8, 1)


def test_names_and_notes_stay_with_the_store(state, digits, store_path):
    state.call(0, "curly", "look at the hook")
    assert state.points.names[0] == "curly"
    again = Investigation(RelevanceStore.open(store_path), digits)
    again.ask(group=state.group)
    assert again.name(0) == "curly"
    assert again.names[0]["note"] == "look at the hook"
    again.close()


def test_a_link_brings_everything_back(state, digits, store_path):
    state.ask(group=3, by="label", count=3, sign="absolute", colour="score")
    state.selection = np.array([1, 4, 7])
    again = Investigation(RelevanceStore.open(store_path), digits)
    again.restore(state.link())
    assert again.question == state.question
    assert again.selection.tolist() == [1, 4, 7]
    again.close()


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("subject=faces", "of the subject 'faces'"),
        ("group=77", "no class 77"),
        ("colour=mood", "colour must be one of"),
        ("selected=%22x%22", "must be a list"),
        ("shape=round", "no part 'shape'"),
        ("count=-3", "whole number from 1"),
    ],
)
def test_a_damaged_link_is_a_sentence_and_changes_nothing(state, link, said):
    before = state.question
    with pytest.raises(ValueError, match=said):
        state.restore(link)
    assert state.question == before


def test_the_poison_test_leaves_a_verdict_beside_its_cluster(state):
    state.test(0)
    assert state.verdict.cluster == 0
    assert state.verdicts[(*state.question.clustering, 0)] is state.verdict
    assert set(state.verdict.trial.verdicts) == set(TESTS["image"])
    assert all(verdict.samples > 100 for verdict in state.verdict.trial.verdicts.values())


def test_a_box_of_one_input_can_be_tested(state):
    state.test_box(int(state.answer.rows[0]), (0, 0, 2, 2))
    assert state.verdict.box == (0, 0, 2, 2)
    state.test_box(int(state.answer.rows[0]), (0, 0, 99, 2))
    assert "not inside a picture" in state.error
    state.error = ""


def test_a_test_that_fails_does_not_stop_those_that_wait(state):
    state.test_all()
    assert len(state.verdicts) == state.answer.count


def test_every_class_can_be_tested(state):
    state.test_classes()
    assert {key[0] for key in state.verdicts} == {rank.label for rank in state.ranks}


def test_the_table_has_a_line_for_each_selected_point(state):
    state.selection = np.array([0, 2])
    rows = list(csv.reader(io.StringIO(table(state))))
    assert tuple(rows[0]) == COLUMNS
    assert [int(row[0]) for row in rows[1:]] == state.answer.rows[[0, 2]].tolist()
    state.selection = state.selection[:0]
    assert len(table(state).splitlines()) == 1 + len(state.answer)


FORMULAS = ["=HYPERLINK(1)", "+1", "-2+3", "@SUM(1)", "\t=1", "\r=1"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_name_in_the_table_is_a_formula_and_every_number_is_a_number(state, monkeypatch, formula):
    monkeypatch.setattr(RelevanceStore, "class_name", lambda self, number: formula)
    monkeypatch.setattr(type(state.subject), "item_name", lambda self, number: formula)
    state.names = {number: {"name": formula} for number in range(state.answer.count)}
    rows = list(csv.DictReader(io.StringIO(table(state), newline=""), strict=True))
    for row in rows:
        assert [row[name] for name in ("name", "label", "prediction", "cluster name")] == [f"'{formula}"] * 4
    assert min(float(row["x"]) for row in rows) < 0
    assert sum(float(row["score"]) for row in rows) > 0


@pytest.mark.parametrize("name", ["two\rlines", "two\r\nlines", "two\nlines"])
def test_a_line_break_in_a_name_breaks_neither_table_nor_report_nor_store(state, monkeypatch, name):
    monkeypatch.setattr(RelevanceStore, "class_name", lambda self, number: name)
    state.call(1, name)
    rows = list(csv.DictReader(io.StringIO(table(state), newline=""), strict=True))
    assert len(rows) == len(state.answer)
    assert {row["prediction"] for row in rows} == {name}
    assert name.split()[0] in report(state)
    state.annotate()
    (annotation,) = read_annotations(state.store).values()
    assert annotation.names[1] == name
    state.answer.save(path := state.store.path.parent / "atlas")
    assert len(type(state.answer).load(path, state.store)) == len(state.answer)


@pytest.mark.parametrize(("layer", "where"), [("input", ""), ("conv3", "-conv3")])
def test_an_annotation_is_called_by_where_relevance_was_compared(state, layer, where, monkeypatch):
    monkeypatch.setattr("lrpwidgets.widgets.spray.state.annotate", lambda *told: None)  # others use the store, too
    state.layer = layer
    name = f"prediction-{state.group}-signed{where}-{state.answer.clustering}"
    assert state.annotate() == f"written into the store as clusters/{name}"


def test_names_stay_whether_the_layer_was_chosen_or_found(state):
    found = state.answer.features.layer
    state.call(0, "mine")
    state.layer = found
    assert state.name(0) == "mine"


def test_the_store_can_be_annotated(state):
    state.call(1, "open top")
    state.annotate()
    (annotation,) = read_annotations(state.store).values()
    assert np.array_equal(annotation.clusters[state.answer.rows], state.answer.clusters)
    assert annotation.names[1] == "open top"
    assert (np.delete(annotation.clusters, state.answer.rows) == -2).all()


def test_the_copied_python_makes_the_same_atlas(state, tmp_path):
    for question in (
        {"group": 3, "sign": "absolute"},
        {"group": 5, "composite": "epsilon", "method": "agglomerative", "count": 3},
    ):
        state.ask(**question)
        file = tmp_path / "copied.py"
        file.write_text(code(state) + "print('clusters', atlas.clusters.tolist())\n")
        said = subprocess.run([sys.executable, file], capture_output=True, text=True, check=True).stdout
        assert f"clusters {state.answer.clusters.tolist()}" in said


@pytest.mark.parametrize(
    ("select", "written"),
    [
        ("logits", "Explainer(subject.model, select='logits')"),
        (TwoClasses("logits"), "Explainer(subject.model, select=TwoClasses(select='logits', probability=False))"),
        (lambda output: output, "Explainer(subject.model, select=subject.select)"),
    ],
)
def test_the_copied_python_says_where_the_scores_are(state, monkeypatch, select, written):
    state.ask(group=5, composite="epsilon")
    monkeypatch.setattr(state, "subject", replace(state.subject, select=select, recipe=""))
    made = code(state)
    assert written in made
    assert ("import Explainer, TwoClasses, composites" in made) is isinstance(select, TwoClasses)
    compile(made, "copied", "exec")


def test_the_report_is_whole(state):
    state.call(0, "curly <b>", "a note")
    state.test(0)
    made = report(state)
    assert "curly &lt;b&gt;" in made
    assert "a note" in made
    assert state.verdict.trial.sentence(state.store.class_name(state.verdict.label))[:40] in made
    assert made.count("<circle") == len(state.answer)
    assert "http" not in made.replace("http://www.w3.org", "")


def test_nothing_can_be_exported_before_there_is_an_atlas(state):
    state.answer = None
    for export in (table, report):
        with pytest.raises(ValueError, match="wait for the atlas"):
            export(state)


def test_a_store_of_another_model_is_refused(store_path):
    other = subjects.load("digits")
    other.model.conv1.weight.data += 1
    with pytest.raises(ValueError, match="model"):
        Investigation(RelevanceStore.open(store_path), other)


def test_the_bar_says_what_is_chosen_and_sets_it(state, say):
    bar = AtlasBar(state)
    assert bar.state["title"].endswith(f"“{state.group}”")
    say(bar, set="colour", to="score")
    assert state.colour == "score"
    bar.close()


def test_dragging_the_line_cuts_elsewhere(state):
    chart = EigenvalueChart(state)
    chart._dropped(None, {"point": {"x": 4.4}})
    assert state.answer.count == 4
    chart._clicked(None, {"data": {"index": state.answer.eigengap - 1}})
    assert state.count is None
    assert len(chart._bars.x) == 16
    chart.close()


def test_the_head_saves_files_and_links(state, say, monkeypatch):
    bar = SprayBar(state)
    sent = []
    monkeypatch.setattr(bar, "send", lambda message, buffers=None: sent.append(message))
    for want in ("csv", "report", "annotate", "code", "link", "state"):
        say(bar, want=want)
    assert [message["as"] for message in sent] == ["file", "file", "note", "code", "link", "state"]
    say(bar, restore=sent[-1]["text"])
    say(bar, restore="?" + sent[-2]["text"])
    bar.close()


def test_the_status_line_says_what_the_atlas_is_of(state):
    line = SprayStatus(state)
    assert ["store ", "355", " of 355"] in line.state["parts"]
    assert any("neighbours" in part for parts in line.state["parts"] for part in parts)
    line.close()


def test_the_dashboard_looks_at_one_input_closely(store_path):
    page = dashboards.spray(store_path)
    state = page.shared
    state.open(2)
    look = page["explore"].shared
    assert look.item == state.store.index[state.answer.rows[2]]
    assert look.composite.name == "epsilon_plus_flat"
    state.open(5)
    assert look.item == state.store.index[state.answer.rows[5]]
    page.close()


def test_alone_there_is_no_room_to_look_closely(state):
    with pytest.raises(ValueError, match="no room 'explore' on this page"):
        state.open(2)


def test_a_subject_is_made_as_the_store_says(store_path, monkeypatch):
    store = RelevanceStore.open(store_path)
    page = dashboards.spray(store)
    assert page.shared.subject.name == "digits"
    page.close()
    monkeypatch.setattr(store, "info", store.info.__class__(**{**store.info.__dict__, "recipe": "__import__('os')"}))
    with pytest.raises(ValueError, match="does not say how"):
        dashboards.spray(store)


@pytest.mark.parametrize(
    "wrong", [{"by": "mood"}, {"group": -1}, {"group": True}, {"count": 0}, {"layer": 1}, {"composite": 3}]
)
def test_a_question_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        AtlasQuestion(**wrong)


def test_the_report_of_a_model_of_ones_own_is_whole(tmp_path):
    """Of a kind that does not ship: grey pictures that are no squares, and a model whose layers have no names."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 10 * 6, 2)).eval()
    inputs = torch.rand(60, 1, 12, 8)
    labels = model(inputs).argmax(1).tolist()
    own = Subject(model, TensorSamples(inputs, labels, [f"plate {i}" for i in range(60)]), ["good", "bad"])
    store = RelevanceStore.create(tmp_path / "own", own.explainer(), own, progress=False)
    state = Investigation(store, own)
    try:
        state.test(0)
        made, told = report(state), state.verdict.trial.sentence(own.class_name(state.verdict.label))
    finally:
        state.close()
    assert str(store.path) in made
    assert html.escape(told[:40]) in made
    assert made.count('alt="Mean input"') == made.count('alt="Mean heatmap"') > 0
