import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset
from torchvision import transforms
from torchvision.models import ResNet18_Weights, resnet18
from torchvision.transforms import v2

from lrpwidgets.subjects import Normalization, describe

CLASSES = ["hen", "cock", "golden retriever", "crane"]
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.5)


class Network(nn.Sequential):
    """A small network with 4 classes, for pictures of any size."""

    def __init__(self, channels=3, scores=4):
        super().__init__(
            nn.Conv2d(channels, 5, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, scores)
        )
        self.eval()


class Cifar(Dataset):
    """As torchvision's: pictures that a transform may make tensors of, and numbers."""

    def __init__(self, transform=None, classes=CLASSES, size=(8, 6), mode="RGB", labels=None):
        self.transform, self.classes = transform, classes
        self.pictures = [picture(i, size, mode) for i in range(6)]
        self.labels = labels or [i % 4 for i in range(6)]

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        shown = self.pictures[index]
        return shown if self.transform is None else self.transform(shown), self.labels[index]


def picture(seed, size=(8, 6), mode="RGB"):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    pixels[0, 0], pixels[0, 1] = 0, 255  # the whole range occurs
    return Image.fromarray(pixels).convert(mode)


def plain(shown):
    """Pixels (C, H, W) in [0, 1], by NumPy."""
    pixels = torch.from_numpy(np.array(shown, dtype=np.float32) / 255)
    return pixels[None] if pixels.dim() == 2 else pixels.permute(2, 0, 1)


def normalized(shown):
    return (plain(shown) - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def noted(subject, *words):
    """Whether one of the notes has all of these words, and each is a sentence."""
    assert all(note[0].isupper() and note.endswith((".", "?")) for note in subject.notes)
    return any(all(word in note for word in words) for note in subject.notes)


to_tensor = transforms.ToTensor()
composed = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
composed_v2 = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])
of_bytes = v2.Normalize([255 * m for m in MEAN], [255 * s for s in STD])
in_bytes = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32), of_bytes])
in_a_module = nn.Sequential(v2.ToImage(), v2.ToDtype(torch.float32, scale=True), nn.Sequential(v2.Normalize(MEAN, STD)))


# Forms of data


X, Y = torch.rand(6, 3, 6, 8), torch.tensor([0, 1, 2, 3, 0, 1])
HOT = torch.eye(4)[Y]
FORMS = {
    "dataset of tensors": TensorDataset(X, Y),
    "list of pairs": list(zip(X, Y.tolist(), strict=True)),
    "list of lists": [[x, y] for x, y in zip(X, Y, strict=True)],
    "pair of tensors": (X, Y),
    "pair of arrays": (X.numpy(), Y.numpy()),
    "pair with a list": (X, Y.tolist()),
    "pair with float labels": (X, Y.float()),
    "loader": DataLoader(TensorDataset(X, Y), batch_size=2, shuffle=True),
    "part of a dataset": Subset(TensorDataset(X, Y), range(6)),
    "double precision": (X.double(), Y),
    "arrays": [(x.numpy(), y.numpy()) for x, y in zip(X, Y, strict=True)],
    "arrays (H, W, C)": [(x.permute(1, 2, 0).numpy(), int(y)) for x, y in zip(X, Y, strict=True)],
    "batches of one": [(x[None], y[None]) for x, y in zip(X, Y, strict=True)],
    "one-hot vectors": TensorDataset(X, HOT),
    "one-hot lists": [(x, y.tolist()) for x, y in zip(X, HOT, strict=True)],
    "dictionaries": [{"pixel_values": x, "label": int(y)} for x, y in zip(X, Y, strict=True)],
    "other keys": [{"img": x, "labels": y, "id": "a"} for x, y in zip(X, Y, strict=True)],
    "triples": [(x, y, "a.png") for x, y in zip(X, Y, strict=True)],
    "names": [(x, CLASSES[y]) for x, y in zip(X, Y, strict=True)],
}


