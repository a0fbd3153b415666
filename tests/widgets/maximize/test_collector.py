"""Reference samples and strategies beside a film: those of the library, found when no film runs."""

from __future__ import annotations

import asyncio
import io
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from lrpwidgets import subjects
from lrpwidgets.maximize import ReferenceStore, references, strategies
from lrpwidgets.widgets.base.worker import NewestWins
from lrpwidgets.widgets.maximize import ChannelList, SampleView, StrategyView, Studio
from lrpwidgets.widgets.maximize import collector as collecting


@pytest.fixture
def collected(film, digits):
    studio = film(digits, layer="conv3", number=15, prior="l2", steps=2)
    studio.play()
    studio.collect()
    return studio


def test_samples_are_those_of_the_library(collected, digits):
    found = references(digits, "conv3", k=5, composite=collected.composite)
    mattered, fired = found.channel(15), found.by_activation().channel(15)
    shown = collected.samples
    assert [each.item for each in shown.mattered] == mattered.samples.tolist()
    assert [each.item for each in shown.fired] == fired.samples.tolist()
    assert [each.value for each in shown.mattered] == pytest.approx(mattered.values.tolist())
    assert [each.relevance for each in shown.mattered] == pytest.approx(mattered.values.tolist())
    assert [each.relevance for each in shown.fired] == pytest.approx(
        found.store.relevance("conv3", np.arange(len(found.store)))[fired.samples, 15].tolist()
    )
    assert [each.share for each in shown.shares] == [each.share for each in mattered.classes[:6]]


def test_their_maps_are_the_relevance_through_the_channel_on_one_scale(collected, digits):
    found = references(digits, "conv3", k=5, composite=collected.composite).channel(15)
    shown = collected.samples
    for sample, box, whole in zip(shown.mattered, found.boxes, found.maps(), strict=True):
        expected = whole.sum(0)[box[1:]].numpy() / shown.largest
        assert np.abs(sample.heatmap / 127 - expected).max() <= 0.5 / 127 + 1e-6
        assert sample.pixels.shape[:2] == expected.shape
    assert max(int(np.abs(each.heatmap.astype(int)).max()) for each in (*shown.mattered, *shown.fired)) == 127


def test_a_class_has_the_inputs_with_the_highest_scores(film, digits):
    studio = film(digits, number=3, prior="l2", steps=2)
    studio.play()
    studio.collect()
    scores = torch.stack(
        [studio.explainer.scores(digits.item(each)[0][None])[0] for each in range(len(digits.dataset))]
    )
    best = scores[:, 3].topk(5).indices.tolist()
    assert [each.item for each in studio.samples.fired] == best
    assert {each.says for each in studio.samples.mattered} == {"3"}


def test_every_channel_of_the_list_has_a_face(collected):
    faces = collected.faces["conv3"]
    assert set(faces) == {each.channel for each in collected.concepts.concepts}
    view = ChannelList(collected)
    assert sum(3 * height * width for height, width in view.face_sizes) == len(view.faces)
    assert all(height and width for height, width in view.face_sizes)


def test_strategies_are_those_of_the_class_that_the_input_is_said_to_be(collected, digits):
    told, listed = collected.recognized, collected.concepts
    found = strategies(references(digits, "conv3", k=5, composite=collected.composite), listed.says)
    assert told.label == listed.says
    assert [each.share for each in told.strategies] == pytest.approx(found.shares[:3].tolist())
    assert [each.item for each in told.strategies[0].prototypes] == found.prototypes(0, 5).tolist()
    mixture = found.mixtures[found.samples.tolist().index(listed.item)]
    assert told.unusual == pytest.approx(found.unusual(mixture[None])[0], abs=0.03)  # explained in another batch
    assert told.nearest == found.nearest(mixture[None])[0]


