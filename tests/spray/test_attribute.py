"""What happens on the way to a relevance store: interruptions, bad inputs, full disks, several writers."""

from __future__ import annotations

import errno
import gc
import io
import os
import random
import shutil
import signal
import sys
import threading
import time
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets import lrp
from lrpwidgets.lrp import Cancelled, Explainer, TwoClasses
from lrpwidgets.progress import Line
from lrpwidgets.spray import Progress, RelevanceStore, chunks, code, spray
from lrpwidgets.spray.examine import first
from lrpwidgets.spray.info import software
from lrpwidgets.subjects import Subject, TensorSamples
from tests.spray.attributions import (
    FORKS,
    assert_near,
    attribute,
    attribute_alone,
    attribute_on_a_small_disk,
    digits,
    explained,
    files,
    linear,
)


class Spoiled:
    """Digits of which some cannot be used."""

    def __init__(self, subject: Subject, faults: dict[int, object]) -> None:
        self.whole, self.faults = subject.dataset, faults
        self.names = [f"{i}.png" for i in range(len(self.whole))]

    def __len__(self) -> int:
        return len(self.whole)

    def __getitem__(self, index: int):
        x, label = self.whole[index]
        fault = self.faults.get(index)
        if isinstance(fault, Exception):
            raise fault
        return (x, label) if fault is None else fault(x, label)


def spoiled(faults: dict[int, object], inputs: int = 24) -> Subject:
    subject = digits(inputs)
    subject.dataset = Spoiled(subject, faults)
    return subject


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    """The files of a store that nothing interrupted."""
    return files(attribute(tmp_path_factory.mktemp("stores") / "digits", digits()).path)


# Interruptions


