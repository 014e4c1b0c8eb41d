"""Claims of "Towards Monosemanticity" on universality: do two dictionaries find the same latents?

The paper takes the largest correlation over all tokens. Here the match is chosen on one half of the
documents and judged on the other; the paper's estimate stands in the detail.
"""

import numpy as np
import pandas as pd

from superposition import intervals
from superposition.artefacts import NotTrained
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_relations import (
    column,
    correlation_gap,
    count,
    median,
    median_gap,
    paired_median_gap,
)
from superposition.features.membership import PLANTED
from superposition.results import Results
from superposition.values import between, fmt, of

PAPER = "Towards Monosemanticity"
TWO_MODELS = "two-models"
ROWS = (f"universality.{TWO_MODELS}",)
ANALOGUES = (
    "planted base64",
    "planted hexadecimal",
    "word in capitals",
    "SCREAMING_SNAKE",
    "capital within a sentence",
)
"""Contexts here that are like features reported from other models: base64, hexadecimal, all
capitals (in prose and in names), title case. Source: Towards Monosemanticity, Universality."""
DETECTED = 0.5
"""F1 from which a latent detects a context."""


@claim(
    "b46-universality-median",
    paper=PAPER,
    source="Phenomenology, Universality",
    published="median best correlation 0.72 for latents of A/1 in B/1, 0.46 for neurons",
    expected="On documents that did not choose the matches, the median correlation of latents is "
    "above that of neurons, with the 95% interval of the difference above 0, and it is above the "
    "largest correlation that shuffled tokens give (median). Partly: the same by the paper's "
    "estimate over all tokens, or a difference whose interval holds 0.",
    quantity="median correlation of latents with their matches, minus that of neurons",
    figure="universality.html#fig-universality",
    rows=ROWS,
)
def universality_median(r: Results) -> Verdict:
    """Latents of two transformers trained from different random starts match better than their
    neurons do: the median latent has a correlation of 0.72 with its best match, the median neuron
    0.46."""
    found = r.universality(TWO_MODELS)
    latents, neurons = found.of("latent"), found.of("neuron")
    gap, interval = median_gap(column(latents, "correlation"), column(neurons, "correlation"))
    name = "correlation_in_sample"
    biased, biased_interval = median_gap(column(latents, name), column(neurons, name))
    null = float(np.median(column(latents, "null_in_sample")))
    above_null = float(np.median(column(latents, "correlation"))) > null
    exact = interval[0] > 0 and above_null
    return Verdict(
        measured=gap,
        interval=interval,
        holds=graded(exact, above_null and (gap > 0 or biased_interval[0] > 0)),
        detail=f"Median over {fmt(len(latents))} latents {_median(latents, 'correlation')}, over "
        f"{fmt(len(neurons))} neurons {_median(neurons, 'correlation')}, with shuffled tokens at "
        f"most {fmt(null)}. By the paper's estimate over all tokens: "
        f"{_median(latents, name)} and {_median(neurons, name)}, a difference of {fmt(biased)}.",
    )


@claim(
    "b46-not-the-text-alone",
    paper=PAPER,
    source="Phenomenology, Universality; Do features tell us about the model or the data?",
    published="not published: a control. A match may come from the text that both models read",
    expected="The median correlation with latents of the second trained transformer is above that "
    "with latents of the transformer with shuffled weights, with the 95% interval of the "
    "difference above 0. Partly: a difference above 0 whose interval holds 0.",
    quantity="median correlation with the trained transformer's latents, minus with the shuffled "
    "one's",
    figure="universality.html#fig-pairs",
    rows=(*ROWS, "universality.shuffled-weights"),
)
def not_the_text_alone(r: Results) -> Verdict:
    """Latents are alike because models learn alike, not only because both read the same text: those
    of a transformer with shuffled weights match less well."""
    trained = r.universality(TWO_MODELS).of("latent")
    shuffled = r.universality("shuffled-weights").of("latent")
    gap, interval = median_gap(column(trained, "correlation"), column(shuffled, "correlation"))
    return Verdict(
        measured=gap,
        interval=interval,
        holds=graded(interval[0] > 0, gap > 0),
        detail=f"Medians {_median(trained, 'correlation')} with the trained transformer and "
        f"{_median(shuffled, 'correlation')} with the one whose weights were shuffled.",
    )


