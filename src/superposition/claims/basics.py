"""Claims of "Toy Models of Superposition" about what its first figures' models learn.

As in `toy_models`, the random start with the lowest held-out loss is judged, and how many starts
agree is reported beside it.
"""

import numpy as np

from superposition import intervals
from superposition.artefacts import Runs
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, angle_to_first, best_start, graded
from superposition.claims.measures_basics import (
    dependent,
    dimensions_left,
    further_apart,
    overlapping,
    sizes,
)
from superposition.results import Results
from superposition.toy import geometry, theory
from superposition.values import fmt, of

PAPER = "Toy Models of Superposition"
PLANE = ("toy.five-in-two",)
SMALL, LINEAR, LARGE = "twenty-in-five", "twenty-in-five-linear", "eighty-in-twenty"
UNIFORM = ("uniform-100-in-10", "uniform-200-in-20")


@claim(
    "a08-superposition-def",
    paper=PAPER,
    source="Definitions and Motivation, hierarchy of feature properties",
    published="superposition is the case in which WᵀW is not invertible",
    expected="In at least 99% of the trained models of three experiments, the represented features "
    "(norm above 0.5) are linearly dependent (smallest singular value of their unit vectors below "
    "0.05, or more of them than dimensions) exactly if one of them has a dimensionality below "
    "0.95. Partly: 90%.",
    quantity="share of models in which both say the same",
    figure="toy-models.html#sec-definition",
    rows=(*PLANE, f"toy.{SMALL}", f"toy.{LINEAR}"),
)
def rank_definition(r: Results) -> Verdict:
    """A linear representation is in superposition if WᵀW is not invertible. (Tested for the
    represented features: that is so exactly when one of them shares its dimension.)"""
    rows = ("five-in-two", SMALL, LINEAR)
    runs = [toy.at(p) for toy in map(r.toy, rows) for p in toy.densities]
    tied = np.concatenate([dependent(one) for one in runs])
    shared = np.concatenate([overlapping(one) for one in runs])
    agree, n = int((tied == shared).sum()), len(tied)
    best_agree = sum(bool(dependent(one)[0] == overlapping(one)[0]) for one in runs)
    return Verdict(
        measured=agree / n,
        interval=intervals.wilson(agree, n),
        holds=graded(agree >= 0.99 * n, agree >= 0.9 * n),
        detail=f"{of(int(tied.sum()), n)} models are in superposition by the definition, and "
        f"{of(int((shared & ~tied).sum()), n)} have overlaps without it; of the best random "
        f"starts, {of(best_agree, len(runs))} agree.",
    )


@claim(
    "a09-sum-d-trained",
    paper=PAPER,
    source="Geometry of Superposition, Feature Dimensionality",
    published="“Empirically”, dimensionalities add up to the number of dimensions; no number",
    expected="Equally important features, 100 in 10 and 200 in 20 dimensions, lowest-loss random "
    "start of every density: m − Σ D_i below 1% of m. Partly: below 5%.",
    quantity="largest share of the dimensions that is left over",
    figure="toy-models.html#sec-room",
    rows=tuple(f"toy.{row}" for row in UNIFORM),
)
def dimensions_are_used_up(r: Results) -> Verdict:
    """Empirically, the dimensionalities of all features add up to the number of hidden dimensions
    when features are packed efficiently."""
    left = [dimensions_left(r.toy(row)) for row in UNIFORM]
    worst = [float(one.of_best().max()) for one in left]
    ends = [intervals.best(one.loss, one.value, seed=SEED) for one in left]
    within = [float((one.value < 0.01).mean()) for one in left]
    return Verdict(
        measured=max(worst),
        interval=(max(low for low, _ in ends), max(high for _, high in ends)),
        holds=graded(max(worst) < 0.01, max(worst) < 0.05),
        detail="; ".join(
            f"{row}: at most {fmt(each, '%')} left over at {len(one.loss)} densities, below 1% in "
            f"{fmt(share, '%')} of all starts"
            for row, each, one, share in zip(UNIFORM, worst, left, within, strict=True)
        )
        + ".",
    )


