"""What priors do: prototypes of digits come closer to real ones, and views make them robust."""

import pytest
import torch

from lrpwidgets import subjects
from lrpwidgets.maximize import maximize, objectives, priors
from lrpwidgets.maximize.data import Data
from lrpwidgets.subjects import digits

SEEDS = 5


@pytest.fixture(scope="module")
def prototypes() -> dict[str, tuple[float, float]]:
    """By prior: the mean distance to the nearest digit of the training data, and how often that has the right label."""
    subject, (images, labels) = subjects.load("digits"), digits.training()
    found = {}
    for prior in ("none", "l2", "mean", "expert", "code"):
        distances, right = [], []
        for number in range(10):
            made = maximize(subject, objectives.class_score(number), prior, steps=128, count=SEEDS).finish().images
            distance, nearest = torch.cdist(made.flatten(1), images.flatten(1)).min(1)
            distances.append(distance)
            right.append(labels[nearest] == number)
        found[prior] = float(torch.cat(distances).mean()), float(torch.cat(right).float().mean())
    return found


def test_the_stronger_the_prior_the_nearer_the_digits(prototypes):
    none, l2, mean, expert, code = (prototypes[prior][0] for prior in ("none", "l2", "mean", "expert", "code"))
    assert none > l2 > mean > expert > code
    assert none > 2 * expert


@pytest.mark.parametrize("prior", ["expert", "code", "mean"])
def test_prototypes_look_like_their_class(prototypes, prior):
    assert prototypes[prior][1] >= 0.9


def test_under_l2_with_a_weight_of_1_an_image_ends_about_as_far_from_the_mean_as_real_ones():
    subject = subjects.load("digits")
    run = maximize(subject, objectives.channel("conv2", 7), priors.l2(1.0), steps=200)
    made = run.finish().images
    energy = float((made - run.data.mean).square().mean())
    assert 0.3 * run.data.energy < energy < 2 * run.data.energy


@pytest.mark.parametrize("name", ["l2", "mean", "variation", "expert"])
def test_penalties_of_real_inputs_are_about_1_or_0(name):
    subject = subjects.load("digits")
    data = Data.of(subject, (1, 8, 8), torch.float32)
    (penalty,) = priors.get(name).penalties
    own = data.inputs[data.labels == 3]
    real = {"mean": own, "expert": data.inputs[1::2]}.get(name, data.inputs)  # no inputs that the expert learned from
    found = penalty.bound(data, 3)(real, real, torch.Generator())
    expected = {"l2": 1.0, "mean": 1.0, "variation": 1.0, "expert": 0.0}[name]
    assert float(found.mean()) == pytest.approx(expected, abs=0.5 if name == "expert" else 1e-4)


def test_without_data_priors_that_need_it_say_so():
    model = subjects.load("digits").model
    with pytest.raises(ValueError, match="A density is fitted to 8 real inputs or more, and there are 0"):
        maximize(model, objectives.class_score(3), "expert", size=(1, 8, 8)).finish()
    for name in ("l2", "variation", "spectrum", "mean"):
        result = maximize(model, objectives.class_score(3), name, size=(1, 8, 8), steps=5).finish()
        assert bool(result.images.isfinite().all())


def test_views_and_the_spectrum_survive_shifts_better_than_pixels(shared_data, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(shared_data / "torch_home"))
    subject = subjects.load("imagenet", images=shared_data / "imagenet")
    left = {}
    for prior in ("none", "fourier", "spectrum"):
        result = maximize(subject, objectives.class_score("goose"), prior, steps=40, size=96).finish()
        left[prior] = result.honesty.under_shifts
    assert left["fourier"] > left["none"] + 0.2
    assert left["spectrum"] > left["none"] + 0.2
