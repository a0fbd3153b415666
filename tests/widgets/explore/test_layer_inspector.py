"""What the layer inspector shows, held against plain tensor arithmetic on the explanation."""

from __future__ import annotations

import gc
import math
import weakref

import bqplot
import numpy as np
import pytest
import torch
import torchvision
from ipywidgets.widgets.widget import _instances
from torch import nn

from lrpwidgets.lrp.ledger import Ledger, Row
from lrpwidgets.subjects import Subject
from lrpwidgets.widgets.base import inside
from lrpwidgets.widgets.base.charts import axis, label
from lrpwidgets.widgets.explore.channel_maps import ChannelMaps
from lrpwidgets.widgets.explore.depth_chart import MOST, said, stops
from lrpwidgets.widgets.explore.layer_inspector import LayerInspector


@pytest.fixture
def inspector(exploration):
    made = LayerInspector(exploration)
    yield made
    made.close()


@pytest.fixture
def transformer(explore):
    """A tiny vision transformer of 16 tokens and a class token, explained."""
    torch.manual_seed(0)
    model = torchvision.models.VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=5
    ).eval()
    nn.init.normal_(model.heads.head.weight)
    return explore(Subject(model, [(torch.rand(3, 32, 32), 0)]))


def relevance_of(exploration, name):
    return exploration.answer.whole[name].relevance


def maps(view):
    """Relevance as the browser shows it, in units of the score: (1 + channels, H, W)."""
    sent = np.frombuffer(view.relevance, np.float16).reshape(-1, *view.size).astype(np.float64)
    scale = np.full((len(sent), 1, 1), view.scale["channels"])
    scale[0] = view.scale["whole"]
    return sent * scale


def shown(view):
    return [tile["channel"] for tile in view.tiles]


def network(side=8, channels=6, last=None):
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(channels * side * side, 3)]
    return Subject(nn.Sequential(*layers).eval(), [(torch.rand(1, side, side), 0)], ["<b>ant</b>", "bee", "cat"])


def test_the_first_channels_are_those_with_most_relevance(exploration, inspector):
    view = inspector.maps
    sums = relevance_of(exploration, view.head["layer"])[0].sum((1, 2))
    best = sums.argsort(descending=True)[: inside.MOST].tolist()
    assert shown(view) == [None, *best]
    np.testing.assert_allclose([tile["sum"] for tile in view.tiles[1:]], sums[best], rtol=1e-5)
    assert view.tiles[0]["sum"] == pytest.approx(float(sums.sum()), rel=1e-5)


def test_channels_can_be_ranked_by_size_and_by_activation(exploration, inspector, say):
    view = inspector.maps
    layer = exploration.answer.whole[view.head["layer"]]
    for rank, amounts in {
        "size": layer.relevance.abs().sum((0, 2, 3)),
        "activation": layer.activation.mean((0, 2, 3)),
    }.items():
        say(view, rank=rank)
        assert shown(view)[1:] == amounts.argsort(descending=True)[: inside.MOST].tolist()


def test_maps_are_the_relevance_of_their_channels(exploration, inspector):
    view = inspector.maps
    relevance = relevance_of(exploration, view.head["layer"])[0]
    expected = torch.cat([relevance.sum(0, keepdim=True), relevance[shown(view)[1:]]]).numpy()
    limits = np.abs(expected).max((1, 2), keepdims=True)
    assert (np.abs(maps(view) - expected) <= 1e-3 * np.maximum(limits, view.scale["channels"])).all()
    assert view.scale["channels"] == pytest.approx(limits[1:].max())


@pytest.mark.parametrize("side", [57, 109])
def test_pooling_keeps_the_sums(explore, side):
    view = ChannelMaps(explore(network(side)))
    relevance = relevance_of(view.shared, "0")[0, shown(view)[1:]]
    assert view.scale["pooled"] == math.ceil(side / inside.SIDE)
    assert max(view.size) <= inside.SIDE
    np.testing.assert_allclose(maps(view)[1:].sum((1, 2)), relevance.sum((1, 2)), rtol=2e-3, atol=1e-4)
    assert len(view.relevance) + len(view.activation) < 200_000