@claim(
    "a13-negative-bias",
    paper=PAPER,
    source="Demonstrating Superposition, Basic Results",
    published="sparse solutions have positive interference and negative biases",
    expected="5 features in 2 dimensions at p = 0.05, lowest-loss random start: all biases below "
    "0, and two directions with a product above 0.1. Partly: another start shows it.",
    quantity="largest bias",
    figure="toy-models.html#fig-products",
    rows=PLANE,
)
def negative_bias(r: Results) -> Verdict:
    """When features are sparse, the model accepts positive interference and sets negative biases,
    which cut small interference off."""
    runs = r.toy("five-in-two").at(0.05)
    gram = runs.W @ runs.W.swapaxes(1, 2)
    products = np.where(np.eye(gram.shape[1], dtype=bool), -np.inf, gram).max(axis=(1, 2))
    bias = runs.b.max(axis=1)
    return best_start(runs, bias, (bias < 0) & (products > 0.1))


@claim(
    "a16-relu-dense-same",
    paper=PAPER,
    source="Demonstrating Superposition, Basic Results",
    published="at 1 − S = 1 the ReLU-output model is the linear solution",
    expected="20 features in 5 dimensions at p = 1, lowest-loss random start: W spans features 1 "
    "to 5 (principal angle below 5 degrees), exactly these have norms above 0.5, held-out loss "
    "within 2% of that of the linear solution. Partly: exactly the five most important ones.",
    quantity="principal angle, degrees",
    figure="toy-models.html#fig-linear",
    rows=(f"toy.{SMALL}",),
)
def dense_is_linear(r: Results) -> Verdict:
    """In the dense regime, the ReLU-output model learns what the linear model learns: the most
    important features, without superposition."""
    runs = r.toy(SMALL).at(1.0)
    angles = angle_to_first(runs.W)
    n, m = runs.W.shape[1:]
    first = ((runs.norm > geometry.REPRESENTED) == (np.arange(n) < m)).all(axis=1)
    ideal = theory.variance(1.0) * runs.importance[m:].sum() / n
    excess = runs.loss / float(ideal) - 1
    exact = first & (angles < 5) & (np.abs(excess) < 0.02)
    return Verdict(
        measured=float(angles[0]),
        interval=intervals.best(runs.loss[None], angles[None], seed=SEED),
        holds=graded(bool(exact[0]), bool(first[0])),
        detail=f"The loss of the best start differs from the linear solution's by "
        f"{fmt(float(excess[0]), '%')}; {of(int(exact.sum()), len(exact))} starts meet all three.",
    )


@claim(
    "a18-relu-80-20",
    paper=PAPER,
    source="Demonstrating Superposition, Basic Results",
    published="80 features in 20 dimensions, importance 0.9^i: the same picture",
    expected="At every density, lowest-loss random starts of 80 in 20 and of 20 in 5: features "
    "represented per hidden dimension, and the share of features that are represented with a "
    "superposition score above 0.1, differ by less than 0.15. Partly: by less than 0.3.",
    quantity="largest difference",
    figure="toy-models.html#fig-sizes",
    rows=(f"toy.{SMALL}", f"toy.{LARGE}"),
)
def same_in_large(r: Results) -> Verdict:
    """A larger model behaves like the small one, rescaled."""
    small, large = r.toy(SMALL), r.toy(LARGE)
    found = [_differences(small.at(p), large.at(p)) for p in large.densities]
    best = np.array([each[0] for each in found])
    order = [small.at(p).seed.argsort() for p in large.densities]
    losses = np.stack([small.at(p).by_seed().loss for p in large.densities])
    by_seed = np.stack([each[places] for each, places in zip(found, order, strict=True)])
    worst = int(best.argmax())
    return Verdict(
        measured=float(best.max()),
        interval=intervals.best(losses, by_seed, seed=SEED),
        holds=graded(float(best.max()) < 0.15, float(best.max()) < 0.3),
        detail=f"The largest difference is at p = {fmt(large.densities[worst], 'given')}; "
        f"{of(int((best < 0.15).sum()), len(best))} densities are within 0.15. Best of "
        f"{small.n_seeds} and of {large.n_seeds} random starts; the interval resamples the former.",
    )


def _differences(small: Runs, large: Runs) -> np.ndarray:
    """How far each of the small models is from the best of the large ones."""
    goal = sizes(large)[0]
    return np.array([further_apart(one, goal) for one in sizes(small)])
