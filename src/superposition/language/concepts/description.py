"""What is known of every concept: how frequent it is, and whether the token alone gives it away."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.sparse import csr_array

from superposition.language.concepts.catalogue import CATALOGUE
from superposition.language.concepts.labels import Labels, halves
from superposition.language.tokens import TokenStream

TOKEN_F1 = 0.8
"""From here on a concept counts as one of the token alone.

Knowing nothing but the token's id then finds it nearly as well as anything could, so that a unit
that finds it shows no more than a unit of a random model would. Where to draw the line is our
choice; the catalogue has the value for every concept.
"""


@dataclass(frozen=True, kw_only=True)
class ConceptsConfig:
    """Which concepts are scored."""

    min_tokens: int
    """Tokens with a concept, in each half of the text, below which it is listed but not scored."""

    def __post_init__(self) -> None:
        if self.min_tokens < 1:
            raise ValueError(f"min_tokens={self.min_tokens} is not positive")


def describe(labels: Labels, stream: TokenStream, *, config: ConceptsConfig) -> pd.DataFrame:
    """One row a concept: concept, name, group, rule, kind, n_tokens, share, token_f1, judged."""
    matrix, first = labels.matrix(), halves(stream).numpy()
    tokens = stream.tokens.numpy()
    n_ids = int(tokens.max(initial=0)) + 1
    counts = [_by_id(matrix[half], tokens[half], n_ids) for half in (first, ~first)]
    sizes = [np.bincount(tokens[half], minlength=n_ids) for half in (first, ~first)]
    n_first, n_second = (count.sum(axis=0) for count in counts)
    token_f1 = _token_f1(*counts, *sizes)
    n_tokens = (n_first + n_second).astype(np.int64)
    return pd.DataFrame(
        {
            "concept": np.arange(len(CATALOGUE)),
            "name": [concept.name for concept in CATALOGUE],
            "group": [concept.group for concept in CATALOGUE],
            "rule": [concept.rule for concept in CATALOGUE],
            "kind": np.where(token_f1 >= TOKEN_F1, "token", "context"),
            "n_tokens": n_tokens,
            "share": n_tokens / max(len(tokens), 1),
            "token_f1": token_f1,
            "judged": np.minimum(n_first, n_second) >= config.min_tokens,
        }
    )


def summary(labels: Labels, catalogue: pd.DataFrame) -> dict[str, int | float]:
    """Counts of concepts and labels for metrics.json."""
    kinds = catalogue.loc[catalogue["judged"], "kind"].to_list()
    return {
        "concepts": len(catalogue),
        "concepts_judged": len(kinds),
        "concepts_context": kinds.count("context"),
        "concepts_token": kinds.count("token"),
        "concepts_absent": catalogue["n_tokens"].to_list().count(0),
        "tokens": labels.n_tokens,
        "labels": len(labels.indices),
        "labels_per_token": len(labels.indices) / max(labels.n_tokens, 1),
    }


def _by_id(
    matrix: csr_array, tokens: Int[ndarray, " n_tokens"], n_ids: int
) -> Float[ndarray, "d_vocab concept"]:
    """How often each token id has each concept."""
    places = (tokens, np.arange(len(tokens)))
    ids = csr_array((np.ones(len(tokens), np.float32), places), shape=(n_ids, len(tokens)))
    return csr_array(ids @ matrix).toarray().astype(np.float64)


def _token_f1(
    chosen_by: Float[ndarray, "d_vocab concept"],
    scored_on: Float[ndarray, "d_vocab concept"],
    chosen_size: Int[ndarray, " d_vocab"],
    scored_size: Int[ndarray, " d_vocab"],
) -> Float[ndarray, " concept"]:
    """F1 of a classifier that knows the token's id alone; 0 where nothing is found.

    It says yes to the ids that have the concept more often than not in the one half of the text,
    and is scored on the other.
    """
    yes = chosen_by > chosen_size[:, None] / 2
    true = (yes * scored_on).sum(axis=0)
    total = (yes * scored_size[:, None]).sum(axis=0) + scored_on.sum(axis=0)
    return 2 * true / np.maximum(total, 1)
