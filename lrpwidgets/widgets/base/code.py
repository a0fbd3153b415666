"""Python that a person takes along: what it says of a subject in every room."""

from __future__ import annotations

from ...lrp import NextToken, TwoClasses
from ...subjects import Subject


def select_argument(subject: Subject) -> str:
    """How an explainer is told in Python where the scores of `subject` are: a further argument, or nothing.

    Raises
    ------
    ValueError
        If a function takes the scores, and the subject is made again by its recipe, which does not know it.
    """
    select = subject.select
    if select is None:
        return ""
    inner = select.select if isinstance(select, TwoClasses | NextToken) else select
    if inner is None or isinstance(inner, str | int):
        return f", select={select!r}"
    if subject.recipe:
        raise ValueError(
            f"The subject takes its scores by {inner!r}, a function, which has no text form; give a key or a position "
            "as select, such as 'logits' or 0."
        )
    return ", select=subject.select"