@pytest.mark.parametrize("form", FORMS)
def test_inputs_and_labels_are_found_in_data_of_every_form(form):
    subject = describe(Network(), FORMS[form], classes=CLASSES)
    assert len(subject.dataset) == 6
    for i in range(6):
        x, label = subject.item(i)
        assert type(x) is torch.Tensor
        assert torch.equal(x, X[i])
        assert label == Y[i]
    assert [label for _, label in subject.dataset] == Y.tolist()  # it ends


WITHOUT_LABELS = {
    "tensor": X,
    "array": X.numpy(),
    "list of tensors": list(X),
    "dataset of inputs": TensorDataset(X),
    "dictionaries": [{"image": x} for x in X],
    "no label": [(x, None) for x in X],
    "the mark of unknown labels": TensorDataset(X, torch.full((6,), -1)),
    "labels of several classes": TensorDataset(X, torch.tensor([[1, 1, 0, 0]] * 6)),
    "missing numbers": TensorDataset(X, torch.full((6,), torch.nan)),
}


@pytest.mark.parametrize("form", WITHOUT_LABELS)
def test_data_without_labels_has_none(form):
    subject = describe(Network(), WITHOUT_LABELS[form])
    assert [label for _, label in subject.dataset] == [None] * 6
    assert torch.equal(torch.stack([x for x, _ in subject.dataset]), X)


@pytest.mark.parametrize("data", [X[:4], TensorDataset(X[:4], Y[:4]), Cifar(to_tensor)])
def test_samples_without_names_are_numbered(data):
    assert describe(Network(), data).item_name(3) == "sample 3"


def test_what_is_assumed_of_the_form_is_told():
    assert noted(describe(Network(), FORMS["loader"]), "DataLoader", "dataset's order")
    assert noted(describe(Network(), FORMS["arrays (H, W, C)"]), "(H, W, C)", "(C, H, W)")
    assert noted(describe(Network(), FORMS["batches of one"]), "batches of one")
    assert noted(describe(Network(1), [X[0, 0], X[1, 0]]), "(H, W)", "grey")


def test_bytes_are_scaled_and_it_is_told():
    pixels = (X * 255).byte()
    subject = describe(Network(), pixels)
    assert torch.equal(subject.item(2)[0], pixels[2] / 255)
    assert noted(subject, "uint8", "[0, 1]")
    assert subject.bounds == ((0.0,) * 3, (1.0,) * 3)


@pytest.mark.parametrize("channels_last", [False, True])
def test_bytes_go_through_the_preprocessing_as_pictures_do(channels_last):
    shown = [picture(i) for i in range(3)]
    data = [np.array(each) if channels_last else np.array(each).transpose(2, 0, 1) for each in shown]
    subject = describe(Network(), data, preprocessing=composed)
    assert torch.allclose(subject.item(1)[0], normalized(shown[1]), atol=1e-6)
    assert noted(subject, "uint8", "preprocessing")


def test_pictures_without_preprocessing_become_numbers_and_it_is_told():
    shown = [picture(i, size=(8 + i, 6)) for i in range(3)]
    subject = describe(Network(), shown)
    for i in range(3):
        assert torch.equal(subject.item(i)[0], plain(shown[i]))
    assert noted(subject, "Pictures", "[0, 1]", "no preprocessing")
    assert torch.equal(subject.from_image(shown[2]), plain(shown[2]))


@pytest.mark.parametrize("kind", [composed, composed_v2, in_bytes, in_a_module, Normalization(MEAN, STD), normalized])
def test_pictures_go_through_the_preprocessing(kind):
    subject = describe(Network(), Cifar(), preprocessing=kind)
    for i in range(6):
        x, label = subject.item(i)
        assert type(x) is torch.Tensor
        assert torch.allclose(x, normalized(picture(i)), atol=1e-5)
        assert label == i % 4
    assert torch.equal(subject.from_image(picture(3)), subject.item(3)[0])


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "1"])
def test_pictures_come_in_the_colours_that_the_model_takes(mode):
    for channels, wanted in ((1, "L"), (3, "RGB")):
        shown = picture(0, mode=mode)
        subject = describe(Network(channels), [shown])
        if mode != "RGBA":
            assert torch.equal(subject.item(0)[0], plain(shown.convert("RGB").convert(wanted)))
        assert subject.item(0)[0].shape == (channels, 6, 8)
        assert mode == wanted or noted(subject, f"mode {mode} become {wanted}", "channel")


