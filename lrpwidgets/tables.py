"""Results as tables: pandas DataFrames, where pandas is installed, and CSV."""

from __future__ import annotations

import csv
import io
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


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How text begins that a spreadsheet would take for a formula."""


def csv_of(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table as CSV with a header: text in quotes, numbers not.

    Text that a spreadsheet would take for a formula, as names may come from a stranger's file, gets an apostrophe
    before it.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(columns)
    writer.writerows([_no_formula(cell) for cell in row] for row in rows)
    return file.getvalue()


def _no_formula(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


class Table(list[Row]):
    """A list of dataclasses in the order of suspicion, the most suspicious first."""

    def to_frame(self) -> pd.DataFrame:
        """One line for each, with its fields as columns, as a pandas DataFrame; raises ImportError as :func:`frame`."""
        return frame(asdict(each) for each in self)  # type: ignore[call-overload]
