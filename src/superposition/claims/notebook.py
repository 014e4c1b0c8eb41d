"""Claims about the official notebook of the paper on toy models: how it trains, what it shows.

As in `toy_models`, the random start with the lowest held-out loss is judged, and how many starts
agree is reported beside it.
"""

import numpy as np
from jaxtyping import Float

from superposition import intervals
from superposition.artefacts import Toy
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_basics import (
    IN_ORDER,
    never_goes_back,
    rank_correlation,
    rank_interval,
    starts,
)
from superposition.results import Results
from superposition.toy import geometry
from superposition.values import between, fmt, of

PAPER = "Toy Models of Superposition"


@claim(
    "a03-notebook-training",
    paper=PAPER,
    source="official notebook, optimiser",
    published="AdamW (weight decay 0.01), learning rate 1e-3, batches of 1024, 10,000 steps",
    expected="Without weight decay (Adam), the lowest-loss random start has the same arrangement "
    "as with it at p = 1, 0.2, 0.1 and 0.05, and it has a name. Partly: at all but one of them.",
    quantity="densities with the same arrangement",
    figure="toy-models.html#sec-adam",
    rows=("toy.five-in-two", "toy.five-in-two-adam"),
)
def optimiser(r: Results) -> Verdict:
    """The notebook's models are trained with AdamW, 10,000 steps of 1024 samples at a constant
    rate. (Tested: its weight decay does not decide the geometry.)"""
    plain, decayed = r.toy("five-in-two-adam"), r.toy("five-in-two")
    pairs = [(_labels(plain, p), _labels(decayed, p)) for p in plain.densities]
    same = [a[0] == b[0] != geometry.OTHER for a, b in pairs]
    shares = [
        f"p = {fmt(p, 'given')}: {a[0]}, {of(a.count(a[0]), len(a))}, against {b[0]}, "
        f"{of(b.count(b[0]), len(b))}"
        for p, (a, b) in zip(plain.densities, pairs, strict=True)
    ]
    return Verdict(
        measured=sum(same),
        interval=_same_interval(plain, decayed),
        holds=graded(all(same), sum(same) >= len(same) - 1),
        detail=f"Arrangement of the best start without and with weight decay, and how many starts "
        f"share it: {'; '.join(shares)}.",
    )


@claim(
    "a04-notebook-intro",
    paper=PAPER,
    source="official notebook, introduction figure",
    published="5 features in 2 dimensions, importance 0.9^i, ten densities from 1 to 0.05",
    expected="Lowest-loss random starts, dense to sparse: an orthogonal pair at p = 1, a pentagon "
    "at p = 0.05, and in between no named arrangement comes after one that follows it in the order "
    f"{', '.join(IN_ORDER)}; nameless ones may come between. Partly: both ends.",
    quantity="arrangements from dense to sparse",
    figure="toy-models.html#fig-arrangements",
    rows=("toy.five-in-two",),
)
def stages_of_the_plane(r: Results) -> Verdict:
    """As sparsity increases, the model goes from two orthogonal features over antipodal pairs to a
    pentagon."""
    toy = r.toy("five-in-two")
    ends = [_labels(toy, p) for p in (1.0, 0.05)]
    best = starts(toy, "geometry").of_best().tolist()
    reached = [found[0] == name for found, name in zip(ends, IN_ORDER[::3], strict=True)]
    shares = [
        f"{of(found.count(name), len(found))} starts "
        f"({between(*intervals.wilson(found.count(name), len(found)), '%')})"
        for found, name in zip(ends, IN_ORDER[::3], strict=True)
    ]
    return Verdict(
        measured=", ".join(best),
        holds=graded(all(reached) and never_goes_back(best), all(reached)),
        detail=f"At p = 1, {shares[0]} are an orthogonal pair; at p = 0.05, {shares[1]} are "
        "pentagons.",
    )


@claim(
    "a05-notebook-many",
    paper=PAPER,
    source="official notebook, varying sparsity",
    published="100 features in 20 dimensions, importance 100^(−i/99), twenty densities from 1 to "
    "0.05",
    expected="Lowest-loss random starts: 19 to 21 features represented (norm above 0.5) at p = 1, "
    "and Spearman's correlation of their number with 1/p above 0.95. Partly: above 0.8, and more "
    "than at p = 1 at the sparsest.",
    quantity="rank correlation of features represented with 1/p",
    figure="toy-models.html#fig-hundred",
    rows=("toy.hundred-in-twenty",),
)
def many_features(r: Results) -> Verdict:
    """The sparser the features, the more of them are represented."""
    toy = r.toy("hundred-in-twenty")
    toy.at(1.0)
    counts = starts(toy, "n_represented").of_best()
    rank = float(rank_correlation(toy.densities, counts))
    exact = 19 <= counts[0] <= 21 and rank > 0.95
    return Verdict(
        measured=rank,
        interval=rank_interval(toy) if toy.n_seeds > 1 else None,
        holds=graded(bool(exact), rank > 0.8 and bool(counts[-1] > counts[0])),
        detail=f"{fmt(int(counts[0]))} features at p = 1, {fmt(int(counts[-1]))} at p = "
        f"{fmt(toy.densities[-1], 'given')}; best of {toy.n_seeds} random starts at each of "
        f"{len(counts)} densities.",
    )


@claim(
    "t01-importance-comment",
    paper=PAPER,
    source="official notebook, comment beside the introduction's figure",
    published="importance runs from 1 to 1/100",
    expected="The last importance, 0.9^i for five features, is within 1% of 1/100. Partly: that "
    "of the notebook's other experiment, 100^(−i/99) for a hundred features, is.",
    quantity="importance of the last of five features",
    figure="toy-models.html#sec-five",
    quoted=True,
)
def notebook_comment(r: Results) -> Verdict:
    """Exponential feature importance curve from 1 to 1/100"""
    return check_importances(0.9 ** np.arange(5.0), 100.0 ** -np.linspace(0, 1, 100))


def check_importances(
    five: Float[np.ndarray, " five"], hundred: Float[np.ndarray, " hundred"]
) -> Verdict:
    """Whether importances end at 1/100."""
    few, many = (abs(float(curve[-1]) / 0.01 - 1) < 0.01 for curve in (five, hundred))
    return Verdict(
        measured=float(five[-1]),
        holds=graded(few, many),
        detail=f"The formula beside the comment ends at {fmt(float(five[-1]))} for five features; "
        f"the one for a hundred features at {fmt(float(hundred[-1]))}. Experiments here follow the "
        "formulas.",
    )


def _labels(toy: Toy, p: float) -> list[str]:
    """The arrangements at one density, that of the random start with the lowest loss first."""
    return toy.instances.set_index("instance")["geometry"].loc[toy.at(p).instance].tolist()


def _same_interval(plain: Toy, decayed: Toy) -> intervals.Interval:
    """Interval of the number of densities at which the best starts of both agree."""
    mine = starts(plain, "geometry").resampled()
    theirs = starts(decayed, "geometry").resampled()
    rows = [decayed.densities.index(decayed.at(p).feature_probability) for p in plain.densities]
    same = (mine == theirs[rows]) & (mine != geometry.OTHER)
    return intervals.percentiles(same.sum(axis=0).astype(float))
