"""References: exact against brute force, however the work is split, and errors that say the way out."""

import distributed
import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from lrpwidgets import subjects
from lrpwidgets.lrp import Cancelled, Explainer
from lrpwidgets.maximize import ReferenceStore, references
from lrpwidgets.maximize.reference_store import _highest
from lrpwidgets.spray import RelevanceStore
from lrpwidgets.subjects import Subject, TensorSamples
from tests.lrp.networks import Fire, Residual, pictures, realistic

LAYERS = ["stem.0", "one.3", "head"]


def subject_of(model: nn.Module, count: int = 23, size: int = 16, classes: int = 5) -> Subject:
    torch.manual_seed(0)
    inputs = pictures(count, size, torch.float32)
    labels = [number % classes for number in range(count)]
    dataset = TensorSamples(inputs, labels, [f"sample {number}" for number in range(count)])
    return Subject(realistic(model), dataset, name="planted")


@pytest.fixture(scope="module")
def residual() -> Subject:
    return subject_of(Residual())


def planes(explanation, layer: str, what: str) -> torch.Tensor:
    """(B, C, positions)."""
    tensor = getattr(explanation[layer], what).movedim(explanation.channel_axis(layer), 1)
    return tensor.flatten(2) if tensor.dim() > 2 else tensor[..., None]


@pytest.mark.parametrize("by", ["relevance", "activation"])
@pytest.mark.parametrize("batch_size", [4, 23])
@pytest.mark.parametrize("make", [Residual, Fire])
def test_the_highest_inputs_are_those_of_brute_force(make, batch_size, by):
    subject = subject_of(make())
    layers = LAYERS if make is Residual else ["features.0", "narrow", "classifier.1"]
    explanation = subject.explainer().explain(subject.dataset.inputs)
    for layer, found in references(subject, layers, by=by, k=4, batch_size=batch_size).items():
        whole = planes(explanation, layer, by)
        values = whole.sum(2) if by == "relevance" else whole.amax(2)
        assert found.channels == whole.shape[1]
        for number in range(found.channels):
            own, channel = values[:, number], found.channel(number)
            alive = [i for i in range(len(own)) if (own[i] > 0 if by == "relevance" else own[i] != 0)]
            best = sorted(alive, key=lambda i: (-float(own[i]), i))[:4]
            np.testing.assert_allclose(channel.values, own[best].numpy(), rtol=2e-4, atol=1e-6)
            assert channel.samples.tolist() == best or len({round(float(each), 4) for each in own[best]}) < len(best)
            assert channel.targets.tolist() == explanation.target.argmax(1)[channel.samples].tolist()
            assert channel.labels.tolist() == [subject.dataset.labels[i] for i in channel.samples]


def test_positions_are_where_most_of_it_is(residual):
    explanation = residual.explainer().explain(residual.dataset.inputs)
    for by in ("relevance", "activation"):
        found = references(residual, "one.3", by=by, k=3)
        whole = planes(explanation, "one.3", by)
        side = found.shape.positions[1]
        for number in range(found.channels):
            channel = found.channel(number)
            for sample, (row, column) in zip(channel.samples, channel.positions, strict=True):
                assert float(whole[sample, number, row * side + column]) == pytest.approx(
                    float(whole[sample, number].max()), rel=1e-3, abs=1e-6
                )


def test_equal_values_are_ordered_by_the_data_set_however_the_work_is_split():
    subject = subject_of(Residual())
    subject.dataset.inputs[:] = subject.dataset.inputs[:1]  # all alike
    for batch_size in (2, 5, 23):
        found = references(subject, "one.3", by="activation", k=4, batch_size=batch_size)
        alive = [c for c in map(found.channel, range(found.channels)) if len(c)]
        assert alive
        assert all(np.allclose(channel.values, channel.values[0], rtol=1e-5) for channel in alive)
    assert all(c.samples.tolist() == [0, 1, 2, 3] for c in alive)


def test_conditional_maps_over_all_channels_add_up_to_the_whole(residual):
    found = references(residual, "stem.0", k=2)
    samples = [3, 11]
    targets = torch.from_numpy(found.store.target[samples]).long()
    whole = residual.explainer().explain(residual.dataset.inputs[samples], targets).relevance
    maps = found.maps(samples, range(found.channels))
    assert maps.shape == (2, 8, 3, 16, 16)
    torch.testing.assert_close(maps.sum(1), whole, rtol=1e-5, atol=1e-6 * float(whole.abs().max()))
    channel = next(each for each in map(found.channel, range(8)) if len(each) == 2)
    torch.testing.assert_close(channel.maps(), found.maps(channel.samples, [channel.number])[:, 0])


def test_crops_are_what_the_channel_sees(residual):
    found = references(residual, "stem.0", by="activation", k=3)
    channel = next(each for each in map(found.channel, range(8)) if len(each))
    for x, crop, (row, column) in zip(channel.inputs(), channel.crops(), channel.positions, strict=True):
        rows, columns = (slice(max(place - 1, 0), min(place + 2, 16)) for place in (row, column))
        assert torch.equal(crop, x[:, rows, columns])  # a 3 × 3 kernel with padding


