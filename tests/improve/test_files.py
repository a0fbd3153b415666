"""Repaired models as files: what was written is read, and what is another thing is refused."""

from __future__ import annotations

import pytest
import torch

from lrpwidgets import subjects
from lrpwidgets.improve import Repaired, Training, augment, direction, load, penalise, project, save
from lrpwidgets.spray import RelevanceStore

from .nets import WITH, WITHOUT, conv, dense, subject_of, tokens

QUICK = Training(epochs=1)


def way_in(subject, layer="pool", **options):
    return direction(subject, layer, WITH, WITHOUT, **options)


REPAIRS = {
    "projected": lambda subject: project(subject, way_in(subject)),
    "reactive": lambda subject: project(subject, way_in(subject, over="channels"), reactive=True),
    "in a container": lambda subject: project(subject, way_in(subject, "block")),
    "trained": lambda subject: augment(subject, way_in(subject), training=QUICK, progress=False),
    "projected, then trained": lambda subject: penalise(
        project(subject, way_in(subject)), way_in(subject, "conv"), training=QUICK, progress=False
    ),
    "projected twice": lambda subject: project(project(subject, way_in(subject)), way_in(subject, "block")),
}


@pytest.mark.parametrize("name", REPAIRS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_was_written_is_read(tmp_path, name, dtype):
    subject = subject_of(conv().to(dtype), 3, 8, 8)
    after = REPAIRS[name](subject)
    path = save(after, tmp_path / "mended.safetensors")
    x = subject.dataset.inputs
    own = subject.explainer().scores(x)
    again = load(subject, path)
    assert isinstance(again, Repaired)
    assert torch.equal(again.explainer().scores(x), after.explainer().scores(x))
    assert torch.equal(subject.explainer().scores(x), own)
    assert again.title == after.title
    assert again.used == after.used
    for one, other in zip(again.repairs, after.repairs, strict=True):
        assert (one.name, one.settings, one.structure, one.said) == (
            other.name,
            other.settings,
            other.structure,
            other.said,
        )
        assert one.seconds == other.seconds
    assert set(again.model.state_dict()) == set(after.model.state_dict())
    one, other = (each.explainer().explain(x[:2], 1).relevance for each in (again, after))
    assert torch.equal(one, other)


def test_tokens_and_weights_in_another_order_of_memory_are_written_too(tmp_path):
    for number, (model, shape, layer) in enumerate(
        [(tokens(), (5, 6), "relu"), (conv().to(memory_format=torch.channels_last), (3, 8, 8), "pool")]
    ):
        subject = subject_of(model, *shape)
        after = project(subject, way_in(subject, layer, over="channels"))
        again = load(subject, save(after, tmp_path / f"{number}.safetensors"))
        x = subject.dataset.inputs
        torch.testing.assert_close(again.explainer().scores(x), after.explainer().scores(x))


def test_a_file_that_is_there_is_never_written_over(tmp_path):
    after = project(subject := subject_of(conv(), 3, 8, 8), way_in(subject))
    path = tmp_path / "mended.safetensors"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="is there already; take another name, or remove it first"):
        save(after, path)
    assert path.read_text() == "precious"


def test_a_subject_that_was_not_repaired_is_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"subject was not repaired: torch\.save\("):
        save(subject_of(conv(), 3, 8, 8), tmp_path / "file")


@pytest.mark.parametrize("name", REPAIRS)
def test_a_file_of_another_model_is_refused(tmp_path, name):
    path = save(REPAIRS[name](subject_of(conv(), 3, 8, 8)), tmp_path / "mended.safetensors")
    for other in (subject_of(dense(), 1, 4, 4), subjects.load("digits")):
        with pytest.raises(ValueError, match="was made of another model than that of"):
            load(other, path)


def test_a_repaired_subject_does_not_get_the_same_repair_again(tmp_path):
    subject = subject_of(conv(), 3, 8, 8)
    after = project(subject, way_in(subject))
    path = save(after, tmp_path / "mended.safetensors")
    with pytest.raises(ValueError, match=r"was made of another model than that of .*'pool' projects already"):
        load(after, path)


def test_what_is_no_repaired_model_is_refused(tmp_path):
    subject = subject_of(conv(), 3, 8, 8)
    text = tmp_path / "text"
    text.write_text("a model")
    with pytest.raises(ValueError, match="is no safetensors file"):
        load(subject, text)
    with pytest.raises(ValueError, match=r"holds no repaired model; one is written by improve\.save"):
        load(subject, way_in(subject).save(tmp_path / "direction.safetensors"))
    with pytest.raises(FileNotFoundError):
        load(subject, tmp_path / "gone")
    folder = tmp_path / "store"
    RelevanceStore.create(folder, subject.explainer(), subject, progress=False)
    with pytest.raises(ValueError, match="is a folder, and no safetensors file"):
        load(subject, folder)
    torch.save(subject.model.state_dict(), tmp_path / "pickled")
    with pytest.raises(ValueError, match="is no safetensors file"):
        load(subject, tmp_path / "pickled")
