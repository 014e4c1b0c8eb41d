"""Claims about the geometry of equally important features (Elhage et al., 2022).

The paper's largest figures have 400 features in 30 dimensions. Here the curve over densities is
measured at 200 in 20, the size of the paper's notebook, and larger models at three densities.
"""

import numpy as np

from superposition import intervals
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_geometry import (
    SEED,
    curve,
    features_per_dimension,
    gathered,
    gatherings,
    in_pairs,
    largest_deviation,
    pool,
    sticky,
)
from superposition.results import Results
from superposition.toy import clusters
from superposition.values import between, fmt

PAPER = "Toy Models of Superposition"
CURVE = "uniform-200-in-20"
CURVES = (CURVE, "uniform-100-in-10")
MANY = (*CURVES, "uniform-200-in-10", "uniform-400-in-10", "uniform-400-in-20", "uniform-400-in-30")
"""Rows with at least ten features for each hidden dimension."""
FEW = "uniform-100-in-20"
"""Five features for each hidden dimension."""
SHARED_DENSITIES = (0.5, 0.25, 0.12)
ROWS = tuple(f"toy.{row}" for row in CURVES)


@claim(
    "a06-notebook-geometry",
    paper=PAPER,
    source="Official notebook, feature geometry",
    published="200 features in 20 dimensions, 20 densities from 1 to 0.05; guide lines at 5/6, "
    "4/5, 3/4, 2/3, 1/2, 2/5, 3/8, 2/6, 2/7, 3/12 and 3/20",
    expected="At least 6 of the 11 lines gather represented features: more than 3 times as dense "
    "within ±0.01 as up to ±0.03 around, permutation p below 0.01. Partly: at least 2 lines.",
    quantity="guide lines of 11 at which dimensionalities gather",
    figure="geometry.html#fig-dimensionalities",
    rows=(f"toy.{CURVE}",),
)
def notebook_geometry(r: Results) -> Verdict:
    """In the notebook's figure of 200 equal features in 20 dimensions, the dimensionalities of
    features lie along the lines drawn at simple fractions."""
    found = pool([r.toy(CURVE)])
    lines = gatherings(found, clusters.GUIDES, others=clusters.GUIDES)
    n = sum(line.stands_out() for line in lines)
    return Verdict(measured=n, holds=graded(n >= 6, n >= 2), detail=gathered(lines, found))


@claim(
    "a29-dstar-sticky",
    paper=PAPER,
    source="Uniform Superposition",
    published="400 features in 30 dimensions: D* = m / |W|² is sticky at 1 and at 1/2; no number",
    expected="200 features in 20 dimensions, mean over random starts, on the logarithmic range of "
    "densities from 1 to 0.05: D* is longer within 5% of 1, and longer within 5% of 1/2, than in "
    "any band of this width that is more than 10% away from both. Partly: one of them is.",
    quantity="share of the logarithmic density range with D* within 5% of 1/2",
    figure="geometry.html#fig-dstar",
    rows=(f"toy.{CURVE}",),
)
def dstar_sticky(r: Results) -> Verdict:
    """The number of dimensions per feature is "sticky": over wide ranges of sparsity it stays at 1
    and at 1/2."""
    x, d_star = curve(r.toy(CURVE))
    stays = sticky(x, d_star.mean(axis=0))
    longer = [stays.at_one > stays.elsewhere, stays.at_half > stays.elsewhere]
    halves = np.array([sticky(x, one).at_half for one in d_star])
    return Verdict(
        measured=stays.at_half,
        interval=intervals.mean(halves, seed=SEED),
        holds=graded(all(longer), any(longer)),
        detail=f"D* is within 5% of 1 on {fmt(stays.at_one, '%')} of the range, within 5% of 1/2 "
        f"on {fmt(stays.at_half, '%')}, and elsewhere in no such band for more than "
        f"{fmt(stays.elsewhere, '%')}; {fmt(len(d_star))} random starts.",
    )


@claim(
    "a30-dstar-n-indep",
    paper=PAPER,
    source="Uniform Superposition",
    published="the number of features learned for each dimension does not depend on n once n is "
    "much larger than m; twice the dimensions hold twice the features",
    expected="|W|²/m of models with 100, 200 and 400 features in 10, 20 and 30 dimensions, at "
    "least 10 features a dimension, differs by at most 5% from their mean at p = 0.5, 0.25 and "
    "0.12 (means over random starts). Partly: by at most 10%.",
    quantity="largest relative deviation of |W|²/m from the mean over sizes",
    figure="geometry.html#fig-sizes",
    rows=tuple(f"toy.{row}" for row in (*MANY, FEW)),
)
def size_does_not_matter(r: Results) -> Verdict:
    """How many features a model learns for each hidden dimension does not depend on how many there
    are, as long as they are many more than dimensions; doubling the dimensions doubles them."""
    measured = {
        row: [features_per_dimension(r.toy(row), p) for p in SHARED_DENSITIES]
        for row in (*MANY, FEW)
    }
    largest, interval = largest_deviation([measured[row] for row in MANY])
    means = np.array([[values.mean() for values in measured[row]] for row in MANY])
    few = np.array([values.mean() for values in measured[FEW]]) / means.mean(axis=0) - 1
    return Verdict(
        measured=largest,
        interval=interval,
        holds=graded(largest <= 0.05, largest <= 0.1),
        detail="Features per dimension "
        + ", ".join(
            f"{between(float(column.min()), float(column.max()))} at p = {fmt(p, 'given')}"
            for p, column in zip(SHARED_DENSITIES, means.T, strict=True)
        )
        + f". With only five features a dimension they deviate by up to "
        f"{fmt(float(np.abs(few).max()), '%')}.",
    )


