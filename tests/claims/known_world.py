"""Made-up comparisons of toy autoencoders, with what a test says and dull values elsewhere."""

from collections.abc import Mapping, Sequence

import pandas as pd
from tests.charts.synthetic import frame

from superposition.results import Results

Columns = Mapping[str, Sequence[float] | Sequence[str] | Sequence[bool]]


def add_comparison(
    r: Results,
    row: str,
    variants: Mapping[str, Columns],
    *,
    trace: Mapping[str, pd.DataFrame] | None = None,
    latents: Mapping[str, Columns] | None = None,
    features: Mapping[str, Columns] | None = None,
) -> None:
    """A row of toy_comparison: `variants` has the columns of instances by variant."""
    r.params.tree.setdefault("toy_comparison", {}).setdefault(row, {})
    _save(r, row, "instances", variants)
    _save(r, row, "latents", latents or {})
    _save(r, row, "features", features or {})
    parts = [table.assign(variant=name) for name, table in (trace or {}).items()]
    columns = list(frame("toy_comparison/trace.parquet", 1).columns)
    table = pd.concat(parts).loc[:, columns] if parts else frame("toy_comparison/trace.parquet", 0)
    r.store.save_table(table, "toy_comparison", row, "trace.parquet")


def curve(
    steps: Sequence[int],
    loss: Sequence[float],
    recovered: Sequence[int],
    *,
    alive: int = 4,
    n_instances: int = 8,
) -> pd.DataFrame:
    """The same trace for every instance, with one of five latents dead until the last step."""
    one = pd.DataFrame({"step": steps, "loss": loss, "recovered": recovered, "l0": 1.0})
    one["alive"] = [*[alive] * (len(steps) - 1), 5]
    return pd.concat([one.assign(instance=i) for i in range(n_instances)], ignore_index=True)


def _save(r: Results, row: str, name: str, variants: Mapping[str, Columns]) -> None:
    file = f"toy_comparison/{name}.parquet"
    parts = [_table(file, variant, columns) for variant, columns in variants.items()]
    table = pd.concat(parts, ignore_index=True) if parts else frame(file, 0)
    r.store.save_table(table, "toy_comparison", row, f"{name}.parquet")


def _table(file: str, variant: str, columns: Columns) -> pd.DataFrame:
    n = max((len(each) for each in columns.values()), default=8)
    given = {"instance": list(range(n))} | {name: list(each) for name, each in columns.items()}
    return frame(file, n, variant=[variant] * n, **given)