def test_the_default_is_the_last_layer_with_maps_that_are_not_the_classes(explore):
    model = torchvision.models.squeezenet1_0(num_classes=7).eval()
    view = ChannelMaps(explore(Subject(model, [(torch.rand(3, 64, 64), 0)])))
    assert view.head["layer"] == "features.12.cat"
    assert ["features.12.cat", "features.12.cat · joined · 512×3²"] in view.layers
    assert view.layers[0][0] == "classifier.3"  # from the output down


def test_a_layer_that_is_not_there_gives_the_default_and_a_sentence(exploration, inspector):
    before = inspector.maps.head["layer"]
    exploration.layer = "nonsense"
    assert inspector.maps.head["layer"] == before
    assert "no layer 'nonsense'" in inspector.maps.head["sentence"]


def test_a_channel_that_is_not_there_gives_a_sentence(exploration, inspector):
    exploration.layer, exploration.channels = inspector.maps.head["layer"], (1, 5000)
    assert inspector.maps.chosen["channels"] == [1]
    assert "there is no 5000" in inspector.maps.head["sentence"]


def test_choosing_a_layer_forgets_the_channels_of_the_other(exploration, inspector, say):
    say(inspector.maps, channel=2, add=False)
    first = inspector.maps.layers[-1][0]
    say(inspector.maps, layer=first)
    assert (exploration.layer, exploration.channels) == (first, ())


def test_clicks_choose_add_and_take_back(exploration, inspector, say):
    chosen = []
    for channel, add in [(2, False), (1, True), (2, True), (1, False), (3, False)]:
        say(inspector.maps, channel=channel, add=add)
        chosen.append(exploration.channels)
    assert chosen == [(2,), (2, 1), (1,), (), (3,)]
    assert exploration.layer == inspector.maps.head["layer"]


def test_a_chosen_channel_is_shown_whatever_its_rank(exploration, inspector, say):
    sums = relevance_of(exploration, inspector.maps.head["layer"])[0].sum((1, 2))
    least = int(sums.argmin())
    say(inspector.maps, channel=least, add=False)
    assert least in shown(inspector.maps)
    assert len(shown(inspector.maps)) == 1 + min(inside.MOST, len(sums))


def test_only_asks_for_the_condition_and_tells_its_share(exploration, inspector, say):
    view, layer = inspector.maps, inspector.maps.head["layer"]
    say(view, channel=3, add=False)
    say(view, only=True)
    expected = exploration.answer.whole.condition({layer: [3]})
    torch.testing.assert_close(exploration.answer.explanation.relevance, expected.relevance)
    sums = relevance_of(exploration, layer)[0].sum((1, 2))
    assert view.chosen["share"] == pytest.approx(float(sums[3] / sums.sum()), rel=1e-5)
    say(view, only=False)
    assert exploration.answer.explanation is exploration.answer.whole


def test_another_layer_ends_only(exploration, inspector, say):
    say(inspector.maps, channel=3, add=False)
    say(inspector.maps, only=True)
    say(inspector.maps, layer=inspector.maps.layers[-1][0])
    assert not exploration.only
    assert exploration.answer.explanation is exploration.answer.whole
    assert exploration.error == ""


def test_only_without_channels_asks_nothing(exploration, inspector, say):
    before = exploration.answer
    say(inspector.maps, only=True)
    assert exploration.answer is before
    assert not exploration.only


def test_one_message_carries_an_update(exploration, inspector):
    messages = []
    inspector.maps.send_state = lambda key=None: messages.append(set(key))
    exploration.target = 9
    assert len(messages) == 1
    assert "layers" not in messages[0]


def test_heads_are_channels_and_their_maps_pairs_of_tokens(transformer):
    view = ChannelMaps(transformer)
    name = next(name for name, said in view.layers if "matmul" in said and "17²" in said)
    transformer.layer = name
    relevance = relevance_of(transformer, name)[0]
    assert relevance.shape == (2, 17, 17)
    assert view.head["heads"]
    order = relevance.sum((1, 2)).argsort(descending=True)
    np.testing.assert_allclose(maps(view)[1:], relevance[order], atol=2e-3 * float(relevance.abs().max()))


def test_tokens_form_a_square_and_the_class_token_stands_apart(transformer):
    view = ChannelMaps(transformer)
    name = "encoder.layers.encoder_layer_0.add#2"
    transformer.layer = name
    relevance = relevance_of(transformer, name)[0]  # (17, 16)
    channels = shown(view)[1:]
    squares = relevance[1:, channels].T.reshape(-1, 4, 4)
    np.testing.assert_allclose(maps(view)[1:], squares, atol=2e-3 * float(squares.abs().max()))
    np.testing.assert_allclose([tile["apart"] for tile in view.tiles[1:]], relevance[0, channels], rtol=1e-5)


