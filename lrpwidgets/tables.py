"""Results as tables: pandas DataFrames, where pandas is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import pandas as pd

Row = TypeVar("Row")


def frame(rows: Iterable[Mapping[str, Any]] | Mapping[str, Any]) -> pd.DataFrame:
    """A DataFrame of `rows`, or of columns by name.

    Raises
    ------
    ImportError
        If pandas is not installed, with the way to it.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("Tables are pandas DataFrames, and pandas is not installed: pip install pandas") from error
    return pd.DataFrame(rows if isinstance(rows, Mapping) else list(rows))


class Table(list[Row]):
    """A list of dataclasses in the order of suspicion, the most suspicious first."""

    def to_frame(self) -> pd.DataFrame:
        """One line for each, with its fields as columns, as a pandas DataFrame; raises ImportError as :func:`frame`."""
        return frame(asdict(each) for each in self)  # type: ignore[call-overload]
