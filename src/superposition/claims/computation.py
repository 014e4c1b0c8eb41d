"""Claims of "Toy Models of Superposition" about absolute values computed in a hidden layer, the
asymmetric motif, and how to be rid of superposition.
"""

import numpy as np

from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_computation import (
    has_both_sides,
    impurity,
    interval_of_best,
    motif_counts,
    n_computed,
    n_polysemantic,
    rank_correlation,
    without_superposition,
)
from superposition.results import Results
from superposition.toy import motif
from superposition.values import between, fmt, of

PAPER = "Toy Models of Superposition"
SECTION = "Computation in Superposition"
HUNDRED_IN_FORTY = ("toy.absolute-hundred-in-forty",)
MIXED = (0.03, 0.01)
"""Densities at which both kinds of neurons are expected."""
CIRCUIT_DENSITIES = (0.1, 0.03, 0.01)
"""Where circuits made by hand are compared."""


@claim(
    "a58-abs-simple",
    paper=PAPER,
    source=f"{SECTION}, Basic Results",
    published="3 features, 6 neurons: for each feature ReLU(x) and ReLU(−x); shown as a figure",
    expected="At every density, lowest-loss random start: each neuron takes in one feature, other "
    "weights below 0.05 of its largest; every feature has one positive and one negative neuron; "
    "the loss is below 0.00001. Partly: at one density.",
    quantity="largest second weight of a neuron relative to its largest, over densities",
    figure="computation.html#fig-absolute-simple",
    rows=("toy.absolute-three-in-six",),
)
def absolute_simple(r: Results) -> Verdict:
    """With two neurons for each feature, the model computes absolute values as one might expect:
    a neuron ReLU(x) for the positive side, a neuron ReLU(−x) for the negative side, and their
    sum."""
    toy = r.toy("absolute-three-in-six")
    runs = [toy.at(p) for p in toy.densities]
    impure = np.array([impurity(one)[0] for one in runs])
    sides = np.array([has_both_sides(one)[0] for one in runs])
    loss = np.array([one.loss[0] for one in runs])
    fits = sides & (impure < 0.05) & (loss < 1e-5)
    alike = sum(int((has_both_sides(one) & (impurity(one) < 0.05)).sum()) for one in runs)
    return Verdict(
        measured=float(impure.max()),
        interval=interval_of_best(runs, impurity, lambda best: best.max(axis=1)),
        holds=graded(bool(fits.all()), bool(fits.any())),
        detail=f"All three hold at {of(int(fits.sum()), len(fits))} densities, with losses of at "
        f"most {fmt(float(loss.max()))}; {of(alike, sum(len(one.loss) for one in runs))} starts "
        f"have these neurons.",
    )


@claim(
    "a59-abs-superposition",
    paper=PAPER,
    source=f"{SECTION}, Superposition vs Sparsity",
    published="100 features, 40 neurons, importance 0.8^i, densities 1 to 0.001: monosemantic when "
    "dense, all polysemantic at the end; shown as a figure",
    expected="Polysemantic neurons (second weight above 0.2 of the largest) of the lowest-loss "
    "random starts: (1) never fewer at a sparser density, 0 at the densest and 40 at the "
    "sparsest; (2) at density 0.03 or 0.01 some but not all, with a rank correlation above 0.5 "
    "between being polysemantic and the rank of the main feature; (3) at some density the absolute "
    "values of more than 20 features are computed (R² above 0.75; one side of each alone gives "
    "0.5). Partly: more are polysemantic at the sparsest density than at the densest, and one of "
    "the three holds.",
    quantity="polysemantic neurons, from dense to sparse",
    figure="computation.html#fig-absolute",
    rows=HUNDRED_IN_FORTY,
)
def absolute_superposition(r: Results) -> Verdict:
    """Absolute values can be computed in superposition: neurons are monosemantic when features are
    dense and become polysemantic as they become sparse, those of the most important features last;
    at the end all are polysemantic."""
    toy = r.toy("absolute-hundred-in-forty")
    runs = [toy.at(p) for p in toy.densities]
    m = runs[0].W.shape[-1]
    counts = [n_polysemantic(one) for one in runs]
    computed = [n_computed(one) for one in runs]
    middle = [one for p in MIXED if toy.has(p) and 0 < n_polysemantic(one := toy.at(p)) < m]
    correlation = max((rank_correlation(one) for one in middle), default=0.0)
    grows = counts == sorted(counts) and (counts[0], counts[-1]) == (0, m)
    shown = (grows, correlation > 0.5, max(computed) > m / 2)
    return Verdict(
        measured=", ".join(map(str, counts)),
        holds=graded(all(shown), any(shown) and counts[-1] > counts[0]),
        detail=f"Features whose absolute value is computed, from dense to sparse: "
        f"{', '.join(map(str, computed))}. The rank correlation with importance is "
        f"{fmt(correlation)} where neurons of both kinds coexist. The best of {toy.n_seeds} "
        f"starts is judged.",
    )


