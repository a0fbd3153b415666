import json
import pickle

import pytest
from PIL import Image

from lrpwidgets import subjects
from lrpwidgets.subjects.folder import ImageFolder, picture_files

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
