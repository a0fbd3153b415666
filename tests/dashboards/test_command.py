"""What `lrpwidgets serve` refuses before it starts anything, and how its options reach a kernel."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torchvision import models

from lrpwidgets import subjects
from lrpwidgets.dashboards import command
from lrpwidgets.dashboards.options import VARIABLE, Options


@pytest.fixture
def served(monkeypatch):
    """What would be served, in place of a server."""
    calls = []
    monkeypatch.setattr(command, "serve_notebook", lambda *args, **options: calls.append((args, options)))
    return calls


@pytest.fixture
def unloaded(monkeypatch):
    """Leave out the loading that comes before serving."""
    digits = subjects.load("digits")
    monkeypatch.setattr(Options, "load_subject", lambda self: digits)


def refusal(*arguments):
    result = CliRunner().invoke(command.main, ["serve", *arguments])
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    return result.output.removeprefix("Error: ").strip()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["explor"], "There is no dashboard 'explor'; did you mean 'explore'?"),
        (["--port", "65536"], "--port must lie between 0 and 65535; got 65536."),
        (["--subject", "dgits"], "There is no subject 'dgits'; did you mean 'digits'?"),
        (["--images", "no/such"], "--images must be a folder of pictures; there is no folder 'no/such'."),
        (["--subject", "digits", "--arch", "vgg16"], "--arch is for the subject imagenet, not for 'digits'."),
        (["--weights", "DEFAULT"], "--weights needs --arch, the model that they are for."),
        (["--crop", "128"], "--crop needs --arch, the model whose input it is."),
        (["--classes", "names.txt"], "--classes needs --arch, the model whose outputs they name."),
        (["--memory", "-1"], "--memory must be a size such as 2GB, 1.5GB or 1500MB; got '-1'."),
        (["--memory=2 apples"], "--memory must be a size such as 2GB, 1.5GB or 1500MB; got '2 apples'."),
        (["--memory", "800MB"], "--memory must be at least 1GB, which a kernel takes to start; got '800MB'."),
        (["--split", "val"], "--split needs --images, the folder that it is in."),
        (["--arch", "vgg16", "--split", "val"], "--split needs --images, the folder that it is in."),
        (["--subject", "digits", "--classes", "a.txt"], "--classes is for the subject imagenet, not for 'digits'."),
        (["--subject", "a.b:c", "--weights", "a.pth"], "--weights is for the subject imagenet, not for 'a.b:c'."),
        (["--arch", "vgg16", "--weights", "no.pth"], "There is no file of weights 'no.pth'; check the path."),
    ],
    ids=lambda value: None if isinstance(value, str) else " ".join(value),
)  # fmt: skip
def test_a_wrong_option_is_one_sentence(served, arguments, sentence):
    assert refusal(*arguments) == sentence
    assert not served


def test_an_unknown_network_is_refused_with_close_ones(served):
    assert refusal("--arch", "resnet5").startswith("Torchvision has no classification network 'resnet5'; close are ")


def test_an_unknown_dashboard_without_a_close_one_is_told_the_choice(served):
    assert refusal("weather").startswith("There is no dashboard 'weather'; choose one of ")


def test_a_device_that_is_not_there_is_refused_with_those_that_are(served):
    assert refusal("--device", "cuda:99").startswith("The device 'cuda:99' is not there; this machine has cpu")


def test_a_port_in_use_is_refused(served):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert refusal("--port", str(port)).startswith(f"Port {port} is in use")


def test_a_wrong_option_is_answered_without_loading_torch():
    script = "import sys, lrpwidgets.dashboards.command as c; assert not {'torch', 'voila'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("name", ["arch", "images"])
def test_a_model_or_pictures_of_ones_own_mean_imagenet(served, unloaded, tmp_path, name):
    value = {"arch": "vgg16", "images": str(tmp_path)}[name]
    result = CliRunner().invoke(command.main, ["serve", "--port", "0", f"--{name}", value])
    assert result.exit_code == 0
    assert served[0][0][1] == Options("imagenet", **{name: value})


def test_a_folder_is_found_from_the_kernels_working_directory_too(served, unloaded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    CliRunner().invoke(
        command.main, ["serve", "--port", "0", "--images", "pictures", "--classes", "names.txt", "--split", "val"]
    )
    options = served[0][0][1]
    assert options.images == str(tmp_path / "pictures")
    assert (options.classes, options.split, options.folder) == (str(tmp_path / "names.txt"), "val", None)


@pytest.mark.parametrize(("text", "size"), [("2GB", 2 * 10**9), ("1.5 gb", 15 * 10**8), ("4096MB", 4096 * 10**6)])
def test_what_a_kernel_may_take_is_handed_to_it(served, monkeypatch, text, size):
    CliRunner().invoke(command.main, ["serve", "--port", "0", "--memory", text])
    options = served[0][0][1]
    assert options.memory == size
    monkeypatch.setenv(VARIABLE, options.to_environment()[VARIABLE])
    assert Options.from_environment().memory == size


def test_port_0_is_a_free_port(served):
    CliRunner().invoke(command.main, ["serve", "--port", "0"])
    assert served[0][1]["port"] > 0


def test_options_travel_through_the_environment(monkeypatch):
    options = Options(
        "imagenet",
        arch="vgg16",
        weights="DEFAULT",
        images="/pictures/ä",
        crop=227,
        classes="/a.txt",
        select="logits",
        device="cpu",
    )
    assert Options.from_environment() == Options()
    for name, value in options.to_environment().items():
        monkeypatch.setitem(os.environ, name, value)
    assert Options.from_environment() == options


@pytest.mark.parametrize(
    ("text", "select"),
    [
        (None, None),
        ("logits", "logits"),
        ("0", 0),
        ("-1", -1),
        ("output[0]", "output[0]"),
        ("__import__", "__import__"),
    ],
)
def test_select_is_a_position_or_a_word_and_never_code(served, text, select):
    arguments = [] if text is None else [f"--select={text}"]
    assert CliRunner().invoke(command.main, ["serve", "--port", "0", *arguments]).exit_code == 0
    subject = served[0][0][1].load_subject()
    assert subject.select == select
    assert type(subject.select) is type(select)
    assert subject.recipe == (
        "subjects.load('digits')" if text is None else f"subjects.load('digits', select={select!r})"
    )


# Code of one's own


CODE = """
from torch import nn, rand
from lrpwidgets.subjects import Subject

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())

