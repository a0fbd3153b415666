"""Runs: every objective rises, the same seed gives the same images, and whatever goes wrong is said."""

import math

import pytest
import torch
import torchvision
from torch import nn

from lrpwidgets import subjects
from lrpwidgets.lrp import Cancelled, Explainer, Progress, watched
from lrpwidgets.maximize import DeadObjectiveError, maximize, objectives, priors
from lrpwidgets.maximize.objectives import Objective
from lrpwidgets.subjects import Subject
from tests.lrp.networks import realistic
from tests.maximize.test_network import vit


@pytest.fixture(scope="module")
def digits() -> Subject:
    return subjects.load("digits")


@pytest.fixture(scope="module")
def squeezenet(shared_data) -> Subject:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(shared_data / "torch_home"))
        return subjects.load("imagenet", images=shared_data / "imagenet")


def rises(run) -> bool:
    result = run.finish()
    curve = result.curves["objective"]
    return not result.stopped and sum(curve[-3:]) / 3 > curve[0]


OBJECTIVES = [
    objectives.class_score(1),
    objectives.log_probability(1),
    objectives.class_score(1) - objectives.class_score(2),
]


@pytest.mark.parametrize(
    "objective",
    [
        *OBJECTIVES,
        objectives.channel("features.12", 486),
        objectives.channel("features.12", 486, position=(1, 1)),
        objectives.channel("features.5.squeeze", 4),
        objectives.direction("features.9", torch.randn(384, generator=torch.Generator().manual_seed(0))),
        objectives.class_score("goose") + 0.1 * objectives.channel("features.12", 486),
    ],
    ids=str,
)
def test_every_objective_rises_on_squeezenet(squeezenet, objective):
    assert rises(maximize(squeezenet, objective, "fourier", steps=12, size=64))


@pytest.mark.parametrize("objective", [*OBJECTIVES, objectives.channel("layer2.0.add", 3)], ids=str)
def test_every_objective_rises_on_resnet(objective):
    model = realistic(torchvision.models.resnet18(num_classes=10))
    assert rises(maximize(model, objective, steps=15, size=(3, 64, 64)))


@pytest.mark.parametrize(
    "objective",
    [
        *OBJECTIVES,
        objectives.channel("encoder.layers.encoder_layer_0.mlp.3", 2),
        objectives.channel("encoder.layers.encoder_layer_1.add#2", 2, position=5),
    ],
    ids=str,
)
def test_every_objective_rises_on_a_vision_transformer(objective):
    assert rises(maximize(realistic(vit()), objective, steps=20, size=(3, 16, 16)))


@pytest.mark.parametrize("prior", priors.names())
def test_every_prior_lets_a_score_rise_on_digits(digits, prior):
    run = maximize(digits, objectives.class_score(3), prior, steps=40)
    assert rises(run)
    assert set(run.curves) == {"objective", *(each.name for each in run.prior.penalties)}
    assert [len(curve) for curve in run.curves.values()] == [41] * len(run.curves)


@pytest.mark.parametrize("prior", ["l2", "fourier", "spectrum", "expert"])
def test_the_same_seed_gives_the_same_images_whatever_runs_beside(digits, prior):
    def begun():
        return maximize(digits, objectives.channel("conv2", 5), prior, steps=8, seed=3, count=2)

    alone, one, other = begun().finish(), begun(), begun()
    for _ in zip(one, other, strict=True):  # frame by frame in turn, as two tabs do
        torch.rand(3)
    assert torch.equal(alone.images, one.finish().images)
    assert torch.equal(alone.images, other.finish().images)
    assert not torch.equal(
        alone.images, maximize(digits, objectives.channel("conv2", 5), prior, steps=8).finish().images
    )


def test_frames_are_told_one_by_one(digits):
    run = maximize(digits, objectives.class_score(3), "l2", steps=5)
    assert run.frame is None
    frames = list(run)
    assert [frame.step for frame in frames] == [0, 1, 2, 3, 4, 5]
    assert frames[0].images.shape == (1, 1, 8, 8)
    assert set(frames[0].terms) == {"objective", "L2"}
    assert run.curves["L2"] == [frame.terms["L2"] for frame in frames]
    assert run.finish().frame is frames[-1]
    torch.testing.assert_close(run.finish().objective, frames[-1].objective)
    for step in (1, 3):  # nothing of a frame is changed by those that follow
        torch.testing.assert_close(run.measured(frames[step].images), frames[step].objective)


def test_a_run_begins_where_another_one_was(digits):
    run = maximize(digits, objectives.class_score(3), "fourier", steps=6)
    frames = list(run)
    again = maximize(digits, objectives.class_score(3), "fourier", steps=0, start=frames[4]).finish()
    torch.testing.assert_close(again.images, frames[4].images)
    other = maximize(digits, objectives.class_score(3), "l2", steps=0, start=frames[4]).finish()
    torch.testing.assert_close(other.images, frames[4].images, atol=1e-5, rtol=1e-5)
    sample = digits.dataset[7][0][None]
    given = maximize(digits, objectives.class_score(3), "none", steps=0, start=sample).finish()
    torch.testing.assert_close(given.images, sample)


