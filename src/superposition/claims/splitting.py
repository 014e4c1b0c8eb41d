"""Claims of "Towards Monosemanticity" on feature splitting: what wider dictionaries find."""

import numpy as np
import pandas as pd

from superposition import intervals
from superposition.artefacts import NotTrained
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import SEED, graded
from superposition.claims.measures_relations import WIDTHS, average, by_width, column, count, listed
from superposition.features.membership import PLANTED
from superposition.results import Results
from superposition.values import between, fmt, of

PAPER = "Towards Monosemanticity"
BASE64 = PLANTED[0]
CODED = ("planted base64", "planted hexadecimal")
"""Contexts in which digits stand among other characters."""
MOSTLY_DIGITS = 0.5
"""Share of its activation on digits from which a latent is one of digits."""


@claim(
    "b50-splitting-base64",
    paper=PAPER,
    source="Phenomenology, Feature splitting",
    published="one base64 feature among 512, three among 4,096, many among 16,384",
    expected="The number of latents whose active tokens lie mostly (precision above 0.5) in base64 "
    "never falls from one width to the next, as a mean over seeds, and is larger at the widest "
    "than at the narrowest. Partly: larger at the widest.",
    quantity="base64 latents by width, mean over seeds",
    figure="splitting.html#fig-counts",
    rows=WIDTHS,
)
def splitting_base64(r: Results) -> Verdict:
    """What is one feature in a small dictionary splits into several in a larger one: base64 has
    one, then three, then many."""
    counts = _counts(r, BASE64)
    grows = bool(counts[-1] > counts[0])
    every = r.splitting.contexts["context"].unique()
    more = sum(bool(found[-1] > found[0]) for found in (_counts(r, name) for name in every))
    others = "; ".join(
        f"{name.removeprefix('planted ')} {listed(_counts(r, name))}" for name in PLANTED[1:]
    )
    return Verdict(
        measured=listed(counts),
        holds=graded(grows and bool((np.diff(counts) >= 0).all()), grows),
        detail=f"Widths {_widths(r)}. {others}. Of all contexts, {of(more, len(every))} have more "
        "latents at the widest than at the narrowest.",
    )


@claim(
    "b51-splitting-geometry",
    paper=PAPER,
    source="Phenomenology, Feature splitting",
    published="features of one context form clusters of dictionary vectors in a UMAP",
    expected="In at least 90% of the contexts with two latents or more, the decoder rows of the "
    "context's latents have a larger mean cosine with each other than with those of other "
    "contexts, and in more than half of them a permutation test gives p < 0.05. Partly: one of "
    "the two.",
    quantity="share of contexts whose latents cluster (p < 0.05)",
    figure="splitting.html#fig-clusters",
    rows=WIDTHS,
)
def splitting_geometry(r: Results) -> Verdict:
    """Latents that split from one another stay close: those of one context have similar dictionary
    vectors."""
    table = r.splitting.clusters
    if not len(table):
        raise NotTrained("no context with two latents or more")
    closer = count(table["within"] > table["across"])
    clear = count(table["p_value"] < 0.05)
    most, half = closer >= 0.9 * len(table), clear > len(table) / 2
    return Verdict(
        measured=clear / len(table),
        interval=intervals.wilson(clear, len(table)),
        holds=graded(most and half, most or half),
        detail=f"Closer to each other than to others in {of(closer, len(table))} contexts; mean "
        f"cosine {fmt(average(table['within']))} within and "
        f"{fmt(average(table['across']))} across.",
    )


@claim(
    "b52-splitting-measure",
    paper=PAPER,
    source="Phenomenology, Feature splitting, footnote on the graph of splits",
    published="features with a masked activation cosine above about 0.4 are joined; they split and "
    "merge, so that the graph is no tree",
    expected="From each width to the next, more than half of the latents of the wider dictionary "
    "have a similar one in the narrower, at least twice as many as with shuffled tokens; at least "
    "1% have two or more, and at least 1% of the narrower one's latents have two or more. Partly: "
    "more than half have one, and more than with shuffled tokens.",
    quantity="smallest share of latents with a similar one in the next narrower dictionary",
    figure="splitting.html#fig-graph",
    rows=WIDTHS,
)
def splitting_graph(r: Results) -> Verdict:
    """Latents of larger dictionaries descend from those of smaller ones; they split and merge, and
    the graph is no tree."""
    table = r.splitting.relatives
    parents, chance = (
        column(table, name) / column(table, "n_fine")
        for name in ("with_parent", "null_with_parent")
    )
    merges = column(table, "with_two_parents") / column(table, "n_fine")
    splits = column(table, "with_two_children") / column(table, "n_coarse")
    most = bool((parents > 0.5).all() and (parents > chance).all())
    clear = bool((parents >= 2 * chance).all())
    no_tree = bool((merges >= 0.01).all() and (splits >= 0.01).all())
    return Verdict(
        measured=float(parents.min()),
        holds=graded(most and clear and no_tree, most),
        detail=f"Widths {_widths(r)}: shares with a parent {listed(parents)}, by chance "
        f"{listed(chance)}; with two parents or more {listed(merges)}, with two children or more "
        f"{listed(splits)}.",
    )