def test_kill_9_at_ten_random_moments_leaves_no_trace(tmp_path):
    subject, endings = digits(300), []
    attribute(tmp_path / "expected", subject, batch_size=2)
    lot = random.Random(seed := random.randrange(2**32))

    def written() -> int:
        return len([*tmp_path.glob("store/samples/c.*")])

    for _ in range(10):
        process = FORKS.Process(target=attribute_alone, args=(tmp_path / "store", 300, 2))
        last = written() + lot.randrange((150 - written()) // 8 + 1)
        process.start()
        while process.is_alive() and written() <= last:
            time.sleep(0.0005)
        time.sleep(lot.uniform(0, 0.003))  # somewhere in the next batches
        process.kill()
        process.join()
        endings.append((process.exitcode, written()))
    assert sum(ending[0] == -signal.SIGKILL for ending in endings) >= 5, endings
    attribute(tmp_path / "store", subject, batch_size=2)
    assert files(tmp_path / "store") == files(tmp_path / "expected"), (seed, endings)


@pytest.mark.parametrize("ending", [Cancelled, KeyboardInterrupt, ZeroDivisionError])
def test_a_watcher_ends_the_run_without_loss(tmp_path, whole, ending):
    def watch(progress: Progress) -> None:
        if progress.done >= 16:
            raise ending

    with pytest.raises(ending):
        attribute(tmp_path / "store", digits(), progress=watch)
    begun = RelevanceStore.open(tmp_path / "store")
    assert 16 <= begun.done.sum() < 50
    rows = begun.select().rows
    assert_near(begun.relevance(rows), explained(digits(), rows).relevance, 2.0**-11)
    attribute(tmp_path / "store", digits())
    assert files(tmp_path / "store") == whole


def test_ctrl_c_ends_the_run_without_loss(tmp_path, whole, monkeypatch):
    before = Explainer.explain

    def slowly(self, *args, **options):
        time.sleep(0.05)
        return before(self, *args, **options)

    monkeypatch.setattr(Explainer, "explain", slowly)
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background are deaf to it
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        attribute(tmp_path / "store", digits(2000 // 8), batch_size=4)
    signal.signal(signal.SIGINT, heard)
    monkeypatch.undo()
    assert not list((tmp_path / "store").glob(f"**/*{chunks.PARTIAL}"))
    store = attribute(tmp_path / "store", digits(2000 // 8), batch_size=4)
    assert store.done.all()


def test_a_complete_store_is_left_as_it_is(tmp_path, whole, monkeypatch):
    attribute(tmp_path / "store", digits())
    monkeypatch.setattr(chunks, "replace", None)
    attribute(tmp_path / "store", digits())
    assert files(tmp_path / "store") == whole


def test_several_processes_write_one_store(tmp_path, whole):
    processes = [FORKS.Process(target=attribute_alone, args=(tmp_path / "store", 50, 8)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert files(tmp_path / "store") == whole


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"composite": "epsilon"}, "composite ('epsilon_plus_flat' there, 'epsilon' here)"),
        ({"targets": "label"}, "targets ('predicted' there, 'label' here)"),
        ({"batch_size": 9}, "batch_size (8 there, 9 here)"),
        ({"dtype": "float32"}, "dtype ('float16' there, 'float32' here)"),
        ({"pool": 2}, "pool (None there, 2 here)"),
        ({"layers": ["conv2", "relu1"]}, "layers (conv2, conv3 there, conv2, relu1 here)"),
        ({"subject": digits(49)}, "inputs (50 there, 49 here)"),
        ({"subject": linear(1.0, [1.0] * 50)}, "model (weights and architecture "),
        ({"subject": linear(1.0, [1.0] * 50)}, "input_shape ((1, 8, 8) there, (1, 1, 1) here)"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_store_is_not_gone_on_with_in_another_way(tmp_path, whole, change, told):
    attribute(tmp_path / "store", digits())
    with pytest.raises(ValueError, match="was begun differently") as refused:
        attribute(tmp_path / "store", **({"subject": digits()} | change))
    assert told in str(refused.value)
    assert files(tmp_path / "store") == whole


def test_a_store_is_not_gone_on_with_for_other_data(tmp_path):
    attribute(tmp_path / "store", digits())
    other = digits()
    other.dataset.labels[7] += 1
    with pytest.raises(ValueError, match="names, labels or first input: "):
        attribute(tmp_path / "store", other)


def test_other_software_is_told_where_something_is_added(tmp_path, monkeypatch):
    attribute(tmp_path / "store", digits())
    changed = software() | {"lrpwidgets": "9.0", "numpy": "9.2"}
    monkeypatch.setattr("lrpwidgets.spray.examine.software", lambda: changed)
    attribute(tmp_path / "store", digits())
    next((tmp_path / "store" / "samples").glob("c.*")).unlink()
    with pytest.warns(RuntimeWarning, match=r"was begun with other software: .*numpy \(.* there, 9.2 here\)"):
        attribute(tmp_path / "store", digits())


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ("code", rf"code of lrpwidgets.lrp \({code.digest()[:12]} there, 0{{12}} here\)"),
        ("torch", rf"torch \({code.release(torch.__version__)} there, 1.2.3 here\)"),
    ],
)
def test_relevance_of_other_code_is_not_added_and_what_is_there_is_read(tmp_path, monkeypatch, other, told):
    store = attribute(tmp_path / "store", digits())
    if other == "code":
        monkeypatch.setattr("lrpwidgets.spray.code.digest", lambda: "0" * 64)
    else:
        monkeypatch.setattr("lrpwidgets.spray.examine.software", lambda: software() | {"torch": "1.2.3+cpu"})
    attribute(tmp_path / "store", digits())  # nothing is added
    store.remove(2)
    with pytest.raises(ValueError, match=rf"{told}. Either go on with that, or choose another folder; what is there"):
        attribute(tmp_path / "store", digits())
    again = RelevanceStore.open(store.path, Explainer(digits().model, "epsilon_plus_flat"))
    assert again.relevance(range(16)).any()
    assert len(spray(again)) == 42
    assert attribute(tmp_path / "other", digits()).done.all()


def test_another_build_of_the_same_torch_goes_on(tmp_path, monkeypatch):
    store = attribute(tmp_path / "store", digits())
    store.remove(2)
    other = software() | {"torch": f"{code.release(torch.__version__)}+other"}
    monkeypatch.setattr("lrpwidgets.spray.examine.software", lambda: other)
    assert attribute(tmp_path / "store", digits()).done.all()


def test_the_digest_of_the_code_is_of_its_content_whatever_the_line_endings(tmp_path, monkeypatch):
    shutil.copytree(Path(lrp.__file__).parent, tmp_path / "lrp", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("lrpwidgets.spray.code.files", lambda name: tmp_path)
    before, digest, rules = code.digest(), code.digest.__wrapped__, tmp_path / "lrp" / "rules.py"
    content = rules.read_bytes()
    rules.write_bytes(content.replace(b"\n", b"\r\n"))
    assert digest() == before
    rules.write_bytes(content + b"# another rule\n")
    assert digest() != before


def test_half_written_files_of_killed_writers_are_removed(tmp_path, whole):
    attribute(tmp_path / "store", digits())
    (tmp_path / "store" / "relevance" / f"c.1.0.0.0.abc{chunks.PARTIAL}").write_bytes(b"half")
    attribute(tmp_path / "store", digits())
    assert files(tmp_path / "store") == whole


# Where the scores are


class Heads(nn.Module):
    """Digits with a second head behind the same layers."""

    def __init__(self) -> None:
        super().__init__()
        self.body = digits().model
        self.factor = 1.0

    def forward(self, x):
        scores = self.body(x) * self.factor
        return scores, scores.flip(1)


def heads(select=None, model=None) -> Subject:
    subject = digits(24)
    return Subject(model or Heads().eval(), subject.dataset, subject.classes, select=select)


def begin(path: Path, subject: Subject, done: int = 8) -> None:
    """Begin a store and end it after so many inputs."""

    def watch(progress: Progress) -> None:
        if progress.done >= done:
            raise Cancelled

    with pytest.raises(Cancelled):
        go_on(path, subject, progress=watch)


def go_on(path: Path, subject: Subject, **options) -> RelevanceStore:
    options = {"batch_size": 4, "progress": False} | options
    return RelevanceStore.create(path, subject.explainer("epsilon"), subject, **options)


def first_part(output):
    return output[0]


SELECTS = {
    "functions": (lambda output: output[0], lambda output: output[1]),
    "positions": (0, 1),
    "a function and a position": (lambda output: output[0], 0),
    "functions of one effect": (lambda output: output[0], first_part),
}


@pytest.mark.parametrize("kind", SELECTS)
def test_a_store_is_not_gone_on_with_for_other_scores(tmp_path, kind):
    there, here = SELECTS[kind]
    begin(tmp_path / "store", heads(there))
    before = files(tmp_path / "store")
    with pytest.raises(ValueError, match=r"was begun differently: select \(.* there, .* here\)"):
        go_on(tmp_path / "store", heads(here))
    assert files(tmp_path / "store") == before
    with pytest.raises(ValueError, match=r"begun differently: select \(.* there, .* here\)\. Either open it with"):
        RelevanceStore.open(tmp_path / "store", heads(here).explainer("epsilon"))
    assert go_on(tmp_path / "store", heads(there)).done.all()


def test_a_store_is_gone_on_with_by_an_equal_function(tmp_path):
    begin(tmp_path / "store", heads(lambda output: output[0]))
    assert go_on(tmp_path / "store", heads(lambda output: output[0])).done.all()
    RelevanceStore.open(tmp_path / "store", heads(lambda output: output[0]).explainer("epsilon"))


def test_the_number_of_a_position_is_told(tmp_path):
    begin(tmp_path / "store", heads(0))
    with pytest.raises(ValueError, match=r"select \(0 there, 1 here\); scores of the first input \(that of class "):
        go_on(tmp_path / "store", heads(1))


def test_a_model_that_does_something_else_is_told_by_its_scores(tmp_path):
    # Weights and architecture, as torch prints it, are the same.
    begin(tmp_path / "store", heads(0))
    other = Heads().eval()
    other.factor = 1.5
    with pytest.raises(
        ValueError, match=r"differently: scores of the first input \(that of class 0 is .* there, .* here"
    ):
        go_on(tmp_path / "store", heads(0, other))
    other.factor = 1.0001  # as much as another device or version of torch may do
    assert go_on(tmp_path / "store", heads(0, other)).done.all()


def test_scores_of_another_precision_or_number_are_told(tmp_path):
    begin(tmp_path / "store", heads(lambda output: output[0]))
    store = RelevanceStore.open(tmp_path / "store")
    for change, told in (
        (
            {"dtype": "torch.bfloat16", "values": store.info.scores["values"]},
            "scores (torch.float32 there, torch.bfloat16",
        ),
        ({"dtype": "torch.float32", "values": [1.0] * 9}, "scores of the first input (10 there, 9 here)"),
    ):
        (found,) = store.info.differences(replace(store.info, scores=change))
        assert found.startswith(told)


def test_functions_are_not_compared_by_code_of_another_version_of_python(tmp_path):
    begin(tmp_path / "store", heads(lambda output: output[0]))
    info = RelevanceStore.open(tmp_path / "store").info
    old = replace(info, select="<lambda> #0123456789ab", software=info.software | {"python": "3.1.0"})
    assert old.differences(info) == []
    assert replace(old, select="other #0123456789ab").differences(info) != []
    assert replace(old, software=info.software).differences(info) != []


def test_an_explainer_that_lacks_the_select_of_its_subject_is_refused_with_a_way_out_that_works(tmp_path):
    subject = heads(1)
    explainer = Explainer(subject.model, "epsilon")
    with pytest.raises(ValueError, match=r"give subject.explainer\(explainer.composite\)\.$") as refused:
        RelevanceStore.create(tmp_path / "store", explainer, subject)
    assert not (tmp_path / "store").exists()
    way = str(refused.value).split("give ")[-1].rstrip(".")
    other = eval(way, {"subject": subject, "explainer": explainer})
    assert RelevanceStore.create(tmp_path / "store", other, subject, progress=False).done.all()


# One score of two classes


class OneLogit(nn.Module):
    """Whether a digit is a five or larger: one score, which is squeezed."""

    def __init__(self) -> None:
        super().__init__()
        self.body = digits().model

    def forward(self, x):
        scores = self.body(x)
        return (scores[:, 5:].amax(1) - scores[:, :5].amax(1)).squeeze()


def binary(labels=None, **fields) -> Subject:
    data = digits(24).dataset
    labels = [int(label >= 5) for label in data.labels] if labels is None else labels
    return Subject(OneLogit().eval(), TensorSamples(data.inputs, labels, data.names), **fields)


@pytest.mark.parametrize("targets", ["predicted", "label", 0, 1])
@pytest.mark.parametrize("batch_size", [1, 7])
def test_one_score_fills_a_store_of_two_classes(tmp_path, targets, batch_size):
    subject = binary(select=TwoClasses(), classes=["low", "high"])
    store = go_on(tmp_path / "store", subject, targets=targets, batch_size=batch_size, dtype="float32")
    x = subject.dataset.inputs
    one = Explainer(subject.model, "epsilon").explain(x)
    said = (one.scores[:, 0] > 0).long()
    wanted = {"predicted": said, "label": torch.tensor(subject.dataset.labels)}.get(targets, torch.full((24,), 0))
    wanted = torch.full((24,), targets) if isinstance(targets, int) else wanted
    sign = (2 * wanted - 1)[:, None, None, None]
    assert store.prediction.tolist() == said.tolist()
    assert store.target.tolist() == wanted.tolist()
    assert np.allclose(store.score, one.scores[:, 0] * sign.flatten(), atol=1e-4)
    assert_near(store.relevance(range(24)), one.relevance * sign, 1e-4)
    assert store.class_name(1) == "high"
    assert {0, 1} == set(said.tolist())


@pytest.mark.parametrize("fields", [{}, {"classes": ["low", "high"]}], ids=["labels", "names"])
def test_one_score_of_two_classes_needs_a_word(tmp_path, fields):
    subject = binary(**fields)
    with pytest.raises(ValueError, match=r"one score per input .* give the subject select=lrp.TwoClasses\(\)"):
        go_on(tmp_path / "store", subject)


def test_one_score_of_a_regression_is_explained_as_it_is(tmp_path):
    subject = binary(labels=[None] * 24)
    store = go_on(tmp_path / "store", subject, dtype="float32")
    one = Explainer(subject.model, "epsilon").explain(subject.dataset.inputs)
    assert set(store.prediction.tolist()) == {0}
    assert_near(store.relevance(range(24)), one.relevance, 1e-4)


# Progress


def test_progress_counts_from_what_is_there_to_the_end(tmp_path):
    seen: list[Progress] = []
    attribute(tmp_path / "store", digits(), progress=seen.append)
    assert [(p.done, p.total) for p in seen] == [(done, 50) for done in (0, 8, 16, 24, 32, 40, 48, 50)]
    assert seen[0] == Progress(0, 50)
    assert all(p.rate > 0 for p in seen[1:])
    assert seen[-1].seconds_left == 0
    assert seen[1].seconds_left == pytest.approx(42 / seen[1].rate)
    next((tmp_path / "store" / "samples").glob("c.2.*")).unlink()
    seen.clear()
    attribute(tmp_path / "store", digits(), progress=seen.append)
    assert [p.done for p in seen] == [42, 50]


def test_progress_prints_rate_and_time_left_on_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Line, "PATIENCE", 0)
    attribute(tmp_path / "store", digits(), progress=True)
    told = capsys.readouterr().err
    assert told.startswith("\r0 of 50")
    assert told.count("\n") == 1
    assert told.rstrip().endswith("/s · 0 s left")


def test_a_notebook_shows_progress_as_what_it_is_and_not_as_an_error(tmp_path, capsys, monkeypatch):
    of_a_kernel = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    monkeypatch.setattr(Line, "PATIENCE", 0)
    monkeypatch.setattr(sys, "stdout", of_a_kernel)
    attribute(tmp_path / "store", digits(), progress=True)
    assert of_a_kernel.getvalue().startswith("\r0 of 50")
    assert of_a_kernel.getvalue().endswith("\n")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59, "59 s"), (61, "1 min 01 s"), (3599.7, "1 h 00 min"), (7800, "2 h 10 min"), (273600, "3 d 4 h")],
)
def test_time_left_in_words(seconds, words):
    assert str(Progress(1, 2, rate=0.05, seconds_left=seconds)) == f"1 of 2 · 0.05/s · {words} left"


# Bad inputs

BAD = {
    3: ValueError("3.png is damaged or truncated."),
    4: OSError(5, "Input/output error"),
    9: lambda x, label: (x[:, :4], label),
    10: lambda x, label: (x.double(), label),
    17: lambda x, label: (x * float("nan"), label),
    18: lambda x, label: (None, label),
}


def test_a_bad_input_does_not_end_the_run_and_is_named(tmp_path):
    with pytest.warns(RuntimeWarning, match=r"6 of 24 inputs could not be .*The first is '3.png': 3.png is damaged"):
        store = attribute(tmp_path / "store", spoiled(BAD))
    assert list(store.failures) == list(BAD)
    assert store.failures[4] == "[Errno 5] Input/output error"
    assert store.failures[9].startswith(
        "The input is torch.float32 of shape (1, 4, 8); the others are torch.float32 of"
    )
    assert store.failures[10].startswith("The input is torch.float64 of shape (1, 8, 8); the others are torch.float32")
    assert store.failures[17].startswith("inputs contain NaN or infinity")
    assert (store.prediction[[*BAD]] == -1).all()
    assert np.isnan(store.score[[*BAD]]).all()
    good = store.select().rows
    assert good.tolist() == [row for row in range(24) if row not in BAD]
    assert_near(store.relevance(good), explained(digits(), good).relevance, 2.0**-11)
    assert np.array_equal(store.label[good], np.array(digits(24).dataset.labels)[good])


def test_rows_of_bad_inputs_have_no_relevance(tmp_path):
    with pytest.warns(RuntimeWarning):
        store = attribute(tmp_path / "store", spoiled(BAD))
    with pytest.raises(ValueError, match=r"Row 3 has no relevance, since the input failed: 3.png is damaged or trunc"):
        store.relevance([1, 3])


def test_bad_inputs_are_not_tried_again(tmp_path):
    with pytest.warns(RuntimeWarning):
        before = files(attribute(tmp_path / "store", spoiled(BAD)).path)
    seen: list[Progress] = []
    with pytest.warns(RuntimeWarning):
        attribute(tmp_path / "store", spoiled(BAD), progress=seen.append)
    assert [progress.done for progress in seen] == [24]
    assert files(tmp_path / "store") == before


def test_a_batch_of_bad_inputs_does_not_end_the_run(tmp_path):
    with pytest.warns(RuntimeWarning, match="16 of 24 inputs"):
        store = attribute(
            tmp_path / "store",
            spoiled({i: ValueError("broken") for i in range(8)} | dict.fromkeys(range(16, 24), BAD[17])),
        )
    assert np.flatnonzero(store.done).tolist() == list(range(8, 16))


def test_inputs_without_a_label_fail_where_labels_are_explained(tmp_path):
    subject = spoiled({2: lambda x, label: (x, None), 5: lambda x, label: (x, 99)})
    with pytest.warns(RuntimeWarning):
        store = attribute(tmp_path / "store", subject, targets="label")
    assert store.failures[2] == "The input has no label, and labels are to be explained."
    assert store.failures[5].startswith("target 99 is out of range")
    assert (store.label[2], store.label[5]) == (-1, 99)
    assert attribute(tmp_path / "other", subject).done.all()


def test_a_data_set_that_goes_away_ends_the_run(tmp_path):
    subject = spoiled({})

    def away(progress: Progress) -> None:
        if progress.done:
            subject.dataset.faults = {i: FileNotFoundError(2, "gone") for i in range(24)}

    with pytest.raises(FileNotFoundError, match="gone"):
        attribute(tmp_path / "store", subject, progress=away, batch_size=2)
    subject.dataset.faults = {}
    store = attribute(tmp_path / "store", subject, batch_size=2)
    assert store.done.all()
    assert not store.failures


def test_a_model_that_stops_working_ends_the_run(tmp_path, monkeypatch):
    before, calls = Explainer.explain, []

    def until(self, *args, **options):
        calls.append(args)
        if len(calls) > 5:
            raise ValueError("The device was lost.")
        return before(self, *args, **options)

    monkeypatch.setattr(Explainer, "explain", until)
    with pytest.raises(ValueError, match=r"The device was lost."):
        attribute(tmp_path / "store", digits())
    monkeypatch.undo()
    assert attribute(tmp_path / "store", digits()).done.all()


def test_no_memory_is_not_the_inputs_fault(tmp_path, monkeypatch):
    before, calls = Explainer.explain, []

    def until(self, *args, **options):
        calls.append(args)
        if len(calls) > 5:
            raise RuntimeError("CUDA out of memory")
        return before(self, *args, **options)

    monkeypatch.setattr(Explainer, "explain", until)
    with pytest.raises(RuntimeError, match="out of memory"):
        attribute(tmp_path / "store", digits())


# Disks


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path, whole, monkeypatch):
    before, written = chunks.replace, []

    def until_full(file: Path, *parts: bytes) -> None:
        if len(written) == 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
        written.append(file)
        before(file, *parts)

    monkeypatch.setattr(chunks, "replace", until_full)
    with pytest.raises(
        OSError, match=r"The disk of the store .* is full after 24 of 50 inputs. They stay good: make room"
    ):
        attribute(tmp_path / "store", digits())
    monkeypatch.undo()
    assert RelevanceStore.open(tmp_path / "store").done.sum() == 24
    attribute(tmp_path / "store", digits())
    assert files(tmp_path / "store") == whole