def test_too_few_inputs_of_a_class_are_said_where_strategies_would_be(film, digits):
    few = subjects.Subject(**{**vars(digits), "dataset": torch.utils.data.Subset(digits.dataset, range(12))})
    studio = film(few, layer="conv3", number=15, prior="l2", steps=2)
    studio.play()
    studio.collect()
    assert studio.samples is not None
    assert "are needed at least" in StrategyView(studio).state["problem"]


def test_views_say_what_they_show_and_hear_what_is_clicked(collected, say):
    samples, ways = SampleView(collected), StrategyView(collected)
    assert samples.state["what"] == "#15"
    assert len(samples.rows[0]) == len(samples.rows[1]) == 5
    other = samples.rows[0][1][0]
    say(samples, item=other)
    assert collected.concepts.item == other
    channel = ways.strategies[0][1][1][0]
    say(ways, channel=channel)
    assert (collected.layer, collected.number) == ("conv3", channel)
    assert samples.state["what"] == f"#{channel}"
    assert collected.error == ""


def test_where_the_channel_is_in_the_input_is_the_conditional_map(collected, digits):
    listed = collected.concepts
    explanation = digits.explainer(collected.composite).explain(digits.item(listed.item)[0][None])
    expected = explanation.condition({"conv3": [15]}).relevance[0].sum(0)
    assert listed.wished.relevance == pytest.approx(float(explanation["conv3"].relevance[0, 15].sum()), rel=1e-4)
    assert np.abs(listed.wished.heatmap / 127 - (expected / expected.abs().max()).numpy()).max() < 0.01


def test_for_a_class_the_map_is_that_of_its_score(film, digits):
    studio = film(digits, number=7, prior="l2", steps=2)
    listed = studio.concepts
    explanation = digits.explainer(studio.composite).explain(digits.item(listed.item)[0][None], 7)
    expected = explanation.relevance[0].sum(0)
    assert listed.wished.relevance == pytest.approx(float(explanation.scores[0, 7]), rel=1e-4)
    assert np.abs(listed.wished.heatmap / 127 - (expected / expected.abs().max()).numpy()).max() < 0.01


def test_a_pass_that_would_take_long_waits_until_it_is_wanted(film, digits, monkeypatch):
    monkeypatch.setattr(collecting, "UNASKED", 0.0)
    studio = film(digits, prior="l2", steps=2)
    studio.play()
    studio.collect()
    assert studio.samples is None
    view = SampleView(studio)
    assert 0 < view.state["pass"]["done"] < len(digits.dataset)
    assert not view.state["pass"]["going"]
    studio.collect(on=True)
    assert studio.samples is not None
    assert studio.gathering is None


def test_what_was_found_is_kept_where_one_says_and_read_again(film, digits, tmp_path):
    place = tmp_path / "kept"
    for _ in range(2):
        studio = film(digits, prior="l2", steps=2, references=place)
        studio.play()
        studio.collect()
        assert studio.samples is not None
    assert ReferenceStore.open(place).done.all()


def test_a_store_of_other_layers_says_which_it_has(film, digits, tmp_path):
    references(digits, "conv2", path=tmp_path / "kept")
    studio = film(digits, layer="conv3", number=15, prior="l2", steps=2, references=tmp_path / "kept")
    studio.play()
    studio.collect()
    assert "has no layer 'conv3', it has conv2" in studio.sample_problem
    studio.ask(layer="conv2", number=3)
    assert studio.samples.layer == "conv2"
    assert studio.sample_problem == ""


def test_a_channel_that_is_silent_everywhere_has_no_samples(film):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 3))
    model[0].weight.data[2], model[0].bias.data[2] = 0, -1
    studio = film(subjects.describe(model.eval(), torch.rand(20, 3, 10, 10), classes=list("abc")), prior="l2", steps=2)
    view = SampleView(studio)
    studio.play()
    studio.collect()
    studio.ask(layer="1", number=2)
    assert view.rows == [[], []]
    assert studio.sample_problem == ""
    assert view.state["what"] == "#2"


