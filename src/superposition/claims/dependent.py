"""Claims about features that occur together, or never do (Elhage et al., 2022)."""

import numpy as np

from superposition import intervals
from superposition.claims import arena
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_uneven import (
    SEED,
    Collapse,
    agreement_interval,
    arranged,
    best_interval,
    collapse,
    hexagon,
)
from superposition.claims.uneven import PAPER
from superposition.results import Results
from superposition.toy import geometry, sets
from superposition.values import between, fmt, of

ORGANIZATION = (
    "The Geometry of Superposition, Organization of Correlated and Anticorrelated Features"
)
LOCAL_BASES = "The Geometry of Superposition, Local Almost-Orthogonal Bases"
COLLAPSING = "The Geometry of Superposition, Collapsing of Correlated Features"
THREE_PAIRS = ("toy.correlated-three-pairs",)
SPARSE = 0.05
"""Density from which on, downwards, three correlated pairs no longer collapse in the paper."""
PCA_LIKE = 0.5
"""Density from which on, upwards, models are most like principal component analysis there."""


@claim(
    "a42-corr-orthogonal",
    paper=PAPER,
    source=ORGANIZATION,
    published="4 features in 2 dimensions, two correlated pairs: the features of a pair are "
    "orthogonal; densities of ARENA, 0.05 to 0.0025",
    expected="At every density, at least 90% of random starts have all norms above 0.5 and a mean "
    "absolute cosine within pairs below 0.1. Partly: the lowest-loss start of every density has.",
    quantity="share of random starts with orthogonal pairs, at the density with the fewest",
    figure="uneven-features.html#fig-correlated",
    rows=("toy.correlated-two-pairs",),
)
def correlated_orthogonal(r: Results) -> Verdict:
    """Models prefer to represent correlated features in orthogonal dimensions: two pairs of
    correlated features come to lie at right angles within each pair."""
    toy = r.toy("correlated-two-pairs")
    runs = [toy.at(p) for p in toy.densities]
    cosine = [sets.within(one.W, 2) for one in runs]
    fits = [
        (mean < 0.1) & (one.norm > geometry.REPRESENTED).all(axis=1)
        for one, mean in zip(runs, cosine, strict=True)
    ]
    found = arranged(runs, fits)
    shares = found.n_fit / found.n_starts
    worst = int(shares.argmin())
    return Verdict(
        measured=float(shares[worst]),
        interval=intervals.wilson(int(found.n_fit[worst]), int(found.n_starts[worst])),
        holds=graded(bool((shares >= 0.9).all()), bool(found.best.all())),
        detail=f"Mean absolute cosine within pairs, best starts: "
        f"{between(*_ends([float(one[0]) for one in cosine]))} over {fmt(len(runs))} densities; "
        f"{of(int(found.n_fit.sum()), int(found.n_starts.sum()))} starts are orthogonal.",
    )


@claim(
    "a43-anti-opposite",
    paper=PAPER,
    source=ORGANIZATION,
    published="4 features in 2 dimensions, two anticorrelated pairs: the features of a pair are "
    "opposite each other",
    expected="At p = 0.1 and at every other density from 0.01 to 0.32, the lowest-loss random "
    "start has both cosines within pairs below −0.95. Partly: at p = 0.1 some start has.",
    quantity="larger of the two cosines within pairs, best start, at the worst density",
    figure="uneven-features.html#fig-anticorrelated",
    rows=("toy.anticorrelated-two-pairs",),
)
def anticorrelated_opposite(r: Results) -> Verdict:
    """Models prefer to represent anticorrelated features in the same dimension: two pairs of
    features of which only one can be present become two antipodal pairs."""
    toy = r.toy("anticorrelated-two-pairs")
    toy.at(0.1)
    runs = [toy.at(p) for p in toy.densities]
    cosines = [sets.pair_cosines(one.W).max(axis=1) for one in runs]
    found = arranged(runs, [one < -0.95 for one in cosines])
    at_tenth = found.densities.index(toy.at(0.1).feature_probability)
    return Verdict(
        measured=max(float(one[0]) for one in cosines),
        interval=best_interval(runs, cosines),
        holds=graded(bool(found.best.all()), bool(found.n_fit[at_tenth] > 0)),
        detail="Starts with two antipodal pairs: "
        + ", ".join(
            f"{of(int(k), int(n))} at p = {fmt(p, 'given')}"
            for p, k, n in zip(found.densities, found.n_fit, found.n_starts, strict=True)
        )
        + ".",
    )


