"""What is known of the tokens of some windows: the labels, the half they lie in, the neurons."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import sparse
from torch import Tensor

from superposition.features.streaming import Windows, window_batches
from superposition.language.transformer import OneLayerTransformer

PROXY = "proxy"
"""Group of the contexts that the paper's proxies mark instead of our labels."""


class LabelledText(NamedTuple):
    """What the same rows are: the tokens, and what is known about each."""

    token: Int[np.ndarray, " token"]
    """Token ids."""
    next_token: Int[np.ndarray, " token"]
    """The id of the token that follows."""
    window: Int[np.ndarray, " token"]
    """Number of the window, ascending."""
    labels: sparse.csr_matrix
    """Which concepts the token has, token by concept, entries 1."""
    reported: Bool[np.ndarray, " token"]
    """Whether the token lies in the half on which results are reported; on the others, units are
    chosen."""

    def half(self, *, reported: bool) -> Int[np.ndarray, " row"]:
        """The rows of one half."""
        return np.flatnonzero(self.reported == reported)


def labelled_text(
    windows: Windows, labels: sparse.csr_array, choosing: Bool[Tensor, " n"]
) -> LabelledText:
    """What the tokens of `windows` are.

    `labels` and `choosing`, the half on which units are chosen, have a row for every token of the
    stream.
    """
    position = windows.position.flatten().numpy()
    n_windows, seq = windows.position.shape
    return LabelledText(
        token=windows.tokens[:, :-1].flatten().numpy(),
        next_token=windows.tokens[:, 1:].flatten().numpy(),
        window=np.repeat(np.arange(n_windows), seq),
        labels=sparse.csr_matrix(labels)[position].astype(np.float32),
        reported=~choosing.numpy()[position],
    )


@torch.no_grad()
def neurons_on(
    model: OneLayerTransformer, windows: Windows, *, batch_size: int
) -> Float[Tensor, "token d_mlp"]:
    """The activations of all neurons, in half precision: a quarter of them are not zero."""
    parts = [
        model.mlp_acts(batch.tokens[:, :-1].to(model.device)).flatten(0, 1).to("cpu", torch.float16)
        for batch in window_batches(windows, batch_size=batch_size, description="neurons")
    ]
    return torch.cat(parts)


def columns(
    acts: sparse.csr_matrix | Tensor, units: Int[np.ndarray, " unit"]
) -> Float[np.ndarray, "token unit"]:
    """The activations of some `units`, every zero stored, as float32."""
    if isinstance(acts, Tensor):
        return acts[:, torch.from_numpy(units)].float().numpy()
    return acts[:, units].toarray().astype(np.float32, copy=False)


def one_hot(ids: Int[np.ndarray, " token"], n: int) -> sparse.csr_matrix:
    """A matrix with a single 1 in each row, in the column `ids` says."""
    ends = np.arange(len(ids) + 1)
    parts = np.ones(len(ids), dtype=np.float32), ids.astype(np.int32), ends
    return sparse.csr_matrix(parts, shape=(len(ids), n))
