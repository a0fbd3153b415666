"""What `lrpwidgets serve` refuses before it starts anything, and how its options reach a kernel."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

from lrpwidgets.dashboards import command
from lrpwidgets.dashboards.options import Options


@pytest.fixture
def served(monkeypatch):
    """What would be served, in place of a server."""
    calls = []
    monkeypatch.setattr(command, "serve_notebook", lambda *args, **options: calls.append((args, options)))
    return calls


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
    ],
    ids=lambda value: None if isinstance(value, str) else " ".join(value),
)  # fmt: skip
def test_a_wrong_option_is_one_sentence(served, arguments, sentence):
    assert refusal(*arguments) == sentence
    assert not served


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
def test_a_model_or_pictures_of_ones_own_mean_imagenet(served, tmp_path, name):
    value = {"arch": "vgg16", "images": str(tmp_path)}[name]
    result = CliRunner().invoke(command.main, ["serve", "--port", "0", f"--{name}", value])
    assert result.exit_code == 0
    assert served[0][0][1] == Options("imagenet", **{name: value})


def test_a_folder_is_found_from_the_kernels_working_directory_too(served, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    CliRunner().invoke(command.main, ["serve", "--port", "0", "--images", "pictures"])
    assert served[0][0][1].images == str(tmp_path / "pictures")


def test_port_0_is_a_free_port(served):
    CliRunner().invoke(command.main, ["serve", "--port", "0"])
    assert served[0][1]["port"] > 0


def test_options_travel_through_the_environment(monkeypatch):
    options = Options(
        "imagenet", arch="vgg16", weights="DEFAULT", images="/pictures/ä", crop=227, select="logits", device="cpu"
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
