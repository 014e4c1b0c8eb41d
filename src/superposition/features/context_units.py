"""The unit that fits each concept best, chosen on one half of the documents."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import sparse
from torch import Tensor

from superposition.features.moments import CrossMoments
from superposition.features.recording import LabelledText

ROWS = 16_384
"""Tokens of dense activations at a time."""


class Chosen(NamedTuple):
    """The best unit of every concept, by correlation on the half that is for choosing."""

    latent: Int[np.ndarray, " concept"]
    neuron: Int[np.ndarray, " concept"]
    partner: Int[np.ndarray, " concept"]
    """The partner's latent that correlates best with the chosen latent."""
    null: Float[np.ndarray, " concept"]
    """The best correlation of any latent if the concept's windows are shuffled."""


def choose(
    latents: sparse.csr_matrix,
    neurons: Float[Tensor, "token d_mlp"],
    partner: sparse.csr_matrix,
    text: LabelledText,
    *,
    seed: int,
) -> Chosen:
    """The best latent, neuron and `partner` latent of every concept on the half for choosing."""
    rows = text.half(reported=False)
    latents, labels = latents[rows], text.labels[rows]
    latent = CrossMoments.of(latents, labels).correlation().argmax(axis=0)
    shuffled = labels[_shuffled_windows(text.window[rows], seed=seed)]
    alike = CrossMoments.of(latents[:, latent], partner[rows]).correlation()
    return Chosen(
        latent=latent,
        neuron=_neuron_correlations(neurons, labels, rows).argmax(axis=0),
        partner=alike.argmax(axis=1),
        null=CrossMoments.of(latents, shuffled).correlation().max(axis=0),
    )


def _neuron_correlations(
    neurons: Tensor, labels: sparse.csr_matrix, rows: np.ndarray
) -> np.ndarray:
    """Correlations of all neurons with all concepts over `rows`, a stretch of tokens at a time."""
    moments = CrossMoments.empty(neurons.shape[1], labels[:1].toarray().shape[1])
    for start in range(0, len(rows), ROWS):
        stretch = torch.from_numpy(rows[start : start + ROWS])
        inside = labels[start : start + ROWS].toarray()
        moments.add_(neurons[stretch].float().numpy(), inside)
    return moments.correlation()


def _shuffled_windows(window: np.ndarray, *, seed: int) -> np.ndarray:
    """Rows in an order in which whole windows have changed places."""
    pieces = np.split(np.arange(len(window)), np.flatnonzero(np.diff(window)) + 1)
    order = np.random.default_rng(seed).permutation(len(pieces))
    return np.concatenate([pieces[i] for i in order])
