"""Results on single latents, joined and named for the figures and tables of their chapter."""

import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from superposition.charts.single_features import WHO
from superposition.claims.measures_single_features import MAIN, PROXY, SHUFFLED, concepts
from superposition.language.planted import KINDS
from superposition.results import Results
from superposition.values import NOT_RUN, between, fmt, of

N_SHOWN = 3
"""Concepts shown in place of the planted contexts where a scale has too few tokens of these."""

Row = Mapping[Hashable, Any]
MEASURES: dict[str, Callable[[Row], str]] = {
    "share of the text": lambda row: fmt(float(row["share"]), "%"),
    "latent": lambda row: str(int(row["latent"])),
    "specific: active tokens inside": lambda row: fmt(float(row["precision"]), "%"),
    "— strongest tenth": lambda row: _with_ends(row, "top_precision", "%"),
    "sensitive: correlation": lambda row: _with_ends(row, "correlation"),
    "— best latent for shuffled windows": lambda row: fmt(float(row["null_correlation"])),
    "— tokens of the context reached": lambda row: fmt(float(row["recall"]), "%"),
    "— missed ones that others fill": lambda row: of(int(row["filled"]), int(row["missed"])),
    "raises its tokens: area": lambda row: _with_ends(row, "logit_area"),
    "no neuron: best neuron's correlation": lambda row: _with_ends(row, "neuron_correlation"),
    "— largest share of one neuron": lambda row: fmt(float(row["top_1"]), "%"),
    "— coefficients of 0.1 or more": lambda row: fmt(int(row["n_large"])),
    "— neurons with a top example inside": lambda row: fmt(int(row["neurons_with_example"])),
    "universal: second model": lambda row: _with_ends(row, "partner_correlation"),
    "— its logit weights": lambda row: fmt(float(row["partner_logit_correlation"])),
    "passed": lambda row: of(int(row["passed"]), 5),
}
"""What the table of planted contexts says, row by row; continuations begin with a dash."""


def tested(r: Results) -> pd.DataFrame:
    """The concepts tested on every autoencoder, with its `row`."""
    return r.across("contexts", lambda row: concepts(r, row))


def shown(r: Results) -> pd.DataFrame:
    """The contexts to look at one by one: the planted ones, else those that are detected best.

    Columns as contexts/concepts.parquet, `planted` being the name to show.
    """
    table = concepts(r)
    planted = table.loc[table["planted"] != ""]
    if len(planted):
        return planted
    best = table.sort_values("correlation", ascending=False, kind="stable").head(N_SHOWN)
    return best.assign(planted=best["name"])


def groups(r: Results) -> pd.DataFrame:
    """Precision by activation of every concept, `planted` being the name to show or empty."""
    found = r.contexts(MAIN).groups
    kept = found.loc[found["concept"].isin(concepts(r)["concept"])]
    return kept.assign(planted=_names(r, kept["concept"].tolist()))


def curves(r: Results) -> pd.DataFrame:
    """Effects of ablation by activation, `planted` being the name to show or empty."""
    found = r.causal(MAIN).curves
    return found.assign(planted=_names(r, found["concept"].tolist()))


def scored(r: Results) -> pd.DataFrame:
    """The units scored of both transformers, `who` being what they are."""
    main, control = (r.consistency(row).units for row in (MAIN, SHUFFLED))
    parts = [
        main.loc[main["kind"] == "latent"].assign(who=WHO[0]),
        main.loc[main["kind"] == "neuron"].assign(who=WHO[1]),
        control.loc[control["kind"] == "latent"].assign(who=WHO[2]),
    ]
    return pd.concat(parts, ignore_index=True)


def of_planted(r: Results) -> pd.DataFrame:
    """One row per measure, one column per planted context and proxy."""
    table = r.contexts(MAIN).concepts
    columns = {"measure": list(MEASURES)}
    for group, prefix in (("", ""), (PROXY, f"{PROXY} of ")):
        for kind in KINDS:
            same = (table["group"] == PROXY) == (group == PROXY)
            rows = table.loc[(table["planted"] == kind) & same]
            if len(rows):
                row = rows.to_dict("records")[0]
                columns[prefix + kind] = [measure(row) for measure in MEASURES.values()]
    return pd.DataFrame(columns)


def outcomes(r: Results) -> pd.DataFrame:
    """Scores without concepts: one row per measure, one column for latents, neurons, control."""
    units = scored(r)
    measures = {
        "zero on, mean share of tokens": ("density", lambda s: fmt(1 - float(s.mean()), "%")),
        "all top examples on one token": (
            "top_token_share",
            lambda s: fmt(float((s == 1).mean()), "%"),
        ),
        "predictability, median": ("predictability", lambda s: fmt(float(s.median()))),
        "logit weights, mean area": ("logit_area", lambda s: fmt(float(s.mean()))),
        "— mean accuracy": ("logit_accuracy", lambda s: fmt(float(s.mean()), "%")),
    }
    columns = {"measure": list(measures)}
    for who, found in units.groupby("who", sort=False):
        columns[str(who)] = [
            say(found[column].dropna()) if found[column].notna().to_numpy().any() else NOT_RUN
            for column, say in measures.values()
        ]
    return pd.DataFrame(columns)


def samples(r: Results) -> pd.DataFrame:
    """Continuations with and without a planted context's latent held, as text."""
    found, names = r.causal(MAIN).samples, concepts(r).set_index("concept")["planted"]
    rows = [
        {
            "latent of": names.get(concept, ""),
            "held": "yes" if pinned else "no",
            "read": _text(r, read),
            "written": _text(r, written),
        }
        for concept, pinned, read, written in zip(
            found["concept"], found["pinned"], found["read"], found["written"], strict=True
        )
    ]
    return pd.DataFrame(rows, columns=["latent of", "held", "read", "written"])


def _with_ends(row: Row, name: str, unit: str = "") -> str:
    value, low, high = (float(row[f"{name}{end}"]) for end in ("", "_low", "_high"))
    shown = fmt(value, unit)
    return f"{shown} ({between(low, high, unit)})" if math.isfinite(value) else shown


def _names(r: Results, ids: list[int]) -> list[str]:
    """The name to show of each concept in `ids`, empty for those that are not shown by name."""
    table = shown(r)
    names = dict(zip(table["concept"].tolist(), table["planted"].tolist(), strict=True))
    return [names.get(concept, "") for concept in ids]


def _text(r: Results, tokens: np.ndarray) -> str:
    return "".join(r.token_texts[token] for token in tokens.tolist())
