"""The numbers of the page on cost and scaling."""

import pandas as pd

from superposition import scaling_tables
from superposition.charts.parts import groups, numbers
from superposition.results import Results
from superposition.scaling_tables import BELONGING, COVERED, DENSITY, RECOVERED
from superposition.site.stages import duration
from superposition.sources import sourced
from superposition.values import NOT_RUN, fmt

Texts = dict[str, str]

_OF_SWEEP = {"recovered": (RECOVERED, "%"), "density": (DENSITY, "%")}
_OF_SPLITTING = {"belonging": (BELONGING, "%"), "covered": (COVERED, "%")}
"""The measures and their units, by what their values are called."""
_COSTS = ("sc_total", "sc_slowest", "sc_slowest_time")
NAMES = (
    *("sc_narrow", "sc_wide", *_COSTS),
    *(f"sc_{name}_{end}" for name in _OF_SWEEP for end in ("narrow", "wide", "word")),
    *(f"sc_{name}_{end}" for name in _OF_SPLITTING for end in ("narrow", "wide", "word")),
)
"""Names of the values, at every scale."""


def texts(r: Results) -> Texts:
    """Every value of the page, at every scale."""
    found = dict.fromkeys(NAMES, NOT_RUN) | _costs(scaling_tables.costs(r))
    if "widths" in r.rows("sweep"):
        found |= _of_sweep(r)
    return found | (_of_splitting(r) if "splitting" in r.params.tree else {})


@sourced
def _of_sweep(r: Results) -> Texts:
    table = scaling_tables.of_sweep(r, "widths")
    widths = sorted(set(table["d_sae"]))
    ends = {"sc_narrow": fmt(int(widths[0])), "sc_wide": fmt(int(widths[-1]))} if widths else {}
    return ends | _measured(table, _OF_SWEEP)


@sourced
def _of_splitting(r: Results) -> Texts:
    return _measured(scaling_tables.of_splitting(r), _OF_SPLITTING)


def _measured(table: pd.DataFrame, measures: dict[str, tuple[str, str]]) -> Texts:
    found = {}
    for name, (measure, unit) in measures.items():
        found |= _ends(name, scaling_tables.of_measure(table, measure), unit)
    return found


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
        return dict.fromkeys(_COSTS, NOT_RUN)
    slowest = own.loc[own["seconds"].idxmax()]
    return {
        "sc_total": duration(float(own["seconds"].sum())),
        "sc_slowest": str(slowest["stage"]),
        "sc_slowest_time": duration(float(slowest["seconds"])),
    }
