"""Weights as training programs leave them: nested, prefixed, with another head, beside other things."""

from __future__ import annotations

import argparse
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torchvision import models
from torchvision.models import get_model

from lrpwidgets import subjects
from lrpwidgets.subjects import checkpoint, pretrained


@pytest.fixture(autouse=True)
def uninitialized(monkeypatch):
    """Networks without random numbers, which cost most of the time that it takes to build one."""
    for name in ("uniform_", "normal_", "trunc_normal_", "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *args, **options: tensor)


def network(arch="shufflenet_v2_x0_5", classes=3, **options):
    """A network in which each tensor has another value."""
    model = get_model(arch, weights=None, num_classes=classes, **options).eval()
    for number, (name, tensor) in enumerate(model.state_dict().items()):
        tensor.fill_(0 if name.endswith("num_batches_tracked") else number % 100)
    return model


def loaded(content, folder: Path, arch="shufflenet_v2_x0_5"):
    torch.save(content, folder / "mine.pth")
    return pretrained.pretrained(arch, folder / "mine.pth")


def same(model, other, left_out=()):
    ours, theirs = model.state_dict(), other.state_dict()
    return ours.keys() == {name for name in theirs if not name.startswith(left_out)} and all(
        torch.equal(value, theirs[name]) for name, value in ours.items()
    )


# The head

FAMILIES = [
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3",
    "maxvit_t", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18",
    "resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t", "swin_v2_t", "vgg11_bn", "vit_b_32",
    "wide_resnet50_2",
]  # fmt: skip


@pytest.mark.parametrize("arch", FAMILIES)
def test_the_head_has_the_size_of_the_weights(arch, tmp_path):
    options = {"init_weights": False} if arch in ("googlenet", "inception_v3") else {}
    model = network(arch, classes=7, **options)
    save_file(model.state_dict(), tmp_path / "mine.safetensors")
    found = pretrained.pretrained(arch, tmp_path / "mine.safetensors")
    assert (found.scores, found.categories, found.notes) == (7, [], [])
    assert same(found.model, model, left_out=("aux", "Aux"))


def test_every_family_of_torchvision_is_among_them():
    modules = {models.get_model_builder(arch).__module__ for arch in models.list_models(module=models)}
    assert modules == {models.get_model_builder(arch).__module__ for arch in FAMILIES}


@pytest.mark.parametrize("arch", ["googlenet", "inception_v3"])
def test_heads_that_serve_training_only_may_have_another_size_or_be_gone(arch, tmp_path):
    model = network(arch, classes=1000, init_weights=False)
    model.fc = nn.Linear(model.fc.in_features, 2)
    assert loaded(model.state_dict(), tmp_path, arch).scores == 2
    without = {name: value for name, value in model.state_dict().items() if not name.lower().startswith("aux")}
    assert loaded(without, tmp_path, arch).scores == 2


def test_a_thousand_outputs_are_taken_to_be_those_of_imagenet_and_it_is_told(tmp_path):
    torch.save(network(classes=1000).state_dict(), tmp_path / "mine.pth")
    subject = subject_of(tmp_path / "mine.pth")
    assert subject.class_name(8) == "hen"
    assert subject.notes == ["Class names are those of ImageNet, as the weights have 1000 outputs too."]
    assert subject_of(tmp_path / "mine.pth", classes=[f"kind {i}" for i in range(1000)]).notes == []


# Names and nesting


def wrapped(model):
    """A model around a network, as a training program has it, and what it needs beside the network."""
    around = nn.Module()
    around.net = model
    around.criterion = nn.CrossEntropyLoss(weight=torch.ones(3))
    return around


def profiled(model):
    """As some profilers leave it: with counts in every module."""
    for module in model.modules():
        module.register_buffer("total_ops", torch.zeros(1))
        module.register_buffer("total_params", torch.zeros(1))
    return model


def with_prefix(prefix):
    return lambda: OrderedDict((prefix + name, value) for name, value in network().state_dict().items())


SHAPES = {
    "as it is": lambda: network().state_dict(),
    "parameters and buffers": lambda: dict([*network().named_parameters(), *network().named_buffers()]),
    "half precision": lambda: {name: value.half() for name, value in network().state_dict().items()},
    "DataParallel": lambda: nn.DataParallel(network()).state_dict(),
    "torch.compile": with_prefix("_orig_mod."),
    "compiled and parallel": with_prefix("module._orig_mod."),
    "Lightning": with_prefix("model."),
    "deep below": with_prefix("module.learner.backbone."),
    "only a part parallel": lambda: OrderedDict(
        (name.replace("stage2.", "stage2.module."), value) for name, value in network().state_dict().items()
    ),
    "averaged": lambda: AveragedModel(network()).state_dict(),
    "profiled": lambda: profiled(network()).state_dict(),
    "without counts of batches": lambda: OrderedDict(
        (name, value) for name, value in network().state_dict().items() if not name.endswith("num_batches_tracked")
    ),
    "state_dict": lambda: {"state_dict": with_prefix("module.")(), "epoch": 3, "best_acc1": torch.tensor(0.9)},
    "beside an optimizer": lambda: {
        "optimizer": torch.optim.Adam(network().parameters()).state_dict(),
        "model_state_dict": network().state_dict(),
    },
    "twice nested": lambda: {"checkpoint": {"model": network().state_dict()}, "config": {"lr": 0.1}},
    "with the options of the script": lambda: {
        "model": network().state_dict(),
        "args": argparse.Namespace(lr=0.1, output=Path("here")),
        "best": np.float64(0.9),
        "count": np.int64(3),
    },
    "with a teacher of another kind": lambda: {
        "teacher": network("resnet18", classes=1000).state_dict(),
        "student": network().state_dict(),
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_weights_are_found_in_files_of_every_shape(shape, tmp_path):
    found = loaded(SHAPES[shape](), tmp_path)
    assert same(found.model, network())
    assert (found.scores, found.notes) == (3, [])


def test_what_lies_beside_the_network_is_told(tmp_path):
    found = loaded(wrapped(network()).state_dict(), tmp_path)
    assert same(found.model, network())
    told = "The file holds 1 tensors beside shufflenet_v2_x0_5, such as 'criterion.weight': they are not used."
    assert found.notes == [told]


def test_a_layer_behind_the_outputs_is_not_left_out_in_silence(tmp_path):
    around = nn.Module()
    around.backbone, around.classifier = network(classes=1000), nn.Linear(1000, 3)
    told = (
        r"mine.pth' is of a larger model: classifier.weight \(3, 1000\) goes on from the 1000 outputs of "
        r"shufflenet_v2_x0_5; bring the whole model: --subject file.py:function"
    )
    with pytest.raises(ValueError, match=told):
        loaded(around.state_dict(), tmp_path)


@pytest.mark.parametrize("nested", [True, False])
def test_of_several_copies_the_first_is_taken_and_it_is_told(nested, tmp_path):
    first, second = network(), network()
    second.fc.bias.data.fill_(-1)
    if nested:
        content = {"model": first.state_dict(), "model_ema": AveragedModel(second).state_dict()}
    else:
        around = nn.Module()
        around.model, around.model_ema = first, second
        content = around.state_dict()
    found = loaded(content, tmp_path)
    assert same(found.model, first)
    told = "The file has several weights that fit: those of 'model' are taken, not those of 'model_ema', "
    assert [note[: len(told)] for note in found.notes] == [told]


@pytest.mark.filterwarnings("ignore:A new version of MNASNet")
def test_versions_of_modules_come_along(tmp_path):
    model = network("mnasnet0_5")
    model._load_from_state_dict({}, "", {"version": 1}, False, [], [], [])  # gives it the wide first layers of old
    found = loaded(nn.DataParallel(model).state_dict(), tmp_path, "mnasnet0_5")
    assert found.model.layers[0].weight.shape == (32, 3, 3, 3)


# What does not fit


@pytest.mark.parametrize(
    ("arch", "content", "told"),
    [
        (
            "resnet50",
            lambda: network("resnet18").state_dict(),
            r"layer1.0.conv1.weight is \(64, 64, 3, 3\) in the file and \(64, 64, 1, 1\) in resnet50;",
        ),
        (
            "resnet50",
            lambda: {"state_dict": nn.DataParallel(network("resnet18")).state_dict()},
            r"layer1.0.conv1.weight is \(64, 64, 3, 3\) in the file and \(64, 64, 1, 1\) in resnet50;",
        ),
        (
            "resnet18",
            lambda: network("resnet34").state_dict(),
            "fit: layer1.2.conv1.weight of the file is not in resnet18;",
        ),
        (
            "resnet34",
            lambda: network("resnet18").state_dict(),
            "fit: layer1.2.conv1.weight of resnet34 is not in the file;",
        ),
        (
            "resnet18",
            lambda: network("squeezenet1_1").state_dict(),
            "conv1.weight of resnet18 is not in the file and features.0.weight of the file is not in resnet18;",
        ),
    ],
)
def test_weights_of_another_network_are_refused_with_what_differs(arch, content, told, tmp_path):
    with pytest.raises(ValueError, match=told) as caught:
        loaded(content(), tmp_path, arch)
    assert str(caught.value).endswith(
        "name the network that they are of (--arch), or bring your own model: --subject file.py:function."
    )
    assert "\n" not in str(caught.value)


def test_what_torch_itself_refuses_is_told_in_its_words(tmp_path):
    state = network("mnasnet0_5").state_dict()
    state._metadata[""]["version"] = 3
    with pytest.raises(ValueError, match="does not fit: version should be set to 1 or 2 instead of 3; name the"):
        loaded(state, tmp_path, "mnasnet0_5")


def test_a_head_of_several_layers_is_refused_with_the_way_out(tmp_path):
    model = network()
    model.fc = nn.Sequential(nn.Dropout(), nn.Linear(1024, 3))
    told = "fc.weight of shufflenet_v2_x0_5 is not in the file and fc.1.weight of the file is not in shufflenet_v2_x0_5"
    with pytest.raises(ValueError, match=told):
        loaded(model.state_dict(), tmp_path)


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, {1: torch.zeros(2)}, [torch.zeros(2)], {"state": {"lr": 0.1}}])
def test_a_file_without_tensors_by_name_is_refused(content, tmp_path):
    with pytest.raises(ValueError, match="holds no state dict"):
        loaded(content, tmp_path)


def test_a_dictionary_that_holds_itself_is_no_trap(tmp_path):
    content = {"state_dict": network().state_dict()}
    content["again"] = content
    assert same(loaded(content, tmp_path).model, network())


def test_a_pickled_model_is_refused_by_its_name(tmp_path):
    with pytest.raises(ValueError, match=r"it holds the pickled object torchvision\.\S*ShuffleNetV2 .* could run code"):
        loaded(network(), tmp_path)


# Class names


@pytest.fixture
def weights(tmp_path):
    torch.save(network().state_dict(), tmp_path / "mine.pth")
    return tmp_path / "mine.pth"


def subject_of(weights, **options):
    return subjects.load("imagenet", arch="shufflenet_v2_x0_5", weights=weights, **options)


def test_without_names_outputs_have_numbers_and_it_is_told(weights):
    subject = subject_of(weights)
    assert (subject.classes, subject.class_name(2)) == ([], "class 2")
    assert subject.notes == ["Classes have no names but numbers, as no classes are given."]
    assert (subject.title, subject.name) == ("ShuffleNet V2 X0.5 · mine.pth", "mine")


@pytest.mark.parametrize("classes", [["cat", "dog", "ox"], {0: "cat", 2: "ox", "1": "dog"}])
def test_names_can_be_given_and_are_part_of_the_recipe(weights, classes):
    subject = subject_of(weights, classes=classes)
    assert (subject.classes, subject.notes) == (["cat", "dog", "ox"], [])
    again = eval(subject.recipe, {"subjects": subjects})
    assert (again.classes, again.recipe) == (subject.classes, subject.recipe)


@pytest.mark.parametrize(
    "text",
    [
        "cat\ndog\nox\n",
        "\ufeff cat \r\n\r\ndog\r\nox",
        '["cat", "dog", "ox"]',
        '{"0": "cat", "1": "dog", "2": "ox"}',
        '{"2": "ox", "0": "cat", "1": "dog"}',
        '{"cat": 0, "ox": 2, "dog": 1}',
    ],
)
def test_names_come_from_a_file(weights, text):
    file = weights.with_name("names.txt")
    file.write_text(text, "utf-8")
    subject = subject_of(weights, classes=str(file))
    assert (subject.classes, subject.notes) == (["cat", "dog", "ox"], [])
    assert eval(subject.recipe, {"subjects": subjects}).classes == subject.classes
    assert subject_of(weights, classes=file).recipe == subject.recipe


@pytest.mark.parametrize("text", ["", "[]", "{}", '["cat", 3]', '{"cat": "dog"}', '{"cat": -1}', '{"cat": 0.5}', "[1"])
def test_a_file_with_something_else_is_refused_with_the_forms_that_there_are(weights, text):
    file = weights.with_name("names.txt")
    file.write_text(text)
    with pytest.raises(ValueError, match=r"names.txt' (holds no names|cannot be read).*write one name in a line"):
        subject_of(weights, classes=file)


def test_a_file_of_names_that_is_no_text_is_refused(weights):
    with pytest.raises(ValueError, match="cannot be read"):
        subject_of(weights, classes=weights)
    with pytest.raises(FileNotFoundError, match=r"no file of class names 'nowhere.txt'"):
        subject_of(weights, classes="nowhere.txt")


def test_names_that_are_not_as_many_as_outputs_are_refused(weights):
    file = weights.with_name("names.txt")
    file.write_text("cat\ndog\n")
    with pytest.raises(ValueError, match=r"names.txt' has names of 2 classes and the model gives 3 scores"):
        subject_of(weights, classes=file)
    with pytest.raises(ValueError, match="There are names of 2 classes and the model gives 3 scores"):
        subject_of(weights, classes=["cat", "dog"])


# Damage


def flipped(file: Path, tensor) -> None:
    """One bit of a number of `tensor` in `file` is another."""
    content = bytearray(file.read_bytes())
    content[content.index(tensor.numpy().tobytes()[:64]) + 9] ^= 64
    file.write_bytes(content)


def test_a_byte_that_was_changed_is_noticed_where_there_is_a_checksum(tmp_path):
    state = {"weight": torch.arange(1000.0)}
    torch.save(state, tmp_path / "mine.pth")
    flipped(tmp_path / "mine.pth", state["weight"])
    with pytest.raises(ValueError, match="is damaged: the checksum of its part 'mine/data/0' is wrong; get"):
        checkpoint.read(tmp_path / "mine.pth")


def test_a_file_whose_checksums_were_left_out_is_read(tmp_path):
    torch.serialization.set_crc32_options(compute_crc32=False)
    try:
        torch.save({"weight": torch.ones(3)}, tmp_path / "mine.pth")
    finally:
        torch.serialization.set_crc32_options(compute_crc32=True)
    assert checkpoint.read(tmp_path / "mine.pth")["weight"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("kind", [torch.int8, torch.int64, torch.complex64, torch.bool])
@pytest.mark.parametrize("form", [".pth", ".safetensors"])
def test_weights_that_are_no_real_numbers_are_refused(kind, form, tmp_path):
    state, file = network().state_dict(), tmp_path / f"mine{form}"
    state["conv1.0.weight"] = state["conv1.0.weight"].to(kind)
    (torch.save if form == ".pth" else save_file)(state, file)
    said = rf"conv1\.0\.weight of the state dict .* is {str(kind)[6:]}, not floating point; save the weights as float32"
    with pytest.raises(ValueError, match=said):
        pretrained.pretrained("shufflenet_v2_x0_5", file)