def test_attention_may_have_its_batch_second(transformer):
    view = ChannelMaps(transformer)
    name = next(name for name, said in view.layers if "self_attention.linear " in said)
    transformer.layer = name
    relevance = relevance_of(transformer, name)
    assert relevance.shape == (17, 1, 48)
    sums = relevance.sum((0, 1))
    np.testing.assert_allclose(
        [tile["sum"] for tile in view.tiles[1:]], sums.sort(descending=True).values[: inside.MOST], rtol=1e-4, atol=1e-6
    )


def test_the_default_passes_over_layers_where_only_the_class_token_has_relevance(transformer):
    view = ChannelMaps(transformer)
    assert np.abs(maps(view)).max() > 0
    transformer.layer = "encoder.layers.encoder_layer_1.add#2"
    assert np.abs(maps(view)).max() == 0
    assert "class token" in view.head["sentence"]


def test_a_vector_has_bars_and_no_maps(explore):
    made = LayerInspector(explore(network()))
    made.shared.layer = "3"
    assert (made.maps.size, made.maps.relevance) == ((0, 0), b"")
    relevance = relevance_of(made.shared, "3")[0]
    order = relevance.argsort(descending=True)
    np.testing.assert_allclose(made.bars.figure.marks[0].y[0], relevance[order], rtol=1e-6)
    assert list(made.bars.figure.marks[0].x) == [made.shared.subject.classes[each] for each in order]


def test_bars_have_relevance_and_activation_of_the_first_channels(exploration, inspector):
    layer = exploration.answer.whole[inspector.maps.head["layer"]]
    sums, means = layer.relevance.sum((0, 2, 3)), layer.activation.mean((0, 2, 3))
    order = sums.argsort(descending=True)[: inside.MOST]
    relevance, activation = inspector.bars.figure.marks[0].y
    np.testing.assert_allclose(relevance, sums[order], rtol=1e-5)
    np.testing.assert_allclose(
        activation / np.abs(activation).max(), means[order] / means[order].abs().max(), rtol=1e-4, atol=1e-6
    )
    assert np.abs(activation).max() == pytest.approx(np.abs(relevance).max())


def test_a_click_on_a_bar_chooses_its_channel(exploration, inspector):
    bars = inspector.bars.figure.marks[0]
    bars._handle_custom_msgs(bars, {"event": "element_click", "data": {"index": 2}})
    assert exploration.channels == (shown(inspector.maps)[3],)


@pytest.mark.parametrize("composite", ["epsilon", "epsilon_gamma_box", "epsilon_alpha2_beta1"])
def test_every_bar_along_the_depth_adds_up_to_the_explained_score(explore, digits, composite):
    exploration = explore(digits, composite)
    ledger = exploration.answer.explanation.ledger
    explained = float(ledger.explained[0])
    found = stops(ledger)
    assert (found[0].handed, found[0].name, found[-1].name) == (pytest.approx(explained), "f", "input")
    for stop in found:
        assert sum(stop.amounts) == pytest.approx(explained, rel=1e-4)
    last = found[-1]
    totals = [float(each[0]) for each in (ledger.reached_input, ledger.bias, ledger.stabilizer, ledger.rules)]
    assert last.amounts == pytest.approx(totals, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", ["squeezenet1_0", "resnet50", "vgg11", "densenet121"])
def test_the_depth_fits_few_bars_and_ends_at_the_lowest_layer(name):
    from lrpwidgets.lrp import Explainer

    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None).eval()
    ledger = Explainer(model).explain(torch.rand(1, 3, 64, 64)).ledger
    found = stops(ledger)
    assert 5 <= len(found) <= MOST + 2
    lost = float(ledger.explained[0] - ledger.bias[0] - ledger.stabilizer[0] - ledger.rules[0])
    assert found[-2].handed == pytest.approx(lost, rel=1e-4, abs=1e-4 * abs(float(ledger.explained[0])))


