"""A made-up atlas: 36 latents, one of them dead, and 8 neurons, on whatever tokens there are."""

import numpy as np
import pandas as pd

from superposition.atlas.examples import EXAMPLES
from superposition.core.store import Store

N_LATENTS, N_NEURONS, DEAD = 36, 8, 35
FIRST_TOKEN = 10
"""Latent i is active on the token FIRST_TOKEN + i, and promotes the one 100 further."""


def save(store: Store) -> None:
    """Both rows of the atlas."""
    for row, n in (("batch-topk", N_LATENTS), ("neurons", N_NEURONS)):
        tables = {"units": units(n), "examples": examples(n), "logits": logits(n)}
        tables["relatives"] = relatives(n, are_neurons=row == "neurons")
        for name, table in tables.items():
            store.save_table(table, "atlas", row, f"{name}.parquet")
        store.save_json({"n_tokens": 1000, "n_units": n, "n_live": n}, "atlas", row, "metrics.json")


def units(n: int) -> pd.DataFrame:
    """Unit i is active on i + 1 tokens; the dead one on none."""
    live = np.arange(n) != DEAD
    active = np.where(live, np.arange(n) + 1, 0)
    return pd.DataFrame(
        {
            "unit": np.arange(n),
            "n_active": active,
            "density": active / 1000,
            "max_activation": np.where(live, 2.0, 0.0),
            "mean_activation": np.where(live, 1.0, 0.0),
            "histogram": [[int(count), 1 if count else 0] for count in active],
            "top_tokens": [[FIRST_TOKEN + i] if live[i] else [] for i in range(n)],
            "top_token_shares": [[1.0] if live[i] else [] for i in range(n)],
            "n_cases": np.minimum(active, 4),
            "effect": np.where(live, -0.25, np.nan),
            "effect_error": np.where(active > 1, 0.1, np.nan),
        }
    )


def examples(n: int) -> pd.DataFrame:
    """A top example and one of an interval for every live unit."""
    rows = []
    for unit in range(n):
        tokens = np.array([3, FIRST_TOKEN + unit, 5])
        for interval in (0, 1) if unit != DEAD else ():
            strengths = np.array([0.0, 2.0, 0.5])
            rows.append((unit, interval, 0, 2.0, unit, unit, 1, tokens, strengths))
    return pd.DataFrame(rows, columns=EXAMPLES)


def logits(n: int) -> pd.DataFrame:
    """One token up and one down."""
    signs = ["up", "down"] * n
    tokens = [100 + FIRST_TOKEN + unit + part for unit in range(n) for part in (0, 100)]
    effects = np.tile([0.5, -0.5], n)
    unit = np.repeat(np.arange(n), 2)
    columns = {"unit": unit, "sign": signs, "rank": 0, "token": tokens, "effect": effects}
    return pd.DataFrame(columns)


def relatives(n: int, *, are_neurons: bool) -> pd.DataFrame:
    """The next unit, neuron 1, and latent 2 of a narrower autoencoder."""
    parts = [("nearest", n, [(i + 1) % n for i in range(n)]), ("width", 512, [2] * n)]
    parts += [] if are_neurons else [("neuron", 0, [1] * n)]
    tables = [
        pd.DataFrame(
            {
                "unit": range(n),
                "relation": relation,
                "d_sae": d_sae,
                "rank": 0,
                "other": other,
                "cosine": 0.5,
            }
        )
        for relation, d_sae, other in parts
    ]
    return pd.concat(tables, ignore_index=True)
