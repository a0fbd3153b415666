"""Mend a model, and prove that it is mended.

A :func:`direction` tells how a layer carries an artefact, :func:`carriers` at which layers; :func:`project`,
:func:`augment` and :func:`penalise` give a subject whose model no longer uses it, and :func:`prove` compares before and
after on inputs that no repair has seen. Importing this package is quick: a part, and torch with it, loads when it is
first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import public

if TYPE_CHECKING:
    from .carrying import Carrier, carriers, foremost
    from .catalog import REPAIRS, repair
    from .concepts import Concept, of_artefact, of_cluster, of_clusters
    from .cutting import apply_structure
    from .cutting_out import cut_out
    from .directions import Direction, direction, ends, sides
    from .episodes import Episode, draw_episodes
    from .episodic import EpisodicTraining, FewShot, few_shot
    from .few_shot_accuracy import EpisodeAccuracy, episode_accuracy
    from .few_shot_comparison import AccuracyGain, FewShotComparison, compare_few_shot
    from .files import load, save
    from .guided import Guidance
    from .heads import head_scores, silence_heads
    from .layers import Place, places
    from .looks import few_shot_digits
    from .planted import Planted
    from .proof import Proof, State, prove
    from .pruning import prune
    from .pruning_curves import Pruned, pruning_curve, pruning_steps
    from .relation_network import RelationNetwork
    from .repaired import Repair, Repaired
    from .repairs import augment, penalise, project
    from .scoring import UnitScores, unit_scores
    from .training import History, Training

_HOMES = {
    "REPAIRS": ".catalog",
    "AccuracyGain": ".few_shot_comparison",
    "Carrier": ".carrying",
    "Concept": ".concepts",
    "Direction": ".directions",
    "Episode": ".episodes",
    "EpisodeAccuracy": ".few_shot_accuracy",
    "EpisodicTraining": ".episodic",
    "FewShot": ".episodic",
    "FewShotComparison": ".few_shot_comparison",
    "Guidance": ".guided",
    "History": ".training",
    "Place": ".layers",
    "Planted": ".planted",
    "Proof": ".proof",
    "Pruned": ".pruning_curves",
    "RelationNetwork": ".relation_network",
    "Repair": ".repaired",
    "Repaired": ".repaired",
    "State": ".proof",
    "Training": ".training",
    "UnitScores": ".scoring",
    "apply_structure": ".cutting",
    "augment": ".repairs",
    "carriers": ".carrying",
    "compare_few_shot": ".few_shot_comparison",
    "cut_out": ".cutting_out",
    "direction": ".directions",
    "draw_episodes": ".episodes",
    "ends": ".directions",
    "episode_accuracy": ".few_shot_accuracy",
    "few_shot": ".episodic",
    "few_shot_digits": ".looks",
    "foremost": ".carrying",
    "head_scores": ".heads",
    "load": ".files",
    "of_artefact": ".concepts",
    "of_cluster": ".concepts",
    "of_clusters": ".concepts",
    "penalise": ".repairs",
    "places": ".layers",
    "project": ".repairs",
    "prove": ".proof",
    "prune": ".pruning",
    "pruning_curve": ".pruning_curves",
    "pruning_steps": ".pruning_curves",
    "repair": ".catalog",
    "save": ".files",
    "sides": ".directions",
    "silence_heads": ".heads",
    "unit_scores": ".scoring",
}
"""Public names, and the module that each comes from."""

__all__ = [
    "REPAIRS",
    "AccuracyGain",
    "Carrier",
    "Concept",
    "Direction",
    "Episode",
    "EpisodeAccuracy",
    "EpisodicTraining",
    "FewShot",
    "FewShotComparison",
    "Guidance",
    "History",
    "Place",
    "Planted",
    "Proof",
    "Pruned",
    "RelationNetwork",
    "Repair",
    "Repaired",
    "State",
    "Training",
    "UnitScores",
    "apply_structure",
    "augment",
    "carriers",
    "compare_few_shot",
    "cut_out",
    "direction",
    "draw_episodes",
    "ends",
    "episode_accuracy",
    "few_shot",
    "few_shot_digits",
    "foremost",
    "head_scores",
    "load",
    "of_artefact",
    "of_cluster",
    "of_clusters",
    "penalise",
    "places",
    "project",
    "prove",
    "prune",
    "pruning_curve",
    "pruning_steps",
    "repair",
    "save",
    "sides",
    "silence_heads",
    "unit_scores",
]

__getattr__, __dir__ = public(__name__, _HOMES)