def subject():
    with open("data.txt") as file:
        return Subject(Net(), [(rand(3, 4, 4), 0)] * int(file.read()))

def broken():
    return {}["model"]
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A file with code of one's own, in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    (tmp_path / "mine.py").write_text(CODE)
    (tmp_path / "data.txt").write_text("7")
    return tmp_path / "mine.py"


def test_ones_own_code_is_served_after_it_ran_and_the_terminal_says_so(served, mine, monkeypatch, tmp_path_factory):
    result = CliRunner().invoke(command.main, ["serve", "--port", "0", "--subject", "mine.py:subject"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{mine}:subject is code of your own; it runs as `python file.py` would.\n"
    options = served[0][0][1]
    assert options == Options(f"{mine}:subject", folder=str(mine.parent))
    monkeypatch.setitem(os.environ, VARIABLE, options.to_environment()[VARIABLE])
    monkeypatch.chdir(tmp_path_factory.mktemp("kernel"))
    subject = Options.from_environment().load_subject()
    assert len(subject.dataset) == 7
    assert subject.recipe == f"subjects.load({str(mine) + ':subject'!r})"


@pytest.mark.parametrize(
    ("dashboard", "sentence"),
    [
        (
            "explore",
            "The subject 'mine' has no inputs, and pictures cannot be uploaded; let its function ",
        ),
        ("spray", "The subject 'mine' has no inputs; give it a dataset."),
    ],
)
def test_a_model_without_anything_to_look_at_is_not_served(served, mine, dashboard, sentence):
    result = CliRunner().invoke(command.main, ["serve", dashboard, "--port", "0", "--subject", "mine.py:Net"])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(f"Error: {sentence}")
    assert not served


def test_what_ships_is_not_loaded_before_it_is_served(served, monkeypatch):
    monkeypatch.setattr(subjects, "load", lambda *_: pytest.fail("it is not needed, and takes seconds"))
    assert CliRunner().invoke(command.main, ["serve", "--port", "0", "--subject", "digits"]).exit_code == 0


@pytest.mark.parametrize(
    ("subject", "sentence"),
    [
        ("gone.py:subject", "There is no file 'gone.py'; check the path. A subject of your own is path/to/file.py:"),
        ("mine.py", "'mine.py' names no function of a file or module; write path/to/file.py:function or "),
        ("mine.py:subjekt", "'{mine}:subjekt' cannot be used: there is no function 'subjekt'; did you mean 'subject'?"),
        ("mine.py:CODE", "'{mine}:CODE' cannot be used: there is no function 'CODE'; there is Net, subject, broken."),
        ("nowhere:f", "'nowhere:f' cannot be used: there is no module 'nowhere'; run this where it can be imported, "),
    ],
)
def test_code_that_is_not_there_is_one_sentence(served, mine, subject, sentence):
    result = CliRunner().invoke(command.main, ["serve", "--port", "0", "--subject", subject])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("Error: " + sentence.format(mine=mine))
    assert len(result.stderr.splitlines()) <= 2  # one says that it is code
    assert not served


@pytest.mark.parametrize("words", [["serve", "--port", "0"], ["attribute", "--store", "store"]])
def test_code_that_raises_is_told_with_the_end_of_its_traceback(served, mine, words):
    result = CliRunner().invoke(command.main, [*words, "--subject", "mine.py:broken"])
    assert result.exit_code == 2
    lines = [line for line in result.stderr.splitlines() if "^" not in line]  # Python points at the place
    assert lines[1:] == [
        f"Error: '{mine}:broken' is code of your own, and it raised an error:",
        f'  File "{mine}", line 14, in broken',
        '    return {}["model"]',
        "KeyError: 'model'",
    ]
    assert not served


def test_pictures_and_names_go_to_a_model_that_has_none(mine, served):
    (mine.parent / "pictures").mkdir()
    Image.new("RGB", (4, 4)).save(mine.parent / "pictures" / "1.png")
    (mine.parent / "names.txt").write_text("hen\ncock")
    words = ["serve", "--port", "0", "--subject", "mine:Net", "--images", "pictures", "--classes", "names.txt"]
    result = CliRunner().invoke(command.main, words)
    assert result.exit_code == 0, result.output
    subject = served[0][0][1].load_subject()
    assert (subject.item_name(0), subject.classes, subject.name) == ("1.png", ["hen", "cock"], "mine")


# A fine-tuned network


def test_a_fine_tuned_network_is_served(served, tmp_path):
    network = models.resnet18(weights=None, num_classes=3)
    torch.save({"state_dict": network.state_dict(), "epoch": 3}, tmp_path / "mine.pth")
    (tmp_path / "names.json").write_text('{"cat": 0, "dog": 1, "ox": 2}')
    for name in ("train/cat", "train/dog", "train/ox", "val/ox"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        Image.new("RGB", (40, 40)).save(tmp_path / "pictures" / name / "1.png")
    words = ["--port", "0", "--arch", "resnet18", "--weights", str(tmp_path / "mine.pth")]
    for more in (["--classes", str(tmp_path / "names.json")], ["--images", str(tmp_path / "pictures")]):
        result = CliRunner().invoke(command.main, ["serve", *words, *more])
        assert result.exit_code == 0, result.output
        assert served[-1][0][1].load_subject().classes == ["cat", "dog", "ox"]
    told = refusal(*words, "--images", str(tmp_path / "pictures"), "--split", "test")
    assert told == f"'{tmp_path / 'pictures'}' has no split 'test'; it has 'train', 'val'."


def test_a_token_is_made_up_unless_there_is_one(served, monkeypatch, tmp_path):
    def token(*words):
        result = CliRunner().invoke(command.main, ["serve", "--port", "0", *words])
        assert result.exit_code == 0, result.output
        return served[-1][1]["token"], result.output

    first, second = token()[0], token()[0]
    assert len(first) > 30
    assert first != second
    monkeypatch.setenv(command.TOKEN, "from the environment")
    assert token()[0] == "from the environment"
    assert command.TOKEN not in os.environ  # kernels do not inherit it
    (tmp_path / "token").write_text("from a file\n")
    assert token("--token-file", str(tmp_path / "token"))[0] == "from a file"
    word, said = token("--no-token")
    assert word is None
    assert "everybody who reaches the port can use it" in said


def test_a_token_that_is_none_is_refused(monkeypatch, tmp_path):
    (tmp_path / "empty").write_text("\n")
    assert "is empty: give it a secret word" in refusal("--token-file", str(tmp_path / "empty"))
    assert "cannot be read from" in refusal("--token-file", str(tmp_path / "none"))
    assert "in the list of processes" in refusal("--token", "")
    assert "in the list of processes" in refusal("--token", "word")
    assert "leave one of them out" in refusal("--no-token", "--token-file", str(tmp_path / "empty"))
    monkeypatch.setenv(command.TOKEN, "")
    assert "$LRPWIDGETS_TOKEN is empty" in refusal()


def test_a_certificate_that_is_none_is_refused(tmp_path):
    (tmp_path / "a.pem").write_text("no certificate")
    assert "No certificate with its key could be read" in refusal("--certfile", str(tmp_path / "a.pem"))
    assert "No certificate with its key could be read" in refusal("--certfile", str(tmp_path / "none.pem"))
    assert "--keyfile is nothing without --certfile" in refusal("--keyfile", str(tmp_path / "a.pem"))
