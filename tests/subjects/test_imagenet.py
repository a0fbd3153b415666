import pickle
from urllib.error import URLError

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision import models
from torchvision.transforms import functional

from lrpwidgets import subjects
from lrpwidgets.lrp import TwoClasses
from lrpwidgets.subjects import pretrained


@pytest.fixture
def torch_home(shared_data, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(shared_data / "torch_home"))


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """An empty download cache and no network."""

    def no_network(*args, **kwargs):
        raise URLError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(pretrained, "urlopen", no_network)


@pytest.fixture(scope="module")
def state():
    """Random weights of the smallest network."""
    torch.manual_seed(0)
    return models.squeezenet1_1(weights=None).state_dict()


@pytest.fixture(scope="module")
def photo():
    gradient = Image.linear_gradient("L")
    return Image.merge("RGB", [gradient, gradient.rotate(90), gradient.rotate(180)]).resize((400, 300))


def test_squeezenet_recognizes_photographs(torch_home, shared_data):
    subject = subjects.load("imagenet", images=shared_data / "imagenet")
    labelled = [i for i, label in enumerate(subject.dataset.labels) if label is not None]
    assert len(labelled) == 49
    with torch.no_grad():
        right = [subject.model(x[None]).argmax().item() == label for x, label in map(subject.item, labelled)]
    assert sum(right) >= 0.4 * len(right)
    assert len(subject.dataset) == 57
    assert {label for i, label in enumerate(subject.dataset.labels) if i not in labelled} == {None}
    i = subject.dataset.names.index("n01514859/0008.jpeg")
    assert subject.class_name(subject.dataset.labels[i]) == "hen"
    x, _ = subject.item(i)
    low, high = (torch.tensor(bound)[:, None, None] for bound in subject.bounds)
    assert ((low - 1e-6 <= x) & (x <= high + 1e-6)).all()


def test_without_images_the_dataset_is_empty_and_uploads_work(photo):
    subject = subjects.load("imagenet", arch="squeezenet1_1", weights=None)
    assert len(subject.dataset) == 0
    assert subject.title == "SqueezeNet 1.1 · ImageNet"
    assert not subject.model.training
    with torch.no_grad():
        assert subject.model(subject.from_image(photo)[None]).shape == (1, len(subject.classes))


def test_the_picture_of_an_input_is_what_the_network_sees(photo):
    subject = subjects.load("imagenet", arch="squeezenet1_1", weights=None)
    seen = functional.center_crop(functional.resize(photo, 256), 224)
    shown = subject.to_image(subject.from_image(photo))
    difference = functional.pil_to_tensor(seen).int() - functional.pil_to_tensor(shown).int()
    assert difference.abs().max() <= 1


@pytest.mark.parametrize("crop", [64, 300])
def test_the_crop_can_be_chosen(tmp_path, state, photo, crop):
    path = tmp_path / "state.safetensors"
    save_file(state, path)
    subject = subjects.load("imagenet", arch="squeezenet1_1", weights=path, crop=crop)
    x = subject.from_image(photo.convert("L"))
    assert x.shape == (3, crop, crop)
    assert subject.to_image(x).getextrema() != ((0, 0),) * 3


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_load_from_a_file(tmp_path, state, suffix):
    path = tmp_path / f"mine{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    model = subjects.load("imagenet", arch="squeezenet1_1", weights=str(path)).model
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_weights_in_the_old_names_of_densenet_load(tmp_path):
    model = models.densenet121(weights=None)
    state = {name.replace(".norm1", ".norm.1").replace(".conv2", ".conv.2"): value.clone() for name, value in
             model.state_dict().items()}  # fmt: skip
    assert state.keys() != model.state_dict().keys()
    torch.save(state, tmp_path / "old.pth")
    loaded = pretrained.pretrained("densenet121", tmp_path / "old.pth").model.state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in model.state_dict().items())