@claim(
    "a43-anti-fails-when-sparse",
    paper=arena.PAPER,
    source="Section 1, correlated and anticorrelated features",
    published="a warning that training often misses the antipodal arrangement when features are "
    "rare; no number",
    expected="The share of random starts with two antipodal pairs (cosines below −0.95) is larger "
    "at the densest than at the sparsest density, and the 95% interval of the difference excludes "
    "0. Partly: the share is larger.",
    quantity="share of antipodal starts at the densest minus at the sparsest density",
    figure="uneven-features.html#fig-shares",
    rows=("toy.anticorrelated-two-pairs",),
)
def anticorrelated_rates(r: Results) -> Verdict:
    """With anticorrelated pairs, training often fails to find the antipodal arrangement when the
    feature probability is small."""
    toy = r.toy("anticorrelated-two-pairs")
    dense, sparse = (
        (sets.pair_cosines(toy.at(p).W) < -0.95).all(axis=1).astype(float)
        for p in (toy.densities[0], toy.densities[-1])
    )
    interval = intervals.difference(dense, sparse, seed=SEED)
    change = float(dense.mean() - sparse.mean())
    return Verdict(
        measured=change,
        interval=interval,
        holds=graded(interval[0] > 0, change > 0),
        detail=f"{of(int(dense.sum()), len(dense))} starts at "
        f"p = {fmt(toy.densities[0], 'given')}, "
        f"{of(int(sparse.sum()), len(sparse))} at p = {fmt(toy.densities[-1], 'given')}.",
    )


@claim(
    "a44-corr-side-by-side",
    paper=PAPER,
    source=ORGANIZATION,
    published="6 features in 2 dimensions, three correlated pairs: the features of a pair are "
    "neighbours in a hexagon, which six independent features would not form",
    expected="(1) At every p up to 0.05, in the lowest-loss random start, no other feature lies "
    "between the two of a pair, for all three pairs. (2) Six independent features, lowest-loss "
    "start at p = 0.05 and 0.01: not all represented with six angles of 60 ± 10 degrees. Partly: "
    "only (1).",
    quantity="share of random starts with all three pairs side by side, at p up to 0.05",
    figure="uneven-features.html#fig-three-pairs",
    rows=(*THREE_PAIRS, "toy.six-in-two"),
)
def side_by_side(r: Results) -> Verdict:
    """If correlated features cannot be orthogonal, models arrange them side by side: three
    correlated pairs form a hexagon of neighbours, where six independent features would not."""
    toy = r.toy("correlated-three-pairs")
    runs = [toy.at(p) for p in toy.densities if p <= SPARSE]
    beside = [sets.side_by_side(one.W) == 3 for one in runs]
    found = arranged(runs, beside)
    control = [hexagon(one.W, 10.0) for one in map(r.toy("six-in-two").at, (0.05, 0.01))]
    alone = not any(bool(one[0]) for one in control)
    n_fit, n = int(found.n_fit.sum()), int(found.n_starts.sum())
    pairs = sets.pair_cosines(runs[-1].W)[0]
    n_control = of(sum(int(one.sum()) for one in control), sum(map(len, control)))
    shape = "no hexagon" if alone else "a hexagon, too"
    return Verdict(
        measured=n_fit / n,
        interval=intervals.wilson(n_fit, n),
        holds=graded(bool(found.best.all()) and alone, bool(found.best.all())),
        detail=f"{of(n_fit, n)} starts (by chance 13% would); cosines within pairs "
        f"{between(*_ends(pairs.tolist()))} in the best start at p = "
        f"{fmt(runs[-1].feature_probability, 'given')}. The best of six independent features is "
        f"{shape}; {n_control} starts are.",
    )


@claim(
    "a45-local-orthogonal-basis",
    paper=PAPER,
    source=LOCAL_BASES,
    published="20 features in 10 dimensions, two correlated sets of 10: each set is an almost "
    "orthogonal basis, though the model as a whole is in superposition; density not given",
    expected="Lowest-loss random start at every density: all norms above 0.5, mean absolute cosine "
    "within sets below 0.1, mean over features of the largest absolute cosine with the other set "
    "above 0.5. Partly: at one density.",
    quantity="mean absolute cosine within sets, best start, at the worst density",
    figure="uneven-features.html#fig-bases",
    rows=("toy.correlated-two-tens",),
)
def local_bases(r: Results) -> Verdict:
    """Sets of correlated features form local almost-orthogonal bases: each set looks like principal
    components, although the features of all sets together are in superposition."""
    toy = r.toy("correlated-two-tens")
    runs = [toy.at(p) for p in toy.densities]
    within, across = ([f(one.W, 10) for one in runs] for f in (sets.within, sets.across))
    fits = [
        (inner < 0.1) & (outer > 0.5) & (one.norm > geometry.REPRESENTED).all(axis=1)
        for one, inner, outer in zip(runs, within, across, strict=True)
    ]
    found = arranged(runs, fits)
    return Verdict(
        measured=max(float(one[0]) for one in within),
        interval=best_interval(runs, within),
        holds=graded(bool(found.best.all()), bool(found.best.any())),
        detail=f"Largest absolute cosine with the other set, mean over features: "
        f"{between(*_ends([float(one[0]) for one in across]))} in the best starts; "
        f"{of(int(found.n_fit.sum()), int(found.n_starts.sum()))} starts show both.",
    )


