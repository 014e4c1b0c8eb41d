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


class Membership(NamedTuple):
    """Which latents belong to which context."""

    belongs: Bool[np.ndarray, "context latent"]
    """Precision above OF_CONTEXT, for latents that are active often enough."""
    context: Shaped[np.ndarray, " latent"]
    """The context in which each latent is most precise; "" if it belongs to none."""
    precision: Float[np.ndarray, " latent"]
    """How precise it is there; 0 if it belongs to none."""


def members(
    acts: sparse.csr_matrix, labels: sparse.csr_matrix, names: list[str], *, min_active: int
) -> Membership:
    """Which latents belong to which of the contexts called `names`.

    A latent must be active on `min_active` tokens, or its precision is a matter of chance.
    """
    often = firings(acts) >= min_active
    found = precisions(acts, labels) * often
    belongs = found > OF_CONTEXT
    if not names:
        n = acts.shape[1]
        return Membership(belongs, np.full(n, ""), np.zeros(n))
    inside = belongs.any(axis=0)
    best = np.where(inside, found.argmax(axis=0), len(names))
    return Membership(belongs, np.array([*names, ""])[best], found.max(axis=0) * inside)
