"""Tables in the pages: a frame as a Markdown table, so that both renderers treat it as text."""

import numbers
from typing import Any

import pandas as pd
from IPython.display import Markdown

DIGITS = 3
"""Significant digits of a number that comes unformatted."""


def table(frame: pd.DataFrame, *, digits: int = DIGITS) -> Markdown:
    """`frame` as a Markdown table: numbers to the right, words to the left, no index.

    Text is Markdown, so a cell may hold a link or a verdict badge.
    """
    rules = ["---:" if _is_numeric(dtype) else ":---" for dtype in frame.dtypes]
    rows = [
        [_text(value, digits) for value in row] for row in frame.itertuples(index=False, name=None)
    ]
    lines = [list(map(_escape, map(str, frame.columns))), rules, *rows]
    return Markdown("\n".join(f"| {' | '.join(cells)} |" for cells in lines))


def _is_numeric(dtype: Any) -> bool:
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)


def _text(value: object, digits: int) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, numbers.Integral):
        return f"{int(value):,}"
    if isinstance(value, numbers.Real):
        return _number(float(value), digits)
    return _escape(str(value))


def _number(value: float, digits: int) -> str:
    text = f"{value:.{digits}g}"
    return text if "e" not in text else f"{value:,.0f}" if abs(value) >= 1 else text


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
