"""The comparison with the reference run in the pages: both machines, counts, what is doubtful."""

from typing import Any

import pandas as pd
from IPython.display import Markdown

from superposition.artefacts import Named
from superposition.reference import machine
from superposition.reference.comparison import STATUSES, Comparison
from superposition.site.cards import plain
from superposition.site.tables import table
from superposition.values import fmt
from superposition.verify import no_reference

SHOWN = 100
"""Doubtful values in the page; `make verify` writes all of them."""
_FACTS = ("processor", "accelerator", "cores", "bfloat16_units", "vector_units", "system", "python")


def words(found: Comparison) -> Named:
    """The numbers of the page, by name."""
    statuses = found.values["status"].tolist()
    counts = {name.replace(" ", "_"): fmt(statuses.count(name)) for name in STATUSES}
    texts = {
        "total": fmt(len(statuses)),
        "sentence": _sentence(found),
        "changed": ", ".join(found.changed) or "none",
        "extra": fmt(len(found.extra)) if found.extra else "none",
    }
    return Named("value", counts | texts, origin="superposition.site.verification")


def machines(found: Comparison) -> Markdown:
    """Where both runs were made, and with which versions."""
    if not found.exists:
        return Markdown(f"{plain(_capital(no_reference(found.scale)))}.")
    names = [*_FACTS, "commit", *found.machine["packages"]]
    columns = {
        "": [plain(name.replace("_", " ")) for name in names],
        "reference run": [_fact(found.facts, name) for name in names],
        **{
            f"added to it, {number}" if number > 1 else "added to it": [
                _fact(run, name) for name in names
            ]
            for number, run in enumerate(machine.runs(found.facts)[1:], start=1)
        },
        "this run": [_fact(found.machine, name) for name in names],
    }
    return table(pd.DataFrame(columns))


def counts(found: Comparison) -> Markdown:
    """How many values of each stage are identical, within tolerance and so on."""
    if not found.exists:
        return Markdown("Nothing was compared.")
    return table(found.counts())


def doubtful(found: Comparison) -> Markdown:
    """The values that are neither identical nor within tolerance."""
    rows = found.doubtful().head(SHOWN).to_dict("records")
    if not rows:
        return Markdown("There is none.")
    columns = {
        "where": [plain(f"{_title(row)}/{row['file']}") for row in rows],
        "value": [plain(row["value"]) for row in rows],
        "reference run": [_value(row["reference"]) for row in rows],
        "this run": [_value(row["own"]) for row in rows],
        "allowed": [_allowed(row) for row in rows],
        "status": [row["status"] for row in rows],
    }
    return table(pd.DataFrame(columns))


def _sentence(found: Comparison) -> str:
    if not found.exists:
        return f"{_capital(no_reference(found.scale))}, so nothing is compared"
    if found.agrees:
        return "Every value is identical or within tolerance"
    return "Not every value is within tolerance"


def _fact(facts: dict[str, Any], name: str) -> str:
    value = facts.get(name, facts.get("packages", {}).get(name, "unknown"))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(value)


def _title(row: dict[str, Any]) -> str:
    return "@".join(filter(None, (row["stage"], row["row"])))


def _value(value: Any) -> str:
    if value is None or value != value:
        return "–"
    return fmt(value) if isinstance(value, int | float) else plain(value)


def _allowed(row: dict[str, Any]) -> str:
    allowed = row["allowed"]
    bound = "" if allowed is None or allowed != allowed else f"{fmt(float(allowed))}, "
    return f"{bound}{plain(row['basis'])}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
