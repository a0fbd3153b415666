"""Explanation-guided training: its loss, what it trains, and what a comparison says of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lrpwidgets import improve, subjects
from lrpwidgets.improve import guided
from lrpwidgets.improve.few_shot_comparison import VARIANTS, student
from lrpwidgets.improve.guided import GuidedLoss, normalized, permuted
from lrpwidgets.lrp import Explainer
from lrpwidgets.progress import Cancelled
from lrpwidgets.subjects import TensorSamples

OLD, NEW = (0, 1, 2, 3, 4), (5, 6, 7, 8, 9)
SHORT = improve.EpisodicTraining(query=3, episodes=6)
LRP = improve.Guidance()


@pytest.fixture(scope="module")
def digits():
    return improve.few_shot_digits()


@pytest.fixture
def network():
    torch.manual_seed(0)
    return improve.RelationNetwork.of(torch.rand(1, 8, 8)).double()


@pytest.fixture
def episode():
    """Support (N, K, ...), query (Q, ...) and labels (Q,)."""
    generator = torch.Generator().manual_seed(0)
    support, query = (torch.rand(size, 1, 8, 8, generator=generator).double() for size in (6, 5))
    return support.unflatten(0, (3, 2)), query, torch.tensor([0, 1, 2, 0, 1])


def train(digits, guidance=None, classes=OLD, network=None, training=SHORT, seed=0, **settings):
    return improve.few_shot(
        digits, classes, network, training=training, guidance=guidance, seed=seed, progress=False, **settings
    )


# The loss


def test_without_relevance_features_are_scored_as_they_are(network, episode, monkeypatch):
    monkeypatch.setattr(guided, "relevance", lambda explainer, pairs: torch.zeros_like(pairs))
    plain = GuidedLoss.of(network, None, 0)(*episode)
    found = GuidedLoss.of(network, improve.Guidance(plain=1.0, guided=0.5), 0)(*episode)
    torch.testing.assert_close(found, 1.5 * plain, rtol=1e-12, atol=0)


def test_with_a_guided_weight_of_zero_the_loss_is_the_plain_one(network, episode):
    found = GuidedLoss.of(network, improve.Guidance(guided=0.0), 0)(*episode)
    assert torch.equal(found, GuidedLoss.of(network, None, 0)(*episode))


@pytest.mark.parametrize("composite", ["epsilon_plus", "epsilon", "excitation_backprop"])
def test_the_loss_is_that_of_all_pairs_with_relevance_of_the_predicted_class(network, episode, composite):
    class Relations(nn.Module):
        def forward(self, pairs):
            return network.scores(pairs)

    relations = Relations()
    relations.relation = network.relation
    support, query, labels = episode
    pairs = network.pairs(*network.features(support, query))
    explanation = Explainer(relations, composite).explain(pairs)  # of the top class of each query
    relevance = explanation.relevance
    weights = 1 + relevance / relevance.abs().flatten(1).amax(1).reshape(-1, *[1] * 4)
    expected = F.cross_entropy(explanation.scores, labels) + 0.5 * F.cross_entropy(
        network.scores(weights * pairs), labels
    )
    found = GuidedLoss.of(network, improve.Guidance(composite), 0)(support, query, labels)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=0)


def test_weights_get_gradients_through_the_weighted_features_and_none_through_relevance(network, episode, monkeypatch):
    only = improve.Guidance(plain=0.0, guided=1.0)
    found = GuidedLoss.of(network, only, 0)(*episode)
    gradients = torch.autograd.grad(found, list(network.parameters()))
    assert all(bool((each != 0).any()) for each in gradients)
    explainer = only.explainer(network)
    pairs = network.pairs(*network.features(*episode[:2]))
    fixed = guided.relevance(explainer, pairs[torch.arange(5), network.scores(pairs).argmax(1)])
    assert not fixed.requires_grad
    monkeypatch.setattr(guided, "relevance", lambda explainer, pairs: fixed)
    again = torch.autograd.grad(GuidedLoss.of(network, only, 0)(*episode), list(network.parameters()))
    for one, other in zip(gradients, again, strict=True):
        torch.testing.assert_close(one, other)


def test_relevance_is_brought_to_one_for_each_sample_and_stays_zero_where_it_is():
    relevance = torch.tensor([[[2.0, -4.0]], [[0.0, 0.0]], [[1e-30, 0.0]]])
    assert normalized(relevance).tolist() == [[[0.5, -1.0]], [[0.0, 0.0]], [[1.0, 0.0]]]


def test_permuted_relevance_has_the_same_amounts_in_other_places():
    relevance = torch.rand(3, 2, 4, 4)
    dealt = permuted(relevance, torch.Generator().manual_seed(0))
    assert dealt.shape == relevance.shape
    assert not torch.equal(dealt, relevance)
    torch.testing.assert_close(dealt.flatten(1).sort(1).values, relevance.flatten(1).sort(1).values)


# Training


@pytest.mark.parametrize("guidance", [None, LRP, improve.Guidance("epsilon", permuted=True)], ids=str)
def test_a_training_is_that_of_its_seed(digits, guidance):
    one, same, other = (train(digits, guidance, seed=seed) for seed in (0, 0, 1))
    assert one.history.losses == same.history.losses != other.history.losses
    for name, weight in one.network.state_dict().items():
        assert torch.equal(weight, same.network.state_dict()[name]), name


def test_guided_and_plain_begin_with_the_same_weights_and_episodes(digits):
    first = improve.EpisodicTraining(query=3, episodes=1)
    plain, none = (train(digits, each, training=first) for each in (None, improve.Guidance(guided=0.0)))
    assert plain.history.losses == none.history.losses


def test_torchs_random_numbers_and_the_given_network_stay(digits):
    own = improve.RelationNetwork.of(digits[0][0])
    before = {name: weight.clone() for name, weight in own.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    made = train(digits, LRP, network=own)
    assert torch.equal(torch.rand(2), expected)
    assert all(torch.equal(weight, before[name]) for name, weight in own.state_dict().items())
    assert not any(module.training for module in made.network.modules())
    assert all(each.grad is None for each in made.network.parameters())


def test_training_learns_to_tell_new_classes_apart(digits):
    longer = improve.EpisodicTraining(query=3, episodes=40)
    for guidance in (None, LRP):
        made = train(digits, guidance, training=longer)
        found = improve.episode_accuracy(made.network, digits, NEW, query=3, episodes=60, progress=False)
        assert found.interval.low > found.chance
        assert made.history.losses[0] < math.log(5) * (1 if guidance is None else 1.5)


def test_ones_own_embedding_is_trained_on_ones_own_data():
    shapes = subjects.load("shapes")
    embedding = nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=4), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.ReLU()
    )
    kind = improve.EpisodicTraining(way=3, query=2, episodes=3)
    made = train(shapes, LRP, (0, 1, 2), embedding, kind)
    assert isinstance(made.network.embedding[0], nn.Conv2d)
    assert not torch.equal(made.network.embedding[0].weight, embedding[0].weight)
    assert float(embedding[1].num_batches_tracked) == 0
    found = improve.episode_accuracy(
        made.network, shapes.dataset, (3, 4, 5), way=3, query=2, episodes=5, progress=False
    )
    assert found.values.shape == (5,)
    (episode,) = improve.draw_episodes(shapes, way=6)  # of a subject it is the dataset that counts
    assert sorted(episode.classes) == list(range(6))


def test_a_function_makes_other_weights_for_each_seed(digits):
    def embedding():
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU())

    one = improve.EpisodicTraining(query=3, episodes=1, rate=1e-5)
    weights = [train(digits, network=embedding, training=one, seed=seed).network.embedding[1].weight for seed in (0, 1)]
    assert not torch.allclose(*weights, atol=1e-3)
    given = embedding()
    weights = [train(digits, network=given, training=one, seed=seed).network.embedding[1].weight for seed in (0, 1)]
    torch.testing.assert_close(*weights, rtol=0, atol=1e-3)


def test_a_loss_that_is_no_number_ends_the_training_with_the_last_good_weights(digits):
    def embedding():
        return nn.Sequential(nn.Flatten(), Explosive())

    made = train(digits, LRP, network=embedding)
    assert made.history.stopped == "The loss was nan in episode 5: steps are too large."
    assert made.history.best == 3  # those after the fourth are the ones that gave it
    shorter = improve.EpisodicTraining(query=3, episodes=3)
    again = train(digits, LRP, network=embedding, training=shorter)
    for one, other in zip(made.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, other)


class Explosive(nn.Module):
    """Features that are no numbers from the fifth time on."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.times = nn.Linear(64, 8), 0

    def forward(self, x):
        self.times += self.training
        return self.layer(x) / float(self.times < 5)


