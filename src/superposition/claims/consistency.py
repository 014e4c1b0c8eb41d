"""Claims of "Towards Monosemanticity" about typical features, judged without any reader.

The paper asks a person and a language model. Here two measures take their place: whether a unit's
activation can be guessed from the last three tokens, and whether the tokens that follow its active
tokens tell which logits it raises.
"""

import numpy as np

from superposition import intervals
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.claims.measures_single_features import (
    MAIN,
    SHUFFLED,
    concepts,
    contextual,
    planted,
    scores,
    superiority,
)
from superposition.claims.monosemanticity import PAPER
from superposition.results import Results
from superposition.values import between, fmt, of

BOTH = (f"consistency.{MAIN}", f"consistency.{SHUFFLED}")
CHANCE, TOLERANCE = 0.5, 0.02
"""Where logit weights that say nothing are, and how near to it counts."""


@claim(
    "b20-dense-latents-are-clearer",
    paper=PAPER,
    source="Feature density",
    published="almost all features of high density are interpretable, almost none of ultra-low "
    "density",
    expected="Among latents of the L1 autoencoder, those in the upper half by density are more "
    "predictable from tokens than those of the lowest tenth: P(higher) above 0.5 with its "
    "interval. "
    "Partly: higher median.",
    quantity="P(a dense latent is more predictable than a rare one)",
    figure="single-features.html#fig-predictability",
    rows=("consistency.l1",),
)
def dense_latents(r: Results) -> Verdict:
    """Features of high density are interpretable, those of ultra-low density are not."""
    units = r.consistency("l1").units.dropna(subset=["predictability"])
    units = units.loc[units["kind"] == "latent"]
    rare_end, middle = units["density"].quantile([0.1, 0.5])
    rare = units.loc[units["density"] <= rare_end, "predictability"].to_numpy(dtype=float)
    dense = units.loc[units["density"] >= middle, "predictability"].to_numpy(dtype=float)
    found = superiority(dense, rare)
    medians = float(np.median(dense)), float(np.median(rare))
    return Verdict(
        measured=found.value,
        interval=found.interval,
        holds=graded(found.interval[0] > 0.5, medians[0] > medians[1]),
        detail=f"Median predictability {fmt(medians[0])} of {fmt(len(dense))} latents active on "
        "more "
        f"than {fmt(float(middle))} of the tokens, {fmt(medians[1])} of {fmt(len(rare))} active on "
        f"at most {fmt(float(rare_end))}.",
    )


@claim(
    "b39-predictable-from-tokens",
    paper=PAPER,
    source="Automated interpretability, activations (a stand-in without a language model)",
    published="activations of features are predicted significantly better than those of neurons",
    expected="Without units whose top examples are all one token, latents are more predictable "
    "from "
    "the last three tokens than neurons, and than latents of the transformer with shuffled "
    "weights: "
    "both P(higher) above 0.5 with their intervals. Partly: than neurons.",
    quantity="P(a latent is more predictable than a neuron)",
    figure="single-features.html#fig-predictability",
    rows=BOTH,
)
def predictable(r: Results) -> Verdict:
    """What a feature is active on can be predicted better than what a neuron is active on."""
    ours, neurons = contextual(r, MAIN, "latent"), contextual(r, MAIN, "neuron")
    shuffled = contextual(r, SHUFFLED, "latent")
    found, against = superiority(ours, neurons), superiority(ours, shuffled)
    better = found.interval[0] > 0.5
    medians = [fmt(float(np.median(each))) for each in (ours, neurons, shuffled)]
    return Verdict(
        measured=found.value,
        interval=found.interval,
        holds=graded(better and against.interval[0] > 0.5, better),
        detail=f"Median {medians[0]} of latents, {medians[1]} of neurons, {medians[2]} of latents "
        "of "
        f"the shuffled transformer; P(higher than these) {fmt(against.value)} "
        f"({between(*against.interval)}).",
    )


@claim(
    "b40-logit-predictions",
    paper=PAPER,
    source="Automated interpretability, logit weights",
    published="of 100 tokens, half of them top logit tokens, 74% are put on the right side for "
    "features, 58% for neurons, 50% by chance and for a random transformer (means)",
    expected="By the tokens that follow a unit's active tokens, its top logit tokens are told from "
    "random ones better for latents than for neurons (difference of mean accuracies above 0 with "
    "its "
    "interval), and for latents of the shuffled transformer within 0.02 of 0.5. Partly: better "
    "than "
    "for neurons.",
    quantity="mean accuracy of latents",
    figure="single-features.html#fig-logit-tests",
    rows=BOTH,
)
def logit_predictions(r: Results) -> Verdict:
    """What a feature does to the logits follows from where it is active, more than for neurons."""
    ours, neurons = (scores(r, MAIN, kind, "logit_accuracy") for kind in ("latent", "neuron"))
    shuffled = scores(r, SHUFFLED, "latent", "logit_accuracy")
    gap = intervals.difference(ours, neurons, seed=SEED)
    random = abs(float(shuffled.mean()) - CHANCE) <= TOLERANCE
    return Verdict(
        measured=float(ours.mean()),
        interval=intervals.mean(ours, seed=SEED),
        holds=graded(gap[0] > 0 and random, gap[0] > 0),
        detail=f"Neurons {fmt(float(neurons.mean()), '%')}, latents above them by "
        f"{between(*gap, '%')}; latents of the shuffled transformer "
        f"{fmt(float(shuffled.mean()), '%')} "
        f"({between(*intervals.mean(shuffled, seed=SEED), '%')}).",
    )