def test_a_folder_has_its_pictures_and_labels(tmp_path):
    for name in ("hen/1.png", "Golden_Retriever/2.png", "else/3.png"):
        (tmp_path / name).parent.mkdir()
        picture(3).save(tmp_path / name)
    subject = describe(Network(), str(tmp_path), classes=CLASSES, preprocessing=composed)
    found = {subject.item_name(i): subject.item(i)[1] for i in range(3)}
    assert found == {"Golden_Retriever/2.png": 2, "else/3.png": None, "hen/1.png": 0}
    assert torch.allclose(subject.item(0)[0], normalized(picture(3)), atol=1e-6)
    assert subject.title == f"Network · {tmp_path.name}"


def test_as_many_subfolders_as_scores_are_the_classes(tmp_path):
    for name in ("d", "b", "c", "a"):
        (tmp_path / name).mkdir()
        picture(0).save(tmp_path / name / "1.png")
    subject = describe(Network(), tmp_path)
    assert subject.classes == ["a", "b", "c", "d"]
    assert [label for _, label in subject.dataset] == [0, 1, 2, 3]
    assert noted(subject, "names", "subfolders")
    assert describe(Network(scores=7), tmp_path).classes == []


def test_without_data_there_are_uploads():
    subject = describe(Network(), classes=CLASSES, preprocessing=composed)
    assert len(subject.dataset) == 0
    assert subject.class_name(1) == "cock"
    assert torch.allclose(subject.from_image(picture(1)), normalized(picture(1)), atol=1e-6)
    assert subject.bounds is not None


class Stream(IterableDataset):
    def __iter__(self):
        return iter(X)


REFUSED = [
    (Stream(), TypeError, r"Stream\) has no length or no items by number; give a list"),
    ((x for x in X), TypeError, r"generator\) has no length"),
    ({"train": [], "test": []}, TypeError, r"keys 'train', 'test'; give one of its values"),
    (X[0], ValueError, r"shape \(3, 6, 8\); give \(N, C, H, W\)"),
    ((X, Y[:4]), ValueError, "6 inputs and 4 labels"),
    ([{"picture": X[0]}], ValueError, "keys 'picture'; one of pixel_values, image, img"),
    ([object()], ValueError, "input is of type object"),
    ([(X, 1)], ValueError, r"shape \(6, 3, 6, 8\); an image has \(C, H, W\)"),
    ([(x, "dog") for x in X], ValueError, "No label of the first 6 .* 'dog' is no name"),
    ([(x, 1.5) for x in X], ValueError, r"label is 1\.5; a class is a whole number"),
    ([(x, 9) for x in X], ValueError, "label is 9, but classes are numbered from 0 to 3"),
    ("nowhere/at/all", FileNotFoundError, "There is no folder"),
]


@pytest.mark.parametrize(("data", "kind", "told"), REFUSED, ids=[told for _, _, told in REFUSED])
def test_data_that_cannot_be_used_is_refused_with_a_reason(data, kind, told):
    with pytest.raises(kind, match=told):
        describe(Network(), data, classes=CLASSES)


def test_a_broken_item_fails_alone_and_by_its_number():
    class Broken(Cifar):
        def __getitem__(self, index):
            if index in (0, 3):
                raise OSError("disk on <b>fire</b>\nfor real")
            return super().__getitem__(index)

    subject = describe(Network(), Broken(to_tensor))
    assert subject.start == 1
    assert torch.equal(subject.item(4)[0], plain(picture(4)))
    with pytest.raises(ValueError, match=r"^Sample 3 cannot be used: OSError: disk on <b>fire</b>$"):
        subject.item(3)


def test_data_of_which_nothing_can_be_read_is_refused():
    class Broken(Cifar):
        def __getitem__(self, index):
            raise KeyError("gone")

    with pytest.raises(ValueError, match=r"None of the first 6 samples can be used; sample 0: KeyError: 'gone'"):
        describe(Network(), Broken())


