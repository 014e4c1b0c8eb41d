"""Claims of "Superposition, Memorization, and Double Descent": where more data hurts.

The test loss is compared with 1, the loss of always answering 0.
"""

import numpy as np

from superposition.claims import measures_memorisation as measures
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_memorisation import Curve, by_value, curve
from superposition.claims.memorisation import PAPER, SIZES
from superposition.results import Results
from superposition.values import fmt, of

WITHIN = 5.0
"""Factor within which the borders of the regimes are looked for: a comment on the paper saw shifts
of four."""


@claim(
    "c07-three-regimes",
    paper=PAPER,
    source="How Do Representations Change, overview",
    published="n = 10,000, S = 0.999: the middle from about T = 700, generalising from T = 5,000; "
    "that is T(1 − S) = 0.7 and 5",
    expected="The smallest T whose mean test loss has risen by a tenth of the bump above 1, and "
    "the T from which on it stays below 1, have a T(1 − S) within a factor of 5 of 0.7 and 5, in "
    "this order. Partly: both exist in this order.",
    quantity="T(1 − S) from which on the test loss stays below 1",
    figure="memorisation.html#fig-double-descent",
    rows=(SIZES,),
)
def three_regimes(r: Results) -> Verdict:
    """Small data sets are memorised as data points, large ones are generalised as features, and in
    between is a messy middle."""
    models = r.data_sizes.best_starts
    p, losses = float(models.feature_probability.iloc[0]), curve(models, "test_loss")
    first = p * measures.middle(losses.n_points, losses.mean)
    last = p * measures.onset(losses.n_points, losses.mean)
    near = [each / WITHIN <= found <= each * WITHIN for each, found in ((0.7, first), (5.0, last))]
    ordered = bool(first < last)
    return Verdict(
        measured=last,
        interval=losses.interval(lambda mean: p * measures.onset(losses.n_points, mean)),
        holds=graded(ordered and all(near), ordered),
        detail=f"The middle begins at T = {fmt(first / p, digits=2)}, T(1 − S) = "
        f"{fmt(first, digits=2)}; the test loss stays below 1 from T = {fmt(last / p, digits=2)} "
        f"on, T(1 − S) = {fmt(last, digits=2)}.",
    )


@claim(
    "c08-double-descent",
    paper=PAPER,
    source="Double Descent, first figure",
    published="n = 10,000: a bump to about 1.01, mean over 4 data sets; n = 1,000, in a comment: "
    "up to 5,000",
    expected="The mean test loss over the data sets is higher at some T between than at the "
    "smallest and at the largest T; the interval of the difference, data sets drawn again, is "
    "above 0. Partly: the interval includes 0.",
    quantity="highest mean test loss above that of the higher end",
    figure="memorisation.html#fig-double-descent",
    rows=(SIZES,),
)
def double_descent(r: Results) -> Verdict:
    """As the data set grows, the test loss first rises and then falls: it has a clear bump where
    memorising turns into generalising."""
    return _bump(curve(r.data_sizes.best_starts, "test_loss"))


@claim(
    "c09-no-label-noise",
    paper=PAPER,
    source="Double Descent",
    published="there is no label noise: the target is the input",
    expected="As for the bump itself, which is trained without any noise: the target of each point "
    "is the point, and it is the same in every update. Partly: the interval includes 0.",
    quantity="highest mean test loss above that of the higher end",
    figure="memorisation.html#fig-double-descent",
    rows=(SIZES,),
)
def no_label_noise(r: Results) -> Verdict:
    """Double descent occurs without any noise in the labels."""
    return _bump(curve(r.data_sizes.best_starts, "test_loss"))


def _bump(losses: Curve) -> Verdict:
    height, interval = measures.bump(losses.mean), losses.interval(measures.bump)
    peak = int(losses.mean[1:-1].argmax()) + 1
    n_worse = int((losses.values[:, peak] > 1).sum())
    return Verdict(
        measured=height,
        interval=interval,
        holds=graded(height > 0 and interval[0] > 0, height > 0),
        detail=f"Mean test loss {fmt(float(losses.mean[0]))} at T = {losses.n_points[0]}, "
        f"{fmt(float(losses.mean[peak]))} at T = {losses.n_points[peak]}, "
        f"{fmt(float(losses.mean[-1]))} at T = {losses.n_points[-1]}; at the peak "
        f"{of(n_worse, len(losses.values))} data sets are worse than always answering 0.",
    )


@claim(
    "c14-scale-10x",
    paper=PAPER,
    source="Comment by A. Jermyn",
    published="T(1 − S) of about 10 at any sparsity; weight decay does not move it",
    expected="n = 300, m = 2: the T(1 − S) from which on the mean test loss stays below 1 differs "
    "by less than a factor of 2.5 among three sparsities, and by less than 2 among weight decays "
    "0.001, 0.01 and 0.03. Partly: one of the two.",
    quantity="mean T(1 − S) at the three sparsities",
    figure="memorisation.html#fig-onset",
    rows=("memorisation.sparsities", "memorisation.onset-and-decay"),
)
def ten_times_each(r: Results) -> Verdict:
    """Generalisation begins when each feature has been seen about ten times, whatever the sparsity,
    and weight decay does not move that point."""
    sparse = by_value(r.memorisation("sparsities").best_starts, "feature_probability")
    decays = by_value(r.memorisation("onset-and-decay").best_starts, "weight_decay")
    p = float(r.memorisation("onset-and-decay").models.feature_probability.iloc[0])
    seen = {each: each * measures.onset(c.n_points, c.mean) for each, c in sparse.items()}
    by_decay = {each: p * measures.onset(c.n_points, c.mean) for each, c in decays.items()}
    spread, shift = _ratio(seen), _ratio(by_decay)
    mean = np.mean([*seen.values()])
    together = Curve(
        np.arange(0), np.concatenate([each.values for each in sparse.values()], axis=1)
    )
    return Verdict(
        measured=float(mean),
        interval=together.interval(lambda means: _mean_onset(means, sparse)),
        holds=graded(spread < 2.5 and shift < 2, spread < 2.5 or shift < 2),
        detail=f"T(1 − S) = {_listed(seen)} at 1 − S = {_keys(seen)}; {_listed(by_decay)} at "
        f"weight decays {_keys(by_decay)}.",
    )


def _mean_onset(means: np.ndarray, curves: dict[float, Curve]) -> float:
    parts = np.split(means, len(curves))
    pairs = zip(parts, curves.items(), strict=True)
    return float(np.mean([p * measures.onset(c.n_points, part) for part, (p, c) in pairs]))


def _ratio(values: dict[float, float]) -> float:
    """Largest over smallest; infinite if one is not known."""
    known = np.array([*values.values()])
    return float(known.max() / known.min()) if np.isfinite(known).all() else np.inf


def _listed(values: dict[float, float]) -> str:
    return ", ".join(fmt(value, digits=2) for value in values.values())


def _keys(values: dict[float, float]) -> str:
    return ", ".join(fmt(key, "given") for key in values)
