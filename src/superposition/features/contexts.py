"""Every concept of the catalogue and every proxy, tested on one autoencoder and another model's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool
from scipy import sparse
from torch import Tensor

from superposition.features import context_tests, encoded, proxies
from superposition.features.logit_effects import model_readout
from superposition.features.recording import PROXY, labelled_text, neurons_on
from superposition.features.streaming import Windows, sample_windows
from superposition.language.planted import KINDS, Kind
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE

Subject = tuple[OneLayerTransformer, SAE]
"""A transformer and an autoencoder on its MLP."""
PLANTED: dict[str, Kind] = {
    "planted base64": "base64",
    "planted hexadecimal": "hexadecimal",
    "planted DNA": "dna",
}
"""The concepts of the catalogue that are planted contexts."""


@dataclass(frozen=True, kw_only=True)
class ContextsConfig:
    """On which autoencoder the tests are run, and on how much text."""

    sae: str
    """Row of the autoencoder whose latents are tested."""
    activations: str
    """Row of the activations it was trained on, and so its transformer."""
    partner: str
    """Row of an autoencoder on another transformer, for universality."""
    partner_activations: str
    """Row of the activations that one was trained on."""
    n_tokens: int
    """Held-out tokens, both halves together, rounded down to whole windows."""
    batch_size: int
    """Windows at a time. Only memory depends on it."""
    seed: int
    """Draws the windows and the bootstrap samples."""

    def __post_init__(self) -> None:
        for name in ("n_tokens", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")


@torch.no_grad()
def examine(
    subject: Subject,
    partner: Subject,
    stream: TokenStream,
    *,
    labels: sparse.csr_array,
    choosing: Bool[Tensor, " n_tokens"],
    catalogue: pd.DataFrame,
    vocabulary: Sequence[bytes],
    config: ContextsConfig,
    dtype: torch.dtype,
) -> context_tests.Outcomes:
    """The five tests for every context concept, and for the paper's proxies of planted contexts.

    `labels` has a column for every concept of the `catalogue` (concept, name, group, kind, judged)
    and a row for every token of the `stream`, as `choosing` has; `vocabulary` has the bytes of each
    token.
    """
    n_ctx, size = subject[0].config.n_ctx, config.batch_size
    windows = sample_windows(stream, n_ctx=n_ctx, n_tokens=config.n_tokens, seed=config.seed)
    names = tested(catalogue)
    wanted = catalogue["concept"].isin(names["concept"]).to_numpy()
    marked = sparse.hstack(
        [sparse.csr_matrix(labels)[:, np.flatnonzero(wanted)], _proxies(stream, vocabulary)]
    )
    text = labelled_text(windows, sparse.csr_array(marked), choosing)
    ours, theirs = (_units(*each, windows, size=size, dtype=dtype) for each in (subject, partner))
    neurons = neurons_on(subject[0], windows, batch_size=size)
    return context_tests.run_tests(ours, neurons, theirs, text, names=names, seed=config.seed)


def tested(catalogue: pd.DataFrame) -> pd.DataFrame:
    """The context concepts that are judged, and after them a proxy for each planted context.

    The planted contexts are among them even if single tokens give them away.

    Columns: concept, name, group, planted (the planted context that it is, empty if none).
    """
    context = (catalogue["kind"] == "context") | catalogue["name"].isin(list(PLANTED))
    chosen = catalogue.loc[context & catalogue["judged"].astype(bool)]
    planted = [PLANTED.get(name, "") for name in chosen["name"]]
    concepts = chosen[["concept", "name", "group"]].assign(planted=planted)
    first = int(catalogue["concept"].to_numpy().max()) + 1
    marks = {
        "concept": range(first, first + len(KINDS)),
        "name": [f"{PROXY} of {kind}" for kind in KINDS],
        "group": PROXY,
        "planted": list(KINDS),
    }
    return pd.concat([concepts, pd.DataFrame(marks)], ignore_index=True)


def _proxies(stream: TokenStream, vocabulary: Sequence[bytes]) -> sparse.csr_matrix:
    """For each planted context, the tokens whose proxy is above 0."""
    tokens, start = stream.tokens.numpy(), stream.start.numpy()
    found = [proxies.proxies(tokens, start, vocabulary=vocabulary, kind=kind) for kind in KINDS]
    return sparse.csr_matrix(np.stack([each > 0 for each in found], axis=1).astype(np.float32))


def _units(
    model: OneLayerTransformer, sae: SAE, windows: Windows, *, size: int, dtype: torch.dtype
) -> context_tests.Units:
    (acts,) = encoded.encode(
        model, [sae], windows, batch_size=size, dtype=dtype, description="latents"
    )
    return context_tests.Units(acts, sae.W_dec, model_readout(model, windows, batch_size=size))