@claim(
    "a31-half-is-digons",
    paper=PAPER,
    source="Uniform Superposition",
    published="on the plateau at 1/2, features are in antipodal pairs: D = 1/(1+1)",
    expected="Models of 200 features in 20 and 100 in 10 dimensions at densities with mean D* "
    "within 5% of 1/2: at least 90% of represented features have exactly one antipode (cosine "
    "below -0.98) and a dimensionality within 0.01 of 1/2. Partly: at least half.",
    quantity="share of represented features in antipodal pairs, mean over models",
    figure="geometry.html#fig-dstar",
    rows=ROWS,
)
def half_is_digons(r: Results) -> Verdict:
    """The plateau at 1/2 consists of antipodal pairs: two features share a dimension, one in each
    direction."""
    shares, densities = [], []
    for toy in (r.toy(row) for row in CURVES):
        _, d_star = curve(toy)
        at_half = np.abs(d_star.mean(axis=0) / 0.5 - 1) <= 0.05
        for p in np.array(toy.densities)[at_half]:
            runs = toy.at(float(p))
            models = zip(runs.W, runs.dimensionality, strict=True)
            paired = [in_pairs(W, D) for W, D in models]
            shares += [float(one.mean()) if len(one) else 0.0 for one in paired]
            densities.append(float(p))
    if not shares:
        detail = "At no density is D* within 5% of 1/2."
        return Verdict(measured=0.0, holds="not replicated", detail=detail)
    share = float(np.mean(shares))
    return Verdict(
        measured=share,
        interval=intervals.mean(np.array(shares), seed=SEED),
        holds=graded(share >= 0.9, share >= 0.5),
        detail=f"{fmt(len(shares))} models at {fmt(len(densities))} densities between "
        f"{fmt(min(densities), 'given')} and {fmt(max(densities), 'given')}.",
    )


@claim(
    "a32-d-clusters",
    paper=PAPER,
    source="Feature Dimensionality",
    published="400 features in 30 dimensions: dimensionalities gather at 3/4 (tetrahedron), 2/3 "
    "(triangle), 1/2 (digon), 2/5 (pentagon) and 3/8 (square antiprism)",
    expected="Represented features of all models of 200 in 20 and 100 in 10 dimensions: at all "
    "five fractions more than 3 times as dense within ±0.01 as up to ±0.03 around (windows of "
    "other fractions left out), permutation p below 0.01. Partly: at 1/2 and another one.",
    quantity="fractions of five at which dimensionalities gather",
    figure="geometry.html#fig-dimensionalities",
    rows=ROWS,
)
def clusters_of_dimensionality(r: Results) -> Verdict:
    """Features' dimensionalities cluster at fractions that belong to particular shapes: 3/4, 2/3,
    1/2, 2/5 and 3/8."""
    found = pool([r.toy(row) for row in CURVES])
    fractions = tuple(clusters.FRACTIONS.values())
    lines = gatherings(found, fractions, others=fractions)
    n, half = sum(line.stands_out() for line in lines), lines[fractions.index(1 / 2)]
    return Verdict(
        measured=n,
        holds=graded(n == len(lines), half.stands_out() and n >= 2),
        detail=gathered(lines, found),
    )


@claim(
    "a36-dense-unprivileged",
    paper=PAPER,
    source="Uniform Superposition",
    published="at S = 0 the features are no privileged basis: as many dimensions as the model has, "
    "in arbitrary directions, and no line of features at D = 1",
    expected="200 in 20 and 100 in 10 dimensions at p = 1, every random start: |W|² within 1% of "
    "m, and no feature with a dimensionality above 0.95. Partly: one of the two.",
    quantity="largest deviation of |W|²/m from 1",
    figure="geometry.html#fig-dimensionalities",
    rows=ROWS,
)
def dense_is_unprivileged(r: Results) -> Verdict:
    """Without sparsity, equal features are not learned one by one: the model keeps a random
    subspace, and no feature has a dimension to itself."""
    runs = [r.toy(row).at(1.0) for row in CURVES]
    filled = np.concatenate([(one.norm**2).sum(axis=1) / one.W.shape[2] - 1 for one in runs])
    alone = [int((one.dimensionality > 0.95).sum()) for one in runs]
    largest = float(np.abs(filled).max())
    return Verdict(
        measured=largest,
        holds=graded(largest < 0.01 and not sum(alone), largest < 0.01 or not sum(alone)),
        detail=f"{fmt(len(filled))} models; {fmt(sum(alone))} features have a dimensionality above "
        f"0.95, the largest is {fmt(max(float(one.dimensionality.max()) for one in runs))}.",
    )
