"""Which latents of one width descend from which of another, by their activations on one text."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import sparse

from superposition.features import moments
from superposition.saes.base import SAE

EDGE = 0.4
"""Similarity from which a latent of one width descends from one of another.
Source: Towards Monosemanticity, Feature Splitting, footnote on the graph of splits."""
_WIDTHS = ("coarse_d_sae", "fine_d_sae")


class Member(NamedTuple):
    """One autoencoder of the family."""

    d_sae: int
    seed: int
    sae: SAE


def similarity(
    coarse: sparse.csr_matrix, fine: sparse.csr_matrix
) -> Float[np.ndarray, "coarse fine"]:
    """Masked cosine of activations: the larger of the cosines where one of the two is active.

    s_ij = sum_t f_i g_j / (|f_i| |g_j|), where one of the norms is over the tokens alone on which
    the other latent is active. A latent that is one part of another has similarity 1 with it.
    Source: Towards Monosemanticity, Feature Splitting, footnote on the graph of splits.
    """
    together = np.zeros((coarse.shape[1], fine.shape[1]))
    coarse_where_fine, fine_where_coarse = np.zeros_like(together), np.zeros_like(together)
    for start in range(0, coarse.shape[0], moments.ROWS):
        f, g = (each[start : start + moments.ROWS] for each in (coarse, fine))
        together += moments.product(f, g)
        coarse_where_fine += moments.product(f.power(2), moments.ones(g))
        fine_where_coarse += moments.product(moments.ones(f), g.power(2))
    f_norm, g_norm = (np.sqrt(moments.total(each, power=2)) for each in (coarse, fine))
    where_coarse = f_norm[:, None] * np.sqrt(fine_where_coarse)
    where_fine = np.sqrt(coarse_where_fine) * g_norm[None]
    smaller = np.minimum(where_coarse, where_fine)
    return np.divide(together, smaller, out=np.zeros_like(together), where=smaller > 0)


def edges_across(
    family: Sequence[Member], acts: Sequence[sparse.csr_matrix], *, min_active: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pairs of latents of one width and the next with a similarity above EDGE, in the first seed.

    The second table counts, for every two widths, the latents with such a relative, and those that
    have one when the tokens of the wider dictionary are shuffled: dense latents are similar to
    many by chance. Frames: splitting/edges.parquet and splitting/relatives.parquet.
    """
    first, rng = min(member.seed for member in family), np.random.default_rng(seed)
    chain = sorted((member.d_sae, i) for i, member in enumerate(family) if member.seed == first)
    edges, relatives = [pd.DataFrame(columns=[*_WIDTHS, "coarse", "fine", "similarity"])], []
    for (coarse, i), (fine, j) in pairwise(chain):
        judged = [np.flatnonzero(moments.firings(acts[k]) >= min_active) for k in (i, j)]
        f, g = (acts[k][:, chosen] for k, chosen in zip((i, j), judged, strict=True))
        similar, chance = similarity(f, g), similarity(f, g[rng.permutation(g.shape[0])])
        parent, child = np.nonzero(similar > EDGE)
        widths = dict(zip(_WIDTHS, (coarse, fine), strict=True))
        found = {"coarse": judged[0][parent], "fine": judged[1][child]}
        edges.append(pd.DataFrame(widths | found | {"similarity": similar[parent, child]}))
        relatives.append(widths | _count_relatives(similar > EDGE, chance > EDGE))
    together = [each for each in edges if len(each)] or edges[:1]
    return pd.concat(together, ignore_index=True), pd.DataFrame(relatives)


def _count_relatives(related: np.ndarray, by_chance: np.ndarray) -> dict[str, int]:
    parents, children = related.sum(axis=0), related.sum(axis=1)
    return {
        "n_coarse": len(children),
        "n_fine": len(parents),
        "with_parent": int((parents >= 1).sum()),
        "with_two_parents": int((parents >= 2).sum()),
        "with_child": int((children >= 1).sum()),
        "with_two_children": int((children >= 2).sum()),
        "null_with_parent": int(by_chance.any(axis=0).sum()),
    }
