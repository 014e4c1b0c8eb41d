"""The numbers of the page on cost and scaling."""

import pandas as pd

from superposition import scaling_tables
from superposition.charts.parts import groups, numbers
from superposition.results import Results
from superposition.scaling_tables import BELONGING, COVERED, DENSITY, RECOVERED
from superposition.site.stages import duration
from superposition.values import NOT_RUN, fmt

Texts = dict[str, str]

_NAMES = {
    "recovered": (RECOVERED, "%"),
    "density": (DENSITY, "%"),
    "belonging": (BELONGING, "%"),
    "covered": (COVERED, "%"),
}


def texts(r: Results) -> Texts:
    """Every value of the page, at every scale."""
    table = scaling_tables.by_width(r)
    main = table.loc[table["autoencoder"].str.startswith("BatchTopK")] if len(table) else table
    widths = sorted(set(main["d_sae"]))
    found = {
        "sc_narrow": fmt(int(widths[0])) if widths else NOT_RUN,
        "sc_wide": fmt(int(widths[-1])) if widths else NOT_RUN,
    }
    for name, (measure, unit) in _NAMES.items():
        found |= _ends(name, scaling_tables.of_measure(main, measure), unit)
    return found | _costs(scaling_tables.costs(r))


def _ends(name: str, rows: pd.DataFrame, unit: str) -> Texts:
    """The mean over seeds at the narrowest and the widest dictionary, and the word between."""
    keys = (f"sc_{name}_narrow", f"sc_{name}_wide", f"sc_{name}_word")
    widths = groups(rows.sort_values("d_sae"), "d_sae")
    if not widths:
        return dict.fromkeys(keys, NOT_RUN)
    first, last = (float(numbers(found, "value").mean()) for _, found in (widths[0], widths[-1]))
    word = "rises" if last > first else "falls" if last < first else "stays"
    return dict(zip(keys, (fmt(first, unit), fmt(last, unit), word), strict=True))


def _costs(table: pd.DataFrame) -> Texts:
    own = table.loc[table["run"] == "here"]
    if not len(own):
        return dict.fromkeys(("sc_total", "sc_slowest", "sc_slowest_time"), NOT_RUN)
    slowest = own.loc[own["seconds"].idxmax()]
    return {
        "sc_total": duration(float(own["seconds"].sum())),
        "sc_slowest": str(slowest["stage"]),
        "sc_slowest_time": duration(float(slowest["seconds"])),
    }
