"""The values in a file of results that two runs are compared by.

Of a metrics.json, every number and word. Of claims.json, each verdict and what was measured. Of a
table, which may have its rows in another order or number in another run: how many rows, the mean
of every column of measures, and how often the commonest word of a column of words occurs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from superposition.core.store import Store, schema
from superposition.reference import tolerances
from superposition.reference.beside import NOT_RUN
from superposition.reference.tolerances import MUST_BE_SAME, Tolerance

MOST_WORDS = 12
"""A column with more distinct words holds names or text, whose shares mean nothing."""
SEED = "seed"
"""The column that says which random start a row belongs to."""
_SECOND = ("second-seed", "second-model")
"""How rows are called that repeat another one with another seed."""


class Quantity(NamedTuple):
    """A value of the reference run."""

    name: str
    value: Any
    tolerance: Tolerance
    column: str = ""
    """The column of a table that it is about."""
    word: str | None = None
    """The word of that column whose share it is."""


def twin_of(row: str, rows: list[str]) -> str:
    """The row that repeats `row` with another seed; empty if there is none.

    >>> twin_of("batch-topk", ["l1", "batch-topk", "batch-topk-second-model"])
    'batch-topk-second-model'
    >>> twin_of("main", ["main", "second-seed"]), twin_of("second-seed", ["main", "second-seed"])
    ('second-seed', 'main')
    """
    names = {row: "", "main": ""}
    for other in rows:
        for ending in _SECOND:
            if other.endswith(ending):
                first = other.removesuffix(ending).removesuffix("-") or "main"
                names |= {first: other, other: first}
    return names[row] if names[row] in rows else ""


def of_metrics(values: Mapping[str, Any], twin: Mapping[str, Any] | None) -> Iterator[Quantity]:
    """Every value of a metrics.json."""
    flat, other = _flat(values), _flat(twin or {})
    for name, value in flat.items():
        yield Quantity(name, value, tolerances.of_metric(name, flat, other))


def of_claims(records: list[dict[str, Any]]) -> Iterator[Quantity]:
    """The verdict of every claim that was judged, and what it measured.

    What a partial run left open is for other runs to decide: there is nothing to compare.
    """
    for record in records:
        if record["verdict"] == NOT_RUN:
            continue
        yield Quantity(f"{record['id']}: verdict", record["verdict"], MUST_BE_SAME)
        if record["measured"] is not None:
            name = f"{record['id']}: measured"
            yield Quantity(name, record["measured"], tolerances.of_claim(record))


def of_table(table: pd.DataFrame, name: str) -> Iterator[Quantity]:
    """What a table comes to; `name` is that of schema.yaml."""
    yield Quantity("rows", len(table), tolerances.of_rows(len(table)))
    seeds = table[SEED].to_numpy() if SEED in table else None
    for column, meaning in schema()[name].items():
        match meaning.split(",")[0]:
            case "number":
                yield from _of_numbers(table[column].to_numpy(dtype=float), column, seeds)
            case "string" | "boolean":
                yield from _of_words([*map(str, table[column].tolist())], column)


def own_values(quantities: list[Quantity], content: Any) -> dict[str, Any]:
    """The values that another run's `content` of the same file has for `quantities`, by name."""
    match content:
        case pd.DataFrame():
            return {quantity.name: _of_column(quantity, content) for quantity in quantities}
        case list():
            verdicts = {f"{one['id']}: verdict": one["verdict"] for one in content}
            return verdicts | {f"{one['id']}: measured": one["measured"] for one in content}
    return _flat(content)


def _of_column(quantity: Quantity, table: pd.DataFrame) -> Any:
    if not quantity.column:
        return len(table)
    if quantity.word is not None:
        words = [*map(str, table[quantity.column].tolist())]
        return words.count(quantity.word) / len(words) if words else None
    values = table[quantity.column].to_numpy(dtype=float)
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else None


def load(store: Store, name: str) -> Any:
    """The content of a file of results by its name below data/<scale>/."""
    parts = name.split("/")
    return store.load_json(*parts) if name.endswith(".json") else store.load_table(*parts)


def _of_numbers(values: np.ndarray, name: str, seeds: np.ndarray | None) -> Iterator[Quantity]:
    kept = np.isfinite(values)
    if not kept.any():
        return
    of_seeds = None if seeds is None else seeds[kept]
    tolerance = tolerances.of_mean(values[kept], of_seeds)
    yield Quantity(f"mean of {name}", float(values[kept].mean()), tolerance, name)


def _of_words(words: list[str], name: str) -> Iterator[Quantity]:
    counts = Counter(words)
    if not 1 < len(counts) <= MOST_WORDS or len({*counts.values()}) == 1:  # equal ones are a plan
        return
    word, n = min(counts.items(), key=lambda item: (-item[1], item[0]))
    share = n / len(words)
    tolerance = tolerances.of_share(share, len(words))
    yield Quantity(f"share of {word} in {name}", share, tolerance, name, word)


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested values under names with dots."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found