@claim(
    "b47-logit-vs-act-corr",
    paper=PAPER,
    source="Phenomenology, Universality",
    published="logit weights correlate much less than activations; in the extreme case A/1/3949 "
    "and B/1/3321, 0.98 for activations and a negative value for logit weights",
    expected="Over matched latents, the median correlation of logit weights is below that of "
    "activations by at least 0.1, with the 95% interval of the difference below 0. Partly: below "
    "by less, or with an interval that holds 0.",
    quantity="median correlation of logit weights minus that of activations",
    figure="universality.html#fig-logits",
    rows=ROWS,
)
def logit_correlation(r: Results) -> Verdict:
    """Matched latents agree much less in their logit weights than in their activations; some are
    active on the same tokens and yet have logit weights that correlate negatively."""
    latents = r.universality(TWO_MODELS).of("latent")
    logits, acts = column(latents, "logit_correlation"), column(latents, "correlation")
    gap, interval = paired_median_gap(logits, acts)
    extreme = int(((acts > 0.9) & (logits < 0)).sum())
    return Verdict(
        measured=gap,
        interval=interval,
        holds=graded(gap <= -0.1 and interval[1] < 0, gap < 0),
        detail=f"Medians {_median(latents, 'logit_correlation')} and "
        f"{_median(latents, 'correlation')}. Of {fmt(int((acts > 0.9).sum()))} latents with a "
        f"correlation of activations above 0.9, {fmt(extreme)} have one of logit weights below 0.",
    )


@claim(
    "b48-attribution-corr",
    paper=PAPER,
    source="Phenomenology, Universality",
    published="attribution similarity tracks activation similarity with few outliers (no number)",
    expected="Over matched latents, the correlation of attributions follows that of activations "
    "more closely than the correlation of logit weights does: the difference of the two Pearson "
    "correlations has a 95% interval above 0. Partly: a difference above 0.",
    quantity="Pearson correlation of attribution similarity with activation similarity",
    figure="universality.html#fig-logits",
    rows=ROWS,
)
def attribution(r: Results) -> Verdict:
    """What latents do to the tokens that really follow (activation times logit weight) is as alike
    as their activations are, even where the logit weights as a whole are not."""
    latents = r.universality(TWO_MODELS).of("latent")
    acts = column(latents, "correlation")
    names = ("attribution_correlation", "logit_correlation")
    attributed, logits, interval = correlation_gap(acts, *(column(latents, n) for n in names))
    return Verdict(
        measured=attributed,
        holds=graded(interval[0] > 0, attributed > logits),
        detail=f"Logit weights follow activations with {fmt(logits)}; the difference is "
        f"{fmt(attributed - logits)} ({between(*interval)}). Median correlation of attributions "
        f"{_median(latents, names[0])}, of activations {_median(latents, 'correlation')}.",
    )


