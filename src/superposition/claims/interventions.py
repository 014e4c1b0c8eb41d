"""Claims of "Towards Monosemanticity" that are checked by intervening on single latents."""

import numpy as np

from superposition import intervals
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.claims.measures_single_features import (
    MAIN,
    average,
    by_kind,
    mean_shares,
    planted,
    total,
)
from superposition.claims.monosemanticity import PAPER
from superposition.results import Results
from superposition.values import between, fmt, of

ROWS = (f"contexts.{MAIN}", f"causal.{MAIN}")
SIGNIFICANT = 1e-6
"""Of Fisher's exact test: small enough for any number of concepts."""


@claim(
    "b29-ablation",
    paper=PAPER,
    source="Arabic script feature, ablation",
    published="without the feature, Arabic is predicted worse, the more so the stronger it was; "
    "only "
    "punctuation shared with other scripts is predicted better",
    expected="In every planted context, the mean change of the log-probability of the token that "
    "follows is below 0 with its interval when the latent is taken away on tokens of its context, "
    "and harm rises with the activation (rank correlation above 0 with its interval). Partly: the "
    "change is below 0 in every planted context, or both hold in at least one.",
    quantity="planted contexts that need their latent, the more the stronger it is",
    figure="single-features.html#fig-ablation",
    rows=ROWS,
)
def ablation(r: Results) -> Verdict:
    """Taking the feature away hurts the predictions in its context, in proportion to its
    activation."""
    everything = r.causal(MAIN).ablation
    table = planted(r, table=everything)
    hurts, rises = table["high_on"] < 0, table["trend_low"] > 0
    n, n_hurt = total(hurts & rises), total(everything["high_on"] < 0)
    named = table.rename(columns={"effect_on": "e", "low_on": "e_low", "high_on": "e_high"})
    detail = (
        f"On tokens of the context {by_kind(named, 'e', 'nats')}; elsewhere "
        f"{by_kind(table, 'effect_off', 'nats')}. Correlation of activation and harm "
        f"{by_kind(table, 'trend')}. Over all concepts, {of(n_hurt, len(everything))} latents are "
        "needed in their context."
    )
    return Verdict(
        measured=of(n, len(table)),
        holds=graded(n == len(table), n > 0 or bool(hurts.all())),
        detail=detail,
    )


@claim(
    "b30-pinning",
    paper=PAPER,
    source="Arabic script feature, pinning",
    published="with the feature held at its largest, “1,2,3,4,5,6,7,8,9,10” is continued in Arabic",
    expected="In every planted context, more continuations lie in the context with the latent held "
    "than without, by Fisher's exact test with p below 1e-6. Partly: in at least one.",
    quantity="planted contexts that the model writes while their latent is held",
    figure="single-features.html#fig-pinning",
    rows=ROWS,
)
def pinning(r: Results) -> Verdict:
    """With the feature held at its largest activation, the model writes text of its context."""
    everything = r.causal(MAIN).pinning
    table = planted(r, table=everything)
    significant = everything["p_value"] < SIGNIFICANT
    n = total(table["p_value"] < SIGNIFICANT)
    shares = [
        f"{of(row['pinned'], row['n'])} {row['planted']} ({of(row['free'], row['n'])} without)"
        for row in table.to_dict("records")
    ]
    return Verdict(
        measured=of(n, len(table)),
        holds=graded(n == len(table), n > 0),
        detail=f"Continuations in the context: {', '.join(shares)}. Over all concepts, holding the "
        f"latent makes such a difference for {of(total(significant), len(everything))}.",
    )


@claim(
    "b42-weak-activations",
    paper=PAPER,
    source="Interval analysis, caveats",
    published="most activations are weak, most of the effect comes from strong ones",
    expected="Of random latents, on average most active tokens lie below half of the largest "
    "activation, and most of the effect on the token that follows above it. Partly: the share of "
    "the "
    "effect above half exceeds the share of the active tokens there, with an interval above 0.",
    quantity="share of the effect that comes from activations above half of the largest",
    figure="single-features.html#fig-intervals",
    rows=ROWS,
)
def weak_activations(r: Results) -> Verdict:
    """Most of a feature's activations are weak, but most of its effect comes from the strong
    ones."""
    shares = mean_shares(r)
    gap = (shares["effect"] - shares["count"]).to_numpy(dtype=float)
    low, high = intervals.mean(gap, seed=SEED)
    effect = shares["effect"].to_numpy(dtype=float)
    few, much = bool(average(shares["count"]) < 0.5), bool(effect.mean() > 0.5)
    return Verdict(
        measured=float(effect.mean()),
        interval=intervals.mean(effect, seed=SEED),
        holds=graded(few and much, low > 0),
        detail=f"Above half of its largest activation, a latent has on average "
        f"{fmt(average(shares['count']), '%')} of its active tokens, "
        f"{fmt(average(shares['mass']), '%')} of its activation and "
        f"{fmt(float(effect.mean()), '%')} of its effect, which is {between(low, high, '%')} more "
        f"than of the tokens; {fmt(len(shares))} random latents.",
    )


@claim(
    "b58-ablation-agrees",
    paper=PAPER,
    source="Detailed investigations of individual features",
    published="logit weights, ablation and pinning agree with the interpretation",
    expected="In every planted context, logit weights and the fall of each token's log-probability "
    "without the latent have a rank correlation above 0, and so in at least 90% of all concepts. "
    "Partly: in every planted context.",
    quantity="median rank correlation over all concepts",
    figure="single-features.html#fig-ablation",
    rows=ROWS,
)
def ablation_agrees(r: Results) -> Verdict:
    """What a feature's logit weights say about single tokens is what its ablation does to them."""
    everything = r.causal(MAIN).ablation
    table = planted(r, table=everything)
    found = everything["logit_agreement"].to_numpy(dtype=float)
    found = found[np.isfinite(found)]
    all_planted = bool((table["logit_agreement"] > 0).all())
    positive = int((found > 0).sum())
    low, high = np.quantile(found, [0.05, 0.95])
    return Verdict(
        measured=float(np.median(found)),
        interval=_of_median(found),
        holds=graded(all_planted and positive >= 0.9 * len(found), all_planted),
        detail=f"Planted contexts {by_kind(table, 'logit_agreement')}; above 0 in "
        f"{of(positive, len(found))} concepts, nine in ten of them {between(low, high)}.",
    )


def _of_median(values: np.ndarray) -> intervals.Interval:
    rng = np.random.default_rng(SEED)
    drawn = rng.integers(len(values), size=(intervals.N_RESAMPLES, len(values)))
    return intervals.percentiles(np.median(values[drawn], axis=1))
