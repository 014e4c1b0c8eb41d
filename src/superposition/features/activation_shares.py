"""What weak and strong activations of latents amount to: in number, in sum, and in effect."""

import numpy as np
import pandas as pd

from superposition.core.compute import progress
from superposition.features.ablation import drawn, effects_at
from superposition.features.intervention_setting import Setting
from superposition.features.moments import firings
from superposition.features.recording import columns
from superposition.features.specificity import N_INTERVALS

MIN_ACTIVE = 20
"""Active tokens from which a latent's intervals say something."""


def shares_by_interval(setting: Setting) -> pd.DataFrame:
    """For latents drawn at random, the share of each interval of activation; 0 is the weakest.

    Intervals have equal width between 0 and the latent's largest activation. Shares are of its
    active tokens, of the sum of its activations, and of the sum of |effect| on the token that
    follows when the latent is taken away, all estimated on at most n_cases of its active tokens,
    drawn at random.
    Source: Towards Monosemanticity, interval analysis and its caveats.
    Frame: causal/intervals.parquet.
    """
    rng = np.random.default_rng(setting.config.seed)
    live = np.flatnonzero(firings(setting.acts) >= MIN_ACTIVE)
    n = min(setting.config.n_random, len(live))
    latents = np.sort(rng.choice(live, size=n, replace=False))
    tables = [
        _shares(setting, int(latent), rng)
        for latent in progress(latents, "weighing intervals", total=n)
    ]
    empty = pd.DataFrame(columns=["latent", "interval", "count", "mass", "effect"])
    return pd.concat(tables, ignore_index=True) if tables else empty


def interval_shares(activation: np.ndarray, effect: np.ndarray, *, largest: float) -> pd.DataFrame:
    """The share of each of 11 intervals between 0 and `largest` in number, sum and |effect|.

    Columns: interval, count, mass, effect. Each sums to 1, or to 0 where there is nothing.
    """
    interval = np.minimum(activation * N_INTERVALS // largest, N_INTERVALS - 1).astype(np.int64)
    parts = {"count": np.ones_like(activation), "mass": activation, "effect": np.abs(effect)}
    sums = {
        name: np.bincount(interval, weights=weights, minlength=N_INTERVALS)
        for name, weights in parts.items()
    }
    shares = {name: each / max(each.sum(), np.finfo(float).tiny) for name, each in sums.items()}
    return pd.DataFrame({"interval": np.arange(N_INTERVALS)} | shares)


def _shares(setting: Setting, latent: int, rng: np.random.Generator) -> pd.DataFrame:
    acts = columns(setting.acts, np.array([latent]))[:, 0]
    rows = drawn(np.flatnonzero(acts > 0), setting.config.n_cases, rng)
    direction = setting.sae.W_dec[latent]
    effect, _ = effects_at(setting.model, setting.reading, acts, rows, direction=direction)
    table = interval_shares(acts[rows].astype(np.float64), effect, largest=float(acts.max()))
    return table.assign(latent=latent).loc[:, ["latent", "interval", "count", "mass", "effect"]]
