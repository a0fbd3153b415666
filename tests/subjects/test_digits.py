import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageOps

from lrpwidgets import subjects
from lrpwidgets.subjects import digits, train_digits


@pytest.fixture(scope="module")
def subject():
    return subjects.load("digits")


def predicted(subject, picture):
    with torch.no_grad():
        return subject.model(subject.from_image(picture)[None]).argmax().item()


def test_the_shipped_network_reads_98_percent_of_the_held_out_digits(subject):
    x, labels = zip(*subject.dataset, strict=True)
    with torch.no_grad():
        right = subject.model(torch.stack(x)).argmax(1) == torch.tensor(labels)
    assert right.float().mean() >= 0.98


def test_the_shipped_weights_are_small():
    assert digits.WEIGHTS.stat().st_size < 200_000


def test_training_is_reproducible_and_leaves_the_global_random_state():
    state = torch.get_rng_state()
    one, two = (train_digits.train(epochs=1).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert torch.equal(torch.get_rng_state(), state)


def test_training_and_held_out_digits_share_none_and_hold_all_classes_evenly():
    images, labels = digits.training()
    held_out, held_out_labels = digits.held_out()
    assert len(labels) == len(images)
    assert len(images) + len(held_out) == 1797
    assert min(held_out_labels.bincount()) >= 34
    assert max(held_out_labels.bincount()) <= 36
    distances = torch.cdist(images.flatten(1), held_out.flatten(1))
    assert distances.min() > 0


def test_the_subject_describes_itself(subject):
    assert (subject.name, subject.modality) == ("digits", "image")
    assert subject.classes == list("0123456789")
    assert subject.item_name(17) == "sample 17"
    assert not subject.model.training


def test_the_recipe_makes_the_subject_again(subject):
    again = eval(subject.recipe, {"subjects": subjects})
    x = torch.stack([x for x, _ in subject.dataset])
    with torch.no_grad():
        assert torch.equal(torch.stack([x for x, _ in again.dataset]), x)
        assert torch.equal(again.model(x), subject.model(x))


def test_the_bounds_hold_all_data_and_are_reached(subject):
    (low,), (high,) = subject.bounds
    x = torch.stack([x for x, _ in subject.dataset])
    assert x.min() == low
    assert x.max() == high


def test_a_picture_of_a_digit_is_the_same_input_again(subject):
    for x, _ in list(subject.dataset)[:20]:
        picture = subject.to_image(x)
        again = subject.from_image(picture)
        assert torch.allclose(again, x, atol=0.5 / 255)
        assert subject.to_image(again).tobytes() == picture.tobytes()


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("pen", [8, 24])
def test_ink_on_paper_is_brought_to_the_form_of_the_data(subject, mode, pen):
    paper = Image.new("L", (300, 400), 230)
    ImageDraw.Draw(paper).line([(180, 60), (180, 330)], fill=40, width=pen)
    x = subject.from_image(paper.convert(mode))
    assert x.shape == (1, 8, 8)
    assert x.min() == 0
    assert x[0, :, 3:5].amax(1).min() > 0.2  # fills the height, in the middle
    assert x[0, :, [0, 1, 6, 7]].max() == 0


def test_dark_on_light_and_light_on_dark_are_the_same(subject):
    chalk = Image.new("L", (90, 90), 0)
    ImageDraw.Draw(chalk).ellipse((20, 10, 70, 80), outline=255, width=9)
    assert torch.equal(subject.from_image(chalk), subject.from_image(ImageOps.invert(chalk)))
    assert predicted(subject, chalk) == 0


@pytest.mark.parametrize("size", [(1, 1), (50, 3), (8, 8), (200, 300)])
def test_a_blank_picture_is_a_valid_input(subject, size):
    x = subject.from_image(Image.new("RGB", size, "black"))
    assert x.shape == (1, 8, 8)
    assert x.abs().max() == 0


def test_most_scans_of_other_peoples_digits_are_read(subject, shared_data):
    mnist = np.load(shared_data / "lenet_mnist" / "mnist_test.npz")
    scans = [ImageOps.invert(Image.fromarray(image).resize((140, 140))) for image in mnist["images"][:400]]
    right = [predicted(subject, scan) == label for scan, label in zip(scans, mnist["labels"], strict=False)]
    assert np.mean(right) >= 0.75
