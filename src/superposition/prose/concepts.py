"""Values of the chapter on concepts: how many there are, what was parsed."""

import pandas as pd

from superposition.language.concepts.description import TOKEN_F1
from superposition.results import Results
from superposition.sources import sourced
from superposition.values import fmt

NAMES = (
    *("catalogue_concepts", "catalogue_groups", "catalogue_judged", "catalogue_context"),
    *("catalogue_token", "catalogue_absent", "catalogue_rare", "catalogue_tokens"),
    *("catalogue_labels_per_token", "catalogue_documents", "catalogue_parsed"),
    *("catalogue_without_parser", "catalogue_refused", "catalogue_min_tokens"),
    *("catalogue_token_f1", "catalogue_median_share"),
)
"""Names of the values, at every scale."""


@sourced
def texts(r: Results) -> dict[str, str]:
    """The values, by name."""
    catalogue, m = r.concepts.catalogue, r.concepts.metrics
    return {
        "catalogue_concepts": fmt(m.concepts),
        "catalogue_groups": fmt(len(set(catalogue["group"]))),
        "catalogue_judged": fmt(m.concepts_judged),
        "catalogue_context": fmt(m.concepts_context),
        "catalogue_token": fmt(m.concepts_token),
        "catalogue_absent": fmt(m.concepts_absent),
        "catalogue_rare": fmt(m.concepts - m.concepts_judged - m.concepts_absent),
        "catalogue_tokens": fmt(m.tokens),
        "catalogue_labels_per_token": fmt(float(m.labels_per_token)),
        "catalogue_documents": fmt(m.documents),
        "catalogue_parsed": fmt(m.documents_parsed),
        "catalogue_without_parser": fmt(m.documents_without_parser),
        "catalogue_refused": _refused(m.documents_refused, m.refused_for),
        "catalogue_min_tokens": fmt(r.params.value("concepts", "min_tokens")),
        "catalogue_token_f1": fmt(TOKEN_F1, "given"),
        "catalogue_median_share": fmt(_median_share(catalogue), "%"),
    }


def _refused(n: int, reasons: dict[str, int]) -> str:
    """How many files the parser refused, and how many different reasons it gave."""
    if not n:
        return "none"
    return f"{fmt(n)}, for {fmt(len(reasons))} different reason{'s' if len(reasons) > 1 else ''}"


def _median_share(catalogue: pd.DataFrame) -> float:
    return float(catalogue.loc[catalogue["judged"], "share"].median())
