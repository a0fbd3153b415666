"""Which explanation tells the truth? Figures for relevance of any method, each with the spread over samples.

:func:`flip` takes the parts of an input away in the order of their relevance (Samek et al. 2017), :func:`srg` compares
both ends of that order (Blücher et al. 2024), :func:`compare` methods by it, on as many inputs as it takes, and
:func:`tune` chooses rules of LRP by it.
:func:`mass` and :func:`rank` compare relevance with masks (Arras et al. 2022). :func:`cascade` and :func:`contrast`
tell whether it depends on the model and the class at all (Adebayo et al. 2018, Sixt et al. 2020); :func:`continuity`,
:func:`entropy`, :func:`gini` and :func:`compressed` tell what it looks like.
Importing this package is quick: a part, and torch with it, loads when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import public

if TYPE_CHECKING:
    from .appearance import compressed, continuity, entropy, gini
    from .comparing import Comparison, Standing, compare
    from .flipping import Curves, Flipping, Gain, flip, srg
    from .intervals import Interval, interval
    from .localization import area, context, mass, rank
    from .sanity import cascade, contrast, similarity
    from .tuning import HeldOut, Trial, Tuning, Work, tune, tuning_cost

_HOMES = {
    "Comparison": ".comparing",
    "Curves": ".flipping",
    "Flipping": ".flipping",
    "Gain": ".flipping",
    "HeldOut": ".tuning",
    "Interval": ".intervals",
    "Standing": ".comparing",
    "Trial": ".tuning",
    "Tuning": ".tuning",
    "Work": ".tuning",
    "area": ".localization",
    "cascade": ".sanity",
    "compare": ".comparing",
    "compressed": ".appearance",
    "context": ".localization",
    "continuity": ".appearance",
    "contrast": ".sanity",
    "entropy": ".appearance",
    "flip": ".flipping",
    "gini": ".appearance",
    "interval": ".intervals",
    "mass": ".localization",
    "rank": ".localization",
    "similarity": ".sanity",
    "srg": ".flipping",
    "tune": ".tuning",
    "tuning_cost": ".tuning",
}
"""Public names, and the module that each comes from."""

__all__ = [
    "Comparison",
    "Curves",
    "Flipping",
    "Gain",
    "HeldOut",
    "Interval",
    "Standing",
    "Trial",
    "Tuning",
    "Work",
    "area",
    "cascade",
    "compare",
    "compressed",
    "context",
    "continuity",
    "contrast",
    "entropy",
    "flip",
    "gini",
    "interval",
    "mass",
    "rank",
    "similarity",
    "srg",
    "tune",
    "tuning_cost",
]

__getattr__, __dir__ = public(__name__, _HOMES)
