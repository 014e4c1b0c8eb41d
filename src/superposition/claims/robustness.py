"""Claims of "Toy Models of Superposition" about adversarial examples and adversarial training."""

import numpy as np
import pandas as pd

from superposition import intervals
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_robustness import (
    REMOVED,
    ByDensity,
    Curve,
    by_density,
    correlation,
    crossing,
    over_norms,
    rise,
)
from superposition.claims.toy_models import PAPER
from superposition.results import Results
from superposition.values import between, fmt

UNIFORM = ("toy.uniform-200-in-20", "robustness.uniform")
SECTION = "Superposition and Adversarial Robustness"
N_SPARSEST = 3
"""Densities that count as the sparse end."""
SPARSE = 0.0105
"""Densities of extremely sparse inputs: p = 0.01 and below."""
STRONG = 0.8
"""Relative norm of the attacks that remove superposition. Source: the paper, about 80%."""
SLACK = 0.05
"""Features per dimension that a stronger attack may add: noise of the training."""


@claim(
    "a50-adv-3x",
    paper=PAPER,
    source=SECTION,
    published="vulnerability rises by more than 3 times; attacks of 0.1 of the average input norm; "
    "the model's size is not stated",
    expected="200 features in 20 dimensions, worst attack on a feature: mean vulnerability at the "
    "three sparsest densities over that at p = 1 above 3, with its whole interval. Partly: the "
    "estimate is above 3.",
    quantity="vulnerability of sparse over that of dense",
    figure="robustness.html#fig-vulnerability",
    rows=UNIFORM,
)
def vulnerability_rises(r: Results) -> Verdict:
    """Vulnerability to adversarial examples sharply increases as superposition forms, by more than
    three times."""
    found = measured(r.robustness("uniform").attacks, "feature")
    estimate, (low, high) = rise(found, n_sparsest=N_SPARSEST)
    return Verdict(
        measured=estimate,
        interval=(low, high),
        holds=graded(low > 3, estimate > 3),
        detail=f"An attack does {fmt(float(found.mean[0]))} times as much harm as to a model "
        f"without superposition at p = {fmt(found.densities[0], 'given')}, and "
        f"{fmt(float(found.mean[-1]))} times as much at p = {fmt(found.densities[-1], 'given')}.",
    )


@claim(
    "a51-adv-tracks-features-per-dim",
    paper=PAPER,
    source=SECTION,
    published="vulnerability closely tracks features per dimension |W|²/m; no number",
    expected="200 features in 20 dimensions: Pearson's r of vulnerability and features per "
    "dimension over densities above 0.95. Partly: above 0.8.",
    quantity="Pearson's r over densities",
    figure="robustness.html#fig-tracking",
    rows=UNIFORM,
)
def vulnerability_tracks(r: Results) -> Verdict:
    """The level of vulnerability closely tracks the number of features per dimension."""
    table = r.robustness("uniform").attacks
    vulnerability = measured(table, "feature")
    features = by_density(_of_kind(table, "feature"), "features_per_dimension")
    estimate, interval = correlation(vulnerability, features)
    return Verdict(
        measured=estimate,
        interval=interval,
        holds=graded(estimate > 0.95, estimate > 0.8),
        detail=f"Over {len(features.densities)} densities, features per dimension go from "
        f"{fmt(float(features.mean[0]))} to {fmt(float(features.mean[-1]))} and vulnerability from "
        f"{fmt(float(vulnerability.mean[0]))} to {fmt(float(vulnerability.mean[-1]))}.",
    )


