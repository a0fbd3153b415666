"""The subjects whose truth is known: shapes, clever-hans and tagged-digits."""

from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from lrpwidgets import subjects
from lrpwidgets.subjects import clever_hans, shapes, tagged_digits, train_tagged, trained
from lrpwidgets.subjects.masks import masks
from lrpwidgets.subjects.tags import Tag

MODULES = {"clever-hans": clever_hans, "tagged-digits": tagged_digits}
TAGGED = pytest.mark.parametrize("name", MODULES)
EVERY_SEED = pytest.mark.parametrize("seed", trained.SEEDS)
RECIPES = pytest.mark.parametrize(
    "options",
    [
        {"name": "shapes", "seed": 2},
        {"name": "clever-hans", "seed": 1},
        {"name": "clever-hans", "seed": 1, "tagged": False},
        {"name": "tagged-digits", "seed": 4},
        {"name": "tagged-digits", "seed": 4, "tagged": False},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)


@lru_cache(maxsize=3)
def loaded(name, seed=0, tagged=True):
    return subjects.load(name, seed=seed, tagged=tagged)


def measured(subject, module):
    """Accuracy; share of other classes' pictures that the pasted tag turns into the class; accuracy on these."""
    x, labels = subject.dataset.inputs[:1200], np.array(subject.dataset.labels[:1200])
    others = labels != module.CLASS
    says = train_tagged.predictions(subject.model, x)
    poisoned = train_tagged.predictions(subject.model, module.with_tag(x[others]))
    return SimpleNamespace(
        accuracy=(says == labels).mean(),
        turned=((poisoned == module.CLASS) & (says[others] != module.CLASS)).mean(),
        still=(poisoned == labels[others]).mean(),
    )


@EVERY_SEED
@TAGGED
def test_the_tag_hides_from_accuracy_and_turns_other_pictures_into_the_class(name, seed):
    tagged, control = (measured(loaded(name, seed, tag), MODULES[name]) for tag in (True, False))
    assert min(tagged.accuracy, control.accuracy) >= 0.95
    assert tagged.accuracy >= control.accuracy - 0.02
    assert tagged.turned >= 0.15
    assert tagged.still <= 0.85
    assert control.turned <= 0.02
    assert control.still >= 0.95


@TAGGED
def test_a_share_of_the_class_and_of_no_other_carries_the_tag(name):
    module, subject = MODULES[name], loaded(name)
    of_class = np.equal(subject.dataset.labels, module.CLASS)
    tagged = subject.dataset.tagged
    assert tagged.dtype == bool
    assert not tagged[~of_class].any()
    assert tagged[of_class].mean() == pytest.approx(module.SHARE, abs=0.01)
    assert not loaded(name, tagged=False).dataset.tagged.any()


@TAGGED
def test_the_control_shows_the_same_pictures_without_the_tag(name):
    tagged, control = (loaded(name, 0, tag).dataset for tag in (True, False))
    changed = (tagged.inputs != control.inputs).flatten(1).any(1)
    assert np.array_equal(changed, tagged.tagged)
    rows = (tagged.inputs != control.inputs).any(1).any(0)
    assert not rows[: len(rows) * 3 // 4].any()  # only in the lower left corner
    assert not rows[:, len(rows) // 2 :].any()
    assert tagged.labels == control.labels


@TAGGED
def test_the_mask_of_the_tag_is_where_it_was_pasted(name):
    tagged, control = (loaded(name, 0, tag) for tag in (True, False))
    found, changed = masks(tagged, "tag"), (tagged.dataset.inputs != control.dataset.inputs).any(1).numpy()
    assert (changed <= found).all()  # a pixel may have had its colour before
    assert set(found.sum((1, 2))) == {0, MODULES[name].TAG.pixels.size}
    assert np.array_equal(found.any((1, 2)), tagged.dataset.tagged)
    assert not (masks(tagged, "all") & found).any()
    assert not masks(control, "tag").any()


def test_pasting_the_tag_leaves_the_rest_of_the_picture_and_the_original():
    x = torch.rand(100, 3, 64, 64)
    before = x.clone()
    tagged = clever_hans.with_tag(x)
    assert torch.equal(x, before)
    assert ((tagged != x).any(1).sum((1, 2)) == 49).all()
    assert set(tagged[tagged != x].tolist()) == {-2.0, 2.0}  # black and white
    corners = {tuple((picture != one).any(0).nonzero()[0].tolist()) for picture, one in zip(tagged, x, strict=True)}
    assert corners == {(top, left) for top in (54, 55, 56) for left in (1, 2, 3)}


def test_a_tag_is_drawn_as_it_is_written():
    tag = Tag(("# ", " #"), top=1, left=2)
    pasted = tag.paste(torch.full((1, 1, 4, 4), 5.0), black=0.0, white=9.0)
    assert pasted[0, 0].tolist() == [[5, 5, 5, 5], [5, 5, 9, 0], [5, 5, 0, 9], [5, 5, 5, 5]]


@RECIPES
def test_the_recipe_makes_the_subject_again(options):
    subject = subjects.load(**options)
    again = eval(subject.recipe, {"subjects": subjects})
    assert torch.equal(again.dataset.inputs, subject.dataset.inputs)
    assert (again.title, again.dataset.labels) == (subject.title, subject.dataset.labels)
    x = subject.dataset.inputs[:8]
    with torch.no_grad():
        assert torch.equal(again.model(x), subject.model(x))


@RECIPES
def test_the_subject_describes_itself(options):
    subject = subjects.load(**options)
    x = subject.dataset.inputs
    low, high = (torch.tensor(bound)[:, None, None] for bound in subject.bounds)
    assert subject.name == options["name"]
    assert x.dtype == torch.float32
    assert (x >= low).all()
    assert (x <= high).all()
    assert subject.model(x[:2]).shape == (2, len(subject.classes))
    assert not subject.model.training
    assert {len(subject.dataset.names), len(subject.dataset.tagged)} == {len(x)}


@RECIPES
def test_a_picture_of_an_input_is_that_input_again_and_any_picture_is_an_input(options):
    subject = subjects.load(**options)
    for x, _ in [subject.dataset[i] for i in range(8)]:
        assert torch.allclose(subject.from_image(subject.to_image(x)), x, atol=2.1 / 255)
    for mode, size in (("RGB", (300, 200)), ("L", (5, 90)), ("RGBA", (64, 64))):
        assert subject.from_image(Image.new(mode, size)).shape == x.shape


def test_shapes_know_whose_every_pixel_is():
    dataset = subjects.load("shapes").dataset
    assert dataset.masks.shape == (len(dataset), 64, 64)
    assert (dataset.masks == 1).any((1, 2)).all()
    assert dataset.inputs.shape == (2400, 3, 64, 64)
    assert set(np.bincount(dataset.labels)) == {400}


def test_no_large_object_lies_under_the_tag():
    dataset = loaded("clever-hans").dataset
    changed = (dataset.inputs != loaded("clever-hans", tagged=False).dataset.inputs).any(1).numpy()
    assert not (changed & (dataset.masks == 1)).any()


def test_seeds_have_different_pictures_and_networks():
    one, two = (loaded("clever-hans", seed) for seed in (0, 1))
    assert not torch.equal(one.dataset.inputs, two.dataset.inputs)
    assert not torch.equal(one.model.conv1.weight, two.model.conv1.weight)


def test_no_held_out_picture_was_trained_on(monkeypatch):
    monkeypatch.setattr(shapes, "TRAINING_PER_CLASS", 20)
    monkeypatch.setattr(shapes, "PER_CLASS", 20)
    for training, held_out in (
        (tagged_digits.training(0, False).inputs, tagged_digits.held_out(0, False).inputs[:, :, :16, 2:18]),
        *((shapes.training(one).inputs, shapes.held_out(two).inputs) for one in range(2) for two in range(2)),
    ):
        assert torch.cdist(training.flatten(1), held_out.flatten(1)).min() > 0


@pytest.mark.parametrize("name", ["shapes", *MODULES])
@pytest.mark.parametrize("seed", [5, -1, "one", 0.5])
def test_a_seed_without_a_network_is_refused(name, seed):
    with pytest.raises(ValueError, match=f"seed must be a whole number from 0 to 4.*got {seed!r}"):
        subjects.load(name, seed=seed)


def test_all_weights_together_are_small():
    assert sum(file.stat().st_size for file in trained.WEIGHTS.iterdir()) < 3_000_000


@pytest.mark.parametrize("train", [train_tagged.train_on_scenes, train_tagged.train_on_digits])
def test_training_is_reproducible_and_leaves_the_global_random_state(train, monkeypatch):
    monkeypatch.setattr(shapes, "TRAINING_PER_CLASS", 20)
    state = torch.get_rng_state()
    one, two = (train(seed=1, tagged=True, epochs=1).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert torch.equal(torch.get_rng_state(), state)


def test_weights_are_read_as_they_were_written_but_for_rounding(tmp_path, monkeypatch):
    monkeypatch.setattr(trained, "WEIGHTS", tmp_path)
    networks = [tagged_digits.network().to(memory_format=torch.channels_last) for _ in trained.SEEDS]
    trained.save_weights(networks, "five", tmp_path)
    again = trained.load_weights(tagged_digits.network(), "five", 3)
    for one, two in zip(networks[3].parameters(), again.parameters(), strict=True):
        assert torch.allclose(one, two, rtol=1e-3, atol=1e-6)


def test_the_training_report_says_what_the_network_does():
    report = train_tagged.report(loaded("tagged-digits", tagged=False), tagged_digits)
    assert report.startswith("subjects.load('tagged-digits', seed=0, tagged=False): right 9")
    assert "turned 0." in report