def test_weights_that_are_no_numbers_after_the_last_step_are_not_kept(digits):
    once = improve.EpisodicTraining(query=3, episodes=1)
    own = improve.RelationNetwork.of(digits[0][0])
    own.embedding[0].weight.register_hook(lambda gradient: gradient * math.inf)
    made = train(digits, network=lambda: own, training=once)
    assert made.history.stopped == "Weights were no numbers after episode 1: steps are too large."
    assert made.history.best == 0
    assert all(bool(each.isfinite().all()) for each in made.network.parameters())


def test_progress_is_told_and_a_cancelled_training_is_over(digits):
    told = []
    improve.few_shot(digits, OLD, training=SHORT, progress=told.append)
    assert [(each.done, each.total) for each in told] == [(number, 6) for number in range(1, 7)]

    def cancel(progress):
        raise Cancelled

    with pytest.raises(Cancelled):
        improve.few_shot(digits, OLD, training=SHORT, guidance=LRP, progress=cancel)


# What is refused


def frozen():
    return improve.RelationNetwork.of(torch.rand(1, 8, 8)).requires_grad_(False)


def normed():
    relation = nn.Sequential(nn.Flatten(), nn.Linear(128, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
    return improve.RelationNetwork(nn.Flatten(), relation)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"classes": (0, 1)}, ValueError, "Episodes of 5 ways need 5 classes, and there are 2"),
        ({"training": improve.EpisodicTraining(shot=100, query=80)}, ValueError, "need 180, and class 0 has 178"),
        ({"network": frozen}, ValueError, "no parameters that can be trained"),
        ({"network": normed}, ValueError, "has a BatchNorm1d, '2': .* Take a GroupNorm"),
        ({"network": 3}, TypeError, "network must be an nn.Module or a function that makes one, got int"),
        ({"guidance": "epsilon"}, TypeError, "guidance must be a Guidance, or None for plain training, got 'epsilon'"),
    ],
)
def test_what_cannot_be_trained_is_refused(digits, settings, error, words):
    with pytest.raises(error, match=words):
        train(digits, **{"guidance": LRP, **settings})