def test_a_label_beyond_the_classes_fails_alone():
    subject = describe(Network(), Cifar(to_tensor, labels=[0, 1, 2, 3, 4, 5]))
    assert subject.item(3)[1] == 3
    with pytest.raises(ValueError, match="Sample 5 cannot be used: its label is 5"):
        subject.item(5)


# Preprocessing, bounds and pictures


def test_the_transform_of_the_dataset_is_found():
    subject = describe(Network(), Subset(Cifar(composed), [2, 4]))
    assert torch.allclose(subject.item(1)[0], normalized(picture(4)), atol=1e-6)
    assert torch.allclose(subject.from_image(picture(5)), normalized(picture(5)), atol=1e-6)
    assert noted(subject, "Uploaded", "dataset's own transform")
    assert subject.to_image(subject.item(0)[0]).tobytes() == picture(2).tobytes()


@pytest.mark.parametrize("kind", [composed, composed_v2, in_bytes, in_a_module, Normalization(MEAN, STD)])
def test_black_and_white_are_known_by_the_normalization(kind):
    subject = describe(Network(), Cifar(), preprocessing=kind)
    expected = [[(level - m) / s for m, s in zip(MEAN, STD, strict=True)] for level in (0, 1)]
    assert np.allclose(subject.bounds, expected)
    assert subject.to_image(subject.item(2)[0]).tobytes() == picture(2).tobytes()


def test_one_mean_may_serve_all_channels():
    one = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    assert describe(Network(), Cifar(one)).bounds == ((-1.0,) * 3, (1.0,) * 3)


def test_a_normalization_of_other_channels_is_told():
    subject = describe(Network(5), torch.randn(3, 5, 6, 6), preprocessing=Normalization(MEAN, STD))
    assert subject.bounds is None
    assert noted(subject, "3 channels", "5")


@pytest.mark.parametrize(
    ("data", "bounds"),
    [
        (X, ((0.0,) * 3, (1.0,) * 3)),
        (2 * X - 1, ((-1.0,) * 3, (1.0,) * 3)),
        (255 * X, None),
        (torch.rand(2, 1, 5, 5), ((0.0,), (1.0,))),
    ],
)
def test_the_range_of_the_data_is_a_guess_that_is_told(data, bounds):
    subject = describe(Network(data.shape[1]), data)
    assert subject.bounds == bounds
    assert noted(subject, "first") if bounds else noted(subject, "unknown")
    low, high = subject.to_image(data[0]).convert("L").getextrema()
    assert 0 <= low < 100 < high <= 255


def test_inputs_that_do_not_look_normalized_raise_a_doubt():
    assert noted(describe(Network(), X, preprocessing=composed), "before they are normalized")
    assert noted(describe(Network(), 100 * X, preprocessing=composed), "beyond")
    assert not noted(describe(Network(), Cifar(composed)), "preprocessing that of the data")


def test_numbers_are_ready_for_the_model_and_it_is_told():
    subject = describe(Network(), X, preprocessing=composed)
    assert torch.equal(subject.item(0)[0], X[0])
    assert noted(subject, "ready for the model")


