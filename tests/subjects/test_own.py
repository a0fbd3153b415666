"""Subjects that somebody's own code makes, and what is said where it does not."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from lrpwidgets import subjects
from lrpwidgets.lrp import TwoClasses

CODE = """
from __future__ import annotations

import sys
from dataclasses import dataclass

import torch
from helper_of_mine import CLASSES
from torch import nn
from torch.utils.data import Dataset

from lrpwidgets.subjects import Subject


@dataclass
class Settings:
    channels: int = 3


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(Settings().channels, 2)

    def forward(self, x):
        return self.linear(x.mean((2, 3)))


class Data(Dataset):
    classes = CLASSES

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return torch.full((3, 4, 4), float(index)), index % 2


def model():
    return Net()


def pair():
    return Net(), Data()


def subject():
    return Subject(Net(), Data(), CLASSES, title="Mine")


def named():
    return Subject(Net(), Data(), name="other", recipe="subjects.load('digits')")


def arguments():
    assert sys.argv == [__file__], sys.argv
    return Net()


def nothing():
    pass


def three():
    return Net(), Data(), CLASSES


def without_model():
    return Subject(None)


def stream():
    return Net(), (x for x in [])


def ends():
    sys.exit("Give me a GPU.")


def deep():
    return torch.load("nowhere.pth")


def wants(path, *, size=3):
    return Net()


made = Net()

if __name__ == "__main__":
    raise RuntimeError("this is no script")
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A file of somebody's code, and a neighbour that it imports."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in sys.modules if name.partition(".")[0].endswith("mine")]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "helper_of_mine.py").write_text("CLASSES = ['hen', 'cock']\n")
    (tmp_path / "mine.py").write_text(CODE)
    return tmp_path / "mine.py"


@pytest.mark.parametrize(("function", "title"), [("pair", "Net · Data"), ("subject", "Mine")])
def test_a_function_in_a_file_makes_a_subject(mine, function, title):
    subject = subjects.load(f"{mine}:{function}")
    assert (len(subject.dataset), subject.classes, subject.title, subject.name) == (5, ["hen", "cock"], title, "mine")
    x, label = subject.item(3)
    assert (float(x[0, 0, 0]), label) == (3, 1)


@pytest.mark.parametrize("function", ["model", "Net", "made", "arguments"])
def test_a_model_alone_is_a_subject_without_data(mine, function):
    subject = subjects.load(f"{mine}:{function}")
    assert (len(subject.dataset), type(subject.model).__name__) == (0, "Net")


def test_a_module_is_found_in_the_working_directory(mine, monkeypatch):
    monkeypatch.chdir(mine.parent)
    (mine.parent / "package_of_mine").mkdir()
    (mine.parent / "package_of_mine" / "inside.py").write_text("from mine import pair\nfrom . import other\n")
    (mine.parent / "package_of_mine" / "other.py").touch()
    subject = subjects.load("package_of_mine.inside:pair")
    assert (subject.name, subject.recipe) == ("inside", "subjects.load('package_of_mine.inside:pair')")


def test_the_recipe_runs_the_same_code_whatever_the_code_says(mine):
    subject = subjects.load(f"{mine}:named")
    assert (subject.name, subject.recipe) == ("other", f"subjects.load({str(mine) + ':named'!r})")
    assert eval(subject.recipe, {"subjects": subjects}).name == "other"


def test_code_is_read_anew_each_time(mine):
    assert len(subjects.load(f"{mine}:pair").dataset) == 5
    mine.write_text(CODE.replace("return 5", "return 6"))
    assert len(subjects.load(f"{mine}:pair").dataset) == 6
    assert not (mine.parent / "__pycache__" / "mine.cpython-311.pyc").exists()


REFUSED = [
    ("nothing", "returns NoneType; it has to return a Subject, a model, or a model and its data"),
    ("three", "returns Net, Data, list; it has to return"),
    ("without_model", "returns Subject; it has to return"),
    ("Settings", "returns Settings; it has to return"),
    ("modle", "cannot be used: there is no function 'modle'; did you mean 'model'?"),
    ("wants", r"cannot be used: wants\(path, \*, size=3\) needs arguments; write a function without any, which calls"),
    ("stream", r"cannot be used: The dataset \(generator\) has no length or no items by number; give a list"),
    ("ends", r"raised an error:\n.*line \d+, in ends\n.*\nSystemExit: Give me a GPU.$"),
    ("deep", r"raised an error:\n  File .*mine.py\", line \d+, in deep\n.*\n(.*\n)?FileNotFoundError: .*nowhere.pth'$"),
]


