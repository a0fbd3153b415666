"""Mend a model, and prove that it is mended.

Importing this package is quick: a part, and torch with it, loads when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import public

if TYPE_CHECKING:
    from .episodes import Episode, draw_episodes
    from .episodic import EpisodicTraining, FewShot, few_shot
    from .few_shot_accuracy import EpisodeAccuracy, episode_accuracy
    from .few_shot_comparison import AccuracyGain, FewShotComparison, compare_few_shot
    from .guided import Guidance
    from .looks import few_shot_digits
    from .relation_network import RelationNetwork
    from .repaired import Repair, Repaired
    from .training import History, Training

_HOMES = {
    "AccuracyGain": ".few_shot_comparison",
    "Episode": ".episodes",
    "EpisodeAccuracy": ".few_shot_accuracy",
    "EpisodicTraining": ".episodic",
    "FewShot": ".episodic",
    "FewShotComparison": ".few_shot_comparison",
    "Guidance": ".guided",
    "History": ".training",
    "RelationNetwork": ".relation_network",
    "Repair": ".repaired",
    "Repaired": ".repaired",
    "Training": ".training",
    "compare_few_shot": ".few_shot_comparison",
    "draw_episodes": ".episodes",
    "episode_accuracy": ".few_shot_accuracy",
    "few_shot": ".episodic",
    "few_shot_digits": ".looks",
}
"""Public names, and the module that each comes from."""

__all__ = [
    "AccuracyGain",
    "Episode",
    "EpisodeAccuracy",
    "EpisodicTraining",
    "FewShot",
    "FewShotComparison",
    "Guidance",
    "History",
    "RelationNetwork",
    "Repair",
    "Repaired",
    "Training",
    "compare_few_shot",
    "draw_episodes",
    "episode_accuracy",
    "few_shot",
    "few_shot_digits",
]

__getattr__, __dir__ = public(__name__, _HOMES)
