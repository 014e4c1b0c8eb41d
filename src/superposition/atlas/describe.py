"""Every unit of one dictionary on held-out text: the tables of the atlas.

One pass over the text gives a sparse matrix of tokens by units; everything else is read off its
columns, the decoder and the unembedding. Memory grows with the active units, not with d_sae.
"""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from scipy import sparse
from torch import Tensor

from superposition.atlas import effects, examples, relatives
from superposition.atlas.config import AtlasConfig
from superposition.atlas.examples import Reading
from superposition.features.encoded import encode, some_windows
from superposition.features.logit_effects import logit_effects, model_readout, top_logits
from superposition.features.neurons import Neurons
from superposition.features.residuals import residuals_on
from superposition.features.streaming import Windows, documents_of, sample_windows
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE

CHUNK = 1024
"""Units whose logit effects are computed at a time."""


class Atlas(NamedTuple):
    """Tables atlas/<row>/<name>.parquet, and a few numbers."""

    units: pd.DataFrame
    """One row per unit."""
    examples: pd.DataFrame
    """Contexts over the whole range of its activations."""
    logits: pd.DataFrame
    """The tokens it promotes and suppresses."""
    relatives: pd.DataFrame
    """Units with similar directions."""
    metrics: dict[str, int]
    """How many tokens were read, and how many units are live."""

    def tables(self) -> dict[str, pd.DataFrame]:
        """The frames by name."""
        return {name: table for name, table in self._asdict().items() if name != "metrics"}


@torch.no_grad()
def describe(
    model: OneLayerTransformer,
    sae: SAE | None,
    stream: TokenStream,
    wider: Mapping[int, Float[Tensor, "_ d_mlp"]],
    *,
    config: AtlasConfig,
    dtype: torch.dtype,
) -> Atlas:
    """The latents of `sae`, or the neurons of `model` if there is none, on the held-out `stream`.

    `wider` maps widths to decoders whose latents are possible relatives. `dtype` is the format of
    the encoder's inputs; neurons are read in float32.
    """
    windows = sample_windows(
        stream, n_ctx=model.config.n_ctx, n_tokens=config.n_tokens, seed=config.seed
    )
    directions = _directions(model, sae)
    acts = _activations(model, sae, windows, config=config, dtype=dtype)
    reading = _reading(windows, stream)
    units = examples.summaries(acts, reading, config)
    taken = effects.effects(
        model,
        acts,
        residuals_on(model, windows, batch_size=config.batch_size),
        windows.tokens[:, 1:].flatten(),
        directions=directions,
        n_cases=config.n_cases,
        seed=config.seed,
    )
    return Atlas(
        units=pd.concat([units, taken], axis=1),
        examples=examples.collect(acts, reading, config),
        logits=_logits(model, directions, windows, config=config),
        relatives=relatives.relatives(
            directions, model.W_out.detach(), wider, are_neurons=sae is None, n=config.n_relatives
        ),
        metrics={
            "n_tokens": acts.shape[0],
            "n_units": len(units),
            "n_live": int((units["n_active"] > 0).sum()),
        },
    )


def _directions(model: OneLayerTransformer, sae: SAE | None) -> Float[Tensor, "unit d_mlp"]:
    if sae is None:
        return torch.eye(model.config.d_mlp, device=model.device)
    return sae.W_dec.detach().float()


def _activations(
    model: OneLayerTransformer,
    sae: SAE | None,
    windows: Windows,
    *,
    config: AtlasConfig,
    dtype: torch.dtype,
) -> sparse.csc_matrix:
    (acts,) = encode(
        model,
        [Neurons() if sae is None else sae],
        windows,
        batch_size=config.batch_size,
        dtype=torch.float32 if sae is None else dtype,
        description="reading",
    )
    return sparse.csc_matrix(acts)


def _reading(windows: Windows, stream: TokenStream) -> Reading:
    tokens = windows.tokens[:, :-1]
    return Reading(
        token=tokens.flatten().numpy(),
        position=windows.position.flatten().numpy(),
        document=documents_of(stream, windows.position).flatten().numpy(),
        n_ctx=tokens.shape[1],
    )


def _logits(
    model: OneLayerTransformer,
    directions: Float[Tensor, "unit d_mlp"],
    windows: Windows,
    *,
    config: AtlasConfig,
) -> pd.DataFrame:
    R = model_readout(model, some_windows(windows), batch_size=config.batch_size)
    numbers = torch.arange(len(directions)).split(CHUNK)
    tables = [
        top_logits(logit_effects(directions[units], R), units.tolist(), n=config.n_logits)
        for units in numbers
    ]
    table = pd.concat(tables, ignore_index=True).rename(columns={"latent": "unit"})
    return table.sort_values(["unit", "sign", "rank"], ignore_index=True)
