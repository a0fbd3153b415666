"""SpRAy: how fast relevance is stored and analysed, beside CoRelAy, and whether it finds planted artefacts."""

from __future__ import annotations

import gc
import itertools
import math
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from sklearn.metrics import adjusted_rand_score

from lrpwidgets import subjects
from lrpwidgets.lrp import Explainer
from lrpwidgets.spray import Atlas, RelevanceStore, Verdict, candidate, poison_test
from lrpwidgets.spray.classes import atlases
from lrpwidgets.spray.neighbors import EXACT
from lrpwidgets.subjects import Subject

from . import mnist, pipelines
from .timing import table

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
MORE = (300_000, 1_000_000) if os.environ.get("LRPWIDGETS_MILLION") else ()
"""Only if asked for: their stores take 3 GB of disk and, to be made, a quarter of an hour."""
SEEDS = range(5)
TAGGED = ("clever-hans", "tagged-digits")
COMPOSITE = "epsilon_plus_flat"

EXPLAINED = """
On the CPU, {threads} threads. Medians of {rounds} rounds at most, interleaved; other processes on the machine make them
longer, but hardly the processor seconds, which are those of all cores together.
Memory is the largest resident set of a fresh process less what it had before, libraries loaded.\
"""

STORY = """\
rank by τ: of the tagged class among all, and of the tagged cluster within it.
turned: share of other classes' pictures that a box of the tagged cluster, pasted, turns into its class, less what the
control turns; after: accuracy with it pasted.
others convicted: of all other clusters of the subject, with the largest such share among these in brackets.\
"""


def measure(rounds: int) -> dict[str, Any]:
    """Print and return seconds, bytes and agreement as plain values for JSON."""
    print(EXPLAINED.format(threads=torch.get_num_threads(), rounds=rounds))
    measured: dict[str, Any] = {}
    if mnist.DATA.is_dir():
        with tempfile.TemporaryDirectory() as folder:
            store, measured["store"] = _stored(Path(folder), rounds)
            measured["beside CoRelAy"] = _beside_corelay(store, min(rounds, 3))
            measured["growth"] = _growth(store, Path(folder), min(rounds, 3))
    else:
        print(f"\nNo folder {mnist.DATA}: what needs its digits is left out; set LRPWIDGETS_DATA to where they are.")
    measured["story"] = _story()
    return measured


# Relevance into a store.


def _stored(folder: Path, rounds: int) -> tuple[RelevanceStore, dict[str, tuple[float, float]]]:
    """A store of ten thousand digits, and images per second of making it beside a bare loop of explanations."""
    subject, numbers = mnist.subject(), itertools.count()
    explainer, inputs = Explainer(subject.model, COMPOSITE), subject.dataset.inputs

    def bare() -> None:
        for batch in inputs.split(64):
            explainer.explain(batch, keep="input")

    def stored() -> RelevanceStore:
        return RelevanceStore.create(folder / f"store {next(numbers)}", explainer, subject, progress=False)

    taken = _medians({"bare loop": bare, "store": stored}, rounds)
    (wall, cpu), (wall_of_store, cpu_of_store) = taken.values()
    ratio = wall / wall_of_store
    rows = [
        [name, f"{each[0]:.2f}", f"{len(inputs) / each[0]:,.0f}", "", f"{each[1]:.2f}"] for name, each in taken.items()
    ]
    rows.append(["  bare loop / store", f"{ratio:.2f}", "", _goal(ratio >= 0.9, "≥ 0.9"), f"{cpu / cpu_of_store:.2f}"])
    table("10,000 digits through a LeNet, batches of 64", ["", "seconds", "images / s", "goal", "processor s"], rows)
    return RelevanceStore.open(folder / "store 0"), taken


