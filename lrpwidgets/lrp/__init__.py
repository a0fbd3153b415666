"""Layer-wise Relevance Propagation on recorded tapes: any eager torch model, any rule, any composite.

The way in is :class:`Explainer`; it makes an :class:`Explanation`. Nothing in here knows of Jupyter.
"""

from ..progress import Cancelled, Progress
from . import composites, operations, patterns, rules, selectors
from .composites import Composite
from .explainer import Explainer, UnknownOperationError
from .explanation import Explanation, Layer
from .ledger import Ledger, Row
from .scores import NextToken, TwoClasses
from .tape import StaleExplanationError, UnknownLayerError
from .targets import Rather
from .watching import watched

__all__ = [
    "Cancelled",
    "Composite",
    "Explainer",
    "Explanation",
    "Layer",
    "Ledger",
    "NextToken",
    "Progress",
    "Rather",
    "Row",
    "StaleExplanationError",
    "TwoClasses",
    "UnknownLayerError",
    "UnknownOperationError",
    "composites",
    "operations",
    "patterns",
    "rules",
    "selectors",
    "watched",
]