def test_what_is_told_is_of_samples_that_are_shown(film, digits):
    studio = film(digits, prior="l2", steps=2)
    studio.play()
    view, told = SampleView(studio), []
    studio.sample_problem = "It broke."  # what says that it did not is heard before the samples
    view.observe(lambda _: told.append(("layer" in view.state, len(view.rows))), "seq")
    studio.collect()
    assert told[-1] == (True, 2)
    assert (True, 0) not in told


def test_no_data_no_samples(film, digits):
    empty = subjects.Subject(**{**vars(digits), "dataset": []})
    studio = film(empty, prior="l2", steps=2, size=8)
    view = SampleView(studio)
    studio.collect()
    assert view.state["none"]
    assert studio.sample_problem == ""


def test_a_film_goes_before_the_pass(digits):
    """What a person asks for while the data is gone through has its turn at once."""

    async def main() -> list[str]:
        studio = Studio(digits, prior="l2", steps=4)
        studio.appeared += 1
        studio.collect()
        seen = []
        while studio.samples is None:
            await asyncio.sleep(0.005)
            if studio.gathering and studio.gathering.done and not seen:
                seen.append("pass")
                studio.ask(number=5)
            if studio.number_of_films == 2 and studio.ended and "film" not in seen:
                seen.append("film")
        seen.append("samples")
        studio.close()
        return seen

    assert asyncio.run(asyncio.wait_for(main(), 60)) == ["pass", "film", "samples"]


def test_whether_something_goes_before_is_asked_by_lane():
    async def main() -> list[bool]:
        worker, go = NewestWins(), threading.Event()
        seen = []

        def long() -> None:
            go.wait(10)
            seen.extend([worker.waits_before(1), worker.waits_before(2)])

        worker.submit(long, lambda _: None, lane=2)
        await asyncio.sleep(0.05)
        worker.submit(lambda: None, lambda _: None, lane=1)
        go.set()
        started = time.perf_counter()
        while len(seen) < 2 and time.perf_counter() - started < 10:
            await asyncio.sleep(0.01)
        worker.close()
        return seen

    assert asyncio.run(main()) == [False, True]


def test_a_dense_network_on_pictures_has_samples_and_maps(film):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 3))
    studio = film(subjects.describe(model, torch.rand(40, 1, 8, 8), classes=["a", "b", "c"]), prior="l2", steps=2)
    studio.play()
    studio.collect()
    assert studio.error == ""
    assert studio.samples.mattered[0].heatmap.shape == (8, 8)
    assert studio.concepts.concepts[0].heatmap.shape == (8, 8)


def picture_file(side: int = 8) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side), np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_a_picture_from_outside_is_looked_into_for_the_concept(film, digits, say):
    studio = film(digits, layer="conv3", number=15, prior="l2", steps=2)
    view, data = ChannelList(studio), picture_file()
    assert view.takes_pictures
    say(view, data[:50], name="mine.png", part=0, parts=2)
    say(view, data[50:], name="mine.png", part=1, parts=2)
    listed = studio.concepts
    assert (listed.name, listed.item, view.state["count"]) == ("mine.png", len(digits.dataset), len(digits.dataset) + 1)
    x = digits.from_image(subjects.open_picture(data, name="mine.png"))
    explanation = digits.explainer(studio.composite).explain(x[None])
    assert listed.wished.relevance == pytest.approx(float(explanation["conv3"].relevance[0, 15].sum()), rel=1e-4)
    assert "item" not in studio.to_dict()  # a link cannot have it
    say(view, item=listed.item + 1)
    assert studio.item == 0


def test_a_picture_that_cannot_be_read_is_an_error_alone(film, digits, say):
    studio = film(digits, prior="l2", steps=2)
    before = studio.item
    view = ChannelList(studio)
    say(view, b"no picture", name="mine.png", part=0, parts=1)
    assert "mine.png" in studio.error
    assert view.refused == [studio.error]
    assert (studio.item, studio.uploads) == (before, ())
