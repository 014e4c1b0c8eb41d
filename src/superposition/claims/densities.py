"""Claims of "Towards Monosemanticity" on how often latents are active, and on their encoders."""

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

from superposition import intervals
from superposition.artefacts import NotTrained
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.claims.measures_frontier import (
    Mixture,
    by_level,
    mixture,
    separation,
)
from superposition.claims.monosemanticity import L1, PAPER
from superposition.results import Results
from superposition.values import between, fmt, of

WIDTHS = ("sweep.widths",)
FEWEST = 20
"""Latents on each side that a rule which tells them apart can be judged on."""
VERY_STRONG = 10.0
"""Gain in the Bayesian information criterion. Source: Kass and Raftery 1995, Bayes factors."""
APART = 2.0
"""Ashman's D above which two components are clearly apart."""


@claim(
    "b18-density-bimodal",
    paper=PAPER,
    source="Feature density",
    published="two modes of log density, about 1e-7 and 1e-5, in A/16",
    expected="Two normal components fit the logarithms of the densities better than one (Bayesian "
    "information criterion, by more than 10), at least one decade and Ashman's D of 2 apart. "
    "Partly: two fit better.",
    quantity="decades between the two components' means",
    figure="architectures.html#fig-densities",
    rows=L1,
)
def bimodal(r: Results) -> Verdict:
    """The histogram of log densities has two modes."""
    found = _mixture(r, "l1")
    distance, two = float(np.diff(found.means)[0]), found.bic_gain > VERY_STRONG
    return Verdict(
        measured=distance,
        holds=graded(two and distance >= 1 and found.separation > APART, two),
        detail=f"Components at {_components(found)}; the criterion gains {fmt(found.bic_gain)}, "
        f"D is {fmt(found.separation)}.",
    )


@claim(
    "b19-3d-separation",
    paper=PAPER,
    source="Feature density",
    published="no number: clusters separate by density, bias, and encoder times decoder",
    expected="A logistic regression on encoder bias and encoder-decoder cosine tells the latents "
    "of low density from the others, on latents it was not fitted to: area under the curve above "
    "0.95. Partly: above 0.8. Low are densities below the middle between the two components of "
    "b18-density-bimodal. The cosine stands for the product, which depends on lengths.",
    quantity="area under the ROC curve",
    figure="architectures.html#fig-separation",
    rows=L1,
)
def separated(r: Results) -> Verdict:
    """Latents of ultra-low density also differ in bias and in how encoder and decoder agree."""
    alive = _alive(r, "l1")
    middle = float(_mixture(r, "l1").means.mean())
    low = np.log10(alive["density"].to_numpy(float)) < middle
    if min(low.sum(), (~low).sum()) < FEWEST:
        raise NotTrained(f"no group of latents of low density: {of(int(low.sum()), len(low))}")
    columns = alive[["encoder_bias", "encoder_decoder_cosine"]].to_numpy(float)
    value = separation(columns, low)
    parts = [separation(columns[:, [i]], low) for i in (0, 1)]
    return Verdict(
        measured=value,
        holds=graded(value > 0.95, value > 0.8),
        detail=f"{of(int(low.sum()), len(low))} latents are below a density of "
        f"{fmt(10**middle)}. The bias alone reaches {fmt(parts[0])}, the cosine {fmt(parts[1])}.",
    )


@claim(
    "b21-typical-density",
    paper=PAPER,
    source="Appendix, feature density",
    published="densities typically between 1e-6 and 1e-3",
    expected="At least half of the latents that are active at all have a density from 1e-6 to "
    "1e-3. Partly: a quarter.",
    quantity="share of active latents with a density from 1e-6 to 1e-3",
    figure="architectures.html#fig-densities",
    rows=L1,
)
def typical(r: Results) -> Verdict:
    """Most features are rare: they are active on between a thousandth and a millionth of tokens."""
    density = _alive(r, "l1")["density"].to_numpy(float)
    within = int(((density >= 1e-6) & (density <= 1e-3)).sum())
    low, middle, high = np.quantile(density, [0.05, 0.5, 0.95])
    share = within / len(density)
    return Verdict(
        measured=share,
        interval=intervals.wilson(within, len(density)),
        holds=graded(share >= 0.5, share >= 0.25),
        detail=f"Median density {fmt(float(middle))}; nine tenths are from {fmt(float(low))} to "
        f"{fmt(float(high))}. On {fmt(r.evaluation('l1').metrics.n_tokens)} tokens nothing rarer "
        "than one in as many can be seen.",
    )


