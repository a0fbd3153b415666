"""Few-shot episodes, and the accuracy over many of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets import improve
from lrpwidgets.improve.episodes import Pool
from lrpwidgets.improve.few_shot_comparison import student
from lrpwidgets.subjects import TensorSamples

NEW = (5, 6, 7, 8, 9)


@pytest.fixture(scope="module")
def digits():
    return improve.few_shot_digits()


@pytest.fixture(scope="module")
def untrained(digits):
    torch.manual_seed(0)
    return improve.RelationNetwork.of(digits[0][0]).eval()


def few(labels):
    return TensorSamples(torch.arange(float(len(labels)))[:, None], labels, [""] * len(labels))


def test_an_episode_has_the_classes_shots_and_queries_that_were_asked_for(digits):
    for episode in improve.draw_episodes(digits, NEW, way=3, shot=2, query=4, episodes=20):
        assert len(set(episode.classes)) == 3
        assert set(episode.classes) <= set(NEW)
        assert (episode.support.shape, episode.query.shape) == ((3, 2), (3, 4))
        both = np.concatenate([episode.support, episode.query], 1)
        assert len(np.unique(both)) == both.size
        assert (np.array(digits.labels)[both] == np.array(episode.classes)[:, None]).all()
        assert episode.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_episodes_are_those_of_the_seed_however_many_follow(digits):
    def drawn(count, seed):
        return [each.query.tolist() for each in improve.draw_episodes(digits, episodes=count, seed=seed)]

    assert drawn(2, 0) == drawn(5, 0)[:2]
    assert drawn(2, 0) != drawn(2, 1)


def test_inputs_keep_the_shape_of_their_numbers():
    pool = Pool(few([0, 0, 1, 1]))
    assert pool.inputs(np.array([[3, 1], [0, 2]])).tolist() == [[[3.0], [1.0]], [[0.0], [2.0]]]


def test_samples_without_a_label_are_left_out():
    assert Pool([(torch.zeros(1), None), (torch.zeros(1), 4)]).classes == (4,)


@pytest.mark.parametrize(
    ("classes", "settings", "words"),
    [
        ((0, 1), {"way": 3, "query": 1}, "Episodes of 3 ways need 3 classes, and there are 2"),
        ((0, 1), {"way": 2, "query": 3}, "need 4, and class 0 has 3"),
        ((0, 7), {"way": 2}, "No sample is of class 7; there are 0, 1, 2"),
        ((0, 0), {"way": 2}, "classes must be different ones"),
        ((0, 1), {"way": 1}, "way must be a whole number from 2"),
        ((0, 1), {"shot": 0}, "shot must be a whole number from 1"),
        ((0, 1), {"query": 1.5}, "query must be a whole number from 1"),
        ((0, 1), {"episodes": 0}, "episodes must be a whole number from 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(classes, settings, words):
    with pytest.raises(ValueError, match=words):
        improve.draw_episodes(few([0, 0, 0, 1, 1, 1, 2]), classes, **settings)


def test_untrained_networks_are_at_chance(digits):
    """Each a little above or below, as a random relation is one too; so the interval is over networks."""
    found = []
    for seed in range(6):
        torch.manual_seed(seed)
        network = improve.RelationNetwork.of(digits[0][0])
        found.append(improve.episode_accuracy(network, digits, NEW, query=2, episodes=60, progress=False))
    means = student([each.values.mean() for each in found])
    assert {each.chance for each in found} == {0.2}
    assert means.low <= 0.2 <= means.high


def test_accuracy_is_that_of_the_networks_own_forward(digits, untrained):
    found = improve.episode_accuracy(untrained, digits, NEW, shot=2, query=3, episodes=4, seed=7, progress=False)
    pool = Pool(digits)
    drawn = improve.draw_episodes(digits, NEW, shot=2, query=3, episodes=4, seed=7)
    for value, episode in zip(found.values, drawn, strict=True):
        scores = untrained(pool.inputs(episode.support), pool.inputs(episode.query.ravel()))
        assert value == pytest.approx(float((scores.argmax(1) == episode.labels).float().mean()))


def test_accuracies_are_compared_in_the_same_episodes_only(digits, untrained):
    def measured(**settings):
        return improve.episode_accuracy(untrained, digits, NEW, query=2, episodes=3, progress=False, **settings)

    assert (measured().minus(measured()) == 0).all()
    for other in ({"seed": 1}, {"shot": 2}):
        with pytest.raises(ValueError, match="different episodes"):
            measured().minus(measured(**other))


def test_a_network_in_training_mode_is_measured_in_evaluation_mode_and_left_alone(digits):
    dropping = improve.RelationNetwork.of(digits[0][0], nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Dropout(0.9)))
    one, other = (
        improve.episode_accuracy(dropping.train(), digits, NEW, query=2, episodes=5, progress=False) for _ in range(2)
    )
    assert (one.values == other.values).all()
    assert all(module.training for module in dropping.modules())


def test_scores_that_are_no_numbers_are_refused(digits):
    broken = improve.RelationNetwork.of(digits[0][0])
    nn.init.constant_(broken.relation[-1].bias, float("nan"))
    with pytest.raises(ValueError, match="scores contain NaN"):
        improve.episode_accuracy(broken, digits, NEW, episodes=1, progress=False)


def test_progress_is_told_and_may_cancel(digits, untrained):
    told = []
    improve.episode_accuracy(untrained, digits, NEW, query=1, episodes=150, progress=told.append)
    assert [(each.done, each.total) for each in told] == [(100, 150), (150, 150)]


def test_looks_have_the_same_digits(digits):
    for look in ("inverted", "blurred"):
        other = improve.few_shot_digits(look)
        assert other.labels == digits.labels
        assert 0 <= float(other.inputs.min()) < float(other.inputs.max()) <= 1
    assert torch.equal(1 - improve.few_shot_digits("inverted").inputs, digits.inputs)
    with pytest.raises(ValueError, match="look must be one of 'plain', 'inverted', 'blurred', got 'red'"):
        improve.few_shot_digits("red")


# Networks


@pytest.mark.parametrize("shape", [(12,), (1, 8, 8), (3, 64, 48), (1, 5, 5), (2, 2, 3)], ids=str)
def test_there_is_a_network_for_vectors_and_pictures_of_any_size(shape):
    network = improve.RelationNetwork.of(torch.rand(shape))
    assert network(torch.rand(3, 2, *shape), torch.rand(4, *shape)).shape == (4, 3)


def test_a_score_depends_on_its_class_and_query_alone(untrained):
    support, query = torch.rand(3, 2, 1, 8, 8), torch.rand(4, 1, 8, 8)
    scores = untrained(support, query)
    for place, other in itertools.product(range(3), range(4)):
        alone = untrained(support[place : place + 1], query[other : other + 1])
        torch.testing.assert_close(scores[other, place], alone[0, 0])
    torch.testing.assert_close(untrained(support.flip(1), query), scores)


def test_inputs_without_a_default_and_embeddings_without_features_are_refused():
    with pytest.raises(ValueError, match=r"no default embedding for inputs of shape \(2, 3\)"):
        improve.RelationNetwork.of(torch.rand(2, 3))
    with pytest.raises(ValueError, match=r"must make features .* it made \(64,\)"):
        improve.RelationNetwork.of(torch.rand(1, 8, 8), nn.Flatten(0))
