"""Claims of "Superposition, Memorization, and Double Descent": where more data hurts.

The test loss is compared with 1, the loss of always answering 0.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from superposition import intervals
from superposition.claims import measures_memorisation as measures
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_memorisation import SEED, Curve, curve
from superposition.claims.memorisation import PAPER, SIZES, largest
from superposition.results import Results
from superposition.values import between, fmt, of

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
    models = largest(r).best_starts
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
    return _bump(curve(largest(r).best_starts, "test_loss"))


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
    return _bump(curve(largest(r).best_starts, "test_loss"))


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
    "c10-hidden-by-data-map",
    paper=PAPER,
    source="Effect of the Model's Size",
    published="a map over T and m, 4 models each: more data or a larger m hurts in places; results "
    "with m > 3 are more consistent",
    expected="n = 300, S = 0.967: some step to the next T, and some step to the next m, raises the "
    "test loss in each data set, with intervals of the mean rise above 0; and log test losses "
    "differ less between data sets at m above 3 than at m = 2, mean over T. Partly: the two "
    "rises. The steps are the largest of all in the map, so that their intervals are lenient.",
    quantity="largest mean rise from one T to the next, m fixed",
    figure="memorisation.html#fig-map",
    rows=("memorisation.sizes-and-dimensions",),
)
def hurtful_map(r: Results) -> Verdict:
    """There are regions in which more data hurts, and regions in which a larger model hurts; larger
    models vary less from one data set to another."""
    models = r.memorisation("sizes-and-dimensions").best_starts
    by_data = _largest_rise(models, along="n_points", fixed="d_hidden")
    by_width = _largest_rise(models, along="d_hidden", fixed="n_points")
    spread = {m: _spread(each) for m, each in _by(models, "d_hidden").items()}
    narrow, wide = spread[2], float(np.mean([spread[m] for m in spread if m > 3]))
    hurts = by_data.certain and by_width.certain
    return Verdict(
        measured=by_data.size,
        interval=by_data.interval,
        holds=graded(hurts and wide < narrow, hurts),
        detail=f"More data hurts most at m = {by_data.at}, from T = {by_data.first} to "
        f"{by_data.second}; a larger model at T = {by_width.at}, from m = {by_width.first} to "
        f"{by_width.second} (by {fmt(by_width.size)}, {between(*by_width.interval)}). Log test "
        f"losses differ by {fmt(narrow, digits=2)} between data sets at m = 2, by "
        f"{fmt(wide, digits=2)} above 3.",
    )


def _spread(losses: Curve) -> float:
    """How much log test losses differ between data sets: standard deviation, mean over T."""
    return float(np.log(losses.values).std(axis=0, ddof=1).mean())


class Rise(NamedTuple):
    """The largest rise of the mean test loss in one step to the right, or upwards, in the map."""

    size: float
    """How much it rises."""
    interval: intervals.Interval
    """Of the mean rise over data sets."""
    certain: bool
    """Whether every data set has it and the interval is above 0."""
    at: int
    """Value of the axis that stays the same."""
    first: int
    """Value of the other axis before the step."""
    second: int
    """Value of the other axis after it."""


def _largest_rise(models: pd.DataFrame, *, along: str, fixed: str) -> Rise:
    rises = []
    for at in sorted(set(models[fixed].tolist())):
        alike = models.loc[models[fixed] == at]
        table = alike.pivot_table(index="data_set", columns=along, values="test_loss")
        values, steps = table.to_numpy(dtype=float), table.columns.tolist()
        where, interval, everywhere = measures.largest_step(values)
        size = float((values[:, where + 1] - values[:, where]).mean())
        certain = everywhere and interval[0] > 0
        rises.append(Rise(size, interval, certain, at, steps[where], steps[where + 1]))
    return max(rises)


@claim(
    "c11-wd-kills",
    paper=PAPER,
    source="Effect of Weight Decay",
    published="m = 4: weight decay from 1e-2 to 1.0 removes the bump",
    expected="n = 300, S = 0.967, m = 4: the bump above the higher end is above 0 at weight decay "
    "0.01, and at 1.0 less than a tenth as high. Partly: less than half as high.",
    quantity="height of the bump at 1.0 relative to that at 0.01",
    figure="memorisation.html#fig-weight-decay",
    rows=("memorisation.weight-decay",),
)
def weight_decay_kills(r: Results) -> Verdict:
    """Strong weight decay removes the bump."""
    models = r.memorisation("weight-decay").best_starts
    curves = _by(models, "weight_decay")
    heights = {decay: measures.bump(each.mean) for decay, each in curves.items()}
    weak, strong = heights[0.01], heights[1.0]
    ratio = strong / weak if weak > 0 else np.nan
    drawn = np.random.default_rng(SEED).integers(
        len(curves[0.01].values), size=(intervals.N_RESAMPLES, len(curves[0.01].values))
    )
    ratios = np.array(
        [
            measures.bump(curves[1.0].values[each].mean(axis=0))
            / measures.bump(curves[0.01].values[each].mean(axis=0))
            for each in drawn
        ]
    )
    words = ", ".join(f"{fmt(height)} at {decay:g}" for decay, height in heights.items())
    return Verdict(
        measured=float(ratio),
        interval=intervals.percentiles(ratios),
        holds=graded(bool(ratio < 0.1), bool(ratio < 0.5)),
        detail=f"Heights of the bump by weight decay: {words}.",
    )


@claim(
    "c12-epochs",
    paper=PAPER,
    source="Effect of the Number of Epochs",
    published="m = 4: more updates make the bump higher",
    expected="n = 300, S = 0.967, m = 4: the bump above the higher end grows from 600 to 3,000 to "
    "6,000 updates at 1e-2 (in place of 10,000, 50,000, 100,000 at 1e-3), and the interval of "
    "the growth from the first to the last is above 0. Partly: the interval only.",
    quantity="growth of the bump from the fewest to the most updates",
    figure="memorisation.html#fig-training-length",
    rows=("memorisation.training-length",),
)
def more_updates(r: Results) -> Verdict:
    """Training longer makes the bump higher."""
    curves = _by(r.memorisation("training-length").best_starts, "n_steps")
    heights = {steps: measures.bump(each.mean) for steps, each in curves.items()}
    values = [*heights.values()]
    first, *_, last = curves.values()
    both = Curve(first.n_points, np.concatenate([first.values, last.values], axis=1))
    n = len(first.n_points)
    interval = both.interval(lambda mean: measures.bump(mean[n:]) - measures.bump(mean[:n]))
    words = ", ".join(f"{fmt(height)} after {fmt(int(steps))}" for steps, height in heights.items())
    return Verdict(
        measured=values[-1] - values[0],
        interval=interval,
        holds=graded(interval[0] > 0 and values == sorted(values), interval[0] > 0),
        detail=f"Heights of the bump: {words} updates.",
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
    sparse = _by(r.memorisation("sparsities").best_starts, "feature_probability")
    decays = _by(r.memorisation("onset-and-decay").best_starts, "weight_decay")
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


def _by(models: pd.DataFrame, column: str) -> dict[float, Curve]:
    """Test losses for every value of `column`, smallest first."""
    return {
        float(value): curve(models.loc[models[column] == value], "test_loss")
        for value in sorted(set(models[column].tolist()))
    }


def _ratio(values: dict[float, float]) -> float:
    """Largest over smallest; infinite if one is not known."""
    known = np.array([*values.values()])
    return float(known.max() / known.min()) if np.isfinite(known).all() else np.inf


def _listed(values: dict[float, float]) -> str:
    return ", ".join(fmt(value, digits=2) for value in values.values())


def _keys(values: dict[float, float]) -> str:
    return ", ".join(fmt(key, "given") for key in values)
