"""Which explanation tells the truth? Figures for relevance of any method, each with the spread over samples.

:func:`flip` takes the parts of an input away in the order of their relevance (Samek et al. 2017), :func:`srg` compares
both ends of that order (Blücher et al. 2024), :func:`compare` methods by it, on as many inputs as it takes (how long
that is, :func:`estimate` says before), and :func:`tune` chooses rules of LRP by it.
:func:`deletion` and :func:`insertion` are such curves in the words of Petsiuk et al. (2018). :func:`mass` and
:func:`rank` compare relevance with masks, and :func:`ground_truth` methods by that, where a subject knows what its
answers depend on (Arras et al. 2022). :func:`cascade`, :func:`data_randomization` and :func:`contrast` tell whether it
depends on the model, the labels and the class at all (Adebayo et al. 2018, Sixt et al. 2020); :func:`continuity`,
:func:`entropy`, :func:`gini` and :func:`compressed` tell what it looks like. Of texts :func:`flip_words` takes words
away, :func:`srg_words` compares both ends of that order, as :func:`compare` does with them, and
:func:`comprehensiveness` and :func:`sufficiency` are those of ERASER (DeYoung et al. 2020). A figure of samples (B,)
gets its interval by :func:`interval`.
Importing this package is quick: a part, and torch with it, loads when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import public

if TYPE_CHECKING:
    from .appearance import compressed, continuity, entropy, gini
    from .comparing import Comparison, Course, Estimate, Standing, compare, estimate
    from .flipping import Curves, Flipping, Gain, deletion, flip, flipped, insertion, srg
    from .intervals import Interval, interval
    from .known_truth import GroundTruth, Located, ground_truth
    from .localization import area, context, mass, rank
    from .sanity import cascade, contrast, data_randomization, similarity
    from .tuning import HeldOut, Trial, Tuning, Work, tune, tuning_cost
    from .words import WordFlipping, comprehensiveness, flip_words, srg_words, sufficiency

_HOMES = {
    "Comparison": ".comparing",
    "Course": ".comparing",
    "Curves": ".flipping",
    "Estimate": ".comparing",
    "Flipping": ".flipping",
    "Gain": ".flipping",
    "GroundTruth": ".known_truth",
    "HeldOut": ".tuning",
    "Interval": ".intervals",
    "Located": ".known_truth",
    "Standing": ".comparing",
    "Trial": ".tuning",
    "Tuning": ".tuning",
    "WordFlipping": ".words",
    "Work": ".tuning",
    "area": ".localization",
    "cascade": ".sanity",
    "compare": ".comparing",
    "comprehensiveness": ".words",
    "compressed": ".appearance",
    "context": ".localization",
    "continuity": ".appearance",
    "contrast": ".sanity",
    "data_randomization": ".sanity",
    "deletion": ".flipping",
    "entropy": ".appearance",
    "estimate": ".comparing",
    "flip": ".flipping",
    "flip_words": ".words",
    "flipped": ".flipping",
    "gini": ".appearance",
    "ground_truth": ".known_truth",
    "insertion": ".flipping",
    "interval": ".intervals",
    "mass": ".localization",
    "rank": ".localization",
    "similarity": ".sanity",
    "srg": ".flipping",
    "srg_words": ".words",
    "sufficiency": ".words",
    "tune": ".tuning",
    "tuning_cost": ".tuning",
}
"""Public names, and the module that each comes from."""

__all__ = [
    "Comparison",
    "Course",
    "Curves",
    "Estimate",
    "Flipping",
    "Gain",
    "GroundTruth",
    "HeldOut",
    "Interval",
    "Located",
    "Standing",
    "Trial",
    "Tuning",
    "WordFlipping",
    "Work",
    "area",
    "cascade",
    "compare",
    "comprehensiveness",
    "compressed",
    "context",
    "continuity",
    "contrast",
    "data_randomization",
    "deletion",
    "entropy",
    "estimate",
    "flip",
    "flip_words",
    "flipped",
    "gini",
    "ground_truth",
    "insertion",
    "interval",
    "mass",
    "rank",
    "similarity",
    "srg",
    "srg_words",
    "sufficiency",
    "tune",
    "tuning_cost",
]

__getattr__, __dir__ = public(__name__, _HOMES)
