"""Claims about the shapes that features form, and how hard they are to find (Elhage et al., 2022).

Ideal shapes are checked exactly, and then looked for in trained models.
"""

import numpy as np

from superposition import intervals
from superposition.claims.core import Verdict, claim
from superposition.claims.geometry import CURVES, PAPER, ROWS
from superposition.claims.measures import best_start, gap_deviation, graded
from superposition.claims.measures_geometry import (
    SEED,
    gathered,
    gatherings,
    like_best,
    parts_of,
    pool,
    simplex,
    whole,
)
from superposition.results import Results
from superposition.toy import clusters, dynamics, graphs
from superposition.toy.theory import polytopes
from superposition.values import of

SMALL = tuple(f"{n}-in-{m}" for m in ("two", "three") for n in ("six", "seven", "eight"))


@claim(
    "a34-tegum",
    paper=PAPER,
    source="Why do we see these structures?",
    published="solutions split into factors in orthogonal subspaces: triangular bipyramid = "
    "triangle and digon, pentagonal bipyramid = pentagon and digon, octahedron = three digons",
    expected="The three ideal products have exactly the factors' dimensionalities (to 1e-9). "
    "Trained, 200 in 20 and 100 in 10 dimensions: at least 90% of the parts that are larger than "
    "a digon and smaller than the model, and at least 10 of them, fill a whole number of "
    "dimensions within 0.02 (4% would by chance). Partly: 90% of all parts with two or more.",
    quantity="share of separate parts, larger than digons, that fill whole dimensions",
    figure="geometry.html#fig-graph",
    rows=ROWS,
)
def tegum_products(r: Results) -> Verdict:
    """The model's arrangement splits into shapes in subspaces orthogonal to each other (a tegum
    product), each of which fills a whole number of dimensions."""
    models = [(parts, r.toy(row)) for row in CURVES for parts in parts_of(r.toy(row))]
    kept = [
        part
        for parts, toy in models
        for part in parts
        if len(part.features) > 1 and part.dimensions < toy.at(1.0).W.shape[2] - 0.5
    ]
    fills = whole(np.array([part.dimensions for part in kept], dtype=float))
    large = np.array([len(part.features) > 2 for part in kept], dtype=bool)
    n, n_whole = int(large.sum()), int(fills[large].sum())
    exact = product_error() < 1e-9
    split = sum(len(parts) > 1 for parts, _ in models)
    return Verdict(
        measured=n_whole / n if n else None,
        interval=intervals.wilson(n_whole, n) if n else None,
        holds=graded(
            exact and n >= 10 and n_whole >= 0.9 * n, bool(len(kept) and fills.mean() >= 0.9)
        ),
        detail=f"{of(split, len(models))} models fall into several parts; "
        f"{of(int(fills.sum()), len(kept))} of these fill whole dimensions, and "
        f"{of(n_whole, n)} of those larger than digons.",
    )


@claim(
    "a35-no-three-fifths",
    paper=PAPER,
    source="Why do we see these structures?",
    published="no line at 3/5 or 3/7",
    expected="Represented features of all models of 200 in 20 and 100 in 10 dimensions: at neither "
    "fraction more than 3 times as dense within ±0.01 as up to ±0.03 around with permutation p "
    "below 0.01. Partly: at one of them.",
    quantity="fractions of the two at which dimensionalities gather",
    figure="geometry.html#fig-dimensionalities",
    rows=ROWS,
)
def no_line_at_three_fifths(r: Results) -> Verdict:
    """Some fractions are missing: dimensionalities do not cluster at 3/5 or 3/7."""
    found = pool([r.toy(row) for row in CURVES])
    lines = gatherings(found, clusters.ABSENT, others=tuple(clusters.FRACTIONS.values()))
    n = sum(line.stands_out() for line in lines)
    return Verdict(measured=n, holds=graded(n == 0, n == 1), detail=gathered(lines, found))


@claim(
    "a37-simplex-w-perp-ones",
    paper=PAPER,
    source="Polytopes and Low-Rank Matrices",
    published="W orthogonal to (1, ..., 1) is a regular simplex; 3 features in 2 dimensions: an "
    "equilateral triangle",
    expected="The projected basis vectors have equal norms and equal cosines -1/(n-1), n from 2 to "
    "6 (to 1e-9). 3 equal features in 2 dimensions, p = 0.05, lowest-loss random start: angles "
    "within 120 ± 2 degrees. Partly: another start shows it.",
    quantity="largest deviation of an angle from 120 degrees",
    figure="geometry.html#fig-shapes",
    rows=("toy.three-in-two",),
)
def simplex_from_low_rank(r: Results) -> Verdict:
    """If W is orthogonal to (1, ..., 1), the features form a regular simplex; for three features in
    two dimensions, that is the equilateral triangle."""
    runs = r.toy("three-in-two").at(0.05)
    deviation = gap_deviation(runs.W, (120.0,) * 3)
    exact = simplex_error() < 1e-9
    return best_start(runs, deviation, (deviation <= 2) & exact)


@claim(
    "a41-optimisation-hard",
    paper=PAPER,
    source="Perturbing a Single Feature, note for reimplementations",
    published="models in two dimensions are hard to optimise: fit many and take the lowest loss",
    expected="6, 7 and 8 equal features at p = 0.05 and 0.01: the share of random starts with the "
    "geometry of the one with the lowest loss (sorted products of features, RMS distance at most "
    "0.1) is smaller in two dimensions than in three, 95% interval of the difference below 0. "
    "Partly: smaller, but the interval reaches 0.",
    quantity="share in two dimensions minus share in three",
    figure="geometry.html#fig-starts",
    rows=tuple(f"toy.{row}" for row in SMALL),
)
def hard_to_optimise(r: Results) -> Verdict:
    """Optimisation in two dimensions often ends in a poor arrangement, so that one has to fit the
    model many times; it is easier in more dimensions."""
    found = {
        m: np.concatenate(
            [
                like_best(r.toy(row).at(p).W)
                for row in SMALL
                if row.endswith(m)
                for p in (0.05, 0.01)
            ]
        ).astype(float)
        for m in ("two", "three")
    }
    two, three = found["two"], found["three"]
    difference = float(two.mean() - three.mean())
    interval = intervals.difference(two, three, seed=SEED)
    return Verdict(
        measured=difference,
        interval=interval,
        holds=graded(interval[1] < 0, difference < 0),
        detail=f"{of(int(two.sum()), len(two))} random starts reach the best geometry in two "
        f"dimensions, {of(int(three.sum()), len(three))} in three.",
    )


def product_error() -> float:
    """Largest error of D in the products of ideal shapes that the paper names."""
    ideal = polytopes()
    products = (("triangle", "digon"), ("pentagon", "digon"), ("digon", "digon", "digon"))
    errors = []
    for names in products:
        factors = [ideal[name].vertices.numpy() for name in names]
        expected = [ideal[name].dimensionality for name in names]
        found = dynamics.dimensionality(graphs.product_of(*factors))
        exact = np.repeat(expected, [len(factor) for factor in factors])
        errors.append(float(np.abs(found - exact).max()))
    return max(errors)


def simplex_error() -> float:
    """Largest error of the norms and cosines of projected basis vectors, 2 to 6 of them."""
    errors = []
    for n in range(2, 7):
        W = simplex(n)
        cosines = graphs.sorted_cosines(W)
        errors.append(float(np.abs(cosines + 1 / (n - 1)).max()))
        errors.append(float(np.ptp(np.linalg.norm(W, axis=1))))
    return max(errors)
