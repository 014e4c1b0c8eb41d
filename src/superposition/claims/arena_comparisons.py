"""Claims of ARENA, section 1.6, that need variants with equal training, and its extra questions."""

import numpy as np
import pandas as pd
from scipy.stats import page_trend_test

from superposition import intervals
from superposition.claims.arena import PAPER, TARGET
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.claims.toy_saes import between_variants, gain, means
from superposition.results import Results
from superposition.values import between, fmt, of

PENTAGON = (TARGET, "toy_comparison.pentagon")
TRENDING = ["none", "random", "loss-weighted"]
"""The kinds of resampling, in the order in which they should find more and more."""


@claim(
    "d12-toy-fire-prob",
    paper=PAPER,
    source="1.6, training without resampling",
    published="active latents converge to the features' probability of 0.01",
    expected="Mean density of the latents that recover a feature within 10% of p. Partly: between "
    "half of p and p.",
    quantity="mean density of those latents over p",
    figure="toy-autoencoders.html#sec-density",
    rows=(TARGET, "toy_sae.no-resampling"),
)
def firing_probability(r: Results) -> Verdict:
    """Latents that are not dead converge to firing as often as features occur; the others to
    never."""
    found = r.toy_sae("no-resampling").recovery
    p = r.toy("sae-target").densities[0]
    own = found.loc[found["recovered"]]
    if not len(own):
        return Verdict(measured=None, holds="not replicated", detail="No feature is recovered.")
    ratio = own["density"].to_numpy(dtype=float) / p
    mean = float(ratio.mean())
    coefficient = r.params.value("toy_sae", "no-resampling").get("l1_coefficient", 0.0)
    return Verdict(
        measured=mean,
        interval=intervals.mean(ratio, seed=SEED),
        holds=graded(abs(mean - 1) <= 0.1, 0.5 <= mean <= 1.1),
        detail=f"From {between(float(ratio.min()), float(ratio.max()))} times p over "
        f"{fmt(len(own))} recovered features, with λ = {fmt(coefficient, 'given')}.",
    )


@claim(
    "d15-toy-ordering",
    paper=PAPER,
    source="1.6, three ways to train",
    published="none, then simple, then advanced resampling recover more and more",
    expected="With equal training otherwise, mean features recovered in this order, and Page's "
    "test for the trend below 0.05. Partly: loss-weighted recovers more than none (95% interval of "
    "the paired difference above 0).",
    quantity="features that loss-weighted resampling gains over none, of five",
    figure="known-features.html#fig-resampling",
    rows=PENTAGON,
)
def ordering(r: Results) -> Verdict:
    """Resampling at random recovers more features than none, and resampling by loss more still."""
    found = r.toy_comparison("pentagon")
    table = found.paired("recovered")
    mean = means(table, TRENDING)
    gained = between_variants(found, "recovered", "loss-weighted", "none")
    ordered = bool((np.diff([*mean.values()]) > 0).all())
    ranked = np.stack([table[name] for name in TRENDING], axis=1)
    p = float(page_trend_test(ranked, method="asymptotic").pvalue)
    shown = ", ".join(f"{name} {fmt(value)}" for name, value in mean.items())
    return Verdict(
        measured=gained.mean,
        interval=gained.interval,
        holds=graded(ordered and p < 0.05, gained.is_sure),
        detail=f"Recovered on average: {shown}; Page's test p = {fmt(p)}.",
    )


@claim(
    "d16-toy-cos-to-model",
    paper=PAPER,
    source="1.6, loss-weighted resampling",
    published="directions match the model's, so that activations match its features",
    expected="Matched one to one over instances: mean cosine above 0.97 and mean correlation of "
    "activation and feature above 0.95. Partly: one of the two.",
    quantity="mean matched cosine",
    figure="known-features.html#fig-resampling",
    rows=PENTAGON,
)
def directions_match(r: Results) -> Verdict:
    """The autoencoder's directions are those of the model's features, and its activations are the
    features' values."""
    found = r.toy_comparison("pentagon")
    cosine = found.paired("matched_cosine")["loss-weighted"]
    correlation = float(found.paired("correlation")["loss-weighted"].mean())
    exact = float(cosine.mean()) > 0.97, correlation > 0.95
    return Verdict(
        measured=float(cosine.mean()),
        interval=intervals.mean(cosine, seed=SEED),
        holds=graded(all(exact), any(exact)),
        detail=f"Mean correlation of activation and feature {fmt(correlation)}.",
    )


