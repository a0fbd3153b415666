"""What `lrpwidgets attribute` makes, what it refuses, and how it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from click.testing import CliRunner, Result

from lrpwidgets import subjects
from lrpwidgets.dashboards import attributing, command
from lrpwidgets.dashboards.options import Options
from lrpwidgets.lrp import Composite, Explainer
from lrpwidgets.lrp.rules import Epsilon
from lrpwidgets.spray import RelevanceStore
from lrpwidgets.subjects import Subject
from lrpwidgets.widgets.explore import composite_file


@pytest.fixture(autouse=True)
def allocator(monkeypatch):
    """Leave that of the process that runs all tests as it is."""
    monkeypatch.setattr("lrpwidgets.spray.memory.keep_freed", lambda: None)


def run(*arguments: object) -> Result:
    """Attribute digits, if nothing else is asked for: there are few of them."""
    subject = [] if "--subject" in arguments else ["--subject", "digits"]
    return CliRunner().invoke(command.main, ["attribute", *subject, *map(str, arguments)])


def refusal(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    return result.output.removeprefix("Error: ").strip()


def test_it_makes_the_store_that_its_options_ask_for(tmp_path, monkeypatch):
    monkeypatch.setattr("lrpwidgets.progress.Line.PATIENCE", 0)
    options = [
        "--composite",
        "epsilon_plus_flat",
        "--targets",
        "label",
        "--batch-size",
        100,
        "--layer",
        "conv2",
        "--layer",
        "relu1",
    ]
    result = run("--subject", "digits", "--store", tmp_path / "store", *options, "--pool", 4, "--dtype", "float32")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"The relevance of 355 inputs is in '{tmp_path / 'store'}'.\n"
    assert "355 of 355 · " in result.stderr
    info = RelevanceStore.open(tmp_path / "store").info
    assert (info.composite["name"], info.targets, info.batch_size) == ("epsilon_plus_flat", "label", 100)
    assert (list(info.layers), info.pool, info.dtype) == (["conv2", "relu1"], 4, "float32")


def test_without_a_subject_it_is_that_of_serve_spray(tmp_path, monkeypatch):
    asked = []

    def loaded(options: Options, default: str) -> Subject:
        asked.append(default)
        raise ValueError("That is all.")

    monkeypatch.setattr(Options, "load_subject", loaded)
    for words in (["attribute", "--store", str(tmp_path / "store")], ["serve", "spray", "--port", "0"]):
        assert CliRunner().invoke(command.main, words).exit_code == 2
    assert asked == ["clever-hans", "clever-hans"]


def test_without_options_it_explains_the_predicted_classes(tmp_path):
    assert run("--store", tmp_path / "store").exit_code == 0
    info = RelevanceStore.open(tmp_path / "store").info
    assert (info.subject, info.composite["name"], info.targets, info.batch_size, info.dtype) == (
        "digits",
        "epsilon_plus_flat",
        "predicted",
        64,
        "float16",
    )


def test_one_class_can_be_explained(tmp_path):
    assert run("--store", tmp_path / "store", "--targets", "3").exit_code == 0
    assert (RelevanceStore.open(tmp_path / "store").target == 3).all()


def test_a_preset_gets_the_bounds_of_the_subject(tmp_path):
    for _ in range(2):  # the second finds the same composite in the store
        assert run("--store", tmp_path / "store", "--composite", "epsilon_gamma_box").exit_code == 0
    first = RelevanceStore.open(tmp_path / "store").info.composite["entries"][0]
    assert (first["rule"], first["low"], first["high"]) == ("ZBox", [0.0], [1.0])


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_composite_comes_from_a_file(tmp_path, form):
    composite = Composite([("conv1", Epsilon(0.5)), ("*", Epsilon(0.25))], "mine")
    (tmp_path / f"mine.{form}").write_text(composite_file.written(composite, form))
    assert run("--store", tmp_path / "store", "--composite", tmp_path / f"mine.{form}").exit_code == 0
    explainer = Explainer(subjects.load("digits").model, composite)
    assert RelevanceStore.open(tmp_path / "store", explainer).info.composite == composite.to_dict()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--subject dgits", "There is no subject 'dgits'; did you mean 'digits'?"),
        ("--subject imagenet", "The subject imagenet has no pictures of its own: name a folder of them with --images."),
        ("--composite epsilon_plus_flt", "There is no composite 'epsilon_plus_flt'. Did you mean 'epsilon_plus_flat'?"),
        ("--targets top", "--targets must be predicted, label or the number of a class; got 'top'."),
        ("--targets 10", "None of the first 100 inputs can be explained. The first: target 10 is out of range: the "),
        ("--layer conv9", "There is no layer 'conv9'; the nearest names are 'conv3', 'conv2', 'conv1'."),
        ("--device cuda:99", "The device 'cuda:99' is not there; this machine has cpu"),
        ("--scheduler tcp://127.0.0.1:1", "There is no Dask scheduler at 'tcp://127.0.0.1:1' ("),
    ],
)
def test_a_wrong_option_is_one_sentence(tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.setattr(attributing, "PATIENCE", 0.5)
    assert refusal("--store", tmp_path / "store", *arguments.split()).startswith(sentence)
    assert not (tmp_path / "store").exists()


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"picture")
    told = refusal("--store", tmp_path)
    assert told == f"'{tmp_path}' is not empty and holds no relevance store; choose another folder."


def test_a_store_begun_in_another_way_is_refused_with_what_differs(tmp_path):
    run("--store", tmp_path / "store")
    told = refusal("--store", tmp_path / "store", "--composite", "epsilon", "--batch-size", 32)
    assert "composite ('epsilon_plus_flat' there, 'epsilon' here); batch_size (64 there, 32 here)" in told


def test_a_file_that_holds_no_composite_is_refused(tmp_path):
    (tmp_path / "mine.json").write_text('{"entries": [{"layers": "conv9", "rule": "Epsilon"}]}')
    told = refusal("--store", tmp_path / "store", "--composite", tmp_path / "mine.json")
    assert told.startswith(f"'{tmp_path / 'mine.json'}' holds no composite for this network: ")


def test_bad_pictures_are_named_at_the_end(tmp_path, monkeypatch):
    subject = subjects.load("digits")
    subject.dataset.inputs[[3, 5, 6, 7, 8, 9]] = float("nan")
    monkeypatch.setattr("lrpwidgets.dashboards.options.Options.load_subject", lambda *_: subject)
    result = run("--store", tmp_path / "store")
    assert result.exit_code == 0
    told = result.stdout.splitlines()
    assert told[:2] == [
        f"The relevance of 349 inputs is in '{tmp_path / 'store'}'.",
        "6 inputs could not be read or explained:",
    ]
    assert told[2].startswith("  sample 3: inputs contain NaN or infinity")
    assert told[-1] == "  ..."


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    def full(file, *parts):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lrpwidgets.spray.chunks.replace", full)
    result = run("--store", tmp_path / "store")
    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith("Error: The disk of the store ")


def test_ctrl_c_says_how_to_go_on(tmp_path):
    # Tests that run in the background are deaf to Ctrl-C, and so would be their processes.
    hear = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    script = f"{hear}; from lrpwidgets.dashboards.command import main; main(sys.argv[1:])"
    arguments = [sys.executable, "-c", script, "attribute", "--subject", "digits"]
    arguments += ["--store", str(tmp_path / "store"), "--batch-size", "1"]
    process = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    watchdog = threading.Timer(90, process.kill)
    watchdog.start()
    while process.poll() is None and not any(tmp_path.glob("store/samples/c.5.*")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    watchdog.cancel()
    assert process.returncode == 130
    done = int(RelevanceStore.open(tmp_path / "store").done.sum())
    assert 5 < done < 355
    expected = f"Stopped: {done} of 355 inputs are in '{tmp_path / 'store'}'. The same command goes on from there."
    assert told.splitlines()[-1] == expected
    assert run("--store", tmp_path / "store", "--batch-size", 1).exit_code == 0
    assert np.all(RelevanceStore.open(tmp_path / "store").done)


def test_a_dask_scheduler_can_be_named(tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as local:
        result = run("--store", tmp_path / "store", "--scheduler", local.scheduler_address)
    assert result.exit_code == 0, result.output
    assert RelevanceStore.open(tmp_path / "store").done.all()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="nothing here makes certificates")
def test_a_scheduler_that_wants_certificates_gets_those_of_dasks_configuration(tmp_path):
    dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")
    certificate, key = str(tmp_path / "own.pem"), str(tmp_path / "own-key.pem")
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=own"]
    subprocess.run([*make, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    roles = {
        f"tls_{role}_{what}": file
        for role in ("scheduler", "worker", "client")
        for what, file in (("cert", certificate), ("key", key))
    }
    security = distributed.Security(tls_ca_file=certificate, require_encryption=True, **roles)
    configured = {"ca-file": certificate, "client.cert": certificate, "client.key": key}
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tls", security=security, dashboard_address=None
    ) as local:
        with dask.config.set({f"distributed.comm.tls.{name}": file for name, file in configured.items()}):
            result = run("--store", tmp_path / "store", "--scheduler", local.scheduler_address)
        without = run("--store", tmp_path / "other", "--scheduler", local.scheduler_address)
    assert result.exit_code == 0, result.output
    assert RelevanceStore.open(tmp_path / "store").done.all()
    assert without.exit_code == 2
    assert "TLS" in without.output


def test_what_accepts_a_connection_and_says_nothing_is_no_scheduler(tmp_path, monkeypatch):
    monkeypatch.setattr("lrpwidgets.dashboards.attributing.PATIENCE", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        result = run("--store", tmp_path / "store", "--scheduler", address)
    assert result.exit_code == 2
    assert f"There is no Dask scheduler at '{address}' (what is there did not answer within 1 s)" in result.output
