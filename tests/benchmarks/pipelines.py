"""From a store to clusters, by us or by CoRelAy, in a process of its own that says what it took.

``python -m tests.benchmarks.pipelines ours|corelay STORE COUNT FILE``; COUNT 0 leaves the number of clusters to us.
FILE gets cluster assignments.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrpwidgets.spray import Features, RelevanceStore

from .resident import added, can_tell

OTHER_COUNT = 10
"""Clusters that are compared besides those of the eigengap: as many as there are digits."""


@dataclass(frozen=True)
class Run:
    """What a pipeline took and found."""

    seconds: float
    cpu: float
    """Seconds of all processors together, which other processes on the machine hardly change."""
    bytes: int | None
    """Memory that it added at its peak; None where the system does not say."""
    stages: dict[str, float]
    """Seconds of each part that tells."""
    labels: dict[str, NDArray[np.int32]]
    """Cluster assignments: "own" are those that were timed, "10" from as many eigenvectors and k-means with 10 starts,
    "same" the same for the timed number of clusters."""

    @property
    def count(self) -> int:
        """How many clusters."""
        return int(self.labels["own"].max()) + 1


def run(name: str, store: RelevanceStore, count: int = 0) -> Run:
    """Run the pipeline "ours" or "corelay" in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "labels.npz"
        command = [sys.executable, "-m", __name__, name, str(store.path), str(count), str(file)]
        told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        with np.load(file) as labels:
            return Run(**told, labels=dict(labels))


def _ours(path: str, count: int, told: dict[str, Any]) -> dict[str, NDArray[np.int32]]:
    import sklearn.cluster  # noqa: F401  # loading it is not what is timed

    from lrpwidgets.spray import Progress, spray

    begun: list[tuple[str, float]] = []

    def watch(progress: Progress) -> None:
        if not begun or progress.stage != begun[-1][0]:
            begun.append((progress.stage, time.perf_counter()))

    found: list[Any] = []
    _timed(told, lambda: found.append(spray(RelevanceStore.open(path), clusters=count or "auto", progress=watch)))
    ends = [start for _, start in begun[1:]] + [begun[0][1] + told["seconds"]]
    told["stages"] = {stage: end - start for (stage, start), end in zip(begun, ends, strict=True)}
    other = found[0].recluster("spectral", OTHER_COUNT).clusters
    return {"own": found[0].clusters, "same": found[0].clusters, str(OTHER_COUNT): other}


def _corelay(path: str, count: int, told: dict[str, Any]) -> dict[str, NDArray[np.int32]]:
    """CoRelAy's pipeline of SpRAy with its defaults, on the same features."""
    from corelay.pipeline.spectral import SpectralClustering
    from corelay.processor.clustering import KMeans
    from corelay.processor.embedding import EigenDecomposition

    pipeline = SpectralClustering(
        embedding=EigenDecomposition(n_eigval=32, is_output=True), clustering=KMeans(n_clusters=count, is_output=True)
    )
    found: list[Any] = []

    def whole() -> None:
        store = RelevanceStore.open(path)
        maps = store.relevance(np.flatnonzero(store.done))
        found.extend(pipeline(Features().of(maps)))

    _timed(told, whole)
    (_, vectors), own = found
    clusters = {str(number): _by_k_means(vectors, number) for number in (count, OTHER_COUNT)}
    return {"own": own, "same": clusters[str(count)], str(OTHER_COUNT): clusters[str(OTHER_COUNT)]}


def _by_k_means(vectors: NDArray[np.float64], count: int) -> NDArray[np.int32]:
    """Clusters from the `count` eigenvectors of the smallest eigenvalues, which come last."""
    from sklearn.cluster import KMeans

    rows = vectors[:, -count:] / np.linalg.norm(vectors[:, -count:], axis=1, keepdims=True)
    labels: NDArray[np.int32] = KMeans(count, n_init=10, random_state=0).fit_predict(rows)
    return labels


def _timed(told: dict[str, Any], call: Any) -> None:
    """Note the seconds, processor seconds and added bytes of a call."""

    def clocked() -> None:
        started, cpu = time.perf_counter(), time.process_time()
        call()
        told["seconds"], told["cpu"] = time.perf_counter() - started, time.process_time() - cpu

    if can_tell():
        told["bytes"] = added(clocked)
    else:
        told["bytes"] = None
        clocked()


if __name__ == "__main__":
    name, path, count, file = sys.argv[1:]
    told: dict[str, Any] = {"stages": {}}
    labels = {"ours": _ours, "corelay": _corelay}[name](path, int(count), told)
    np.savez(file, **labels)
    print(json.dumps(told))