@claim(
    "a52-adv-gradient-masking",
    paper=PAPER,
    source=SECTION,
    published="ReLUs are in the zero regime 99% of the time, and attacks by gradient descent fail",
    expected="200 features in 20 dimensions, at every density of 0.01 and below: more than 95% of "
    "the outputs are held at 0 by their ReLU, and gradient ascent does less harm than the worst "
    "attack on a feature. Partly: the outputs are.",
    quantity="smallest share of silent outputs",
    figure="robustness.html#fig-attacks",
    rows=("toy.uniform-200-in-20-sparse", "robustness.uniform-sparse"),
)
def gradients_are_masked(r: Results) -> Verdict:
    """For extremely sparse inputs, gradient descent finds attacks hard, because ReLU neurons are in
    the zero regime 99% of the time."""
    table = r.robustness("uniform-sparse").attacks
    sparse = table.loc[table["feature_probability"] <= SPARSE]
    silent = by_density(_of_kind(sparse, "feature"), "silent_share")
    ratio = measured(sparse, "gradient").mean / measured(sparse, "feature").mean
    share = float(silent.mean.min())
    blind = by_density(_of_kind(sparse, "feature"), "no_gradient_share").mean
    quiet = share > 0.95
    low, high = float(ratio.min()), float(ratio.max())
    return Verdict(
        measured=share,
        interval=intervals.percentiles(silent.resampled.min(axis=0)),
        holds=graded(quiet and high < 1, quiet),
        detail=f"Gradient ascent does {between(low, high)} times the harm of the worst attack on a "
        f"feature; {between(float(blind.min()), float(blind.max()), '%')} of inputs have no "
        "gradient at all.",
    )


@claim(
    "a53-adv-training-80",
    paper=PAPER,
    source=SECTION,
    published="adversarial training with attacks of about 80% of the input norm; sizes not stated",
    expected="50 features in 5 dimensions, at every density: mean features per dimension fall with "
    "the attack's norm (no step up by more than 0.05), are above 1.1 for every norm below 0.8, and "
    "within 1 ± 0.1 at 0.8. Partly: they fall, and to 1.1 or less at some norm.",
    quantity="attack norm that brings features per dimension to 1.1, at the densest",
    figure="robustness.html#fig-training",
    rows=("adversarial.fifty-in-five",),
)
def training_removes(r: Results) -> Verdict:
    """Adversarial training reduces superposition, but only attacks of about 80% of the input's norm
    remove it."""
    table = r.adversarial("fifty-in-five").instances
    densities = sorted(set(table["feature_probability"].tolist()), reverse=True)
    curves = [over_norms(table, p) for p in densities]
    found = [crossing(curve) for curve in curves]
    falls = all(_falls(curve.mean) for curve in curves)
    as_published = all(_only_when_strong(curve) for curve in curves)
    removed = all(np.isfinite(norm) for norm, _ in found)
    parts = [
        f"p = {fmt(p, 'given')}: {fmt(float(curve.mean[0]))} without attack, "
        f"{fmt(float(curve.mean[-1]))} under the strongest, 1.1 at {_norm(norm)}"
        for p, curve, (norm, _) in zip(densities, curves, found, strict=True)
    ]
    lost = sum(table["diverged"].tolist())
    finite = bool(np.isfinite(found[0][0]))
    return Verdict(
        measured=found[0][0] if finite else "never",
        interval=found[0][1] if finite else None,
        holds=graded(falls and as_published, falls and removed),
        detail=f"Features per dimension at {'; '.join(parts)}. {lost} of {len(table)} models "
        "diverged.",
    )


def measured(attacks: pd.DataFrame, kind: str) -> ByDensity:
    """The vulnerability to one kind of attack by density."""
    return by_density(_of_kind(attacks, kind), "vulnerability", error="standard_error")


def _of_kind(attacks: pd.DataFrame, kind: str) -> pd.DataFrame:
    return attacks.loc[attacks["attack"] == kind]


def _falls(mean: np.ndarray) -> bool:
    """Whether the mean over random starts never rises, and is lower in the end."""
    return bool((np.diff(mean) <= SLACK).all() and mean[-1] < mean[0] - SLACK)


def _only_when_strong(curve: Curve) -> bool:
    """Whether superposition goes at `STRONG`, neither before nor with everything else."""
    at = int(np.abs(curve.norms - STRONG).argmin())
    kept = bool((curve.mean[curve.norms < STRONG - SLACK] > REMOVED).all())
    return kept and abs(float(curve.mean[at]) - 1) <= REMOVED - 1


def _norm(norm: float) -> str:
    return f"an attack of {fmt(norm, digits=2)} of the input norm" if np.isfinite(norm) else "none"
