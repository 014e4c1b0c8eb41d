"""Claims of "Towards Monosemanticity" about single features, tested on every context.

The paper looks closely at four features, of Arabic, DNA, base64 and Hebrew. Here three contexts are
planted, and a parser knows over a hundred more. Claims about the paper's features are judged by the
planted contexts; whether others would have done is a claim of its own.
"""

import math

import numpy as np
import pandas as pd

from superposition import intervals
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_single_features import (
    MAIN,
    by_kind,
    concepts,
    median,
    planted,
    total,
)
from superposition.claims.monosemanticity import PAPER
from superposition.features import proxies
from superposition.results import Results
from superposition.values import fmt, of

ROWS = (f"contexts.{MAIN}",)


@claim(
    "b24-proxy-definition",
    paper=PAPER,
    source="Appendix, feature proxies",
    published="maximum over strings s that end at the token of log P(s | context) / P(s); base64: "
    "64 characters of equal chance, DNA: 4, any other character 1e-10; DNA strings of at least two "
    "tokens; P(s) from single tokens' shares",
    expected="The code does each of these, compared with calculations by hand to 9 digits.",
    quantity="parts of the definition that the code agrees with",
    figure="single-features.html#sec-proxies",
)
def proxy_definition(r: Results) -> Verdict:
    """How likely a token lies in a context is estimated by the log-likelihood ratio of the most
    telling string that ends there, from the characters of the context alone."""
    checks = check_proxies()
    failed = [name for name, agrees in checks.items() if not agrees]
    detail = f"Disagrees in: {', '.join(failed)}." if failed else f"Checked: {', '.join(checks)}."
    agree = of(len(checks) - len(failed), len(checks))
    return Verdict(measured=agree, holds=graded(not failed, False), detail=detail)


def check_proxies() -> dict[str, bool]:
    """Which parts of the definition `superposition.features.proxies` follows."""
    vocabulary = [b"<|endoftext|>", b"AC", b"G", b"x"]
    tokens, start = np.array([0, 1, 2, 3, 1, 2]), np.array([0, 6])
    log_p = proxies.unigram(tokens, d_vocab=4)
    dna = proxies.log_ratios(vocabulary, log_p, alphabet="ACGT")
    base64 = proxies.log_ratios([b"aZ9+/"], np.zeros(1), alphabet=proxies.ALPHABETS["base64"][0])
    found = proxies.proxies(tokens, start, vocabulary=vocabulary, kind="dna")
    pair = 3 * math.log(1 / 4) - math.log(2 / 6) - math.log(2 / 6)
    return {
        "P(s)": bool(np.allclose(np.exp(log_p), [1 / 6, 2 / 6, 2 / 6, 1 / 6])),
        "DNA": math.isclose(dna[1], 2 * math.log(1 / 4) - math.log(2 / 6), rel_tol=1e-9),
        "base64": math.isclose(base64[0], 5 * math.log(1 / 64), rel_tol=1e-9),
        "other characters": math.isclose(dna[3], math.log(1e-10) - math.log(1 / 6), rel_tol=1e-9),
        "two tokens of DNA": bool(np.isneginf(found[1])),
        "best string": math.isclose(found[2], pair, rel_tol=1e-9)
        and math.isclose(found[5], pair, rel_tol=1e-9),
    }


@claim(
    "b25-context-specificity",
    paper=PAPER,
    source="Arabic script feature: the learned feature activates with high specificity",
    published="Arabic is 0.13% of the tokens, 81% of the active ones of A/1/3450, 98% of those "
    "above "
    "an activation of 5, 25% of the weakest",
    expected="In every planted context, at least half of the best latent's active tokens lie "
    "inside, "
    "at least 90% of the strongest tenth, and precision rises over tenths of the activation. "
    "Partly: in at least one.",
    quantity="planted contexts whose latent is specific",
    figure="single-features.html#fig-specificity",
    rows=ROWS,
)
def specificity(r: Results) -> Verdict:
    """A feature is active almost only in its context, the more so the stronger it is."""
    table = planted(r)
    fits = (table["precision"] >= 0.5) & (table["top_precision"] >= 0.9)
    rises = (table["trend"] > 0) | (table["precision"] >= 0.999)
    detail = (
        f"Share of active tokens inside: {by_kind(table, 'precision', '%')}; of the strongest "
        f"tenth: {by_kind(table, 'top_precision', '%')}. The contexts hold "
        f"{by_kind(table, 'share', '%')} of the text."
    )
    return _of_planted((fits & rises).to_numpy(), detail)


@claim(
    "b26-context-sensitivity",
    paper=PAPER,
    source="Arabic script feature: the learned feature activates with high sensitivity",
    published="Pearson correlation with the Arabic proxy 0.74, over 40 million tokens",
    expected="In every planted context, the best latent's activation correlates with the context "
    "at "
    "0.6 or more, and at least three times as much as the best latent for shuffled windows. "
    "Partly: "
    "in at least one.",
    quantity="planted contexts whose latent is sensitive",
    figure="single-features.html#fig-correlations",
    rows=ROWS,
)
def sensitivity(r: Results) -> Verdict:
    """A feature's activation correlates with its context over all of the text."""
    table = planted(r)
    fits = (table["correlation"] >= 0.6) & (table["correlation"] >= 3 * table["null_correlation"])
    detail = (
        f"Correlations {by_kind(table, 'correlation')}; best latent for shuffled windows "
        f"{by_kind(table, 'null_correlation')}. The latent is active on "
        f"{by_kind(table, 'recall', '%')} of the context's tokens."
    )
    return _of_planted(fits.to_numpy(), detail)


