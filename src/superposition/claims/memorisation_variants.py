"""Claims about memorisation in another world, from other starts, and with other training.

Source: comments on "Superposition, Memorization, and Double Descent", its footnotes, and the
tutorial's section on it.
"""

import numpy as np

from superposition import intervals
from superposition.claims import measures_memorisation as measures
from superposition.claims.arena import PAPER as ARENA
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_memorisation import SEED, curve
from superposition.claims.memorisation import PAPER, SIZES
from superposition.results import Results
from superposition.values import between, fmt, of

STARTS = "memorisation.starts"


@claim(
    "c13-smaller-world",
    paper=PAPER,
    source="Comment by M. Hobbhahn",
    published="n = 1,000, S = 0.99: the same as with n = 10,000",
    expected="In that world, (1) at T up to 10 the mean dimensionality of data points is within 5% "
    "of m/T and no feature is above 0.2, (2) at the largest T the five longest directions are "
    "more than twice as long as the sixth and 72 ± 8 degrees apart, (3) test loss is higher at "
    "some T between than at both ends, with an interval above 0. Partly: two of the three.",
    quantity="how many of the three hold",
    figure="memorisation.html#fig-double-descent",
    rows=(SIZES,),
)
def smaller_world(r: Results) -> Verdict:
    """With ten times fewer features and ten times less sparsity the same happens: polygons of data
    points, a pentagon of features, and double descent between them."""
    row = r.memorisation("data-sizes")
    small = row.best_starts.query("n_points <= 10")
    shares = small.point_dimensionality * small.n_points / 2
    polygon = abs(shares.mean() - 1) < 0.05 and small.feature_dimensionality.mean() < 0.2
    best = measures.pentagon(row, measures.at_largest(row).model.tolist()[0])
    descent = curve(row.best_starts, "test_loss").interval(measures.bump)[0] > 0
    found = [bool(polygon), best.stands_out(2.0), descent]
    names = ("data points in polygons", "features in a pentagon", "double descent")
    words = ", ".join(f"{n}: {'yes' if one else 'no'}" for n, one in zip(names, found, strict=True))
    return Verdict(
        measured=sum(found),
        holds=graded(all(found), sum(found) == 2),
        detail=f"{words[0].upper()}{words[1:]}.",
    )


@claim(
    "c17-two-circles",
    paper=PAPER,
    source="How Do Representations Change, footnote",
    published="sometimes; put down to optimisation that failed",
    expected="At least two of the random starts on one data set end on two circles (a gap of more "
    "than 20% of the mean radius between sorted radii, two points or more on both sides), and "
    "their training loss is higher than that of the others at the same T, with an interval above "
    "0. Partly: at least one start does.",
    quantity="share of starts that end on two circles",
    figure="memorisation.html#fig-starts",
    rows=(STARTS,),
)
def two_circles(r: Results) -> Verdict:
    """Sometimes the points end up on two circles of different radii, because the optimisation
    failed."""
    row = r.memorisation("starts")
    models = row.kept[row.kept.n_steps == row.kept.n_steps.max()]
    radii = dict([*row.points.groupby("model")["norm"]])
    two = np.array([measures.on_two_circles(radii[model].to_numpy()) for model in models.model])
    usual = models.groupby("n_points")["train_loss"].transform("median")
    excess = (models.train_loss - usual).to_numpy(dtype=float)
    higher = (np.nan, np.nan)
    if 0 < two.sum() < len(two):
        higher = intervals.difference(excess[two], excess[~two], seed=SEED)
    return Verdict(
        measured=float(two.mean()),
        interval=intervals.wilson(int(two.sum()), len(two)),
        holds=graded(bool(two.sum() >= 2 and higher[0] > 0), bool(two.any())),
        detail=f"{of(int(two.sum()), len(two))} starts; their training loss exceeds that of the "
        f"others by {between(*higher)}.",
    )


@claim(
    "c18-full-batch-needed",
    paper=PAPER,
    source="Problem Setup",
    published="full batch, many updates and a falling rate are said to matter; no numbers",
    expected="From the same starts, a constant rate, batches of two points, and a tenth of the "
    "updates each raise the largest deviation of an angle from 360/T, mean over starts and T, "
    "with an interval above 0. Partly: at least one of them.",
    quantity="smallest of the three mean increases, relative to 360/T",
    figure="memorisation.html#fig-starts",
    rows=(STARTS, "memorisation.constant-rate", "memorisation.batches-of-two"),
)
def full_batch_needed(r: Results) -> Verdict:
    """Regular polygons need all points in every update, many updates, and a learning rate that is
    annealed."""
    row = r.memorisation("starts")
    errors = measures.polygons(row, row.kept)
    long = errors.n_steps == errors.n_steps.max()
    usual, shorter = errors[long], errors[~long]
    others = {"a tenth of the updates": shorter}
    for name, other in (("a constant rate", "constant-rate"), ("batches of two", "batches-of-two")):
        ablated = r.memorisation(other)
        others[name] = measures.polygons(ablated, ablated.kept)
    keys = ["n_points", "data_set", "start"]
    raised = {}
    for name, ablated in others.items():
        both = usual.merge(ablated, on=keys, suffixes=("", "_ablated"))
        raised[name] = (both.gap_error_ablated - both.gap_error).to_numpy(dtype=float)
    ends = {name: intervals.mean(rise, seed=SEED) for name, rise in raised.items()}
    least = min(raised, key=lambda name: float(raised[name].mean()))
    words = "; ".join(f"{name} by {fmt(float(rise.mean()))}" for name, rise in raised.items())
    above = [low > 0 for low, _ in ends.values()]
    return Verdict(
        measured=float(raised[least].mean()),
        interval=ends[least],
        holds=graded(all(above), any(above)),
        detail=f"The deviation changes with {words}.",
    )


@claim(
    "c19-arena-constants",
    paper=ARENA,
    source="1.1, bonus section on double descent",
    published="N = 1,000, S = 0.99, d = 2, 3 to 3,000 points, 50,000 updates: from data points in "
    "polygons to a pentagon of features",
    expected="Mean over data sets: at the smallest T the dimensionality of data points is within "
    "5% of m/T and the largest one of a feature below 0.2, half of a pentagon's; at the largest T "
    "it is above 0.2. Partly: one of the two.",
    quantity="largest dimensionality of a feature at the largest T",
    figure="memorisation.html#fig-dimensionalities",
    rows=(SIZES,),
)
def arena_constants(r: Results) -> Verdict:
    """With the tutorial's constants, small data sets give polygons of data points, and large ones
    give features of their own dimensionality."""
    models = r.memorisation("data-sizes").best_starts
    features, points = (curve(models, f"{kind}_dimensionality") for kind in ("feature", "point"))
    small, large = float(features.mean[0]), float(features.mean[-1])
    corner, updates = float(points.mean[0] * points.n_points[0] / 2), int(models.n_steps.max())
    few = abs(corner - 1) < 0.05 and small < 0.2
    many = large > 0.2
    return Verdict(
        measured=large,
        interval=features.interval(lambda mean: float(mean[-1])),
        holds=graded(few and many, few or many),
        detail=f"At T = {points.n_points[0]} data points have {fmt(corner, '%')} of m/T and no "
        f"feature more than {fmt(small, digits=2)}, after {fmt(updates)} updates.",
    )