def test_classes_share_what_a_channel_says(residual):
    found = references(residual, "one.3", k=3)
    relevance = planes(residual.explainer().explain(residual.dataset.inputs), "one.3", "relevance").sum(2)
    for number in range(found.channels):
        channel, positive = found.channel(number), relevance[:, number].clamp(min=0)
        assert sum(each.share for each in channel.classes) == pytest.approx(1 if positive.any() else 0)
        for each in channel.classes:
            own = torch.from_numpy(found.store.target == each.label)
            assert each.inputs == int((positive[own] > 0).sum())
            assert each.share == pytest.approx(float(positive[own].sum() / positive.sum()), rel=1e-3)
        assert sum(each.share for each in channel.label_classes) == pytest.approx(1 if positive.any() else 0)


def test_one_pass_gives_both_rankings(residual):
    both = references(residual, "one.3", k=3)
    again = references(residual, "one.3", by="activation", k=3)
    for number in range(both.channels):
        assert both.by_activation().channel(number).samples.tolist() == again.channel(number).samples.tolist()
    assert both.by_activation().by_relevance().channel(0).samples.tolist() == both.channel(0).samples.tolist()


def test_heads_tokens_and_features_of_a_transformer():
    torch.manual_seed(0)
    model = torchvision.models.VisionTransformer(16, 4, 2, 2, 8, 16, num_classes=5)
    nn.init.normal_(model.heads.head.weight)
    subject = subject_of(model)
    attention = "encoder.layers.encoder_layer_0.self_attention.softmax"
    layers = [attention, "encoder.layers.encoder_layer_1.mlp.3", "heads.head"]
    found = references(subject, layers, k=2)
    assert [found[layer].channels for layer in layers] == [2, 8, 5]
    assert [found[layer].shape.positions for layer in layers] == [(17, 17), (17,), ()]
    channel = found[layers[1]].by_activation().channel(3)
    explanation = subject.explainer().explain(subject.dataset.inputs)
    tokens = explanation[layers[1]].activation[:, :, 3]
    assert channel.samples[0] == int(tokens.amax(1).argmax())
    assert channel.positions[0] == (int(tokens[channel.samples[0]].argmax()),)
    assert channel.boxes[0] == (slice(0, 3), slice(0, 16), slice(0, 16))  # attention sees everything


def test_grey_digits_and_dense_networks():
    digits = subjects.load("digits")
    dense = Subject(nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.ReLU(), nn.Linear(6, 10)), digits.dataset)
    for subject, layer, count in ((digits, "conv2", 32), (dense, "1", 6)):
        found = references(subject, layer, k=3)
        assert found.channels == count
        assert found.channel(1).inputs().shape[1:] == (1, 8, 8)


def test_a_store_is_gone_on_with_and_read(residual, tmp_path):
    done = []

    def stop(progress):
        done.append(progress.done)
        if progress.done >= 8:
            raise Cancelled

    path = tmp_path / "references"
    with pytest.raises(Cancelled):
        references(residual, LAYERS, path=path, batch_size=4, progress=stop)
    found = references(residual, LAYERS, path=path, batch_size=4, progress=done.append)
    assert done[-1].done == 23
    fresh = references(residual, LAYERS, batch_size=4)
    store = ReferenceStore.open(path)
    for layer in LAYERS:
        read = references(store, layer)
        for number in range(read.channels):
            samples = fresh[layer].channel(number).samples.tolist()
            assert found[layer].channel(number).samples.tolist() == read.channel(number).samples.tolist() == samples
    with pytest.raises(ValueError, match=r"A store alone has numbers.*references\(store, 'head', subject=subject\)"):
        references(store, "head").channel(0).inputs()
    whole = references(store, "head", subject=residual)
    assert any(len(whole.channel(number).inputs()) for number in range(whole.channels))


def test_beside_a_relevance_store_with_its_composite_and_targets(residual, tmp_path):
    explainer = Explainer(residual.model, "epsilon_plus_flat")
    store = RelevanceStore.create(tmp_path / "maps", explainer, residual, targets="label", progress=False)
    found = references(store, "one.3", subject=residual)
    assert found.store.path == tmp_path / "maps-references"
    assert found.store.info.composite == store.info.composite
    assert found.store.target.tolist() == store.target.tolist()
    with pytest.raises(ValueError, match=r"give its subject, references\(store, 'one.3', subject=subject\)"):
        references(store, "one.3")