@claim(
    "d17-toy-overcomplete",
    paper=PAPER,
    source="1.6, extra questions",
    published="asked as a question",
    expected="Steps until all five features have a latent, never counted as all steps: fewer with "
    "7 latents than with 5, fewer with 10 than with 7, and the paired difference of 5 and 10 with "
    "a 95% interval above 0. Partly: fewer with 10 than with 5.",
    quantity="steps saved by ten latents",
    figure="known-features.html#fig-pace",
    rows=PENTAGON,
)
def more_latents(r: Results) -> Verdict:
    """With more latents than features, all features are learned sooner."""
    found = r.toy_comparison("pentagon")
    names = ["none", "seven-latents", "ten-latents"]
    steps = {name: steps_to_all(found.trace, name) for name in names}
    saved = gain(steps["none"], steps["ten-latents"])
    mean = [float(steps[name].mean()) for name in names]
    falls = bool((np.diff(mean) < 0).all())
    complete = ", ".join(
        of(int((found.paired("recovered")[name] == 5).sum()), len(saved.each)) for name in names
    )
    return Verdict(
        measured=saved.mean,
        interval=saved.interval,
        holds=graded(falls and saved.is_sure, saved.mean > 0),
        detail=f"Mean steps with 5, 7 and 10 latents: {', '.join(map(fmt, mean))}; instances with "
        f"all five at the end: {complete}. No resampling.",
    )


def steps_to_all(trace: pd.DataFrame, variant: str, n_features: int = 5) -> np.ndarray:
    """The first traced step of each instance with all features found; the last, if never."""
    one = trace.loc[trace["variant"] == variant]
    last = float(one["step"].max())
    complete = one.loc[one["recovered"] >= n_features].groupby("instance")["step"].min()
    return complete.reindex(sorted(set(one["instance"])), fill_value=last).to_numpy(dtype=float)


@claim(
    "d18-toy-tied",
    paper=PAPER,
    source="1.6, extra questions",
    published="faster, and maybe without resampling",
    expected="Without resampling, tied weights recover more features than untied ones (95% "
    "interval of the paired difference above 0). Partly: more on average.",
    quantity="features gained by tying, of five",
    figure="known-features.html#fig-pace",
    rows=PENTAGON,
)
def tied(r: Results) -> Verdict:
    """Tied weights learn faster, perhaps even without resampling."""
    found = r.toy_comparison("pentagon")
    gained = between_variants(found, "recovered", "tied", "none")
    complete = [int((found.paired("recovered")[name] == 5).sum()) for name in ("tied", "none")]
    n = len(gained.each)
    return Verdict(
        measured=gained.mean,
        interval=gained.interval,
        holds=graded(gained.is_sure, gained.mean > 0),
        detail=f"All five in {of(complete[0], n)} instances tied, {of(complete[1], n)} untied.",
    )


@claim(
    "d19-toy-untied-geometry",
    paper=PAPER,
    source="1.6, extra questions: features at 0, 0.25, 0.55 and 0.70 turns, p = 0.025",
    published="no number",
    expected="The two latents with the nearest decoder rows: their encoder vectors are further "
    "apart in more than 75% of instances, and the median angle of a feature to its latent is below "
    "5 degrees. Partly: the former in more than half.",
    quantity="share of instances whose nearest pair has encoder vectors further apart",
    figure="known-features.html#fig-encoders",
    rows=(TARGET, "toy_comparison.uneven-angles"),
)
def encoders_pushed_apart(r: Results) -> Verdict:
    """Encoder vectors of features that are close are pushed further apart than decoder vectors,
    which stay at the true directions."""
    found = r.toy_comparison("uneven-angles")
    alive = found.latents.loc[found.latents["kind"] != "dead"]
    pairs = alive.loc[alive.groupby("instance")["neighbour_cosine"].idxmax()]
    apart = int((pairs["neighbour_encoder_cosine"] < pairs["neighbour_cosine"]).sum())
    share = apart / len(pairs)
    angles = np.degrees(np.arccos(np.clip(found.features["cosine"].to_numpy(float), -1, 1)))
    angle = float(np.median(angles))
    mean = pairs[["neighbour_cosine", "neighbour_encoder_cosine"]].mean()
    return Verdict(
        measured=share,
        interval=intervals.wilson(apart, len(pairs)),
        holds=graded(share > 0.75 and angle < 5, share > 0.5),
        detail=f"Mean cosine of the nearest pair: decoder {fmt(float(mean.iloc[0]))}, encoder "
        f"{fmt(float(mean.iloc[1]))}; median angle of feature and latent {fmt(angle)} degrees.",
    )


@claim(
    "d21-anthropic-toy-match",
    paper=PAPER,
    source="1.6, decoder bias; Towards Monosemanticity, geometric median",
    published="no number",
    expected="Mean length of the decoder's bias after training below 0.01, as the centre of the "
    "data is near 0. Partly: below 0.05.",
    quantity="mean length of the decoder's bias",
    figure="toy-autoencoders.html#sec-density",
    rows=PENTAGON,
)
def bias_at_the_centre(r: Results) -> Verdict:
    """The decoder's bias stays near the centre of the data."""
    norms = r.toy_comparison("pentagon").paired("bias_norm")["loss-weighted"]
    mean = float(norms.mean())
    return Verdict(
        measured=mean,
        interval=intervals.mean(norms, seed=SEED),
        holds=graded(mean < 0.01, mean < 0.05),
        detail=f"From {between(float(norms.min()), float(norms.max()))} over instances.",
    )