@claim(
    "b53-single-token-bug",
    paper=PAPER,
    source="Phenomenology, Feature splitting, Bug 1: single token features",
    published="small dictionaries have latents that are active on every instance of one token; "
    "they split as dictionaries grow (no number)",
    expected="The share of latents whose 20 strongest activations are all on one token falls from "
    "each width to the next, as a mean over seeds. Partly: it is lower at the widest than at the "
    "narrowest.",
    quantity="share of single-token latents by width, mean over seeds",
    figure="splitting.html#fig-single-token",
    rows=WIDTHS,
)
def single_tokens(r: Results) -> Verdict:
    """Small dictionaries show latents of single tokens, which split into latents of that token in
    different contexts as the dictionary grows."""
    shares = by_width(r.splitting.latents, "single_token", "mean")
    return Verdict(
        measured=listed(shares),
        holds=graded(bool((np.diff(shares) < 0).all()), bool(shares[-1] < shares[0])),
        detail=f"Widths {_widths(r)}. A latent needs 20 activations to be counted as one.",
    )


@claim(
    "b54-digits-bug",
    paper=PAPER,
    source="Phenomenology, Feature splitting, Bug 2: multiple features for a single context",
    published="a latent of digits in base64 predicts what the others of base64 predict, except "
    "digits, because in the tokenizer of the paper single digits cannot follow each other",
    expected="Here every digit is a token of its own, so digits do follow digits. If the paper's "
    "explanation is right, the gap must be absent: latents of base64 or hexadecimal that are "
    "mostly on digits raise digits over the context's other tokens at least as much as the other "
    "latents of these contexts do. Partly: less, but the 95% interval of the difference holds 0.",
    quantity="digits over other tokens, digit latents minus the others (standard deviations)",
    figure="splitting.html#fig-digits",
    rows=WIDTHS,
)
def digits(r: Results) -> Verdict:
    """A latent of digits in base64 does not predict digits, because digits cannot follow digits:
    what looks odd is a fact of the tokenizer."""
    table = r.splitting.latents
    coded = table.loc[table["context"].isin(CODED)]
    gap = coded["digit_effect"] - coded["other_effect"]
    mostly = coded["digit_share"] > MOSTLY_DIGITS
    of_digits, others = (gap[each].to_numpy(dtype=float) for each in (mostly, ~mostly))
    if not len(of_digits) or not len(others):
        raise NotTrained("no latent of digits in base64 or hexadecimal, or none of other tokens")
    difference = float(of_digits.mean() - others.mean())
    low, high = intervals.difference(of_digits, others, seed=SEED)
    return Verdict(
        measured=difference,
        interval=(low, high),
        holds=graded(difference >= 0, high >= 0),
        detail=f"{fmt(len(of_digits))} latents of digits raise digits by "
        f"{fmt(float(of_digits.mean()))} more than other tokens, {fmt(len(others))} others by "
        f"{fmt(float(others.mean()))}, over all widths and seeds ({between(low, high)}).",
    )


@claim(
    "b55-the-features",
    paper=PAPER,
    source="Phenomenology, Finite state automata and motifs; the feature list of A/4",
    published="over a hundred of the 65,536 latents of A/4 respond mainly to the token `the`",
    expected="The number of latents most of whose activation is on the commonest word never falls "
    "from one width to the next, as a mean over seeds, and is larger at the widest than at the "
    "narrowest. Partly: larger at the widest.",
    quantity="latents of the commonest word by width, mean over seeds",
    figure="splitting.html#fig-single-token",
    rows=WIDTHS,
)
def commonest_word(r: Results) -> Verdict:
    """Wide dictionaries spend many latents on the commonest word, one for each kind of place where
    it stands."""
    counts = by_width(r.splitting.latents, "on_commonest_word", "sum")
    grows = bool(counts[-1] > counts[0])
    return Verdict(
        measured=listed(counts),
        holds=graded(grows and bool((np.diff(counts) >= 0).all()), grows),
        detail=f"Widths {_widths(r)}. The commonest word is that of the held-out text, a space and "
        "letters.",
    )


def _counts(r: Results, context: str) -> np.ndarray:
    table = r.splitting.contexts
    chosen: pd.DataFrame = table.loc[table["context"] == context]
    if not len(chosen):
        raise NotTrained(f"no context {context!r} among the concepts")
    return by_width(chosen, "n_latents", "sum")


def _widths(r: Results) -> str:
    return ", ".join(fmt(int(width)) for width in sorted(set(r.splitting.latents["d_sae"])))
