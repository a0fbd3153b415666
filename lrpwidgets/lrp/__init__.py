"""Layer-wise Relevance Propagation on recorded tapes: any eager torch model, any rule, any composite.

The way in is :class:`Explainer`; it makes an :class:`Explanation`. Nothing in here knows of Jupyter.
"""

from . import composites, operations, patterns, rules, selectors
from .composites import Composite
from .explainer import Explainer, UnknownOperationError
from .explanation import Explanation, Layer
from .ledger import Ledger, Row
from .scores import TwoClasses
from .tape import StaleExplanationError
from .targets import Rather
from .watching import Cancelled, watched

__all__ = [
    "Cancelled",
    "Composite",
    "Explainer",
    "Explanation",
    "Layer",
    "Ledger",
    "Rather",
    "Row",
    "StaleExplanationError",
    "TwoClasses",
    "UnknownOperationError",
    "composites",
    "operations",
    "patterns",
    "rules",
    "selectors",
    "watched",
]