@claim(
    "a60-asymmetric-motif",
    paper=PAPER,
    source=f"{SECTION}, The Asymmetric Superposition Motif",
    published="weights in [2, −1/2], out [1/2, 2], and another neuron that inhibits; the size of "
    "the model in which it was found is not given",
    expected="(1) Made by hand, the circuit has the lowest expected loss of four, with equal or "
    "unequal weights and with or without inhibition, at the densities 0.1, 0.03 and 0.01. (2) The "
    "best models of 100 features in 40 neurons contain it, more often than after 95% of shuffles "
    "of their outgoing weights: weights in with a ratio above 2, weights out reciprocal within a "
    "factor of 2, and a neuron that takes away at least half of the disturbance. Partly: one of "
    "the two.",
    quantity="occurrences in the best models of all densities",
    figure="computation.html#fig-motif-found",
    rows=HUNDRED_IN_FORTY,
)
def asymmetric_motif(r: Results) -> Verdict:
    """Some neurons store two features with unequal weights and give them out with reciprocal ones,
    so that only one disturbs the other; another neuron inhibits the feature that would be
    disturbed."""
    losses = motif.losses(CIRCUIT_DENSITIES)
    lowest = losses.loc[losses.groupby("feature_probability")["loss"].idxmin(), "circuit"]
    by_hand = bool((lowest == motif.CIRCUITS[-1].name).all())
    found, shuffled = motif_counts(r.toy("absolute-hundred-in-forty"))
    limit = float(np.percentile(shuffled, 95))
    trained = found > limit
    sparsest = losses["loss"].to_numpy()[-len(motif.CIRCUITS) :]
    return Verdict(
        measured=found,
        holds=graded(by_hand and trained, by_hand or trained),
        detail=f"After shuffling there are {fmt(float(shuffled.mean()))} on average, and "
        f"{fmt(limit)} or fewer in 95% of {len(shuffled)} shuffles. By hand, the circuit's loss is "
        f"{fmt(float(sparsest[-1] / sparsest[0]), '%')} of that with equal weights at "
        f"p = {fmt(CIRCUIT_DENSITIES[-1], 'given')}.",
    )


@claim(
    "a61-l1-removes",
    paper=PAPER,
    source="The Strategic Picture of Superposition, Approach 1: Creating Models Without "
    "Superposition",
    published="adding λ‖h‖₁ to the loss removes superposition at the price of a higher loss; no "
    "numbers",
    expected="20 features in 5 dimensions, at every density: without L1 the best start has more "
    "than 5 represented features; at some coefficient no start has a represented feature with "
    "superposition score above 0.05 or more than 5 represented, each at least one, and the mean "
    "reconstruction loss is higher than without. Partly: at the largest coefficient fewer features "
    "are represented, and fewer share directions, than without.",
    quantity="smallest coefficient without superposition, at the density that needs the largest",
    figure="computation.html#fig-l1",
    rows=("toy.l1-twenty-in-five",),
)
def l1_removes(r: Results) -> Verdict:
    """Superposition is easy to be rid of in toy models: an L1 penalty on the hidden activations
    removes it, at the price of a higher loss, as features below some importance are given up."""
    toy = r.toy("l1-twenty-in-five")
    found = [without_superposition(toy, p) for p in toy.densities]
    needed = [one.coefficient for one in found]
    ratios = [one.loss_ratio for one in found]
    exact = all(one.began and one.coefficient < np.inf and one.loss_ratio > 1 for one in found)
    left = ", ".join(fmt(one.n_represented) for one in found)
    return Verdict(
        measured=float(max(needed)) if max(needed) < np.inf else "no coefficient is enough",
        holds=graded(exact, all(one.less_at_the_end for one in found)),
        detail=f"Without L1 the best starts represent "
        f"{', '.join(fmt(one.n_before) for one in found)} features at the densities "
        f"{', '.join(fmt(p, 'given') for p in toy.densities)}. At the coefficient (or the largest, "
        f"if none is enough) they represent {left}, and the mean loss is "
        f"{between(min(ratios), max(ratios))} times as high.",
    )
