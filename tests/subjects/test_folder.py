import json
import pickle

import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import datasets, models

from lrpwidgets import subjects
from lrpwidgets.subjects.folder import ImageFolder, listed, picture_files

CLASSES = ["cock", "hen", "golden retriever", "crane", "crane"]


@pytest.fixture
def add(tmp_path):
    """Adds a small picture to the folder."""

    def add(name, size=(6, 4)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, "red").save(tmp_path / name)

    return add


def folder_of(path, classes=CLASSES):
    return ImageFolder(path, picture_files(path), lambda picture: picture.size, classes)


def test_pictures_are_found_in_all_subfolders_in_order(add, tmp_path):
    for name in ("b.png", "sub/deep/c.JPG", "a.webp", ".hidden/d.png", ".e.png"):
        add(name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    assert folder_of(tmp_path).names == ["a.webp", "b.png", "sub/deep/c.JPG"]


def test_folders_that_are_numbers_come_in_the_order_of_their_value(add, tmp_path):
    for name in ("10/1.png", "9/1.png", "9/10.png", "b/1.png", "2/a/1.png", "c.png"):
        add(name)
    assert folder_of(tmp_path).names == ["2/a/1.png", "9/1.png", "9/10.png", "10/1.png", "b/1.png", "c.png"]


def test_subfolders_named_after_classes_give_labels(add, tmp_path):
    for name in (
        "Hen/1.png",
        "golden_retriever/1.png",
        "cock/old/1.png",
        "crane/1.png",
        "else/1.png",
        "1.png",
    ):
        add(name)
    folder = folder_of(tmp_path)
    assert dict(zip(folder.names, folder.labels, strict=True)) == {
        "1.png": None,
        "Hen/1.png": 1,
        "cock/old/1.png": 0,
        "crane/1.png": None,  # two classes have this name
        "else/1.png": None,
        "golden_retriever/1.png": 2,
    }


def test_one_synset_per_class_gives_labels_in_their_order(add, tmp_path):
    for synset in ("n01440764", "n02510455", "n01443537"):
        add(f"{synset}/1.png")
    assert folder_of(tmp_path, ["tench", "goldfish", "panda"]).labels == [0, 1, 2]
    assert folder_of(tmp_path).labels == [None, None, None]  # fewer synsets than classes: which are they?


@pytest.mark.parametrize("spelling", ["{}", "{:02}"])
def test_one_number_per_class_gives_labels_and_it_is_told(add, tmp_path, spelling):
    for number in range(11):
        add(f"{spelling.format(number)}/1.png")
    folder = folder_of(tmp_path, list("abcdefghijk"))
    assert folder.labels == list(range(11))
    assert folder.notes[0].startswith("Folders are taken to be class numbers, from 0 on: ")
    assert (folder_of(tmp_path).labels, folder_of(tmp_path).notes) == ([None] * 11, [])  # more numbers than classes


def test_numbers_that_are_names_of_classes_are_no_more_than_names(add, tmp_path):
    for number in range(11):
        add(f"{number}/1.png")
    folder = folder_of(tmp_path, sorted(map(str, range(11))))
    assert dict(zip(folder.names, folder.labels, strict=True))["10/1.png"] == 2
    assert folder.notes == []


def test_a_class_may_have_the_name_of_its_folder_letter_by_letter(add, tmp_path):
    add("golden_retriever/1.png")
    assert folder_of(tmp_path, ["hen", "golden_retriever"]).labels == [1]


def test_labels_json_comes_before_folder_names(add, tmp_path):
    add("hen/1.png")
    add("hen/2.png")
    (tmp_path / "labels.json").write_text(json.dumps([{"file": "hen/2.png", "index": 4, "name": "crane"}]))
    assert folder_of(tmp_path).labels == [1, 4]


@pytest.mark.parametrize("text", ["{", '["hen"]', '{"hen/1.png": 1}', '[{"file": "hen/1.png"}]', "3"])
def test_a_labels_json_of_another_form_is_refused(add, tmp_path, text):
    add("hen/1.png")
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(ValueError, match=r"labels.json' has not the form"):
        folder_of(tmp_path)


def test_a_label_beyond_the_classes_is_refused(add, tmp_path):
    add("1.png")
    (tmp_path / "labels.json").write_text('[{"file": "1.png", "index": 7}]')
    with pytest.raises(ValueError, match=r"gives '1.png' the class 7; the model has 0 to 4"):
        folder_of(tmp_path)


def test_one_broken_picture_fails_alone_and_by_name(add, tmp_path):
    add("a.png")
    add("c.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:45])
    folder = folder_of(tmp_path)
    assert len(folder) == 3
    assert folder[0] == ((6, 4), None)
    assert folder[2] == ((6, 4), None)
    with pytest.raises(ValueError, match=r"'b.png' is (damaged|no image)"):
        folder[1]


def test_folders_without_pictures_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(ValueError, match=r"has no pictures \(.*\.jpg"):
        picture_files(tmp_path)
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        picture_files(tmp_path / "nowhere")
    with pytest.raises(NotADirectoryError, match=r"notes.txt' is a file"):
        picture_files(tmp_path / "notes.txt")


def test_from_folder_puts_a_network_in_front_of_it(add, tmp_path):
    add("hen/1.png", size=(30, 20))
    subject = subjects.from_folder(tmp_path, arch="squeezenet1_1", weights=None, crop=64)
    x, label = subject.item(0)
    assert x.shape == (3, 64, 64)
    assert subject.class_name(label) == "hen"
    assert subject.item_name(0) == "hen/1.png"
    assert subject.name == tmp_path.name
    assert subject.title == f"SqueezeNet 1.1 · {tmp_path.name}"


def test_a_wrong_folder_is_noticed_before_any_weights_are_loaded(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        subjects.from_folder(tmp_path / "nowhere", arch="vgg16")


def test_a_subject_travels_to_other_processes(add, tmp_path):
    add("1.png")
    subject = subjects.from_folder(tmp_path, arch="squeezenet1_1", weights=None, crop=64)
    copy = pickle.loads(pickle.dumps(subject))
    assert copy.item(0)[0].equal(subject.item(0)[0])


# Splits


@pytest.fixture
def splits(add, tmp_path):
    """A folder with two classes in three splits, one class of which has no picture to validate with."""
    for name in ("train/cat/1.png", "train/dog/1.png", "train/dog/2.png", "Validation/dog/3.png", "test/4.png"):
        add(name)
    return tmp_path


@pytest.mark.parametrize(
    ("split", "names"),
    [
        (None, ["dog/3.png"]),
        ("val", ["dog/3.png"]),
        ("valid", ["dog/3.png"]),
        ("Validation", ["dog/3.png"]),
        ("test", ["4.png"]),
        ("train", ["cat/1.png", "dog/1.png", "dog/2.png"]),
        ("training", ["cat/1.png", "dog/1.png", "dog/2.png"]),
    ],
)
def test_one_split_is_shown_and_has_the_classes_of_all(splits, split, names):
    found = listed(splits, split)
    assert ([file.as_posix() for file in found.files], found.subfolders) == (names, ["cat", "dog"])
    told = f"Pictures are those in {found.folder.name!r}, one of the splits 'Validation', 'test', 'train'; "
    assert found.notes == [told + "split (--split) takes another one."]


@pytest.mark.parametrize(
    ("folders", "first"),
    [
        (("train/a", "val/a", "test/a"), "val"),
        (("training/a", "testing/a"), "testing"),
        (("train/a", "valid/a"), "valid"),
        (("train/a",), "train"),
        (("train", "test"), "test"),
        (("Train/a", "notes"), "Train"),
    ],
)
def test_splits_are_known_by_their_names(add, tmp_path, folders, first):
    for folder in folders:
        add(f"{folder}/1.png")
    assert listed(tmp_path).folder == tmp_path / first


@pytest.mark.parametrize("folders", [("train", "bus"), ("validator/a", "tests/a"), ("a/train", "b/val")])
def test_folders_with_other_names_are_no_splits(add, tmp_path, folders):
    for folder in folders:
        add(f"{folder}/1.png")
    found = listed(tmp_path)
    assert (found.folder, found.notes, len(found.files)) == (tmp_path, [], 2)


def test_a_split_that_is_not_there_is_refused_with_those_that_are(splits, add):
    with pytest.raises(ValueError, match=r"has no split 'fold1'; it has 'Validation', 'test', 'train'"):
        listed(splits, "fold1")
    with pytest.raises(ValueError, match="has no split 'val', nor any; leave it out"):
        listed(splits / "test", "val")


def test_pictures_that_labels_json_tells_about_are_all_shown(splits):
    (splits / "labels.json").write_text(json.dumps([{"file": "test/4.png", "index": 1}]))
    found = listed(splits)
    assert (found.folder, len(found.files)) == (splits, 5)
    assert listed(splits, "test").folder == splits / "test"


# Names of classes from folders


class Network(nn.Sequential):
    """Two or more scores for a picture of any size."""

    def __init__(self, scores):
        super().__init__(nn.Conv2d(3, scores, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.eval()


@pytest.fixture
def mine(tmp_path_factory):
    """Writes weights for so many classes."""

    def mine(classes):
        file = tmp_path_factory.mktemp("weights") / "mine.pth"
        torch.save(models.squeezenet1_1(weights=None, num_classes=classes).state_dict(), file)
        return {"arch": "squeezenet1_1", "weights": file, "crop": 64}

    return mine


def labelled(subject):
    return {subject.item_name(i): subject.class_name(subject.item(i)[1]) for i in range(len(subject.dataset))}


def test_names_are_those_of_the_folders_of_all_splits(splits, mine):
    subject = subjects.from_folder(splits, **mine(2))
    assert (subject.classes, labelled(subject)) == (["cat", "dog"], {"dog/3.png": "dog"})
    assert (subject.notes[0], subject.name) == ("Class names are those of the subfolders.", splits.name)
    assert subject.notes[1].startswith("Pictures are those in 'Validation'")
    train = subjects.from_folder(splits, **mine(2), split="train")
    assert labelled(train) == {"cat/1.png": "cat", "dog/1.png": "dog", "dog/2.png": "dog"}
    assert eval(train.recipe, {"subjects": subjects}).dataset.names == train.dataset.names


def test_any_model_gets_the_same_from_such_a_folder(splits):
    subject = subjects.describe(Network(2), splits)
    assert (subject.classes, labelled(subject)) == (["cat", "dog"], {"dog/3.png": "dog"})
    assert any("'Validation'" in note for note in subject.notes)
    assert subject.title == f"Network · {splits.name}"


def test_numbered_folders_are_classes_as_imagefolder_counts_them_and_it_is_told(add, tmp_path, mine):
    for number in range(11):
        add(f"{number}/1.png")
    weights = mine(11)
    for subject in (subjects.from_folder(tmp_path, **weights), subjects.describe(Network(11), tmp_path)):
        assert subject.classes == datasets.ImageFolder(tmp_path).classes
        assert labelled(subject) == {f"{number}/1.png": str(number) for number in range(11)}
        assert [label for _, label in subject.dataset] == [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 2]
        note = next(note for note in subject.notes if "names" in note)
        assert "numbers in the order of text (0, 1, 10, 2, ...) as torchvision's ImageFolder counts them" in note
    (tmp_path / "numbers.txt").write_text("\n".join(map(str, range(11))))
    subject = subjects.from_folder(tmp_path, **weights, classes=tmp_path / "numbers.txt")
    assert [label for _, label in subject.dataset] == list(range(11))
    assert subject.notes == []


def test_numbered_folders_whose_orders_agree_need_no_word(add, tmp_path, mine):
    for number in range(10):
        add(f"{number}/1.png")
    subject = subjects.from_folder(tmp_path, **mine(10))
    assert subject.notes == ["Class names are those of the subfolders."]