def test_what_was_created_is_not_hidden_among_the_losses():
    def row(name, *amounts):
        return Row(name, "conv", "Epsilon", *(torch.tensor([amount]) for amount in (*amounts, 0.0)))

    rows = [row("top", 5.0, 7.0, 0.5, 0.0, -2.5), row("low", 7.0, 3.0, -1.0, 1.0, 4.0)]
    found = stops(Ledger(rows, torch.tensor([5.0]), torch.tensor([3.0])))
    assert [(stop.name, *stop.amounts) for stop in found] == [
        ("f", 5.0, 0.0, 0.0, 0.0),
        ("top", 7.0, 0.5, 0.0, -2.5),
        ("low", 3.0, -0.5, 1.0, 1.5),
        ("input", 3.0, -0.5, 1.0, 1.5),
    ]
    assert said(found[1], 5.0) == "handed on 7 · lost to biases 0.5 · lost to stabilizers 0 · created by rules 2.5"


def test_charts_label_their_axes_with_real_minus_signs():
    ticks = axis(bqplot.LinearScale(), vertical=True)
    label(ticks, [-0.25, 0.0, 1.5e-7])
    assert ticks.tick_values.tolist() == [-0.25, 0.0, 1.5e-7]
    assert list(ticks.tick_labels.values()) == ["−0.25", "0", "1.5e−7"]


def test_under_a_condition_the_depth_begins_with_what_flows_through_the_channels(exploration, inspector, say):
    layer = inspector.maps.head["layer"]
    say(inspector.maps, channel=3, add=False)
    say(inspector.maps, only=True)
    through = float(relevance_of(exploration, layer)[0, 3].sum())
    first = inspector.depth._stops[0]
    assert (first.name, first.handed) == ("chosen", pytest.approx(through, rel=1e-5))
    assert sum(inspector.depth._stops[-1].amounts) == pytest.approx(through, rel=1e-4)


def test_without_relevance_there_is_a_sentence(explore):
    subject = network()
    nn.init.zeros_(subject.model[3].weight)
    nn.init.zeros_(subject.model[3].bias)
    made = LayerInspector(explore(subject))
    assert made.maps.head["sentence"] == "No relevance arrives here."
    assert made.maps.chosen["share"] is None
    assert made.shared.error == ""


def test_relevance_that_is_not_finite_gives_a_sentence_and_finite_pixels(exploration, monkeypatch):
    relevance = torch.ones(3, 4, 4)
    relevance[0, 0, 0], relevance[1] = torch.inf, torch.nan
    broken = inside.Inside("conv", "conv", relevance, torch.ones(3, 4, 4), tokens=False)
    monkeypatch.setattr(inside, "look", lambda *_: broken)
    made = LayerInspector(exploration)
    assert "not finite" in made.maps.head["sentence"]
    assert shown(made.maps)[1] == 2
    assert np.isfinite(maps(made.maps)).all()
    assert np.isfinite(made.bars.figure.marks[0].y).all()
    assert exploration.error == ""


def test_hostile_names_stay_text(explore):
    made = LayerInspector(explore(network()))
    made.shared.layer = "<img>"
    assert "<img>" not in made.depth._said.value + made.bars._title.value


def test_before_the_first_answer_there_is_nothing(explore, digits):
    made = LayerInspector(explore(Subject(digits.model)))
    assert made.maps.seq == 0
    assert made.shared.error == ""


def test_closing_leaves_no_widget_and_no_observer(exploration):
    observers = {
        name: len(handlers) for name, kinds in exploration._trait_notifiers.items() for handlers in kinds.values()
    }
    living = set(_instances.values())
    LayerInspector(exploration).close()
    assert set(_instances.values()) <= living
    for name, kinds in exploration._trait_notifiers.items():
        for handlers in kinds.values():
            assert len(handlers) == observers.get(name, 0)


def test_a_closed_inspector_can_be_forgotten(exploration):
    made = LayerInspector(exploration)
    ghost = weakref.ref(made)
    made.close()
    del made
    gc.collect()
    assert ghost() is None


def test_an_answer_makes_no_widget(exploration, inspector):
    living = len(_instances)
    for name in exploration.presets():
        exploration.composite = exploration.preset(name)
    for name, _ in inspector.maps.layers:
        exploration.layer = name
    assert len(_instances) == living
    assert exploration.error == ""


@pytest.mark.parametrize(
    "message", [{}, {"unknown": 1}, {"rank": "x"}, {"channel": None}, {"layer": 3}, {"only": True}]
)
def test_a_message_that_makes_no_sense_never_raises(exploration, inspector, say, message):
    say(inspector.maps, **message)
