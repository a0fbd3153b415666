import copy
import pickle
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from lrpwidgets import subjects
from lrpwidgets.subjects import Normalization, Subject, TensorSamples
from lrpwidgets.subjects.modality import modality_of


def test_a_subject_needs_only_a_model():
    subject = Subject(nn.Flatten().eval())
    assert len(subject.dataset) == 0
    assert subject.title == subject.name == "subject"
    assert subject.class_name(3) == "class 3"
    assert subject.from_image is None
    assert subject.recipe == ""
    assert subject.notes == []


def test_a_subject_prints_its_title_and_how_much_it_has():
    assert repr(Subject(nn.Flatten())) == "Subject('subject': subject, Flatten, 0 inputs, 0 classes)"
    digits = subjects.load("digits")
    assert repr(digits) == "Subject('digits': Small CNN · handwritten digits, Sequential, 355 inputs, 10 classes)"
    assert repr(digits.dataset) == "TensorSamples(355 of (1, 8, 8))"


@pytest.mark.parametrize("name", [name for name in subjects.names() if name != "imagenet"])
def test_a_subject_can_be_copied_and_sent_to_another_process(name):
    subject = subjects.load(name)
    modality = modality_of(subject)
    shown = modality.sample(subject, subject.start)
    for made in (pickle.loads(pickle.dumps(subject)), copy.deepcopy(subject)):
        there = modality.sample(made, made.start)
        assert (there.name, there.label) == (shown.name, shown.label)
        assert torch.equal(made.explainer().scores(there.x), subject.explainer().scores(shown.x))
        assert modality.thumbnail(made, there) == modality.thumbnail(subject, shown)
        if subject.from_image is not None:
            picture = subject.to_image(shown.image)
            assert torch.equal(made.from_image(picture), subject.from_image(picture))
        assert (made.name, made.classes, made.bounds) == (subject.name, subject.classes, subject.bounds)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (5, "L")])
def test_any_number_of_channels_has_a_picture(channels, mode):
    x = torch.linspace(-7, 9, channels * 12).reshape(channels, 3, 4)
    picture = Subject(nn.Flatten().eval()).to_image(x)
    assert (picture.mode, picture.size) == (mode, (4, 3))


def test_a_constant_input_has_a_picture():
    assert Subject(nn.Flatten().eval()).to_image(torch.ones(1, 2, 2)).getextrema() == (0, 0)


def test_a_picture_can_be_made_of_an_input_that_requires_a_gradient():
    x = torch.rand(3, 2, 2, requires_grad=True)
    assert Normalization((0.5,) * 3, (0.2,) * 3).to_image(x).size == (2, 2)
    assert Subject(nn.Flatten().eval()).to_image(x).size == (2, 2)


def test_normalization_is_undone_and_its_bounds_are_black_and_white():
    normalization = Normalization((0.5, 0.25), (0.25, 0.5))
    assert normalization.bounds == ((-2.0, -0.5), (2.0, 1.5))
    for bound, level in zip(normalization.bounds, (0, 255), strict=True):
        x = torch.tensor(bound)[:, None, None].expand(2, 4, 4)
        assert normalization.to_image(x).getextrema() == (level, level)


def test_torch_datasets_serve_as_they_are():
    subject = Subject(nn.Flatten().eval(), TensorDataset(torch.rand(2, 1, 4, 4), torch.tensor([5, 6])))
    x, label = subject.item(1)
    assert x.shape == (1, 4, 4)
    assert type(label) is int
    assert label == 6
    assert subject.item_name(1) == "sample 1"


def test_samples_of_unequal_number_are_refused():
    with pytest.raises(ValueError, match="2 inputs, 1 labels and 2 names"):
        TensorSamples(torch.rand(2, 1, 2, 2), [0], ["a", "b"])


def test_samples_can_be_iterated():
    samples = TensorSamples(torch.rand(3, 1, 2, 2), [0, 1, 2], ["a", "b", "c"])
    assert [label for _, label in samples] == [0, 1, 2]


def test_every_built_in_subject_has_a_name_and_others_get_a_hint():
    pictures = ["digits", "imagenet", "shapes", "clever-hans", "tagged-digits", "questions"]
    assert subjects.names() == [*pictures, "visual-questions", "sentiment", "signed-reviews", "documents"]
    with pytest.raises(ValueError, match=r"no subject 'digit'.*Did you mean 'digits'"):
        subjects.load("digit")


def test_importing_subjects_loads_no_heavy_module():
    heavy = "{'torch', 'torchvision', 'sklearn', 'ipywidgets', 'IPython'}"
    code = f"import sys, lrpwidgets.subjects; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
