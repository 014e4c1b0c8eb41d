"""The entry of every unit in the atlas, put together from what several stages left behind."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from superposition.core.params import ParameterError
from superposition.core.store import ArtefactError
from superposition.results import Results

Entry = dict[str, Any]
Row = dict[str, Any]
STEPS = 99
"""Activations in the examples are whole numbers from 0 to this, the unit's largest."""
ABSENT = (ArtefactError, ParameterError)


def entries(r: Results, row: str) -> Iterator[Entry]:
    """One entry per unit, in order; what other stages have not left is empty."""
    atlas = r.atlas(row)
    examples, logits = _by_unit(atlas.examples), _by_unit(atlas.logits)
    relatives = _relatives(r, row, atlas.relatives)
    concepts, partners = _concepts(r, row), _partners(r, row)
    for unit in _records(atlas.units):
        number = int(unit["unit"])
        yield {
            "unit": number,
            "active": int(unit["n_active"]),
            "max": _short(unit["max_activation"]),
            "mean": _short(unit["mean_activation"]),
            "histogram": [int(count) for count in unit["histogram"]],
            "tokens": _pairs(unit["top_tokens"], unit["top_token_shares"]),
            "effect": [
                int(unit["n_cases"]),
                *(_short(unit[k]) for k in ("effect", "effect_error")),
            ],
            "examples": [_example(each, unit["max_activation"]) for each in examples[number]],
            "up": _logits(logits[number], "up"),
            "down": _logits(logits[number], "down"),
            "concepts": concepts.get(number, []),
            "partners": partners.get(number, []),
            **relatives.get(number, {}),
        }


def missing(r: Results, row: str) -> list[str]:
    """What other stages have not left for this dictionary, each with how to get it."""
    said = []
    if _interpretability(r, row) is None:
        said.append("No concepts were matched with this dictionary at this scale.")
    for wanted in _comparisons(r, row):
        if _units_of(r, wanted) is None:
            said.append(f"Not compared: run `dvc repro universality@{wanted}`.")
    if not _comparisons(r, row):
        said.append("No other model was compared with this dictionary.")
    if not r.atlas(row).metrics.things["n_live"]:
        said.append("No unit of this dictionary was active on the text that was read.")
    return said


def _concepts(r: Results, row: str) -> dict[int, list[Row]]:
    """Each unit's best concepts, the best by Matthews correlation first."""
    matches = _interpretability(r, row)
    if matches is None:
        return {}
    names = r.concepts.catalogue.set_index("concept")["name"].to_dict()
    found: dict[int, dict[int, Row]] = defaultdict(dict)
    told = matches.loc[matches["concept"] >= 0].sort_values("mcc", ascending=False, kind="stable")
    for match in _records(told):
        scores = {by: _short(match[by]) for by in ("f1", "mcc", "precision", "recall", "threshold")}
        own = found[int(match["unit"])]
        concept = int(match["concept"])
        own.setdefault(concept, scores | {"name": names.get(concept, f"concept {concept}")})
    return {unit: list(own.values()) for unit, own in found.items()}


def _interpretability(r: Results, row: str) -> pd.DataFrame | None:
    """The matches of the row of `interpretability` that reads the same dictionary."""
    own = r.params.value("atlas", row)
    kind = "sae" if own["reads"].startswith("sae/") else "neurons"
    for other in r.rows("interpretability"):
        fields = r.params.value("interpretability", other)
        if (fields["reads"], fields["dictionary"]) == (own["reads"], kind):
            try:
                return r.interpretability(other).matches
            except ABSENT:
                return None
    return None


def _comparisons(r: Results, row: str) -> list[str]:
    """The rows of `universality` whose first side is this dictionary, or the same neurons."""
    own = r.params.value("atlas", row)
    found = []
    for other in r.rows("universality"):
        fields = r.params.value("universality", other)
        of_sae = own["reads"] == fields["first"]
        same_model = own["activations"] == fields["first_activations"]
        differs = fields["second_activations"] != fields["first_activations"]
        if of_sae or (own["reads"].startswith("transformer/") and same_model and differs):
            found.append(other)
    return found


def _units_of(r: Results, comparison: str) -> pd.DataFrame | None:
    try:
        return r.universality(comparison).units
    except ABSENT:
        return None


def _partners(r: Results, row: str) -> dict[int, list[Row]]:
    """Each unit's best match in every dictionary that it was compared with."""
    kind = "latent" if r.params.value("atlas", row)["reads"].startswith("sae/") else "neuron"
    found: dict[int, list[Row]] = defaultdict(list)
    for comparison in _comparisons(r, row):
        units = _units_of(r, comparison)
        if units is None:
            continue
        for unit in _records(units.loc[units["kind"] == kind]):
            numbers = {k: _short(unit[k]) for k in ("correlation", "null_correlation")}
            match = {"of": comparison, "match": int(unit["match"])}
            found[int(unit["unit"])].append(match | numbers)
    return found


def _relatives(r: Results, row: str, table: pd.DataFrame) -> dict[int, dict[str, list[Any]]]:
    """Nearest units, neurons and latents of other widths, with what the last ones are about."""
    seed = int(r.params.value("atlas", row)["sweep_seed"])
    about = _about_widths(r, seed=seed)
    names = {"nearest": "near", "neuron": "neurons", "width": "widths"}
    found: dict[int, dict[str, list[Any]]] = defaultdict(
        lambda: {name: [] for name in names.values()}
    )
    for each in _records(table):
        pair = [int(each["other"]), _short(each["cosine"])]
        if each["relation"] == "width":
            width = int(each["d_sae"])
            pair = [width, *pair, *about.get((width, pair[0]), (-1, ""))]
        found[int(each["unit"])][names[each["relation"]]].append(pair)
    return found


def _about_widths(r: Results, *, seed: int) -> dict[tuple[int, int], tuple[int, str]]:
    """The top token and the context of each latent of the sweep, as far as it was judged."""
    try:
        latents = r.splitting.latents
    except ABSENT:
        return {}
    own = latents.loc[latents["seed"] == seed]
    return {
        (int(each["d_sae"]), int(each["latent"])): (int(each["top_token"]), str(each["context"]))
        for each in _records(own)
    }


def _example(example: Row, maximum: float) -> list[Any]:
    """Interval, activation, document, offset, tokens; and places of active tokens, each with how
    strongly."""
    scale = STEPS / maximum if maximum > 0 else 0.0
    strengths = enumerate(example["activations"].tolist())
    levels = [n for at, value in strengths if value > 0 for n in (at, math.ceil(value * scale))]
    place = int(example["interval"]), _short(example["activation"]), int(example["document"])
    return [*place, int(example["offset"]), example["tokens"].tolist(), levels]


def _logits(rows: Sequence[Row], sign: str) -> list[list[Any]]:
    return [[int(row["token"]), _short(row["effect"])] for row in rows if row["sign"] == sign]


def _pairs(tokens: np.ndarray, shares: np.ndarray) -> list[list[Any]]:
    return [[int(token), _short(share)] for token, share in zip(tokens, shares, strict=True)]


def _by_unit(table: pd.DataFrame) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in _records(table):
        found[int(row["unit"])].append(row)
    return found


def _records(table: pd.DataFrame) -> list[Row]:
    return table.to_dict("records")


def _short(value: float) -> float | None:
    """Three significant digits; None if it is missing."""
    return float(f"{value:.3g}") if value is not None and math.isfinite(value) else None