def test_a_norm_in_the_relation_module_is_no_obstacle_to_plain_training(digits):
    assert train(digits, network=normed).history.best == 6


def test_inputs_that_are_no_numbers_are_refused():
    broken = TensorSamples(torch.full((20, 4), math.nan), [number % 2 for number in range(20)], [""] * 20)
    kind = improve.EpisodicTraining(way=2, query=3, episodes=3)
    with pytest.raises(ValueError, match="The first loss was nan: inputs or initial weights are no good"):
        train(broken, LRP, None, training=kind)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"composite": "epsilom"}, "There is no composite 'epsilom'. Did you mean 'epsilon'"),
        ({"composite": "epsilon_gamma_box"}, "needs low and high"),
        ({"guided": -1.0}, "guided must be"),
        ({"permuted": 1}, "permuted must be True or False"),
    ],
)
def test_a_guidance_that_cannot_be_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        improve.Guidance(**settings)


# Comparison


@pytest.fixture(scope="module")
def compared(digits):
    return improve.compare_few_shot(
        (digits, OLD),
        (improve.few_shot_digits("inverted"), NEW),
        {"plain": None, "LRP": LRP, "control": improve.Guidance(permuted=True)},
        training=SHORT,
        seeds=2,
        episodes=20,
        progress=False,
    )


def test_a_comparison_pairs_networks_of_a_seed_in_the_same_episodes(digits, compared):
    gain = compared.gain("LRP")
    for seed, difference in enumerate(gain.per_seed):
        values = [
            improve.episode_accuracy(
                train(digits, guidance, seed=seed).network,
                improve.few_shot_digits("inverted"),
                NEW,
                query=3,
                episodes=20,
                seed=seed,
                progress=False,
            ).values
            for guidance in (LRP, None)
        ]
        assert difference == pytest.approx(float((values[0] - values[1]).mean()))
    assert gain.over_seeds.value == pytest.approx(np.mean(gain.per_seed))
    assert (gain.over_seeds.samples, gain.over_episodes.samples) == (2, 20)