@claim(
    "b27-gaps-are-filled",
    paper=PAPER,
    source="Arabic script feature, activations where the feature is not active",
    published="where A/1/3450 is not active on Arabic, other Arabic features are: A/1/3134, 3399, "
    "1466",
    expected="Over the planted contexts together, on more than half of the tokens that the best "
    "latent misses another latent is active of which at least half of the active tokens lie "
    "inside. "
    "Partly: in at least one context.",
    quantity="share of missed tokens on which another latent of the context is active",
    figure="single-features.html#tbl-planted",
    rows=ROWS,
)
def gaps_are_filled(r: Results) -> Verdict:
    """Where a feature misses tokens of its context, other features of the same context are
    active."""
    table = planted(r)
    missed, filled = total(table["missed"]), total(table["filled"])
    some = bool((table["filled"] > table["missed"] / 2).any())
    if not missed:
        return Verdict(measured=None, holds="replicated", detail="No token was missed.")
    other = concepts(r)
    detail = (
        f"Latents specific to the context beside the best one: {_counts(table, 'n_specific')}; "
        f"tokens filled of those missed: {_parts(table, 'filled', 'missed')}. Over all concepts: "
        f"{fmt(total(other['filled']) / max(total(other['missed']), 1), '%')}."
    )
    return Verdict(
        measured=filled / missed,
        interval=intervals.wilson(filled, missed),
        holds=graded(filled > missed / 2, some),
        detail=detail,
    )


@claim(
    "b28-logit-weights",
    paper=PAPER,
    source="Arabic script feature: the learned feature's effect on the logits",
    published="logit weights with a mode at 0 and a small one to the right, of Arabic tokens",
    expected="In every planted context, the area under the ROC curve of the best latent's logit "
    "weights, tokens that typically follow the context against the others, is 0.9 or more. Partly: "
    "in at least one.",
    quantity="planted contexts whose latent raises the context's tokens",
    figure="single-features.html#tbl-planted",
    rows=ROWS,
)
def logit_weights(r: Results) -> Verdict:
    """A feature raises the logits of the tokens of its context."""
    table = planted(r)
    everything = concepts(r)["logit_area"]
    detail = (
        f"Areas {by_kind(table, 'logit_area')}; median over all concepts "
        f"{fmt(median(everything))}, {of(total(everything >= 0.9), len(everything))} "
        "reach 0.9."
    )
    return _of_planted((table["logit_area"] >= 0.9).to_numpy(), detail)


@claim(
    "b31-not-a-neuron",
    paper=PAPER,
    source="Arabic script feature: the feature is not a neuron",
    published="no neuron is selective: the most correlated one mixes languages; 27 coefficients of "
    "the direction are 0.1 or larger; one neuron of 512 has a single Arabic example in its top 20",
    expected="In every planted context, the best latent's correlation exceeds the best neuron's by "
    "0.2 or more with an interval above 0, and no neuron holds 35% of the latent's squared "
    "direction. Partly: in at least one.",
    quantity="planted contexts whose latent is no neuron",
    figure="single-features.html#fig-correlations",
    rows=ROWS,
)
def not_a_neuron(r: Results) -> Verdict:
    """The feature is not a neuron, and no neuron responds to the context nearly as well."""
    table = planted(r)
    fits = (table["neuron_gap"] >= 0.2) & (table["neuron_gap_low"] > 0) & (table["top_1"] < 0.35)
    detail = (
        f"Correlation above the best neuron's by {by_kind(table, 'neuron_gap')}; coefficients of "
        f"0.1 or more: {_counts(table, 'n_large')}; largest share in one neuron "
        f"{by_kind(table, 'top_1', '%')}; neurons with an example in their top 20: "
        f"{_counts(table, 'neurons_with_example')}."
    )
    return _of_planted(fits.to_numpy(), detail)


@claim(
    "b32-context-universality",
    paper=PAPER,
    source="Arabic script feature: the feature is universal",
    published="B/1/1334 of another model: correlation of activations 0.91, of logit weights 0.23",
    expected="In every planted context, a latent of a second model correlates with the best latent "
    "at 0.8 or more, and their logit weights less. Partly: in at least one.",
    quantity="planted contexts whose latent is found in a second model",
    figure="single-features.html#tbl-planted",
    rows=ROWS,
)
def universality(r: Results) -> Verdict:
    """Another model has a feature that is active on the same tokens; its logit weights are less
    alike."""
    table = planted(r)
    less = table["partner_logit_correlation"] < table["partner_correlation"]
    detail = (
        f"Activations {by_kind(table, 'partner_correlation')}; logit weights "
        f"{by_kind(table, 'partner_logit_correlation')}."
    )
    return _of_planted(((table["partner_correlation"] >= 0.8) & less).to_numpy(), detail)


def _of_planted(fits: np.ndarray, detail: str) -> Verdict:
    """The verdict by how many planted contexts fit."""
    n = int(fits.sum())
    return Verdict(measured=of(n, len(fits)), holds=graded(n == len(fits), n > 0), detail=detail)


def _counts(table: pd.DataFrame, name: str) -> str:
    return ", ".join(f"{fmt(int(row[name]))} {row['planted']}" for row in table.to_dict("records"))


def _parts(table: pd.DataFrame, part: str, whole: str) -> str:
    rows = table.to_dict("records")
    return ", ".join(f"{of(int(row[part]), int(row[whole]))} {row['planted']}" for row in rows)