@claim(
    "b22-over-1pct",
    paper=PAPER,
    source="Appendix, hyperparameter selection",
    published="many latents with a density above 1% mean that the L1 coefficient is too low",
    expected="Among L1 autoencoders of one width, the number of latents with a density above 1%, "
    "mean over seeds, falls with every increase of the coefficient, over three coefficients or "
    "more. Partly: it is smallest at the largest coefficient.",
    quantity="latents with a density above 1%, by rising coefficient",
    figure="architectures.html#fig-dense",
    rows=("sweep.l1",),
)
def over_one_percent(r: Results) -> Verdict:
    """Many latents with a density above 1% are a sign that the L1 coefficient is too low."""
    counts, l0 = (by_level(r, "l1", name) for name in ("over_one_percent", "l0"))
    values, levels = counts.to_numpy(float), counts.index.get_level_values("level")
    width = int(counts.index.get_level_values("d_sae")[0])
    falls = len(values) >= 3 and bool((np.diff(values) < 0).all())
    return Verdict(
        measured=", ".join(fmt(value) for value in values),
        holds=graded(falls, len(values) > 1 and bool(values.argmin() == len(values) - 1)),
        detail=f"Of {fmt(width)} latents, with coefficients "
        f"{', '.join(f'{level:g}' for level in levels)} and L0 "
        f"{', '.join(fmt(value) for value in l0.to_numpy(float))}.",
    )


@claim(
    "b23-rarer-with-width",
    paper=PAPER,
    source="Feature density",
    published="no number: larger dictionaries find more and rarer features",
    expected="With every step in width more latents are alive and the 5% quantile of their "
    "densities falls, means over seeds. Partly: both hold between the narrowest and the widest.",
    quantity="latents alive, by width",
    figure="architectures.html#fig-width-densities",
    rows=WIDTHS,
)
def rarer(r: Results) -> Verdict:
    """Larger dictionaries find more features, and rarer ones."""
    dead, density = (by_level(r, "widths", name) for name in ("dead_fraction", "density_05"))
    width, low = dead.index.get_level_values("d_sae").to_numpy(int), density.to_numpy(float)
    alive = width * (1 - dead.to_numpy(float))
    steps = bool((np.diff(alive) > 0).all() and (np.diff(low) < 0).all())
    return Verdict(
        measured=", ".join(fmt(round(value)) for value in alive),
        holds=graded(steps, bool(alive[-1] > alive[0] and low[-1] < low[0])),
        detail=f"Of {', '.join(fmt(int(d_sae)) for d_sae in width)} latents. 5% quantile of "
        f"the densities: {', '.join(fmt(value) for value in low)}.",
    )


@claim(
    "b09-encoder-decoder",
    paper=PAPER,
    source="Appendix, decoder weights not tied",
    published="no number; median cosine 0.5 in an open replication on another model",
    expected="Median cosine of encoder vector and decoder row, over latents that are alive, below "
    "0.95. Partly: below 0.99.",
    quantity="median cosine of encoder and decoder",
    figure="features.html#fig-cosines",
    rows=L1,
)
def untied(r: Results) -> Verdict:
    """A latent is detected along another direction than the one it stands for."""
    cosine = _alive(r, "l1")["encoder_decoder_cosine"].to_numpy(float)
    drawn = np.random.default_rng(SEED).choice(cosine, size=(1000, len(cosine)))
    median, (low, high) = float(np.median(cosine)), np.quantile(cosine, [0.05, 0.95])
    return Verdict(
        measured=median,
        interval=intervals.percentiles(np.median(drawn, axis=1)),
        holds=graded(median < 0.95, median < 0.99),
        detail=f"Nine tenths of the {fmt(len(cosine))} latents are from "
        f"{between(float(low), float(high))}.",
    )


def fitted_curve(r: Results, row: str = "l1") -> pd.DataFrame:
    """The two components of an autoencoder's log densities: log and count, in latents per bin.

    Bins are of a quarter of a decade, as in the figure. Empty if hardly a latent is alive.
    """
    n = int((r.evaluation(row).latents["density"].to_numpy(float) > 0).sum())
    if n < FEWEST:
        return pd.DataFrame({"log": [], "count": []}, dtype=float)
    found = _mixture(r, row)
    at = np.linspace(-6, 0, 121)
    each = stats.norm.pdf(at[:, None], found.means, found.deviations) @ found.shares
    return pd.DataFrame({"log": at, "count": 0.25 * n * each})


def _alive(r: Results, row: str) -> pd.DataFrame:
    """The latents of an autoencoder that are active at all on held-out text."""
    latents = r.evaluation(row).latents
    alive = latents.loc[latents["density"] > 0]
    if len(alive) < FEWEST:
        raise NotTrained(f"hardly a latent alive: {of(len(alive), len(latents))}")
    return alive


def _mixture(r: Results, row: str) -> Mixture:
    logs: Float[np.ndarray, " latent"] = np.log10(_alive(r, row)["density"].to_numpy(float))
    return mixture(logs)


def _components(found: Mixture) -> str:
    parts = zip(found.means, found.shares, strict=True)
    return " and ".join(f"{fmt(float(10**m))} ({fmt(float(s), '%')})" for m, s in parts)
