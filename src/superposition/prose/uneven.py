"""Values of the chapter on unequal and dependent features."""

import numpy as np

from superposition import uneven_tables
from superposition.claims.measures_uneven import collapse, hexagon
from superposition.results import Results
from superposition.sources import sourced
from superposition.toy import crossings, norm_rules, sets
from superposition.uneven_tables import ANTICORRELATED, CORRELATED, THREE_PAIRS
from superposition.values import NOT_RUN, between, fmt, of

PENTAGON, SIX, TENS = "perturbed-pentagon", "six-in-two", "correlated-two-tens"
PUBLISHED_RATIO = 2.5
NAMES = (
    "uneven_seeds",
    "uneven_ratios",
    "uneven_switch",
    "snap_ratio",
    "snap_interval",
    "snap_points",
    "snap_error",
    "snap_published",
    "rule_features",
    "rule_biases",
    "rule_norms",
    "rule_printed",
    "rule_best",
    "pairs_seeds",
    "pairs_right_angles",
    "opposite_dense",
    "opposite_sparse",
    "three_pairs_seeds",
    "three_pairs_angle",
    "independent_seeds",
    "independent_hexagons",
    "collapse_counts",
    "collapse_densities",
    "collapse_agree",
    "bases_within",
    "bases_across",
)
"""Names of the values, at every scale."""

Texts = dict[str, str]


def texts(r: Results) -> Texts:
    """The values, by name."""
    known, found = set(r.rows("toy")), {}
    if PENTAGON in known:
        found |= _switch(r) | _snap(r)
    if {PENTAGON, "sae-target"} <= known:
        found |= _rule(r)
    if {CORRELATED, ANTICORRELATED} <= known:
        found |= _pairs(r)
    if {THREE_PAIRS, SIX} <= known:
        found |= _three_pairs(r) | _hexagons(r)
    if TENS in known:
        found |= _bases(r)
    return dict.fromkeys(NAMES, NOT_RUN) | found


@sourced
def _switch(r: Results) -> Texts:
    """Which ratios the best trained model with all features is found up to."""
    toy = r.toy(PENTAGON)
    table = uneven_tables.represents_first(toy)
    ratios = table.loc[table["best"], "ratio"]
    return {
        "uneven_seeds": fmt(toy.n_seeds),
        "uneven_ratios": fmt(len(table)),
        "uneven_switch": fmt(float(ratios.to_numpy().max())) if len(ratios) else "none",
    }


@sourced
def _snap(r: Results) -> Texts:
    table = r.perturbation.branches
    found = uneven_tables.crossing(table)
    errors = table["standard_error"].to_numpy() / table["loss"].to_numpy()
    there = crossings.advantage_at(table, PUBLISHED_RATIO)
    ratio, low, high = found.iloc[0].tolist() if len(found) else (np.nan,) * 3
    return {
        "snap_ratio": fmt(ratio),
        "snap_interval": between(low, high) if len(found) else "not measured",
        "snap_points": fmt(len(table)),
        "snap_error": fmt(float(errors.max()), "%"),
        "snap_published": f"{fmt(abs(there), '%')} {'above' if there > 0 else 'below'}",
    }


@sourced
def _rule(r: Results) -> Texts:
    solutions = uneven_tables.solutions(r)
    if solutions.empty:
        return {}
    norm, bias = solutions["norm"].to_numpy(float), solutions["bias"].to_numpy(float)
    errors = norm_rules.errors(norm, bias)
    printed = errors.pop(norm_rules.PRINTED)
    best = min(errors, key=lambda name: errors[name])
    return {
        "rule_features": fmt(len(norm)),
        "rule_biases": between(float(bias.min()), float(bias.max())),
        "rule_norms": between(float(norm.min()), float(norm.max())),
        "rule_printed": fmt(printed, "%"),
        "rule_best": f"{best}, within {fmt(errors[best], '%')}",
    }


def _pairs(r: Results) -> Texts:
    return _correlated(r) | _opposite(r)


@sourced
def _opposite(r: Results) -> Texts:
    opposite = r.toy(ANTICORRELATED)
    ends = (
        sets.pair_cosines(opposite.at(p).W).max(axis=1) < -0.95
        for p in (opposite.densities[0], opposite.densities[-1])
    )
    dense, sparse = (of(int(fits.sum()), len(fits)) for fits in ends)
    return {"opposite_dense": dense, "opposite_sparse": sparse}


@sourced
def _correlated(r: Results) -> Texts:
    correlated = r.toy(CORRELATED)
    right = [sets.within(correlated.at(p).W, 2) < 0.1 for p in correlated.densities]
    return {
        "pairs_seeds": fmt(correlated.n_seeds),
        "pairs_right_angles": of(int(np.sum(right)), int(np.size(right))),
    }


@sourced
def _three_pairs(r: Results) -> Texts:
    pairs = r.toy(THREE_PAIRS)
    sparsest = pairs.at(pairs.densities[-1])
    angles = np.degrees(np.arccos(np.clip(sets.pair_cosines(sparsest.W)[0], -1, 1)))
    found = collapse(pairs)
    judged = [one for one in found if one.published]
    return {
        "three_pairs_seeds": fmt(pairs.n_seeds),
        "three_pairs_angle": f"{between(float(angles.min()), float(angles.max()))} degrees",
        "collapse_counts": ", ".join(fmt(int(one.counts[0])) for one in found),
        "collapse_densities": between(pairs.densities[0], pairs.densities[-1], "given"),
        "collapse_agree": of(sum(one.agrees for one in judged), len(judged)),
    }


@sourced
def _hexagons(r: Results) -> Texts:
    independent = r.toy(SIX)
    alone = [hexagon(independent.at(p).W, 10.0) for p in independent.densities]
    return {
        "independent_seeds": fmt(independent.n_seeds),
        "independent_hexagons": of(sum(int(one.sum()) for one in alone), sum(map(len, alone))),
    }


@sourced
def _bases(r: Results) -> Texts:
    toy = r.toy(TENS)
    best = toy.at(toy.densities[-1]).W[:1]
    return {
        "bases_within": fmt(float(sets.within(best, 10)[0])),
        "bases_across": fmt(float(sets.across(best, 10)[0])),
    }
