"""The numbers of the chapter on attacks, training under attack, and compressed sensing."""

import math
from collections.abc import Callable

import pandas as pd

from superposition.artefacts import Adversarial
from superposition.claims.compression import crossover, recoveries
from superposition.claims.measures_robustness import (
    REMOVED,
    by_density,
    correlation,
    crossing,
    over_norms,
)
from superposition.claims.robustness import SPARSE, measured
from superposition.results import Results
from superposition.sources import sourced
from superposition.values import NOT_RUN, between, fmt

Texts = dict[str, str]
Found = Callable[[Results], list[str]]

_RISE = (
    *("adv_norm", "adv_dense", "adv_sparse", "adv_sparsest", "adv_correlation"),
    *("adv_features_dense", "adv_features_sparse", "adv_gradient", "adv_random"),
)
_MASKED = ("adv_silent", "adv_blind", "adv_masked_gradient", "adv_harmed")
_TRAINED = ("shape", "limit", "without", "strongest", "crossing", "sparse_crossing", "kept")
_RECOVERY = ("cs_lowest", "cs_crossover", "cs_recovered", "cs_ratio", "cs_dense_ratio")
_SHAPES = {"fifty-in-five": "adv_wide", "twenty-in-ten": "adv_narrow"}
"""How the values of models trained under attack begin, by their row."""
NAMES = (
    *(*_RISE, *_MASKED, *_RECOVERY),
    *(f"{prefix}_{key}" for prefix in _SHAPES.values() for key in _TRAINED),
)
"""Names of the values, at every scale."""
TINY = 1e-12
"""An error below which a ratio of errors says nothing."""


def texts(r: Results) -> Texts:
    """Every value of the chapter, at every scale."""
    found = _or_not_run(r, "robustness", "uniform", _RISE, _rise)
    found |= _or_not_run(r, "robustness", "uniform-sparse", _MASKED, _masked)
    for row, prefix in _SHAPES.items():
        keys = tuple(f"{prefix}_{key}" for key in _TRAINED)
        found |= _or_not_run(r, "adversarial", row, keys, lambda r, row=row: _trained(r, row))
    return found | _or_not_run(r, "sparse_recovery", "uniform-sparse", _RECOVERY, _recovered)


def _or_not_run(r: Results, section: str, row: str, keys: tuple[str, ...], found: Found) -> Texts:
    """The values by name, or NOT_RUN for each if the row is left out."""
    shown = found(r) if row in r.rows(section) else [NOT_RUN] * len(keys)
    return dict(zip(keys, shown, strict=True))


@sourced
def _rise(r: Results) -> list[str]:
    table = r.robustness("uniform").attacks
    harm, features = measured(table, "feature"), by_density(table, "features_per_dimension")
    r_value, _ = correlation(harm, features)
    gradient = measured(table, "gradient").mean / harm.mean
    random = measured(table, "random").mean / harm.mean
    return [
        fmt(r.params.value("robustness", "uniform")["attack_norm"], "given"),
        fmt(float(harm.mean[0])),
        fmt(float(harm.mean[-1])),
        fmt(features.densities[-1], "given"),
        fmt(r_value),
        fmt(float(features.mean[0])),
        fmt(float(features.mean[-1])),
        between(float(gradient.min()), float(gradient.max())),
        between(float(random.min()), float(random.max()), digits=2),
    ]


@sourced
def _masked(r: Results) -> list[str]:
    table = r.robustness("uniform-sparse").attacks
    sparse = table.loc[table["feature_probability"] <= SPARSE]
    if not len(sparse):
        return [NOT_RUN] * len(_MASKED)
    ratio = measured(sparse, "gradient").mean / measured(sparse, "feature").mean
    on_features = sparse.loc[sparse["attack"] == "feature"]
    return [
        _range(on_features, "silent_share"),
        _range(on_features, "no_gradient_share"),
        between(float(ratio.min()), float(ratio.max())),
        _range(on_features, "harmed_share"),
    ]


def _range(table: pd.DataFrame, column: str) -> str:
    mean = by_density(table, column).mean
    return between(float(mean.min()), float(mean.max()), "%")


@sourced
def _trained(r: Results, row: str) -> list[str]:
    found: Adversarial = r.adversarial(row)
    n_features, d_hidden = found.weights["W"].shape[1:]
    densities = sorted(set(found.instances["feature_probability"].tolist()), reverse=True)
    dense, sparse = (over_norms(found.instances, p) for p in (densities[0], densities[-1]))
    at = found.instances.loc[found.instances["attack_norm"] == dense.norms[-1]]
    kept = at.loc[at["feature_probability"] == densities[0], "n_represented"].to_numpy(float)
    return [
        f"{fmt(n_features)} features in {fmt(d_hidden)} dimensions",
        fmt(math.sqrt(d_hidden / n_features), digits=2),
        fmt(float(dense.mean[0])),
        fmt(float(dense.mean[-1]), digits=2),
        _norm(crossing(dense)[0]),
        _norm(crossing(sparse)[0]),
        fmt(float(kept.mean()), digits=2),
    ]


def _norm(norm: float) -> str:
    if math.isfinite(norm):
        return f"at an attack of {fmt(norm, digits=2)} times the average input norm"
    return f"under none of the attacks tried (features per dimension stay above {REMOVED})"


@sourced
def _recovered(r: Results) -> list[str]:
    table = recoveries(r)
    sparse = table.loc[table["feature_probability"] <= SPARSE]
    bounded = table.loc[table["bound"] > 0]
    if not len(sparse) or not len(bounded):
        return [NOT_RUN] * len(_RECOVERY)
    ratio = by_density(bounded.assign(ratio=bounded["d_hidden"] / bounded["bound"]), "ratio")
    own, pursuit = (by_density(table, name).mean for name in ("loss", "recovery_loss"))
    own_sparse, sparse_error = (by_density(sparse, n).mean[0] for n in ("loss", "recovery_loss"))
    at = by_density(sparse, "recovered_share").mean
    return [
        fmt(float(ratio.mean.min()), digits=2),
        _density(crossover(table)),
        fmt(float(at[0]), "%"),
        fmt(float(own_sparse / max(sparse_error, TINY)), digits=2),
        fmt(float(pursuit[0] / own[0]), digits=2),
    ]


def _density(p: float) -> str:
    return "at no density" if math.isnan(p) else f"from p = {fmt(p, 'given')} downwards"
