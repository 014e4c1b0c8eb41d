"""Held-out text as windows, and a dictionary's activations on them, batch by batch.

A window is what the transformer reads at once. Nothing here keeps more than one batch.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from superposition.core.compute import progress
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.kernels import Codes, SparseCodes


@runtime_checkable
class Dictionary(Protocol):
    """Anything that writes an activation as a sum of directions: an autoencoder or a control."""

    def codes(self, x: Tensor, /) -> Codes:
        """How strongly each latent is active on each of a batch of inputs."""
        ...

    def decode_codes(self, codes: Codes, /) -> Tensor:
        """The activations that the latents stand for."""
        ...


class Windows(NamedTuple):
    """Pieces of a stream, each as long as the transformer's context, and one token more."""

    tokens: Int[Tensor, "window seq_and_next"]
    """Token ids; the last one is only predicted."""
    position: Int[Tensor, "window seq"]
    """Index in the stream of each token that is read."""


class LatentBatch(NamedTuple):
    """A few windows with what the dictionary says about each token."""

    tokens: Int[Tensor, "window seq"]
    """Token ids."""
    next_token: Int[Tensor, "window seq"]
    """The token that follows each of them."""
    position: Int[Tensor, "window seq"]
    """Index of each token in the stream."""
    mlp_acts: Float[Tensor, "window seq d_in"]
    """What the dictionary was given."""
    codes: Codes
    """Activations of its latents; input window * seq + i is token i of that window."""


class Active(NamedTuple):
    """The nonzero activations of a batch, ordered by input."""

    inputs: Int[Tensor, " active"]
    """On which input."""
    latents: Int[Tensor, " active"]
    """Of which latent."""
    values: Float[Tensor, " active"]
    """How strong."""


def sample_windows(stream: TokenStream, *, n_ctx: int, n_tokens: int, seed: int) -> Windows:
    """At most `n_tokens` tokens of the stream as whole windows, drawn without replacement.

    Windows start at multiples of `n_ctx` and keep the stream's order. Drawing them from the whole
    stream, and not from its beginning, spreads them over as many documents as possible.
    """
    n_windows = (len(stream.tokens) - 1) // n_ctx
    n_wanted = n_tokens // n_ctx
    if min(n_windows, n_wanted) < 1:
        available = len(stream.tokens)
        raise ValueError(f"n_tokens={n_tokens} of {available} hold no window of n_ctx={n_ctx}")
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(n_windows, generator=generator)[:n_wanted].sort().values
    position = chosen.unsqueeze(1) * n_ctx + torch.arange(n_ctx + 1)
    return Windows(tokens=stream.tokens.cpu()[position].long(), position=position[:, :-1])


def latent_batches(
    model: OneLayerTransformer,
    dictionary: Dictionary,
    windows: Windows,
    *,
    batch_size: int,
    dtype: torch.dtype,
    description: str,
) -> Iterator[LatentBatch]:
    """The activations on all `windows`, `batch_size` windows at a time, on the model's device.

    The dictionary is given them as `dtype`: bfloat16, as in the cache it was trained on, is faster
    where that is native.
    """
    for batch in window_batches(windows, batch_size=batch_size, description=description):
        yield _latent_batch(model, dictionary, batch, dtype=dtype)


def window_batches(windows: Windows, *, batch_size: int, description: str) -> Iterator[Windows]:
    """`windows`, `batch_size` at a time."""
    parts = zip(windows.tokens.split(batch_size), windows.position.split(batch_size), strict=True)
    n_batches = -(-len(windows.tokens) // batch_size)
    for tokens, position in progress(parts, description, total=n_batches):
        yield Windows(tokens, position)


def documents_of(stream: TokenStream, position: Int[Tensor, "*any"]) -> Int[Tensor, "*any"]:
    """The document that each `position` of the stream belongs to."""
    index = torch.searchsorted(stream.start, position.contiguous(), right=True) - 1
    return stream.document[index]


def active(codes: Codes) -> Active:
    """The nonzero activations among `codes`, which have no instance axis."""
    if isinstance(codes, SparseCodes):
        return Active(codes.pattern.inputs, codes.pattern.latents, codes.values.detach())
    inputs, latents = (codes.acts > 0).nonzero(as_tuple=True)
    return Active(inputs, latents, codes.acts.detach()[inputs, latents])


def d_sae_of(codes: Codes) -> int:
    """How many latents the dictionary has that made `codes`."""
    return codes.pattern.d_sae if isinstance(codes, SparseCodes) else codes.acts.shape[-1]


@torch.no_grad()
def _latent_batch(
    model: OneLayerTransformer, dictionary: Dictionary, windows: Windows, *, dtype: torch.dtype
) -> LatentBatch:
    tokens = windows.tokens.to(model.device)
    mlp_acts = model.mlp_acts(tokens[:, :-1])
    return LatentBatch(
        tokens=tokens[:, :-1],
        next_token=tokens[:, 1:],
        position=windows.position.to(model.device),
        mlp_acts=mlp_acts,
        codes=dictionary.codes(mlp_acts.flatten(0, 1).to(dtype)),
    )