@claim(
    "b41-intervals",
    paper=PAPER,
    source="Interval analysis",
    published="higher intervals of the activation are more consistent; for some features only the "
    "upper part is",
    expected="In every planted context, precision rises over intervals of the activation, and so "
    "for "
    "most context concepts (share above 0.5 with its interval). Partly: one of the two.",
    quantity="share of concepts whose latent is purer where it is stronger",
    figure="single-features.html#fig-specificity",
    rows=(f"contexts.{MAIN}",),
)
def higher_intervals(r: Results) -> Verdict:
    """The stronger a feature is active, the more consistent is what it is active on."""
    chosen = planted(r)
    pure = chosen["precision"] >= 0.999
    all_planted = bool(((chosen["interval_trend"] > 0) | pure).all())
    trends = concepts(r)["interval_trend"].to_numpy(dtype=float)
    trends = trends[np.isfinite(trends)]
    rising, n = int((trends > 0).sum()), len(trends)
    low, high = intervals.wilson(rising, max(n, 1))
    each = ", ".join(
        f"{fmt(float(row['interval_trend']))} {row['planted']}" for row in chosen.to_dict("records")
    )
    return Verdict(
        measured=rising / max(n, 1),
        interval=(low, high),
        holds=graded(all_planted and low > 0.5, all_planted or low > 0.5),
        detail=f"Rank correlation of interval and precision: {each}; above 0 for {of(rising, n)} "
        "concepts.",
    )


@claim(
    "b43-zero-activations",
    paper=PAPER,
    source="Importance scoring",
    published="on random examples 88% of feature activations are zero, of neurons 54% (means)",
    expected="The mean share of tokens with activation zero is larger for latents than for "
    "neurons, "
    "with an interval of the difference above 0. Partly: larger.",
    quantity="mean share of tokens on which a latent is not active",
    figure="single-features.html#tbl-consistency",
    rows=(f"consistency.{MAIN}",),
)
def zero_activations(r: Results) -> Verdict:
    """Features are zero on more of the text than neurons."""
    ours, neurons = (1 - scores(r, MAIN, kind, "density") for kind in ("latent", "neuron"))
    gap = intervals.difference(ours, neurons, seed=SEED)
    return Verdict(
        measured=float(ours.mean()),
        interval=intervals.mean(ours, seed=SEED),
        holds=graded(gap[0] > 0, bool(ours.mean() > neurons.mean())),
        detail=f"Neurons {fmt(float(neurons.mean()), '%')}, difference {between(*gap, '%')}; "
        "medians "
        f"{fmt(float(np.median(ours)), '%')} and {fmt(float(np.median(neurons)), '%')}.",
    )


@claim(
    "b44-random-weights",
    paper=PAPER,
    source="Do features tell us about the model or the data?",
    published="a transformer with shuffled weights has many single-token features and no other "
    "interpretable ones; its logit weights say nothing (0.5)",
    expected="A larger share of the shuffled transformer's latents have all their top examples on "
    "one "
    "token (difference above 0 with its interval); the area under the ROC curve of their logit "
    "weights is within 0.02 of 0.5; without single-token latents they are less predictable from "
    "tokens (P below 0.5 with its interval). Partly: two of the three.",
    quantity="share of the shuffled transformer's latents that are single-token",
    figure="single-features.html#tbl-consistency",
    rows=BOTH,
)
def random_weights(r: Results) -> Verdict:
    """Shuffled weights give single-token features and little else: what is more is the model's."""
    single = [
        (scores(r, row, "latent", "top_token_share") == 1).astype(float) for row in (SHUFFLED, MAIN)
    ]
    gap = intervals.difference(single[0], single[1], seed=SEED)
    area = scores(r, SHUFFLED, "latent", "logit_area")
    lower = superiority(contextual(r, SHUFFLED, "latent"), contextual(r, MAIN, "latent"))
    holds = [
        gap[0] > 0,
        abs(float(area.mean()) - CHANCE) <= TOLERANCE,
        lower.interval[1] < 0.5,
    ]
    return Verdict(
        measured=float(single[0].mean()),
        interval=intervals.wilson(int(single[0].sum()), len(single[0])),
        holds=graded(all(holds), sum(holds) >= 2),
        detail=f"Of the trained transformer {fmt(float(single[1].mean()), '%')} (difference "
        f"{between(*gap, '%')}). Area of the logit weights {fmt(float(area.mean()))}. P(more "
        f"predictable than a latent of the trained one), without single-token latents: "
        f"{fmt(lower.value)} ({between(*lower.interval)}).",
    )
