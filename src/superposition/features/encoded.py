"""Whole dictionaries on held-out text, as sparse matrices of tokens by latents."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import sparse

from superposition.features.streaming import (
    Active,
    Dictionary,
    Windows,
    active,
    d_sae_of,
    window_batches,
)
from superposition.language.transformer import OneLayerTransformer

FEW_WINDOWS = 256
"""Windows from which the mean inverse scale of the final LayerNorm is taken: 32,768 tokens, whose
mean is good to a fraction of a per cent."""
TOP = 20
"""Strongest activations that must be on one token for a latent to be about that token alone.
Source: Towards Monosemanticity, the Arabic feature, whose top 20 examples are read."""


class Text(NamedTuple):
    """The tokens on which dictionaries are compared, in the order of all matrices' rows."""

    token: Int[np.ndarray, " n_tokens"]
    """Token ids."""
    next_token: Int[np.ndarray, " n_tokens"]
    """The token that follows each of them."""
    position: Int[np.ndarray, " n_tokens"]
    """Index of each token in the stream."""


def some_windows(windows: Windows) -> Windows:
    """A few of the windows, evenly spread: enough for the mean scale of a LayerNorm."""
    step = max(1, len(windows.tokens) // FEW_WINDOWS)
    return Windows(windows.tokens[::step], windows.position[::step])


def text_of(windows: Windows) -> Text:
    """The tokens of `windows`, one after the other."""
    tokens = windows.tokens.numpy()
    return Text(tokens[:, :-1].ravel(), tokens[:, 1:].ravel(), windows.position.numpy().ravel())


@torch.no_grad()
def encode(
    model: OneLayerTransformer,
    dictionaries: Sequence[Dictionary],
    windows: Windows,
    *,
    batch_size: int,
    dtype: torch.dtype,
    description: str,
) -> list[sparse.csr_matrix]:
    """Every dictionary's activations, tokens by latents; `model` runs once for all of them.

    `dtype` is the format of the encoders' inputs, as in `streaming.latent_batches`.
    """
    parts: list[list[sparse.csr_matrix]] = [[] for _ in dictionaries]
    for batch in window_batches(windows, batch_size=batch_size, description=description):
        x = model.mlp_acts(batch.tokens[:, :-1].to(model.device)).flatten(0, 1)
        for part, dictionary in zip(parts, dictionaries, strict=True):
            codes = dictionary.codes(x.to(dtype))
            part.append(_sparse(active(codes), n=len(x), d_sae=d_sae_of(codes)))
    return [sparse.vstack(part, format="csr") for part in parts]


def by_token(
    x: sparse.csr_matrix, token: Int[np.ndarray, " n_tokens"], *, d_vocab: int
) -> sparse.csr_matrix:
    """The sum of every unit's activations on each token id: ids by units."""
    n = len(token)
    which = sparse.csr_matrix((np.ones(n, dtype=x.dtype), token, np.arange(n + 1)), (n, d_vocab))
    return sparse.csr_matrix(which.T) @ x


def top_token(
    by_token: sparse.csr_matrix,
) -> tuple[Int[np.ndarray, " unit"], Float[np.ndarray, " unit"]]:
    """The token id that holds most of each unit's activation, and its share of it; 0 if silent."""
    best = np.asarray(by_token.argmax(axis=0)).ravel()
    largest = np.asarray(by_token.max(axis=0).todense(), dtype=np.float64).ravel()
    everything = np.asarray(by_token.sum(axis=0), dtype=np.float64).ravel()
    share = np.divide(largest, everything, out=np.zeros_like(largest), where=everything > 0)
    return best, share


def is_single_token(
    x: sparse.csr_matrix, token: Int[np.ndarray, " n_tokens"], *, n_top: int = TOP
) -> Bool[np.ndarray, " unit"]:
    """Whether a unit's `n_top` strongest activations are all on one token id.

    False for a unit with fewer activations. Source: Towards Monosemanticity, "Do features tell us
    about the model or the data?", where random models have many of them.
    """
    columns = sparse.csc_matrix(x)
    single = np.zeros(x.shape[1], dtype=bool)
    for unit in np.flatnonzero(np.diff(columns.indptr) >= n_top):
        stretch = slice(columns.indptr[unit], columns.indptr[unit + 1])
        strongest = np.argsort(-columns.data[stretch], kind="stable")[:n_top]
        single[unit] = len(set(token[columns.indices[stretch][strongest]].tolist())) == 1
    return single


def _sparse(found: Active, *, n: int, d_sae: int) -> sparse.csr_matrix:
    counts = torch.bincount(found.inputs, minlength=n).cumsum(0).cpu().numpy()
    values = found.values.float().cpu().numpy()
    indices = found.latents.int().cpu().numpy()
    return sparse.csr_matrix((values, indices, np.concatenate([[0], counts])), shape=(n, d_sae))