@pytest.mark.parametrize(("function", "told"), REFUSED)
def test_what_gives_no_subject_is_refused_with_a_reason(mine, function, told):
    with pytest.raises(ValueError, match=told) as caught:
        subjects.load(f"{mine}:{function}")
    assert str(caught.value).startswith(f"'{mine}:{function}' ")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("x = 1\nx = = 2", r"cannot be used: line 2 is no Python \(invalid syntax\): x = = 2"),
        ("import gone_for_good\ndef f(): ...", r"line 1, in <module>\n.*\nModuleNotFoundError: .*'gone_for_good'"),
        ("import broken_of_mine\ndef f(): ...", "SyntaxError: "),
        ("1 / 0", "raised an error:\n(.*\n)*ZeroDivisionError: division by zero$"),
        ("", "there is no function 'f'; there is none"),
    ],
)
def test_code_that_does_not_run_is_refused_with_the_place(mine, code, told):
    (mine.parent / "broken_of_mine.py").write_text("def (")
    mine.write_text(code)
    with pytest.raises(ValueError, match=told):
        subjects.load(f"{mine}:f")


@pytest.mark.parametrize("spelling", ["mine.py", "mine.py:", ":pair", "mine.py:1", "mine.py:a.b"])
def test_what_names_no_function_is_refused_with_the_form(spelling):
    with pytest.raises(ValueError, match=r"names no function .* write path/to/file.py:function or package.module:func"):
        subjects.load(spelling)


def test_what_is_not_there_is_named(mine, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"There is no file 'no/such.py'; check the path"):
        subjects.load("no/such.py:pair")
    with pytest.raises(ValueError, match=r"'no.such:pair' cannot be used: there is no module 'no'; run this where"):
        subjects.load("no.such:pair")


def test_pictures_and_names_are_for_code_that_has_none(mine):
    assert subjects.load(f"{mine}:model", classes=["a", "b"]).classes == ["a", "b"]
    subject = subjects.load(f"{mine}:pair", classes={0: "a", 1: "b"})
    assert subject.classes == ["a", "b"]
    assert eval(subject.recipe, {"subjects": subjects}).classes == ["a", "b"]
    with pytest.raises(ValueError, match="pair' returns data of its own; give no other"):
        subjects.load(f"{mine}:pair", images=mine.parent)
    with pytest.raises(ValueError, match="subject' returns a Subject, which has its own data and names"):
        subjects.load(f"{mine}:subject", classes=["a", "b"])


def test_one_score_inside_of_something_is_that_of_two_classes(mine):
    mine.write_text(
        CODE.replace(
            "def model():",
            "class One(Net):\n    def forward(self, x):\n        return {'answer': super().forward(x)[:, 0]}\n\n\n"
            "def one():\n    return One(), Data()\n\n\n"
            "def of_subject():\n    return Subject(One(), Data(), CLASSES, select='answer')\n\n\ndef model():",
        )
    )
    with pytest.raises(ValueError, match="select='answer'"):
        subjects.load(f"{mine}:one")
    subject = subjects.load(f"{mine}:one", select="answer")
    assert subject.select == TwoClasses("answer")
    assert subject.recipe == f"subjects.load('{mine}:one', select='answer')"
    assert eval(subject.recipe, {"subjects": subjects}).select == subject.select
    assert subjects.load(f"{mine}:of_subject").select == "answer"
    assert subjects.load(f"{mine}:of_subject", select=TwoClasses("answer")).select == subject.select
    assert subjects.load(f"{mine}:one", select=lambda output: output["answer"]).recipe == ""


def test_it_travels_to_processes_that_do_not_have_the_code(mine, tmp_path_factory):
    cloudpickle = pytest.importorskip("cloudpickle")
    subject = subjects.load(f"{mine}:pair")
    away = tmp_path_factory.mktemp("away")
    (away / "subject.pickle").write_bytes(cloudpickle.dumps(subject))
    x, _ = subject.item(1)
    script = (
        "import cloudpickle, torch; subject = cloudpickle.load(open('subject.pickle', 'rb')); "
        "x, label = subject.item(1); assert label == 1; torch.save(subject.model(x[None]), 'scores.pt')"
    )
    subprocess.run([sys.executable, "-c", script], cwd=away, check=True)
    assert torch.equal(torch.load(away / "scores.pt"), subject.model(x[None]))


def test_what_ships_needs_no_code(monkeypatch):
    monkeypatch.setattr(subjects.own, "load", lambda *_, **__: pytest.fail("no code was named"))
    assert subjects.load("digits").name == "digits"
