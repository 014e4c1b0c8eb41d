"""Scores of single units that need neither a reader nor a list of concepts.

`predictability`: can the unit's activation be guessed from the last three tokens? `logit_area` and
`logit_accuracy`: do the tokens that follow its active tokens tell which logits it raises?
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from scipy import sparse, stats
from torch import Tensor

from superposition.core.compute import progress
from superposition.features import encoded, grams, logit_tests
from superposition.features.logit_effects import model_readout
from superposition.features.moments import firings
from superposition.features.recording import columns, neurons_on
from superposition.features.streaming import sample_windows
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE

MIN_ACTIVE = 10
"""Tokens of each half on which a unit must be active to be scored."""
N_TOP = 20
"""Top examples whose tokens are compared. Source: Towards Monosemanticity, "top 20 examples"."""
CHUNK = 64
"""Units at a time."""


@dataclass(frozen=True, kw_only=True)
class ConsistencyConfig:
    """Which units are scored, and on how much text."""

    sae: str
    """Row of the autoencoder; the neurons that it reads are scored beside it."""
    activations: str
    """Row of the activations it was trained on, and so its transformer."""
    n_tokens: int
    """Held-out tokens, both halves together, rounded down to whole windows."""
    batch_size: int
    """Windows at a time. Only memory depends on it."""
    n_units: int
    """Units drawn of each kind, among those that are ever active; all if there are fewer."""
    n_cases: int
    """Active tokens on which a unit's predictions are judged, and as many inactive ones."""
    seed: int
    """Draws windows, units and cases."""

    def __post_init__(self) -> None:
        for name in ("n_tokens", "batch_size", "n_units", "n_cases"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")


class Grid(NamedTuple):
    """What is shared by all units: the tokens in several forms."""

    token: Int[np.ndarray, " token"]
    next_token: Int[np.ndarray, " token"]
    strings: list[Int[np.ndarray, " token"]]
    """Numbers of the strings that end at each token, as `grams.strings` gives them."""
    fitted: Bool[np.ndarray, " token"]
    """The half from which predictions are made; they are judged on the other."""
    d_vocab: int


@torch.no_grad()
def score(
    model: OneLayerTransformer,
    sae: SAE,
    stream: TokenStream,
    *,
    fitted: Bool[Tensor, " n_tokens"],
    config: ConsistencyConfig,
    dtype: torch.dtype,
) -> pd.DataFrame:
    """Scores of latents and neurons, drawn at random. Frame: consistency/units.parquet.

    `fitted` says for every token of the stream whether it lies in the half to fit on.
    """
    n_ctx, size = model.config.n_ctx, config.batch_size
    windows = sample_windows(stream, n_ctx=n_ctx, n_tokens=config.n_tokens, seed=config.seed)
    (latents,) = encoded.encode(
        model, [sae], windows, batch_size=size, dtype=dtype, description="latents"
    )
    tokens, R = windows.tokens.numpy(), model_readout(model, windows, batch_size=size)
    grid = Grid(
        token=tokens[:, :-1].ravel(),
        next_token=tokens[:, 1:].ravel(),
        strings=grams.strings(tokens[:, :-1], d_vocab=model.d_vocab),
        fitted=fitted.numpy()[windows.position.flatten().numpy()],
        d_vocab=model.d_vocab,
    )
    neurons = neurons_on(model, windows, batch_size=size)
    tables = [
        _scores(latents, (sae.W_dec.float() @ R).cpu().numpy(), grid, "latent", config=config),
        _scores(neurons, R.cpu().numpy(), grid, "neuron", config=config),
    ]
    return pd.concat(tables, ignore_index=True)


def single_token(
    acts: Float[np.ndarray, "token unit"], token: Int[np.ndarray, " token"]
) -> Float[np.ndarray, " unit"]:
    """The share of each unit's 20 strongest activations that are on the commonest token of them.

    NaN for a unit with fewer active tokens. 1: all top examples are the same token.
    """
    n = min(N_TOP, len(acts))
    top = np.argpartition(-acts, n - 1, axis=0)[:n]
    shares = [np.bincount(token[top[:, unit]]).max() / n for unit in range(acts.shape[1])]
    return np.where((acts > 0).sum(axis=0) >= N_TOP, shares, np.nan)


def predictability(
    acts: Float[np.ndarray, "token unit"],
    guess: Float[np.ndarray, "token unit"],
    *,
    n_cases: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, " unit"]:
    """Spearman correlation of every unit's activations with the guesses.

    On at most `n_cases` tokens where it is active and as many where it is not, drawn at random, so
    that rare and common units are judged alike. NaN where it is active on fewer than 10.
    """
    found = np.full(acts.shape[1], np.nan)
    for unit in range(acts.shape[1]):
        on, off = (np.flatnonzero(mask) for mask in (acts[:, unit] > 0, acts[:, unit] <= 0))
        n = min(n_cases, len(on), len(off))
        if n < MIN_ACTIVE:
            continue
        cases = np.concatenate([rng.choice(rows, size=n, replace=False) for rows in (on, off)])
        if np.ptp(guess[cases, unit]) > 0:
            found[unit], _ = stats.spearmanr(acts[cases, unit], guess[cases, unit])
        else:
            found[unit] = 0.0
    return found


def _scores(
    acts: sparse.csr_matrix | Tensor,
    effects: np.ndarray,
    grid: Grid,
    kind: str,
    *,
    config: ConsistencyConfig,
) -> pd.DataFrame:
    """The table of one kind of unit; row i of `effects` are unit i's logit weights."""
    rng = np.random.default_rng(config.seed)
    active = _firings(acts)
    live = np.flatnonzero(active)
    units = np.sort(rng.choice(live, size=min(config.n_units, len(live)), replace=False))
    parts = [units[start : start + CHUNK] for start in range(0, len(units), CHUNK)]
    tables = [
        _chunk(columns(acts, part), effects[part], grid, config=config, rng=rng)
        for part in progress(parts, f"scoring {kind}s", total=len(parts))
    ]
    table = pd.concat(tables, ignore_index=True)
    keys = {"kind": kind, "unit": units, "density": active[units] / len(grid.token)}
    return pd.concat([pd.DataFrame(keys), table], axis=1)


def _chunk(
    acts: np.ndarray,
    effects: np.ndarray,
    grid: Grid,
    *,
    config: ConsistencyConfig,
    rng: np.random.Generator,
) -> pd.DataFrame:
    enough = (acts[grid.fitted] > 0).sum(axis=0) >= MIN_ACTIVE
    guess = grams.predicted(acts, grid.strings, grid.fitted)
    found = predictability(acts[~grid.fitted], guess, n_cases=config.n_cases, rng=rng)
    scores = logit_tests.next_scores(acts, grid.next_token, d_vocab=grid.d_vocab)
    tested = logit_tests.rank_top_tokens(effects, scores, seed=int(rng.integers(2**31)))
    return pd.DataFrame(
        {
            "top_token_share": single_token(acts, grid.token),
            "predictability": np.where(enough, found, np.nan),
            "logit_area": tested.area,
            "logit_accuracy": tested.accuracy,
        }
    )


def _firings(acts: sparse.csr_matrix | Tensor) -> Int[np.ndarray, " unit"]:
    """On how many tokens each unit is active."""
    return (acts > 0).sum(dim=0).numpy() if isinstance(acts, Tensor) else firings(acts)