def test_a_guided_training_is_compared_with_plain_and_with_its_control(compared):
    assert [(each.name, each.baseline) for each in compared.gains] == [
        ("LRP", "plain"),
        ("control", "plain"),
        ("LRP", "control"),
    ]
    assert compared.verdict.count("over 2 seeds") == 3
    assert len(compared.to_frame()) == 6


def made_up(differences, episodes=50):
    """A comparison of two trainings with such differences in every episode."""
    base = np.full(episodes, 0.5)
    of = {
        "plain": tuple(improve.EpisodeAccuracy(base, 5, 1) for _ in differences),
        "LRP": tuple(improve.EpisodeAccuracy(base + each, 5, 1) for each in differences),
    }
    return improve.FewShotComparison({"plain": None, "LRP": LRP}, of, SHORT, 5, 1)


@pytest.mark.parametrize(
    ("differences", "words"),
    [
        ((0.02, 0.03, 0.02, 0.03), "LRP is better than plain: +2.50 points (+1.58 to +3.42) over 4 seeds."),
        ((-0.02, -0.03, -0.02, -0.03), "LRP is worse than plain: -2.50 points (-3.42 to -1.58) over 4 seeds."),
        ((0.02, 0.03, -0.02, 0.03), "LRP cannot be told apart from plain: +1.50 points (-2.29 to +5.29) over 4 seeds."),
        ((0.02,), "LRP cannot be told apart from plain: +2.00 points (-inf to +inf) over 1 seeds."),
    ],
)
def test_the_verdict_is_that_of_the_interval_over_seeds(differences, words):
    assert made_up(differences).verdict == words


def test_how_many_seeds_a_gain_takes():
    gain = made_up((0.0, 0.02)).gain("LRP")
    assert gain.spread == pytest.approx(0.02 / math.sqrt(2))
    assert gain.seeds_for(0.005) == math.ceil((2.8 * gain.spread / 0.005) ** 2)
    assert gain.seeds_for(0.5) == 3
    for broken in (gain.seeds_for, made_up((0.02,)).gain("LRP").seeds_for):
        with pytest.raises(ValueError, match="two seeds and a gain other than 0"):
            broken(0.0)


def test_students_interval_covers_what_it_says():
    draws = np.random.default_rng(0).normal(size=(2000, 5))
    covered = np.mean([each.low <= 0 <= each.high for each in map(student, draws)])
    assert 0.935 < covered < 0.965


def test_classes_of_training_are_no_test(digits):
    with pytest.raises(ValueError, match="must be different ones; both have 4"):
        improve.compare_few_shot((digits, OLD), (digits, (4, 5, 6, 7, 8)), progress=False)
    made = improve.compare_few_shot(
        (digits, OLD),
        (improve.few_shot_digits("blurred"), OLD),
        {"plain": None, "LRP": LRP},
        training=SHORT,
        seeds=1,
        episodes=3,
        progress=False,
    )
    (said,) = made.said
    assert said.startswith("Training and test both have classes numbered 0, 1, 2, 3, 4: if they are the same, nothing")
    assert made.verdict.endswith(said)


def test_a_comparison_refuses_before_it_trains(digits):
    def never(progress):
        raise AssertionError("it trained")

    for settings, words in (
        ({"variants": {"plain": None}}, "two variants at least, got 1"),
        ({"network": normed}, "BatchNorm1d"),
        ({"seeds": 0}, "seeds must be a whole number from 1"),
        ({"way": 6}, "Episodes of 6 ways need 6 classes, and there are 5"),
    ):
        with pytest.raises(ValueError, match=words):
            improve.compare_few_shot((digits, OLD), (digits, NEW), training=SHORT, progress=never, **settings)


def test_the_default_variants_have_plain_first_and_a_control():
    names = list(VARIANTS)
    assert VARIANTS[names[0]] is None
    assert any(each is not None and each.permuted for each in VARIANTS.values())
