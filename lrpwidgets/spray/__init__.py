"""SpRAy: find the strategies of a model in its relevance maps of a whole data set (Lapuschkin et al. 2019).

Start with :meth:`RelevanceStore.create`, which explains every input of a subject and keeps the relevance on disk;
:func:`spray` makes an :class:`Atlas` of a selection of it, and :func:`poison_test` tells whether a cluster is a Clever
Hans. Of texts relevance is kept on the vocabulary, and :func:`corpus` tells which words a class lives on.
Importing this package is quick: a part, and what it needs, loads when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import public

if TYPE_CHECKING:
    from ..progress import Progress
    from .atlas import Atlas, Cluster, ClusterWord, Ranked, spray
    from .classes import RankedClass, rank_classes
    from .features import Features
    from .files import DamagedStoreError
    from .inserted import Inserted
    from .placeless import Trial, candidate, poison_tests
    from .poison import Artefact, Verdict, boxed, poison_test
    from .store import RelevanceStore, Selection
    from .word_relevance import Corpus, WordOfClass, corpus

_HOMES = {
    "Artefact": ".poison",
    "Atlas": ".atlas",
    "Cluster": ".atlas",
    "ClusterWord": ".atlas",
    "Corpus": ".word_relevance",
    "DamagedStoreError": ".files",
    "Features": ".features",
    "Inserted": ".inserted",
    "Progress": "..progress",
    "Ranked": ".atlas",
    "RankedClass": ".classes",
    "RelevanceStore": ".store",
    "Selection": ".store",
    "Trial": ".placeless",
    "Verdict": ".poison",
    "WordOfClass": ".word_relevance",
    "boxed": ".poison",
    "candidate": ".placeless",
    "corpus": ".word_relevance",
    "poison_test": ".poison",
    "poison_tests": ".placeless",
    "rank_classes": ".classes",
    "spray": ".atlas",
}
"""Public names, and the module that each comes from."""

__all__ = [
    "Artefact",
    "Atlas",
    "Cluster",
    "ClusterWord",
    "Corpus",
    "DamagedStoreError",
    "Features",
    "Inserted",
    "Progress",
    "Ranked",
    "RankedClass",
    "RelevanceStore",
    "Selection",
    "Trial",
    "Verdict",
    "WordOfClass",
    "boxed",
    "candidate",
    "corpus",
    "poison_test",
    "poison_tests",
    "rank_classes",
    "spray",
]

__getattr__, __dir__ = public(__name__, _HOMES)