def test_several_images_of_a_run_can_be_asked_to_differ(digits):
    alike = maximize(digits, objectives.channel("conv3", 5), "mean", steps=60, count=3).finish()
    wish = objectives.channel("conv3", 5) + objectives.diversity("conv3")
    apart = maximize(digits, wish, "mean", steps=60, count=3).finish()

    def distance(images: torch.Tensor) -> float:
        return float(torch.cdist(images.flatten(1), images.flatten(1)).sum())

    assert distance(apart.images) > 1.2 * distance(alike.images)


def test_small_inputs_take_the_expert_and_others_the_spectrum(digits):
    assert maximize(digits, objectives.class_score(3)).prior.name == "expert"
    assert maximize(digits, objectives.channel("conv2", 3)).prior.name == "spectrum"
    assert maximize(subjects.load("shapes"), objectives.class_score(0)).prior.name == "spectrum"
    assert maximize(vit(), objectives.class_score(0), size=(3, 16, 16)).prior.name == "fourier"


def test_the_model_is_untouched(digits):
    before = {name: value.clone() for name, value in digits.model.state_dict().items()}
    digits.model.train()
    maximize(digits, objectives.class_score(3), steps=5).finish()
    assert digits.model.training
    digits.model.eval()
    for name, parameter in digits.model.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.grad is None
        assert parameter.requires_grad


def test_a_run_can_be_stopped_and_cancelled(digits):
    run = maximize(digits, objectives.class_score(3), steps=1000)
    for frame in run:
        if frame.step == 4:
            run.stop()
    assert run.finish().frame.step == 4
    assert run.finish().stopped == "It was stopped."

    def cancel(progress: Progress) -> None:
        raise Cancelled

    run = maximize(digits, objectives.class_score(3))
    with pytest.raises(Cancelled), watched(cancel):
        next(iter(run))


class Root(nn.Module):
    """Its gradient explodes at 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1).sum(1, keepdim=True).sqrt().neg().expand(-1, 2) * 1.0


def test_an_objective_that_becomes_nan_ends_the_run_and_the_last_good_frame_stays():
    result = maximize(Root(), objectives.class_score(0), "none", size=(1, 4, 4), start=torch.ones(1, 1, 4, 4)).finish()
    assert "where the objective became NaN or infinite" in result.stopped
    assert math.isfinite(float(result.frame.objective))
    assert bool(result.images.isfinite().all())
    assert all(math.isfinite(value) for value in result.curves["objective"])


def dying(dead: bool) -> nn.Module:
    """The last ReLU of channel 2 is never passed at first; if `dead`, by nothing at all."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    with torch.no_grad():
        model[2].bias[2] -= 1.0
        if dead:
            model[2].weight[2] = 0
    return model


def test_an_image_that_excites_nothing_at_first_finds_its_way():
    curve = maximize(dying(False), objectives.channel("3", 2), "none", size=(1, 8, 8), steps=80).finish().curves
    assert curve["objective"][0] == 0
    assert curve["objective"][-1] > 0.3


def test_a_dead_channel_is_said_to_be_dead():
    with pytest.raises(DeadObjectiveError, match=r"Nothing about the image changes channel 2 of 3: .* start=x"):
        maximize(dying(True), objectives.channel("3", 2), "none", size=(1, 8, 8)).finish()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prior": "spectrun"}, "no prior 'spectrun'.*Did you mean 'spectrum'"),
        ({"steps": -1}, "steps must be a whole number from 0 on, got -1"),
        ({"count": 0}, "count must be a whole number from 1 on, got 0"),
        ({"start": torch.zeros(1, 1, 9, 9)}, r"start must hold images \(1, 1, 8, 8\), got \(1, 1, 9, 9\)"),
        ({"size": (8, 8)}, r"size must be a side in pixels or \(channels, height, width\)"),
        ({"size": 6}, "cannot take an input of shape"),
    ],
)
def test_bad_settings_are_refused_before_any_work(digits, arguments, message):
    with pytest.raises(ValueError, match=message):
        maximize(digits, objectives.class_score(3), **arguments)


def test_what_is_no_objective_is_refused(digits):
    with pytest.raises(TypeError, match=r"lrpwidgets.maximize.objectives, got 3"):
        maximize(digits, 3)
    with pytest.raises(ValueError, match="Without data the size is unknown"):
        maximize(digits.model, objectives.class_score(3))


def test_settings_of_priors_are_checked():
    assert priors.get("l2", weight=3.0).penalties[0].weight == 3.0
    with pytest.raises(ValueError, match="'l2' has no setting 'wieght'; it has weight"):
        priors.get("l2", wieght=3.0)


def test_an_explainer_brings_its_select():
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(1, 4, 3)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"logits": self.layer(x).mean((2, 3))}

    explainer = Explainer(Named(), select="logits")
    assert rises(maximize(explainer, objectives.class_score(2), "none", steps=10, size=(1, 8, 8)))


def test_memory_stays_flat(digits):
    import gc

    run = maximize(digits, objectives.channel("conv2", 5), "l2", steps=300)
    counts = []
    for frame in run:
        if frame.step in (100, 300):
            gc.collect()
            counts.append(sum(type(each) is torch.Tensor for each in gc.get_objects()))
    assert counts[1] <= counts[0] + 2


def test_own_objectives_join_in(digits):
    class Brightness(Objective):
        layers = ["conv1"]  # noqa: RUF012

        def of(self, seen):
            return seen.channels("conv1").mean((1, 2))

    assert rises(maximize(digits, Brightness() + 0.1 * objectives.class_score(3), "none", steps=10))
