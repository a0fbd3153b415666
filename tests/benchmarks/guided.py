"""Explanation-guided training of few-shot classifiers: what it gains on new classes in another look, and its cost."""

from __future__ import annotations

import time
from typing import Any

from lrpwidgets import improve
from lrpwidgets.improve.few_shot_comparison import PLAIN, VARIANTS

from .timing import medians, table

NOTE = """
Relation networks of 37 thousand parameters, trained on 5-way episodes of the digits 0 to 4, tested on 5 to 9: all with
the same initial weights and episodes per seed. Accuracy and difference in points, with Student's 95 % interval over
seeds and, for these very networks, the bootstrap's over episodes. noise: standard deviation of a seed's difference that
the number of episodes explains; spread: all of it. Control: relevance permuted within each pair of features."""

TRAIN, TEST = (0, 1, 2, 3, 4), (5, 6, 7, 8, 9)
QUERY = 5
"""Queries of each class."""


def measure(seeds: int = 8, episodes: int = 2000, training: int = 400) -> dict[str, Any]:
    """Print the tables; returns their numbers by name."""
    found: dict[str, Any] = {"cost": _cost()}
    for shot in (1, 5):
        kind = improve.EpisodicTraining(way=5, shot=shot, query=QUERY, episodes=training)
        found[f"{shot} shot"] = _compared(kind, seeds, episodes)
    print(NOTE)
    return found


def _cost() -> dict[str, float]:
    """Seconds of an episode with its step, guided and not."""
    digits, steps = improve.few_shot_digits(), 20
    kind = improve.EpisodicTraining(query=QUERY, episodes=steps)

    def train(guidance: improve.Guidance | None) -> None:
        improve.few_shot(digits, TRAIN, training=kind, guidance=guidance, progress=False)

    times = medians({name: lambda guidance=guidance: train(guidance) for name, guidance in VARIANTS.items()}, 5)
    rows = [[name, f"{1000 * each / steps:.1f} ms", f"{each / times[PLAIN]:.2f} ×"] for name, each in times.items()]
    table("an episode, with its step", ["training", "time", "of a plain one"], rows)
    return {name: each / times[PLAIN] for name, each in times.items()}


def _compared(kind: improve.EpisodicTraining, seeds: int, episodes: int) -> dict[str, Any]:
    """All variants on two looks, each network trained once."""
    digits, started = improve.few_shot_digits(), time.perf_counter()
    accuracies: dict[str, dict[str, list[improve.EpisodeAccuracy]]] = {}
    for seed in range(seeds):
        for name, guidance in VARIANTS.items():
            made = improve.few_shot(digits, TRAIN, training=kind, guidance=guidance, seed=seed, progress=False)
            for look in ("plain", "inverted"):
                of = accuracies.setdefault(look, {}).setdefault(name, [])
                of.append(_accuracy(made, look, episodes))
        print(f"seed {seed} of {seeds}, {kind.shot} shot: {time.perf_counter() - started:.0f} s", flush=True)
    return {look: _told(look, kind, of) for look, of in accuracies.items()}


def _accuracy(made: improve.FewShot, look: Any, episodes: int) -> improve.EpisodeAccuracy:
    return improve.episode_accuracy(
        made.network,
        improve.few_shot_digits(look),
        TEST,
        shot=made.training.shot,
        query=QUERY,
        episodes=episodes,
        seed=made.seed,
        progress=False,
    )


def _told(look: str, kind: improve.EpisodicTraining, of: dict[str, list[improve.EpisodeAccuracy]]) -> dict[str, Any]:
    made = improve.FewShotComparison(
        VARIANTS, {name: tuple(each) for name, each in of.items()}, kind, kind.way, kind.shot
    )
    gains = made.gains
    accuracy = {name: made.accuracy(name) for name in of}
    rows = [[name, f"{_points(each)}"] for name, each in accuracy.items()]
    table(f"5-way {kind.shot}-shot on {look} digits", ["training", "accuracy over seeds"], rows)
    columns = ["difference", "over seeds", "over episodes", "seeds up", "spread", "noise", "seeds for 0.5"]
    table("", columns, [_row(each) for each in gains])
    return {
        "accuracy": {name: vars(each) for name, each in accuracy.items()},
        "gains": {f"{each.name} − {each.baseline}": _numbers(each) for each in gains},
        "verdict": made.verdict,
    }


def _row(gain: improve.AccuracyGain) -> list[str]:
    up = sum(each > 0 for each in gain.per_seed)
    return [
        f"{gain.name} − {gain.baseline}",
        _points(gain.over_seeds),
        _points(gain.over_episodes),
        f"{up} of {len(gain.per_seed)}",
        f"{100 * gain.spread:.2f}",
        f"{100 * gain.noise:.2f}",
        f"{gain.seeds_for(0.005):,}",
    ]


def _numbers(gain: improve.AccuracyGain) -> dict[str, Any]:
    intervals = {name: vars(getattr(gain, name)) for name in ("over_seeds", "bootstrap", "over_episodes")}
    return {**intervals, "per seed": gain.per_seed, "spread": gain.spread, "noise": gain.noise}


def _points(each: Any) -> str:
    return f"{100 * each.value:.2f} ({100 * each.low:.2f} to {100 * each.high:.2f})"
