"""Claims about how features find their geometry during training (Elhage et al., 2022)."""

import numpy as np

from superposition import intervals
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.claims.measures_learning import energy_levels, learning_stages
from superposition.results import Results
from superposition.toy import dynamics
from superposition.values import between, fmt, of

PAPER = "Toy Models of Superposition"
N_PERMUTATIONS = 2000
UNLEARNED = 0.05
"""Dimensionality below which a feature is at the lowest level. Features that are not learned share
the dimensions that are left: of one dimension eighty of them have 0.0125 each, and some more."""


@claim(
    "a48-energy-levels",
    paper=PAPER,
    source="Superposition and Learning Dynamics, Phenomenon 1",
    published="dimensionalities jump between discrete values during training, with drops of the "
    "loss; a model in which all features end in digons",
    expected="100 equal features in 10 dimensions at p = 0.4: at least 90% of features end with a "
    "dimensionality within 0.02 of 1/2 or below 0.05 (unlearned ones share what is left); some "
    "change by more than 0.2 within 1% of the training, and the loss falls faster in these "
    "windows than in others (ranks, permutation p below 0.01). Partly: either the levels "
    "or the jumps with drops.",
    quantity="share of the loss's fall, after the first 1% of training, within windows with jumps",
    figure="learning.html#fig-levels",
    rows=("toy.energy-levels",),
)
def jumps_between_levels(r: Results) -> Verdict:
    """During training, features' dimensionalities jump between discrete values, like electrons
    between energy levels, and the loss drops when they do."""
    models = energy_levels(r.toy("energy-levels"))
    final = np.concatenate([one.D[-1] for one in models])
    settled = ((np.abs(final - 0.5) <= 0.02) | (final < UNLEARNED)).mean()
    falls = np.concatenate([one.falls for one in models])
    jumping = np.concatenate([one.n_jumps > 0 for one in models])
    group = np.repeat(np.arange(len(models)), [len(one.falls) for one in models])
    p = dynamics.permutation_p_value(
        falls, jumping, group, n_permutations=N_PERMUTATIONS, seed=SEED
    )
    shares = np.array([one.share_in_jumps for one in models])
    at_levels, drops = bool(settled >= 0.9), bool(jumping.any()) and p < 0.01
    return Verdict(
        measured=float(shares.mean()),
        interval=intervals.mean(shares, seed=SEED),
        holds=graded(at_levels and drops, at_levels or drops),
        detail=f"{fmt(float(settled), '%')} of features end at a level; "
        f"{fmt(sum(int(one.n_jumps.sum()) for one in models))} jumps in "
        f"{of(int(jumping.sum()), len(jumping))} windows of {fmt(len(models))} models, "
        f"p = {fmt(p)}.",
    )


@claim(
    "a49-geometric-stages",
    paper=PAPER,
    source="Superposition and Learning Dynamics, Phenomenon 2",
    published="two sets of three correlated features in three dimensions: learning goes through "
    "distinct geometric stages and ends in an octahedron with antipodes from different sets; a few "
    "different trajectories exist",
    expected="At p = 0.1 and at 0.03: at least half of the random starts end in an octahedron "
    "(every feature with exactly one antipode, cosine below -0.95, in the other set; all D within "
    "0.03 of 1/2). Of these, at least half gather the sets (mean cosine within sets above 0.25), "
    "then open them (below 0.1 for good), then align antipodes, and at least half have two or "
    "more plateaus of the loss. Partly: the end state only.",
    quantity="smaller share of random starts that end in the octahedron, of the two densities",
    figure="learning.html#fig-stages",
    rows=("toy.learning-stages",),
)
def geometric_stages(r: Results) -> Verdict:
    """Two sets of three correlated features pass distinct geometric stages while they are learned,
    and end as an octahedron in which opposite features belong to different sets."""
    found = [learning_stages(r.toy("learning-stages"), p) for p in (0.1, 0.03)]
    counts = [(int(one.octahedron.sum()), len(one.octahedron)) for one in found]
    part, whole = min(counts, key=lambda count: count[0] / count[1])
    ended = np.concatenate([one.octahedron for one in found])
    in_order = np.concatenate([one.in_order for one in found])[ended]
    stepped = np.concatenate([one.n_plateaus for one in found])[ended] >= 2
    end = part >= 0.5 * whole
    passed = bool(ended.any() and in_order.mean() >= 0.5 and stepped.mean() >= 0.5)
    low, high = intervals.wilson(part, whole)
    return Verdict(
        measured=part / whole,
        interval=(low, high),
        holds=graded(end and passed, end),
        detail=f"Octahedra: {', '.join(of(*count) for count in counts)} random starts at p = 0.1 "
        f"and 0.03 (lowest {between(low, high, '%')}). Of these, {fmt(int(in_order.sum()))} pass "
        f"the stages in order and {fmt(int(stepped.sum()))} have two plateaus or more.",
    )