@pytest.mark.skipif(sys.platform != "linux", reason="needs tmpfs")
def test_a_disk_that_is_really_full_keeps_what_it_has(tmp_path):
    told = FORKS.SimpleQueue()
    process = FORKS.Process(target=attribute_on_a_small_disk, args=(tmp_path, 64, told))
    process.start()
    answer = told.get()
    process.join()
    if answer is None:
        pytest.skip("no file system can be mounted here")
    sentence, rows, relevance, partials = answer
    assert 0 < len(rows) < 50
    assert f"is full after {len(rows)} of 50 inputs. They stay good: make room" in sentence
    assert not partials
    assert_near(relevance, explained(digits(), rows).relevance, 1e-5)


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"picture")
    with pytest.raises(ValueError, match="is not empty and holds no relevance store; choose another folder"):
        attribute(tmp_path, digits())
    assert [file.name for file in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_file_is_no_place_for_a_store(tmp_path):
    (tmp_path / "file").write_text("text")
    with pytest.raises(ValueError, match="holds no relevance store"):
        attribute(tmp_path / "file", digits())


def test_missing_folders_above_are_made(tmp_path):
    assert attribute(tmp_path / "a" / "b", digits(3)).done.all()


# Sizes and options


@pytest.mark.parametrize("inputs", [1, 7, 8, 16])
def test_any_number_of_inputs(tmp_path, inputs):
    store = attribute(tmp_path / "store", digits(inputs))
    assert len(store) == store.done.sum() == inputs
    assert_near(store.relevance(range(inputs)), explained(digits(), range(inputs)).relevance, 2.0**-11)


def test_no_inputs_are_refused(tmp_path):
    with pytest.raises(ValueError, match="'digits' has no inputs; give it a dataset"):
        attribute(tmp_path / "store", digits(0))


def test_a_model_that_takes_none_of_the_inputs_is_refused(tmp_path):
    subject = digits()
    subject.dataset = linear(1.0, [1.0] * 120).dataset
    with pytest.raises(ValueError, match=r"None of the first 100 inputs can be explained. The first: The model cannot"):
        attribute(tmp_path / "store", subject)
    assert not (tmp_path / "store").exists()


class Fresh:
    """Inputs that are made when they are asked for."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return torch.full((1,), float(index)), 0


def test_inputs_that_failed_before_the_first_that_did_not_are_freed_at_once():
    def use(x, label):
        ghosts.append(weakref.ref(x))
        if float(x) < 2:
            raise ValueError("not this one")

    ghosts: list[weakref.ref[torch.Tensor]] = []
    gc.disable()
    try:
        number, x, _ = first(Subject(torch.nn.Flatten(), Fresh()), use)
        assert (number, [ghost() for ghost in ghosts]) == (2, [None, None, x])
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"targets": "top"}, "targets must be 'predicted', 'label' or the number of a class, got 'top'"),
        ({"targets": -1}, "targets must be 'predicted', 'label' or the number of a class, got -1"),
        ({"targets": 10}, "target 10 is out of range: the model has 10 classes"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ({"pool": 0}, "pool must be a whole number of at least 1, or None, got 0"),
        ({"dtype": "int8"}, "dtype must be 'float16' or 'float32', got 'int8'"),
        ({"layers": "conv2"}, r"layers must be a list of names, got 'conv2'; give \['conv2'\]"),
        ({"layers": ["conv9"]}, "There is no layer 'conv9'; the nearest names are"),
    ],
    ids=str,
)
def test_a_wrong_option_is_told_before_a_store_is_begun(tmp_path, options, sentence):
    with pytest.raises(ValueError, match="^.*" + sentence):
        attribute(tmp_path / "store", digits(), **options)
    assert not (tmp_path / "store").exists()


def test_dense_scores_are_refused(tmp_path):
    subject = digits()
    subject.model = torch.nn.Conv2d(1, 3, 1)
    with pytest.raises(ValueError, match=r"scores of shape \(1, 3, 8, 8\); a store needs one per class"):
        attribute(tmp_path / "store", subject)