def test_dask_workers_find_what_is_found_here(tmp_path):
    digits = subjects.load("digits")
    here = references(digits, ["conv2", "relu3"], path=tmp_path / "here")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as local,
        distributed.Client(local) as client,
    ):
        there = references(digits, ["conv2", "relu3"], path=tmp_path / "there", client=client)
        with pytest.raises(ValueError, match=r"references\(..., client=client, path=...\)"):
            references(digits, "conv2", client=client)
    for layer in ("conv2", "relu3"):
        one, other = here[layer].ranking, there[layer].ranking
        assert np.array_equal(one.rows, other.rows)
        assert np.array_equal(one.values, other.values)


def test_another_model_composite_or_option_is_refused(residual, tmp_path):
    path = tmp_path / "references"
    references(residual, "one.3", path=path)
    other = subject_of(Residual())
    with torch.no_grad():
        other.model.head.weight.mul_(1.5)
    for subject, options in (
        (other, {}),
        (residual, {"composite": "epsilon"}),
        (residual, {"targets": "label"}),
        (residual, {"batch_size": 5}),
    ):
        with pytest.raises(ValueError, match="was begun differently"):
            references(subject, "one.3", path=path, **options)
    with pytest.raises(ValueError, match="layers"):
        references(residual, "head", path=path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": "tow.3"}, "no layer 'tow.3'; the nearest names are 'two.3'"),
        ({"layer": []}, "layer must name at least one layer"),
        ({"by": "size"}, "by must be 'relevance' or 'activation', got 'size'"),
        ({"k": 0}, "k must be a whole number of at least 1, got 0"),
        ({"targets": 7}, "7"),
    ],
)
def test_what_is_not_there_is_refused_before_any_work(residual, arguments, message):
    with pytest.raises(ValueError, match=message):
        references(residual, **{"layer": "one.3", **arguments})


def test_channels_and_inputs_that_are_not_there(residual):
    found = references(residual, "one.3")
    with pytest.raises(ValueError, match=r"The layer 'one.3' has channels 0 to 7, there is no 8"):
        found.channel(8)
    with pytest.raises(ValueError, match="There is no input 23; the data set has inputs 0 to 22"):
        found.maps([23], [0])


def test_a_data_set_that_is_empty_or_has_no_labels(residual):
    with pytest.raises(ValueError, match=r"no inputs|empty"):
        references(Subject(residual.model), "one.3")
    plain = [(x, None) for x in residual.dataset.inputs]
    with pytest.raises(ValueError, match=r"has no labels, and targets is 'label'; use targets='predicted'"):
        references(Subject(residual.model, plain), "one.3", targets="label")


def test_a_silent_channel_has_no_references():
    model = Residual()
    subject = subject_of(model)
    with torch.no_grad():
        model.stem[1].weight[2], model.stem[1].bias[2] = 0.0, -1.0
    found = references(subject, "stem.2", by="activation")
    assert len(found.channel(2)) == 0
    assert found.channel(2).classes == []
    assert found.channel(2).inputs().shape == (0, 3, 16, 16)
    assert found.channel(2).crops() == []


@pytest.mark.parametrize("k", [1, 4, 100])
def test_the_highest_are_those_of_a_stable_sort_with_ties_negatives_and_none(k):
    random = np.random.default_rng(0)
    values = random.integers(-3, 4, (57, 9)).astype(np.float32) / 3
    values[random.random(values.shape) < 0.2] = -np.inf
    values[5, 3], values[6, 3], values[7, 3] = 1e-38, 3e38, -3e38
    assert _highest(values, k).tolist() == np.argsort(-values, axis=0, kind="stable")[:k].tolist()


def test_zennit_crp_finds_the_same_samples(tmp_path):
    """Its published procedure, on digits: the hooks of zennit beside our tape."""
    pytest.importorskip("crp", reason="needs the referee zennit-crp")
    from crp.attribution import CondAttribution
    from crp.concepts import ChannelConcept
    from crp.helper import load_maximization
    from crp.visualization import FeatureVisualization
    from zennit.composites import EpsilonPlusFlat

    subject, layers = subjects.load("digits"), ["conv2", "conv3"]
    inputs = torch.stack([subject.item(each)[0] for each in range(60)])
    says = subject.model(inputs).argmax(1).tolist()
    data = list(zip(inputs, says, strict=True))
    path = str(tmp_path / "theirs")
    concepts = {layer: ChannelConcept() for layer in layers}
    theirs = FeatureVisualization(
        CondAttribution(subject.model), data, concepts, max_target="sum", abs_norm=False, path=path
    )
    theirs.run(EpsilonPlusFlat(), 0, len(data), 20)
    few = Subject(subject.model, TensorSamples(inputs, says, [str(each) for each in range(60)]))
    found = references(few, layers, k=5, composite="epsilon_plus_flat")
    for layer in layers:
        rows, values, _ = load_maximization(theirs.RelMax.PATH, layer)
        ranking = found[layer].ranking
        there = ranking.values > -np.inf
        np.testing.assert_allclose(ranking.values[there], np.asarray(values)[:5][there], rtol=1e-3, atol=1e-4)
        assert (ranking.rows == np.asarray(rows)[:5])[there].mean() > 0.98
