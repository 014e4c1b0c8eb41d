"""Claims of "Superposition, Memorization, and Double Descent": the model's size and its training.

How many hidden dimensions, how strong a weight decay, and how many updates bear on the bump.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from superposition import intervals
from superposition.claims import measures_memorisation as measures
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_memorisation import SEED, Curve, by_value
from superposition.claims.memorisation import PAPER
from superposition.results import Results
from superposition.values import between, fmt


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
    spread = {m: _spread(each) for m, each in by_value(models, "d_hidden").items()}
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
    curves = by_value(models, "weight_decay")
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
    curves = by_value(r.memorisation("training-length").best_starts, "n_steps")
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