def _medians(candidates: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Seconds, and seconds of all processors, of each candidate in interleaved rounds after one that does not count."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
    for number, (name, run) in itertools.product(range(rounds + 1), candidates.items()):
        gc.collect()
        started, cpu = time.perf_counter(), time.process_time()
        run()
        if number:
            taken[name].append((time.perf_counter() - started, time.process_time() - cpu))
    return {name: (median(wall for wall, _ in each), median(cpu for _, cpu in each)) for name, each in taken.items()}


# A store into an atlas.


def _beside_corelay(store: RelevanceStore, rounds: int) -> dict[str, Any]:
    """The same maps through our pipeline and CoRelAy's, one after the other in every round."""
    count = pipelines.run("ours", store).count  # and files are cached from here on
    each = [(pipelines.run("ours", store), pipelines.run("corelay", store, count)) for _ in range(rounds)]
    runs = ours, theirs = tuple(zip(*each, strict=True))
    seconds, cpu = ([median(getattr(run, what) for run in each) for each in runs] for what in ("seconds", "cpu"))
    memory = [_most_bytes(each) for each in runs]
    pairs = {name: (ours[0].labels[name], theirs[0].labels[name]) for name in ("own", "same", "10")}
    agreement = {name: float(adjusted_rand_score(*pair)) for name, pair in pairs.items()}
    ratio = seconds[1] / seconds[0]
    title = f"{len(store):,} maps of 32 × 32: from store to clusters, without t-SNE"
    rows = [
        ["ours", f"{seconds[0]:.2f}", _goal(seconds[0] < 5, "< 5"), f"{cpu[0]:.2f}", *_megabytes(memory[0], 500)],
        ["CoRelAy", f"{seconds[1]:.2f}", "", f"{cpu[1]:.2f}", *_megabytes(memory[1])],
        ["  CoRelAy / ours", f"{ratio:.1f}", _goal(ratio >= 10, "≥ 10"), f"{cpu[1] / cpu[0]:.1f}", "", ""],
    ]
    table(title, ["", "seconds", "goal", "processor s", "MB", "goal"], rows)
    print("ours: " + _stages(ours))
    print(f"adjusted Rand of {count} clusters from {count} eigenvectors: {agreement['same']:.3f}", end="")
    print(f" {_goal(agreement['same'] >= 0.95, '≥ 0.95')}; of 10 from 10: {agreement['10']:.3f}; ", end="")
    print(f"of {count} from all 32, as CoRelAy has it: {agreement['own']:.3f}")
    return {
        "seconds": seconds,
        "processor seconds": cpu,
        "bytes": memory,
        "clusters": count,
        "adjusted Rand": agreement,
    }


def _growth(store: RelevanceStore, folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Seconds and bytes for more and more maps, and the power of their number with which these grow."""
    measured: list[dict[str, Any]] = []
    rows = []
    for size in SIZES + MORE:
        made = mnist.grown(store, folder / f"grown {size}", size)
        runs = [pipelines.run("ours", made) for _ in range(rounds if size <= 10_000 else 1)]
        found = {"size": size, "bytes": _most_bytes(runs)}
        found |= {what: median(getattr(run, what) for run in runs) for what in ("seconds", "cpu")}
        cells = [cell for what in ("seconds", "cpu") for cell in (f"{found[what]:.2f}", _power(measured, found, what))]
        cells += [
            " ".join(_megabytes(found["bytes"], 2000 if size == 300_000 else None)).strip(),
            _power(measured, found, "bytes"),
        ]
        rows.append([f"{size:,}", *cells, "all" if size <= EXACT else "near cells", _stages(runs)])
        measured.append(found)
    columns = ["maps", "seconds", "power", "processor s", "power", "MB", "power", "compared with", "seconds by stage"]
    table("More maps: digits shifted and blended with another one, with noise", columns, rows)
    overall = [_power(measured[:1], measured[-1], what) for what in ("seconds", "cpu", "bytes")]
    print("power: from the line before, it grew with the number of maps to this power; n log n does with ", end="")
    print(", ".join(f"{_log_power(*pair):.2f}" for pair in itertools.pairwise(SIZES + MORE)) + ".")
    print("From the first line to the last: seconds {}, processor seconds {}, MB {}; ".format(*overall), end="")
    print(f"n log n: {_log_power(SIZES[0], measured[-1]['size']):.2f}.")
    return measured


def _power(before: list[dict[str, Any]], found: dict[str, Any], what: str) -> str:
    if not before or not found[what]:
        return ""
    return f"{math.log(found[what] / before[-1][what]) / math.log(found['size'] / before[-1]['size']):.2f}"


def _log_power(fewer: int, more: int) -> float:
    return 1 + math.log(math.log(more) / math.log(fewer)) / math.log(more / fewer)


def _stages(runs: Any) -> str:
    medians_of = {stage: median(run.stages[stage] for run in runs) for stage in runs[0].stages}
    return ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in medians_of.items())


def _most_bytes(runs: Any) -> int | None:
    return max((run.bytes for run in runs if run.bytes is not None), default=None)


def _megabytes(size: int | None, bound: float | None = None) -> list[str]:
    if size is None:
        return ["—", ""]
    return [f"{size / 1e6:.0f}", _goal(size / 1e6 < bound, f"< {bound:.0f}") if bound else ""]


def _goal(reached: bool, goal: str) -> str:
    return f"{goal} {'✓' if reached else '✗'}"


# Planted artefacts.


def _story() -> list[dict[str, Any]]:
    """Whether the tagged cluster is found and convicted, and every other one acquitted, with controls."""
    told = [_told(name, seed, tagged) for name in TAGGED for tagged in (True, False) for seed in SEEDS]
    columns = ["", "seed", "accuracy", "adjusted Rand", "rank by τ", "turned", "after", "verdict", "others convicted"]
    rows = [_line(each) for each in told]
    table("Tagged and untagged (control): is the tagged cluster found, and who is convicted?", columns, rows)
    print(STORY)
    return told


def _told(name: str, seed: int, tagged: bool) -> dict[str, Any]:
    subject = subjects.load(name, seed=seed, tagged=tagged)
    explainer = Explainer(subject.model)
    with tempfile.TemporaryDirectory() as folder:
        store = RelevanceStore.create(Path(folder) / "store", explainer, subject, progress=False)
        found = list(atlases(store, by="label"))
        accused = _tagged_cluster(found, subject) if tagged else None
        verdicts = {
            (place, number): poison_test(candidate(atlas, number, subject), explainer, subject)
            for place, atlas in enumerate(found)
            for number in range(atlas.count)
        }
        told: dict[str, Any] = {"subject": name, "seed": seed, "tagged": tagged}
        told["accuracy"] = float((store.prediction == store.label).mean())
        if accused:
            told |= _of_accused(found, accused, verdicts.pop(accused), subject)
        told["others"] = len(verdicts)
        told["others convicted"] = sum(verdict.clever_hans for verdict in verdicts.values())
        told["most of others"] = max(_excess(verdict) for verdict in verdicts.values())
        return told


def _tagged_cluster(found: list[Atlas], subject: Subject) -> tuple[int, int]:
    """The atlas and its cluster that agree best with the tag."""
    tagged = subject.dataset.tagged

    def overlap(place: int, number: int) -> float:
        atlas = found[place]
        carries, inside = tagged[atlas.store.index[atlas.rows]], atlas.clusters == number
        return float((carries & inside).sum() / (carries | inside).sum())

    every = [(place, number) for place, atlas in enumerate(found) for number in range(atlas.count)]
    return max(every, key=lambda each: overlap(*each))


def _of_accused(found: list[Atlas], accused: tuple[int, int], verdict: Verdict, subject: Subject) -> dict[str, Any]:
    atlas, number = found[accused[0]], accused[1]
    carries = subject.dataset.tagged[atlas.store.index[atlas.rows]]
    by_tau = sorted(range(len(found)), key=lambda place: -found[place].tau)
    return {
        "adjusted Rand": float(adjusted_rand_score(carries, atlas.clusters == number)),
        "rank of class": by_tau.index(accused[0]) + 1,
        "classes": len(found),
        "rank of cluster": [each.cluster for each in atlas.ranking].index(number) + 1,
        "turned": _excess(verdict),
        "after": verdict.after,
        "clever hans": verdict.clever_hans,
    }


def _excess(verdict: Verdict) -> float:
    return (verdict.turned - verdict.turned_by_control) / verdict.samples


def _line(told: dict[str, Any]) -> list[str]:
    name = told["subject"] if told["tagged"] else f"{told['subject']} (control)"
    others = f"{told['others convicted']} of {told['others']} ({told['most of others']:.2f})"
    others = _goal(not told["others convicted"], others)
    if not told["tagged"]:
        return [name, str(told["seed"]), f"{told['accuracy']:.3f}", "", "", "", "", "", others]
    agreement = told["adjusted Rand"]
    ranks = f"{told['rank of class']} of {told['classes']}, {told['rank of cluster']}"
    return [
        name,
        str(told["seed"]),
        f"{told['accuracy']:.3f}",
        _goal(agreement >= 0.95, f"{agreement:.3f}"),
        ranks,
        f"{told['turned']:.2f}",
        f"{told['after']:.2f}",
        _goal(told["clever hans"], "convicted" if told["clever hans"] else "acquitted"),
        others,
    ]
