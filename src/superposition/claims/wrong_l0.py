"""Claims of "Sparse but Wrong" (Chanin and Garriga-Alonso): what a wrong L0 does to features."""

from superposition.artefacts import ToyComparison
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.toy_saes import PAGE, between_variants, means
from superposition.results import Results
from superposition.values import fmt

PAPER = "Sparse but Wrong"
ROWS = ("toy.fifty-in-twenty", "toy_comparison.wrong-l0-correlated")
TRUE = "k-3"
"""The variant whose k is the true L0: 50 features of density 0.06."""


@claim(
    "w01-l0-too-low",
    paper=PAPER,
    source="abstract; toy models with correlated features",
    published="no number here; a too low L0 mixes correlated features",
    expected="BatchTopK on correlated features with k = 1 against the true 3: lower matched cosine "
    "(95% interval of the paired difference above 0) and more latents that are a sum of two "
    "features. Partly: the interval alone.",
    quantity="mean matched cosine lost",
    figure=f"{PAGE}#fig-wrong-l0",
    rows=ROWS,
)
def too_low(r: Results) -> Verdict:
    """If L0 is too low, the autoencoder mixes correlated features into its latents, because that
    reconstructs better."""
    found = r.toy_comparison("wrong-l0-correlated")
    lost = between_variants(found, "matched_cosine", TRUE, "k-1")
    mixed = between_variants(found, "mixed", "k-1", TRUE)
    return Verdict(
        measured=lost.mean,
        interval=lost.interval,
        holds=graded(lost.is_sure and mixed.mean > 0, lost.is_sure),
        detail=f"Matched cosine by k: {_by_k(found)}. Mixed latents more: {mixed.words()}.",
    )


@claim(
    "w02-l0-too-high",
    paper=PAPER,
    source="abstract; toy models with correlated features",
    published="no number here; a too high L0 finds degenerate solutions that mix features, too",
    expected="BatchTopK on correlated features with k = 12 against the true 3: lower matched "
    "cosine (95% interval of the paired difference above 0). Partly: lower on average.",
    quantity="mean matched cosine lost",
    figure=f"{PAGE}#fig-wrong-l0",
    rows=ROWS,
)
def too_high(r: Results) -> Verdict:
    """If L0 is too high, the autoencoder finds degenerate solutions that mix features as well."""
    found = r.toy_comparison("wrong-l0-correlated")
    lost = between_variants(found, "matched_cosine", TRUE, "k-12")
    return Verdict(
        measured=lost.mean,
        interval=lost.interval,
        holds=graded(lost.is_sure, lost.mean > 0),
        detail=f"Matched cosine by k: {_by_k(found)}.",
    )


@claim(
    "w03-true-l0-best",
    paper=PAPER,
    source="abstract; toy models with correlated features",
    published="no number here",
    expected="Of k from 1 to 12, the mean matched cosine is highest at the true L0, 3. Partly: at "
    "a neighbour, 2 or 4.",
    quantity="k with the highest matched cosine",
    figure=f"{PAGE}#fig-wrong-l0",
    rows=ROWS,
)
def best_at_the_truth(r: Results) -> Verdict:
    """The autoencoder finds the true features when its L0 is that of the data."""
    found = r.toy_comparison("wrong-l0-correlated")
    mean = means(found.paired("matched_cosine"))
    best = max(mean, key=lambda name: mean[name])
    return Verdict(
        measured=int(best.removeprefix("k-")),
        holds=graded(best == TRUE, best in ("k-2", "k-4")),
        detail=f"Matched cosine by k: {_by_k(found)}.",
    )


def _by_k(found: ToyComparison) -> str:
    mean = means(found.paired("matched_cosine"))
    return ", ".join(f"{name.removeprefix('k-')}: {fmt(value)}" for name, value in mean.items())
