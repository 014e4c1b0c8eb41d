"""Which latents belong to which context, by what they are active on."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped
from scipy import sparse

from superposition.features.moments import firings, precisions
from superposition.language.concepts.labels import Labels

PLANTED = ("planted base64", "planted hexadecimal", "planted DNA")
"""Names of the contexts that were made by hand, in the catalogue of concepts."""
OF_CONTEXT = 0.5
"""Precision from which a latent belongs to a context: most of its active tokens lie inside."""


class Contexts(NamedTuple):
    """The contexts whose latents are compared."""

    labels: sparse.csr_matrix
    """Which tokens have which: positions of the stream by contexts, ones."""
    names: list[str]
    """What each is called."""

    def at(self, position: Int[np.ndarray, " n_tokens"]) -> sparse.csr_matrix:
        """The labels of some positions."""
        return self.labels[position]


def contexts_of(labels: Labels, catalogue: pd.DataFrame) -> Contexts:
    """The concepts that are frequent enough to be judged and that no single token gives away.

    The planted contexts are among them whatever their frequency.
    """
    judged = catalogue["judged"] & (catalogue["kind"] == "context")
    chosen = catalogue.loc[judged | catalogue["name"].isin(PLANTED)]
    matrix = sparse.csr_matrix(labels.matrix())
    return Contexts(matrix[:, chosen["concept"].to_numpy()], chosen["name"].tolist())


def members(
    acts: sparse.csr_matrix, labels: sparse.csr_matrix, *, min_active: int
) -> Bool[np.ndarray, "context latent"]:
    """Which latents belong to which context, [context, latent]: precision above OF_CONTEXT.

    A latent must be active on `min_active` tokens, or its precision is a matter of chance.
    """
    often = firings(acts) >= min_active
    return (precisions(acts, labels) > OF_CONTEXT) & often


def best_context(
    acts: sparse.csr_matrix,
    labels: sparse.csr_matrix,
    belongs: Bool[np.ndarray, "context latent"],
    names: list[str],
) -> tuple[Shaped[np.ndarray, " latent"], Float[np.ndarray, " latent"]]:
    """The context in which each latent is most precise, and how precise; "" and 0 if none."""
    found = np.where(belongs, precisions(acts, labels), 0.0)
    if not names:
        return np.full(acts.shape[1], ""), np.zeros(acts.shape[1])
    best = np.where(belongs.any(axis=0), found.argmax(axis=0), len(names))
    return np.array([*names, ""])[best], found.max(axis=0)