@claim(
    "b32-universal-contexts",
    paper=PAPER,
    source="Individual features: Arabic, DNA, base64 and Hebrew, the universality of each",
    published="activation correlation 0.91 for Arabic, 0.92 for DNA and Hebrew, 0.85 for base64; "
    "logit correlation 0.23 and 0.3 where it is given",
    expected="For each of base64, hexadecimal and DNA, the latent that detects it best has a "
    "correlation above 0.7 with its match, and a lower one of logit weights. Partly: for one or "
    "two of them.",
    quantity="smallest correlation of activations among the planted contexts",
    figure="universality.html#fig-contexts",
    rows=ROWS,
)
def universal_contexts(r: Results) -> Verdict:
    """The latent of a context such as Arabic script or base64 exists in a second model too: their
    activations correlate with 0.85 to 0.92, their logit weights less."""
    table = r.universality(TWO_MODELS).contexts
    planted = table.loc[table["context"].isin(PLANTED)]
    acts, logits = column(planted, "correlation"), column(planted, "logit_correlation")
    good = int(((acts > 0.7) & (logits < acts)).sum())
    each = (
        f"{row.context.removeprefix('planted ')} {fmt(row.correlation)} (logit weights "
        f"{fmt(row.logit_correlation)}, F1 {fmt(row.f1)} and {fmt(row.match_f1)})"
        for row in planted.itertuples()
    )
    return Verdict(
        measured=float(acts.min()),
        holds=graded(good == len(PLANTED), good > 0),
        detail=f"{'; '.join(each)}.",
    )


@claim(
    "b49-literature-universality",
    paper=PAPER,
    source="Phenomenology, Universality, features found elsewhere in the literature",
    published="features of base64, hexadecimal, all capitals, title case, German, French, prime "
    "and place names, each reported before from another model",
    expected="Of the contexts here that are like them (base64, hexadecimal, capitals in prose and "
    "in names, title case), each is detected with an F1 above 0.5 by a latent and by its match in "
    "the second transformer. Partly: at least two of them. Languages, primes and places cannot be "
    "tested on code.",
    quantity="such contexts detected in both transformers",
    figure="universality.html#fig-contexts",
    rows=ROWS,
)
def literature(r: Results) -> Verdict:
    """Features that other authors found in other models recur: base64, hexadecimal, all capitals,
    title case."""
    table = r.universality(TWO_MODELS).contexts
    known = table.loc[table["context"].isin(ANALOGUES)]
    both = np.minimum(column(known, "f1"), column(known, "match_f1"))
    found = int((both > DETECTED).sum())
    each = (
        f"{row.context} {fmt(row.f1, digits=2)} and {fmt(row.match_f1, digits=2)}"
        for row in known.itertuples()
    )
    return Verdict(
        measured=of(found, len(known)),
        holds=graded(found == len(known), found >= 2),
        detail=f"F1 of the best latent and of its match: {'; '.join(each)}.",
    )


@claim(
    "b09-tilted-apart",
    paper=PAPER,
    source="Appendix, Decoder weights not tied",
    published="latents with similar dictionary vectors have encoder vectors tilted apart (no "
    "number)",
    expected="Of the pairs of latents whose decoder rows have a cosine above 0.5, the encoder "
    "vectors have a smaller one in more than 75%. Partly: in more than half.",
    quantity="share of close pairs whose encoder vectors are further apart",
    figure="universality.html#fig-neighbours",
    rows=("universality.two-recipes",),
)
def tilted_apart(r: Results) -> Verdict:
    """Where dictionary vectors are similar, the encoder vectors are tilted away from each other, to
    tell the latents apart: one reason not to tie them."""
    pairs = r.universality("two-recipes").neighbours
    if not len(pairs):
        raise NotTrained("no pair of latents with a decoder cosine above 0.5")
    apart = count(pairs["encoder_cosine"] < pairs["decoder_cosine"])
    share = apart / len(pairs)
    decoder, encoder = (fmt(median(pairs[f"{n}_cosine"])) for n in ("decoder", "encoder"))
    return Verdict(
        measured=share,
        interval=intervals.wilson(apart, len(pairs)),
        holds=graded(share > 0.75, share > 0.5),
        detail=f"{of(apart, len(pairs))} pairs; median cosines {decoder} of decoder rows and "
        f"{encoder} of encoder vectors. The interval takes pairs as independent, which they are "
        "not quite.",
    )


def _median(table: pd.DataFrame, name: str) -> str:
    return fmt(float(np.median(column(table, name))))
