"""Two coordinates for each sample, to look at: from the spectrum, by t-SNE or by UMAP, on demand.

t-SNE and UMAP start from the diffusion map of the graph (Coifman and Lafon 2006), not from pixels: what is near in
the picture is what the clustering takes for near. They are for viewing only; clusters come from the spectrum.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Watcher
from .spectral import Spectrum

_EPOCHS = 500
"""Steps of t-SNE after 250 of early exaggeration, as openTSNE has them."""


def names() -> list[str]:
    """Embeddings that can be made here; umap needs umap-learn, which the extra ``spray`` brings."""
    return ["spectral", "tsne", *(["umap"] if importlib.util.find_spec("umap") else [])]


def embedded(name: str, spectrum: Spectrum, seed: int, tell: Watcher) -> NDArray[np.float32]:
    """The embedding `name`, (n, 2); raises ValueError for one that cannot be made here."""
    if name not in names():
        hint = ": it needs umap-learn, install lrpwidgets[spray]" if name == "umap" else ""
        raise ValueError(f"There is no embedding {name!r} here{hint}; choose one of {', '.join(names())}.")
    make = {"spectral": _spectral, "tsne": _tsne, "umap": _umap}[name]
    return np.ascontiguousarray(make(spectrum, seed, tell), np.float32)


def diffusion(spectrum: Spectrum) -> NDArray[np.float64]:
    """Diffusion coordinates (n, m'): eigenvectors of the random walk times their 1 − λ, without constant ones.

    A constant eigenvector tells no two samples apart. Of a graph with several components there is none: each
    component's own is then kept.
    """
    walk = spectrum.vectors / np.sqrt(np.where(spectrum.degrees > 0, spectrum.degrees, 1))[:, None]
    varies = np.ptp(walk, axis=0) > 1e-9 * np.abs(walk).max(axis=0, initial=1e-30)
    scaled = walk * (1 - spectrum.eigenvalues) * np.sqrt(spectrum.degrees.sum() or 1)
    found: NDArray[np.float64] = scaled[:, varies]
    return found


def _spectral(spectrum: Spectrum, seed: int, tell: Watcher) -> NDArray[Any]:
    found = diffusion(spectrum)[:, :2]
    return np.pad(found, ((0, 0), (0, 2 - found.shape[1])))


def _tsne(spectrum: Spectrum, seed: int, tell: Watcher) -> NDArray[Any]:
    from openTSNE import TSNE

    space = diffusion(spectrum)
    if len(space) < 5 or not space.shape[1]:
        return _spectral(spectrum, seed, tell)
    done = 0

    def step(iteration: int, error: float, embedding: Any) -> None:
        nonlocal done
        done += 25
        tell(Progress(min(done, _EPOCHS + 250), _EPOCHS + 250, "tsne"))

    made = TSNE(
        perplexity=min(30, (len(space) - 1) / 3),
        n_iter=_EPOCHS,
        random_state=seed,
        n_jobs=1 if len(space) < 2000 else -1,  # threads that wait for each other 750 times cost more
        callbacks=step,
        callbacks_every_iters=25,
        negative_gradient_method="bh" if len(space) < 2000 else "fft",
    )
    return np.asarray(made.fit(space))


def _umap(spectrum: Spectrum, seed: int, tell: Watcher) -> NDArray[Any]:
    from umap import UMAP

    space = diffusion(spectrum)
    if len(space) < 5 or not space.shape[1]:
        return _spectral(spectrum, seed, tell)
    epochs = 200 if len(space) > 10_000 else 500
    made = UMAP(
        n_neighbors=min(15, len(space) - 1),
        n_epochs=epochs,
        random_state=seed,
        n_jobs=1,  # with a seed it takes no more
        init=_spectral(spectrum, seed, tell) if len(space) > 50 else "random",
        tqdm_kwds={"file": _Ticker(tell, epochs), "mininterval": 0.0, "miniters": 5, "disable": False},
    )
    return np.asarray(made.fit_transform(space))


class _Ticker:
    """Takes the place of the terminal for UMAP's progress bar: UMAP can be watched and ended in no other way."""

    def __init__(self, tell: Watcher, total: int) -> None:
        self._tell, self._total = tell, total

    def write(self, text: str) -> None:
        share = text.rpartition("%|")[0].rpartition(" ")[2]
        if share.isdecimal():
            self._tell(Progress(int(share) * self._total // 100, self._total, "umap"))

    def flush(self) -> None:
        """A file has this."""