@claim(
    "a46-collapse-pca",
    paper=PAPER,
    source=COLLAPSING,
    published="three correlated pairs in 2 dimensions, approximately: all three collapsed for "
    "p above 0.25, two for 0.15 to 0.2, one for 0.05 to 0.15, none below 0.05",
    expected="Lowest-loss random start: the published number of pairs with a cosine above 0.98 at "
    "every density inside a published range (either number at a border). Partly: at three "
    "quarters of them, and the number never grows as features get rarer.",
    quantity="densities whose best start has the published number of collapsed pairs",
    figure="uneven-features.html#fig-collapse",
    rows=THREE_PAIRS,
)
def collapse_bands(r: Results) -> Verdict:
    """Depending on how dense they are, correlated features collapse into their principal component:
    the denser, the more of three pairs do, from a hexagon over partly collapsed models to PCA."""
    found = collapse(r.toy("correlated-three-pairs"))
    judged = [one for one in found if one.published]
    counts = [int(one.counts[0]) for one in found]
    agree = sum(one.agrees for one in judged)
    orderly = counts == sorted(counts, reverse=True)
    others = [one for one in judged if not one.agrees]
    return Verdict(
        measured=agree,
        interval=agreement_interval(judged),
        holds=graded(agree == len(judged), orderly and agree >= 0.75 * len(judged)),
        detail=f"Agrees at {of(agree, len(judged))} densities. Collapsed pairs from dense to "
        f"sparse: {', '.join(map(str, counts))}. {' '.join(map(_disagreement, others))}".strip(),
    )


@claim(
    "a47-collapse-pc",
    paper=PAPER,
    source=COLLAPSING,
    published="a collapsed pair is represented by its principal component (a + b)/√2, and "
    "(a − b)/√2 is ignored",
    expected="Every collapsed pair (cosine above 0.98) of the lowest-loss starts at densities "
    "below 0.5: two norms within 5% of each other, squares that add up to 1 ± 0.1. Partly: the "
    "norms are within 5%.",
    quantity="smallest share of a collapsed pair's weights on (a + b)/√2",
    figure="uneven-features.html#fig-three-pairs",
    rows=THREE_PAIRS,
)
def collapsed_to_component(r: Results) -> Verdict:
    """Collapsed pairs are represented by their most important principal component, (a + b)/√2; the
    other one, (a − b)/√2, is ignored."""
    toy = r.toy("correlated-three-pairs")
    runs = [toy.at(p) for p in toy.densities if p < PCA_LIKE]
    chosen = [sets.collapsed(one.W[:1])[0] for one in runs]
    pairs = [one.norm[0].reshape(-1, 2)[kept] for one, kept in zip(runs, chosen, strict=True)]
    norms = np.concatenate([np.empty((0, 2)), *pairs])
    if not len(norms):
        return Verdict(measured=None, holds="not replicated", detail="No pair is collapsed.")
    shares = np.concatenate(
        [sets.principal_share(one.W[0])[kept] for one, kept in zip(runs, chosen, strict=True)]
    )
    equal = bool((np.abs(norms[:, 0] / norms[:, 1] - 1) <= 0.05).all())
    squares = (norms**2).sum(axis=1)
    return Verdict(
        measured=float(shares.min()),
        holds=graded(equal and bool((np.abs(squares - 1) <= 0.1).all()), equal),
        detail=f"{fmt(len(norms))} collapsed pairs at {fmt(len(runs))} densities: norms "
        f"{between(*_ends(norms.ravel().tolist()))}, sums of squares "
        f"{between(*_ends(squares.tolist()))}.",
    )


def _disagreement(one: Collapse) -> str:
    """How clearly a density disagrees with the paper, in a sentence."""
    n, there = int(one.counts[0]), sorted(one.published)
    shown = int(np.isin(one.counts, there).sum())
    more = f"the best of them loses {fmt(one.excess, '%')} more" if shown else "none to compare"
    return (
        f"At p = {fmt(one.runs.feature_probability, 'given')}, {n} instead of "
        f"{' or '.join(map(str, there))}, which {of(shown, len(one.counts))} starts have: {more}."
    )


def _ends(values: list[float]) -> tuple[float, float]:
    return min(values), max(values)