@pytest.mark.parametrize("as_transforms", [True, False])
def test_torchvision_weights_bring_preprocessing_and_names(as_transforms):
    weights = ResNet18_Weights.DEFAULT
    given = weights.transforms() if as_transforms else weights
    shown = [picture(i, size=(70, 50)) for i in range(2)]
    subject = describe(resnet18(weights=None), shown, preprocessing=given)
    assert torch.equal(subject.item(1)[0], weights.transforms()(shown[1]))
    assert subject.from_image(picture(0)).shape == (3, 224, 224)
    assert subject.classes == ([] if as_transforms else weights.meta["categories"])
    assert np.allclose(subject.bounds[0], -np.array([0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225])


def test_the_names_of_weights_are_left_out_where_the_model_has_another_head():
    subject = describe(Network(), [picture(0)], preprocessing=ResNet18_Weights.DEFAULT)
    assert subject.classes == []
    assert noted(subject, "numbers", "1000")


def test_uploads_are_brought_to_the_size_of_the_data():
    fixed = nn.Sequential(nn.Flatten(), nn.Linear(3 * 6 * 8, 4)).eval()
    subject = describe(fixed, Cifar(composed))
    assert subject.from_image(picture(0, size=(90, 40))).shape == (3, 6, 8)
    assert torch.allclose(subject.from_image(picture(0)), normalized(picture(0)), atol=1e-6)
    assert noted(subject, "cropped and scaled to 8 × 6")


def test_uploads_to_a_model_of_grey_pictures_become_grey():
    fixed = nn.Sequential(nn.Flatten(), nn.Linear(6 * 8, 4)).eval()
    subject = describe(fixed, Cifar(to_tensor, mode="L"))
    assert torch.equal(subject.from_image(picture(1)), plain(picture(1).convert("L")))


def test_there_are_no_uploads_where_pictures_cannot_become_inputs():
    assert describe(Network(), X).from_image is None
    assert noted(describe(Network(), X), "cannot be uploaded")
    of_arrays = describe(Network(), X, preprocessing=lambda array: torch.from_numpy(array))
    assert of_arrays.from_image is None
    assert noted(of_arrays, "cannot be uploaded", "TypeError")


def test_data_that_is_random_is_told():
    wild = transforms.Compose([transforms.ToTensor(), transforms.Lambda(lambda x: x * torch.rand(()))])
    assert noted(describe(Network(), Cifar(wild)), "each time")
    assert not noted(describe(Network(), Cifar(to_tensor)), "each time")


@pytest.mark.parametrize("given", ["imagenet", 3, ResNet18_Weights, (MEAN, STD)])
def test_what_is_no_preprocessing_is_refused(given):
    with pytest.raises(TypeError, match=r"preprocessing is .*; give a Normalization, torchvision weights"):
        describe(Network(), X, preprocessing=given)


def test_preprocessing_that_gives_no_tensor_is_named():
    with pytest.raises(ValueError, match=r"sample 0: The preprocessing gives Image; let it end with a tensor"):
        describe(Network(), Cifar(), preprocessing=transforms.Resize(4))


# Class names


def test_names_are_those_given_before_those_of_the_data():
    given = ["a", "b", "c", "<script>"]
    assert describe(Network(), Cifar(to_tensor), classes=given).classes == given
    subject = describe(Network(), DataLoader(Subset(Cifar(to_tensor), [0])))
    assert subject.classes == CLASSES
    assert noted(subject, "names", "dataset")


def test_hugging_face_data_brings_names():
    class Data(list):
        features = {"image": None, "label": SimpleNamespace(names=CLASSES)}  # noqa: RUF012

    subject = describe(Network(), Data([{"image": picture(0), "label": 2}]), preprocessing=composed)
    assert subject.class_name(subject.item(0)[1]) == "golden retriever"


def test_names_by_number_may_have_gaps():
    for given in ({1: "hen", 3: "cock"}, {"3": "cock", "1": "hen"}):
        assert describe(Network(), X, classes=given).classes == ["class 0", "hen", "class 2", "cock"]


def test_without_names_there_are_numbers():
    subject = describe(Network(), X)
    assert subject.class_name(3) == "class 3"
    assert noted(subject, "no names")
    assert describe(Network(), X, classes={}).notes != subject.notes


@pytest.mark.parametrize("given", [CLASSES[:3], {4: "dog"}, [*CLASSES, "dog"]])
def test_names_of_another_number_than_the_scores_are_refused(given):
    with pytest.raises(ValueError, match=r"names of (3|5) classes and the model gives 4 scores; give classes= with 4"):
        describe(Network(), X, classes=given)


def test_data_of_another_number_of_classes_needs_names():
    with pytest.raises(ValueError, match=r"dataset has 4 classes and the model gives 9 scores; give classes= with 9"):
        describe(Network(scores=9), Cifar(to_tensor))


@pytest.mark.parametrize("spelling", ["Golden Retriever", "golden_retriever"])
def test_labels_of_data_with_other_classes_are_matched_by_name(spelling):
    names = ["dog", spelling, "hen", "owl", "ox"]
    subject = describe(
        Network(scores=5), Cifar(to_tensor, classes=["hen", "cat", "golden_retriever", "x"]), classes=names
    )
    assert [label for _, label in subject.dataset] == [2, None, 1, None, 2, None]
    assert noted(subject, "matched by name", "2 have")


@pytest.mark.parametrize(("given", "told"), [({"hen": 0}, "key 'hen'"), ({-1: "a"}, "key -1")])
def test_names_without_numbers_are_refused(given, told):
    with pytest.raises(ValueError, match=told):
        describe(Network(), X, classes=given)


def test_names_that_are_one_text_are_refused():
    with pytest.raises(TypeError, match="classes is 'abcd'; give a list"):
        describe(Network(), X, classes="abcd")


# The model


def test_the_model_stays_in_training_mode_and_it_is_told():
    model = Network().train()
    model.append(nn.BatchNorm1d(4))
    model[-2].eval()
    before = model[-1].running_mean.clone()
    subject = describe(model, X)
    assert noted(subject, "training mode")
    assert [module.training for module in model.modules()].count(False) == 1
    assert torch.equal(model[-1].running_mean, before)
    assert not noted(describe(Network(), X), "training mode")


@pytest.mark.parametrize("model", [None, "resnet18", lambda x: x, Network])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(TypeError, match=r"The model is .*; give a torch.nn.Module"):
        describe(model, X)


def test_grey_data_for_a_model_of_colour_is_named_with_both():
    told = r"\(1, 6, 8\): the data has 1 channel \(grey\), the first convolution '0' takes 3 channels \(RGB\)"
    with pytest.raises(ValueError, match=told):
        describe(Network(), X[:, :1])
    with pytest.raises(ValueError, match=r"3 channels \(RGB\), .* takes 1 channel \(grey\).*Grayscale\(1\)"):
        describe(Network(1), X)


def test_a_model_that_cannot_take_the_data_is_told_with_shape_and_reason():
    with pytest.raises(ValueError, match=r"cannot take a sample of shape \(3, 6, 8\): .*mat1 and mat2 shapes"):
        describe(nn.Sequential(nn.Flatten(), nn.Linear(7, 4)), X)


def test_a_model_without_scores_is_refused():
    class Wrapped(Network):
        def forward(self, x):
            return {"answers": super().forward(x)}

    with pytest.raises(ValueError, match="The model returns dict for one sample"):
        describe(Wrapped(), X)
    with pytest.raises(ValueError, match=r"The model returns shape \(4,\)"):
        describe(nn.Sequential(Network(), nn.Flatten(0)), X)


def test_a_model_of_double_precision_gets_such_inputs():
    assert describe(Network().double(), X).item(0)[0].dtype == torch.float64


# All together


def test_fields_come_before_guesses():
    bounds = ((-3.0,) * 3, (3.0,) * 3)
    subject = describe(Network(), X, bounds=bounds, name="mine", start=2, from_image=normalized)
    assert (subject.bounds, subject.name, subject.title, subject.start) == (bounds, "mine", "mine", 2)
    assert subject.from_image is normalized
    assert not noted(subject, "reach")
    assert not noted(subject, "upload")
    with pytest.raises(TypeError, match="colour"):
        describe(Network(), X, colour=3)


def test_a_described_subject_travels_to_other_processes(tmp_path):
    picture(0).save(tmp_path / "1.png")
    subject = describe(resnet18(weights=None), tmp_path, preprocessing=ResNet18_Weights.DEFAULT.transforms())
    copy = pickle.loads(pickle.dumps(subject))
    assert copy.item(0)[0].equal(subject.item(0)[0])
    assert copy.from_image(picture(1)).equal(subject.from_image(picture(1)))


def test_only_the_first_samples_are_looked_at():
    class Long(Cifar):
        def __len__(self):
            return 10**6

        def __getitem__(self, index):
            assert index < 32
            return super().__getitem__(index % 6)

    assert len(describe(Network(), Long(to_tensor)).dataset) == 10**6
