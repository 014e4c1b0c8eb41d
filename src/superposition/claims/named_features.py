"""Claims of "Towards Monosemanticity" about its features by name, and about their choice."""

from superposition import intervals
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.claims.measures_single_features import (
    MAIN,
    TESTS,
    average,
    by_kind,
    natural,
    planted,
    planted_one,
    total,
)
from superposition.claims.monosemanticity import PAPER
from superposition.results import Results
from superposition.values import between, fmt, of

ROWS = (f"contexts.{MAIN}",)


@claim(
    "b33-dna",
    paper=PAPER,
    source="DNA feature",
    published="correlation with the binarised proxy 0.8, all ten samples of strong activations are "
    "DNA, the only feature for it, no neuron, 0.92 with a feature of another model",
    expected="For DNA: correlation with the proxy 0.6 or more; at least 18 of the 20 strongest "
    "tokens "
    "DNA; active alone, without another latent of DNA, on most of its DNA tokens; above the best "
    "neuron by 0.2; 0.8 or more with a latent of a second model. Partly: three of the five.",
    quantity="of five properties, those that the DNA latent has",
    figure="single-features.html#tbl-planted",
    rows=ROWS,
)
def dna(r: Results) -> Verdict:
    """A single feature stands for DNA: it is active on nothing else, no neuron does the same, and
    another model has it too."""
    row, proxy = planted_one(r, "dna"), planted_one(r, "dna", proxy=True)
    alone = float(row["alone"]) / max(float(row["n_inside"] - row["missed"]), 1.0)
    found, top = float(proxy["correlation"]), int(row["latent_top_examples"])
    gap, second = float(row["neuron_gap"]), float(row["partner_correlation"])
    return _properties(
        {
            f"correlation with the proxy {fmt(found)}": found >= 0.6,
            f"{top} of the 20 strongest tokens are DNA": top >= 18,
            f"alone on {fmt(alone, '%')} of its DNA tokens": alone > 0.5,
            f"above the best neuron by {fmt(gap)}": gap >= 0.2,
            f"second model {fmt(second)}": second >= 0.8,
        },
        enough=3,
    )


@claim(
    "b34-base64",
    paper=PAPER,
    source="Base64 feature",
    published="correlation with the proxy 0.38, because it also takes other strings for base64 "
    "(hexadecimal has a feature of its own); best neuron 0.18; 0.85 with a feature of another "
    "model",
    expected="For base64: correlation with the proxy at least 0.2 above that of the best neuron; "
    "0.7 or more with a latent of a second model; hexadecimal has another latent. Partly: two of "
    "the three.",
    quantity="of three properties, those that the base64 latent has",
    figure="single-features.html#tbl-planted",
    rows=ROWS,
)
def base64(r: Results) -> Verdict:
    """A feature stands for base64; its proxy is too broad, as other strings look alike, but no
    neuron comes near, and another model has it too."""
    row, proxy = planted_one(r, "base64"), planted_one(r, "base64", proxy=True)
    ours, neuron = float(proxy["correlation"]), float(proxy["neuron_correlation"])
    second, context = float(row["partner_correlation"]), float(row["correlation"])
    latent, other = int(row["latent"]), int(planted_one(r, "hexadecimal")["latent"])
    proxies = f"proxy: latent {fmt(ours)}, neuron {fmt(neuron)} (context itself: {fmt(context)})"
    return _properties(
        {
            proxies: ours - neuron >= 0.2,
            f"second model {fmt(second)}": second >= 0.7,
            f"latent {latent} for base64, {other} for hexadecimal": latent != other,
        },
        enough=2,
    )


@claim(
    "b35-hebrew",
    paper=PAPER,
    source="Hebrew feature",
    published="correlation with the proxy 0.55, best neuron 0.1, 0.92 with a feature of another "
    "model, no neuron with Hebrew among its top examples",
    expected="Tested on hexadecimal, there being no Hebrew: correlation with the context 0.5 or "
    "more; "
    "above the best neuron by 0.2; 0.8 or more with a latent of a second model. Partly: two of the "
    "three.",
    quantity="of three properties, those that the latent has",
    figure="single-features.html#tbl-planted",
    rows=ROWS,
)
def second_script(r: Results) -> Verdict:
    """A further context has its own feature as well: sensitive, no neuron, universal."""
    row = planted_one(r, "hexadecimal")
    found, gap = float(row["correlation"]), float(row["neuron_gap"])
    second = float(row["partner_correlation"])
    return _properties(
        {
            f"correlation {fmt(found)}": found >= 0.5,
            f"above the best neuron by {fmt(gap)}": gap >= 0.2,
            f"second model {fmt(second)}": second >= 0.8,
        },
        enough=2,
    )


@claim(
    "b36-cherry-picked",
    paper=PAPER,
    source="Detailed investigations of individual features",
    published="the features looked at closely were chosen for being clear",
    expected="Fewer than half of the natural context concepts have a latent that passes all five "
    "tests, and planted contexts pass more of them on average than natural ones. Partly: one of "
    "the two.",
    quantity="share of natural context concepts that pass all five tests",
    figure="single-features.html#fig-tests",
    rows=ROWS,
)
def cherry_picked(r: Results) -> Verdict:
    """The features shown in detail are not typical: they were chosen for being clear."""
    table, chosen = natural(r), planted(r)
    complete, n = total(table["passed"] == len(TESTS)), len(table)
    mean = average(table["passed"])
    low, high = intervals.mean(table["passed"].to_numpy(dtype=float), seed=SEED)
    fewer, clearer = complete < n / 2, average(chosen["passed"]) > mean
    each = ", ".join(f"{name} {total(table[test])}" for test, name in TESTS.items())
    return Verdict(
        measured=complete / n,
        interval=intervals.wilson(complete, n),
        holds=graded(fewer and clearer, fewer or clearer),
        detail=f"{of(complete, n)} natural concepts pass all five; passed one by one: {each}. Mean "
        f"{fmt(mean)} of five ({between(low, high)}), planted contexts "
        f"{by_kind(chosen.assign(passed=chosen['passed'].astype(float)), 'passed')}.",
    )


def _properties(found: dict[str, bool], *, enough: int) -> Verdict:
    """The verdict by how many properties hold, each named with its number."""
    n = sum(found.values())
    words = "; ".join(f"{name} ({'yes' if holds else 'no'})" for name, holds in found.items())
    return Verdict(
        measured=of(n, len(found)), holds=graded(n == len(found), n >= enough), detail=f"{words}."
    )
