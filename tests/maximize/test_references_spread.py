"""References on the workers of a Dask cluster, by several processes, from batches that do not fit memory."""

import numpy as np
import pytest
import torch

from lrpwidgets.lrp import Explainer
from lrpwidgets.maximize import ReferenceStore, references
from lrpwidgets.spray import RelevanceStore
from lrpwidgets.subjects import TensorSamples
from tests.spray.attributions import FORKS, digits, files

LAYERS = ["conv2", "conv3", "linear"]


def attribute(path, **options):
    """References of some digits in batches of 8."""
    return references(digits(), LAYERS, path=path, batch_size=8, **options)


def attribute_alone(path) -> None:
    torch.set_num_threads(1)
    attribute(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    """The files of a store that one process made."""
    attribute(path := tmp_path_factory.mktemp("stores") / "references")
    return files(path)


def test_the_workers_of_a_cluster_write_the_same_store(tmp_path, whole):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local,
        distributed.Client(local) as client,
    ):
        found = attribute(tmp_path / "references", client=client)
    assert files(tmp_path / "references") == whole
    assert len(found["conv2"].channel(1).crops()) == len(found["conv2"].channel(1).samples)


def test_workers_need_a_folder():
    with pytest.raises(ValueError, match=r"a folder that they all see: references\(..., client=client, path=...\)"):
        references(digits(), "conv2", client=object())


def test_several_processes_write_one_store(tmp_path, whole):
    processes = [FORKS.Process(target=attribute_alone, args=(tmp_path / "references",)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert files(tmp_path / "references") == whole


def test_a_batch_that_does_not_fit_memory_is_halved(tmp_path, monkeypatch):
    expected = references(digits(), LAYERS, batch_size=8)
    at_once, record = [], Explainer._record

    def small(self, batch):
        if batch.size > 3:
            raise torch.OutOfMemoryError("out of memory")
        at_once.append(batch.size)
        return record(self, batch)

    monkeypatch.setattr(Explainer, "_record", small)
    found = attribute(tmp_path / "references")
    assert max(at_once) <= 3
    for layer in LAYERS:
        for one, other in zip(
            (found[layer].ranking, found[layer].by_activation().ranking),
            (expected[layer].ranking, expected[layer].by_activation().ranking),
            strict=True,
        ):
            np.testing.assert_allclose(one.values, other.values, rtol=1e-4, atol=1e-5)


def test_inputs_that_fail_are_left_out_and_named(tmp_path):
    subject = digits(20)
    inputs = subject.dataset.inputs.clone()
    inputs[13] = torch.nan
    subject.dataset = TensorSamples(inputs, subject.dataset.labels, subject.dataset.names)
    with pytest.warns(RuntimeWarning, match="1 of 20 inputs could not be read or explained"):
        found = references(subject, "conv2", path=tmp_path / "references", k=20, batch_size=8)
    named = {row for number in range(found.channels) for row in found.channel(number).samples.tolist()}
    assert named == set(range(20)) - {13}
    with pytest.raises(ValueError, match=r"Input 13 was not explained: .*NaN"):
        found.maps([13], [0])


def test_a_store_of_another_kind_is_told_apart(tmp_path):
    references(digits(8), "conv2", path=tmp_path / "references")
    with pytest.raises(ValueError, match="does not describe a relevance store"):
        RelevanceStore.open(tmp_path / "references")
    subject = digits(8)
    RelevanceStore.create(tmp_path / "maps", Explainer(subject.model), subject, progress=False)
    with pytest.raises(ValueError, match="does not describe a reference store"):
        ReferenceStore.open(tmp_path / "maps")
    with pytest.raises(ValueError, match="does not describe a reference store"):
        references(subject, "conv2", path=tmp_path / "maps")
    with pytest.raises(FileNotFoundError, match=r"no reference store.*references\(subject, layer, path=...\)"):
        ReferenceStore.open(tmp_path / "nothing")


def test_without_a_path_nothing_stays_on_disk():
    found = references(digits(8), "conv2")
    path = found.store.path
    assert path.is_dir()
    other = found.by_activation()
    del found
    assert other.ranking.rows.shape == (8, other.channels)  # a view of the same pass keeps it
    del other
    assert not path.exists()