def test_pickled_code_is_refused_and_not_run(tmp_path):
    class Payload:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path = tmp_path / "payload.pth"
    torch.save({"features.0.weight": Payload()}, path)
    with pytest.raises(ValueError, match=r"payload.pth' is refused: .* could run code"):
        subjects.load("imagenet", arch="squeezenet1_1", weights=path)
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Payload(), protocol=2))
    with pytest.raises(ValueError, match="could run code"):
        subjects.load("imagenet", arch="squeezenet1_1", weights=tmp_path / "plain.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_damaged_file_of_weights_is_refused(tmp_path, suffix):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(b"not weights")
    with pytest.raises(ValueError, match=r"broken.* is refused: it is damaged"):
        subjects.load("imagenet", arch="squeezenet1_1", weights=path)


def test_a_checkpoint_that_is_no_state_dict_is_refused(tmp_path, state):
    torch.save({"epoch": 3, "state_dict": list(state.values())}, tmp_path / "checkpoint.pth")
    with pytest.raises(ValueError, match="holds no state dict"):
        subjects.load("imagenet", arch="squeezenet1_1", weights=tmp_path / "checkpoint.pth")


def test_weights_of_another_shape_are_refused_in_one_line(tmp_path, state):
    wrong = {**state, "classifier.1.weight": torch.zeros(10, 512, 1, 1)}
    save_file(wrong, tmp_path / "wrong.safetensors")
    with pytest.raises(
        ValueError,
        match=r"wrong.safetensors' for 'squeezenet1_1' does not fit: "
        r"classifier.1.bias is \(1000,\) in the file and \(10,\) in squeezenet1_1; ",
    ) as caught:
        subjects.load("imagenet", arch="squeezenet1_1", weights=tmp_path / "wrong.safetensors")
    assert "\n" not in str(caught.value)


def test_a_missing_file_of_weights_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file of weights .*nowhere.pth"):
        subjects.load("imagenet", arch="squeezenet1_1", weights=tmp_path / "nowhere.pth")


def test_weights_that_cannot_be_downloaded_say_which_file_goes_where(offline, tmp_path):
    with pytest.raises(FileNotFoundError, match="no route to host") as caught:
        subjects.load("imagenet", arch="resnet18")
    file = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    assert str(file) in str(caught.value)
    assert "TORCH_HOME" in str(caught.value)
    assert "weights=<path" in str(caught.value)


def test_an_unknown_network_gets_close_matches():
    with pytest.raises(ValueError, match=r"no classification network 'resnet5'; close are .*resnet50"):
        subjects.load("imagenet", arch="resnet5")


def test_unknown_weights_get_the_known_ones():
    with pytest.raises(ValueError, match=r"'resnet50' has no weights 'V3'; take IMAGENET1K_V1, IMAGENET1K_V2"):
        subjects.load("imagenet", arch="resnet50", weights="V3")


@pytest.mark.parametrize("arch", ["resnet50", "vit_b_16", "mnasnet0_5", "regnet_y_1_6gf"])
def test_networks_have_readable_names(arch):
    names = {"resnet50": "ResNet 50", "vit_b_16": "ViT B 16", "mnasnet0_5": "MNASNet 0.5"}
    assert pretrained.describe(arch) == names.get(arch, "RegNet Y 1.6GF")


def same(one, other):
    """Whether two subjects have the same inputs and the same scores for them, bit for bit."""
    (x, label), (again, label_again) = one.item(0), other.item(0)
    with torch.no_grad():
        return torch.equal(x, again) and label == label_again and one.model(x[None]).equal(other.model(again[None]))


@pytest.mark.parametrize("crop", [None, 96])
@pytest.mark.parametrize("as_path", [True, False])
def test_the_recipe_makes_the_subject_again(tmp_path, state, photo, crop, as_path):
    folder = tmp_path / 'it\'s "mine"'
    folder.mkdir()
    photo.save(folder / "1.png")
    save_file(state, folder / "state.safetensors")
    file = folder / "state.safetensors" if as_path else str(folder / "state.safetensors")
    options = {"arch": "squeezenet1_1", "weights": file, "crop": crop}
    for subject in (
        subjects.load("imagenet", images=folder, **options),
        subjects.from_folder(folder if as_path else str(folder), **options),
    ):
        again = eval(subject.recipe, {"subjects": subjects})
        assert same(subject, again)
        assert (again.title, again.name, again.recipe) == (subject.title, subject.name, subject.recipe)


def test_the_recipe_has_what_was_given_and_no_more(tmp_path, state, photo):
    photo.save(tmp_path / "1.png")
    file = tmp_path / "mine.safetensors"
    save_file(state, file)
    arguments = f"arch='squeezenet1_1', weights={str(file)!r}"
    assert (
        subjects.load("imagenet", arch="squeezenet1_1", weights=file).recipe
        == f"subjects.load('imagenet', {arguments})"
    )
    subject = subjects.from_folder(tmp_path, arch="squeezenet1_1", weights=file)
    assert subject.recipe == f"subjects.from_folder({str(tmp_path)!r}, {arguments})"


def test_the_default_subject_has_the_shortest_recipe(torch_home):
    assert subjects.load("imagenet").recipe == "subjects.load('imagenet')"


def test_random_weights_have_no_recipe():
    assert subjects.load("imagenet", arch="squeezenet1_1", weights=None).recipe == ""


def test_one_output_is_that_of_two_classes_where_two_have_names(tmp_path, photo):
    torch.save(models.resnet18(weights=None, num_classes=1).state_dict(), tmp_path / "mine.pth")
    for name in ("hen", "cock"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        photo.save(tmp_path / "pictures" / name / "1.png")
    chosen = {"arch": "resnet18", "weights": tmp_path / "mine.pth"}
    subject = subjects.from_folder(tmp_path / "pictures", **chosen)
    assert (subject.classes, subject.select) == (["cock", "hen"], TwoClasses())
    assert subject.notes[0].startswith("The model gives one score: above 0 it says 'hen'")
    assert [subject.dataset.labels[i] for i in range(2)] == [0, 1]
    x, _ = subject.item(1)
    score = subject.model(x[None]).item()
    assert subject.explainer().scores(x[None])[0].tolist() == pytest.approx([-score, score])
    assert subjects.load("imagenet", **chosen, classes=["a", "b"]).select == TwoClasses()
    alone = subjects.load("imagenet", **chosen)
    assert (alone.classes, alone.select) == (["score"], None)
    assert "give classes= with two names" in alone.notes[0]
