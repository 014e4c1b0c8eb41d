"""Frames for the figures of universality, of splitting and of automata."""

import numpy as np
import pandas as pd
from tests.charts.synthetic import frame

from superposition import relation_tables
from superposition.charts import relations, splitting
from superposition.features.membership import PLANTED

WIDTHS = (512, 4096)


def units(*, same_model: bool = False) -> pd.DataFrame:
    n = 20
    kind = ["latent"] * n if same_model else ["latent"] * 12 + ["neuron"] * 8
    return frame("universality/units.parquet", n, kind=kind)


def contexts() -> pd.DataFrame:
    names = [*PLANTED, "docstring", "word in capitals"]
    return frame("universality/contexts.parquet", 5, context=names, latent=[0, 1, 2, 3, 4])


def neighbours() -> pd.DataFrame:
    return frame("universality/neighbours.parquet", 6, decoder_cosine=np.linspace(0.5, 0.9, 6))


def latents() -> pd.DataFrame:
    """Six latents of each of two seeds at each of two widths, two of each planted context."""
    n = 2 * 2 * 6
    return frame(
        "splitting/latents.parquet",
        n,
        d_sae=np.repeat(WIDTHS, 12),
        seed=np.tile(np.repeat([0, 1], 6), 2),
        latent=np.tile(np.arange(6), 4),
        top_token=np.tile(np.arange(6), 4),
        context=[*PLANTED, *PLANTED] * 4,
        digit_share=np.tile([0.9, 0.1], 12),
    )


def counts() -> pd.DataFrame:
    rows = [
        (width, seed, name, 1 + seed + width // 2048)
        for width in WIDTHS
        for seed in (0, 1)
        for name in (*PLANTED, "docstring")
    ]
    return pd.DataFrame(rows, columns=["d_sae", "seed", "context", "n_latents"])


def edges() -> pd.DataFrame:
    columns = {"coarse": [0, 0, 1, 2], "fine": [0, 3, 1, 2], "similarity": [0.9, 0.5, 0.7, 0.6]}
    table = pd.DataFrame(columns).assign(coarse_d_sae=WIDTHS[0], fine_d_sae=WIDTHS[1])
    return table.loc[:, ["coarse_d_sae", "fine_d_sae", "coarse", "fine", "similarity"]]


def relatives() -> pd.DataFrame:
    return frame(
        "splitting/relatives.parquet",
        1,
        coarse_d_sae=[WIDTHS[0]],
        fine_d_sae=[WIDTHS[1]],
        n_coarse=[6],
        n_fine=[6],
    )


def clusters() -> pd.DataFrame:
    return frame("splitting/clusters.parquet", 4, context=[*PLANTED, "docstring"])


def states() -> pd.DataFrame:
    names = [*PLANTED, *PLANTED, "", "docstring"]
    return frame("automata/states.parquet", 8, latent=np.arange(8), context=names)


def transitions() -> pd.DataFrame:
    columns = {"source": [0, 0, 1, 1, 2, 3], "target": [0, 3, 4, 6, 5, 0], "weight": 0.5}
    return pd.DataFrame(columns)


def best() -> pd.DataFrame:
    return frame("automata/contexts.parquet", 3, context=list(PLANTED), latent=[0, 1, 2])


def samples() -> pd.DataFrame:
    rows = [
        (name, index, arm, prompt, 10, 1 + prompt + 5 * (arm == "pinned"), np.arange(4))
        for index, name in enumerate(PLANTED)
        for arm in ("pinned", "free")
        for prompt in range(3)
    ]
    columns = ["context", "latent", "arm", "prompt", "n_tokens", "n_active", "tokens"]
    return pd.DataFrame(rows, columns=columns)


def two_rows() -> pd.DataFrame:
    return pd.concat(
        [units().assign(row="two-models"), units(same_model=True).assign(row="two-starts")]
    )


def nodes() -> pd.DataFrame:
    columns = {
        "d_sae": [512, 4096, 4096],
        "latent": [0, 1, 2],
        "x": [0, 1, 1],
        "y": [0.5, 0.2, 0.8],
    }
    return pd.DataFrame(columns).assign(context=PLANTED[0], shown="a", precision=0.9, density=0.01)


def links() -> pd.DataFrame:
    columns = {
        "x": [0, 0],
        "y": [0.5, 0.5],
        "x2": [1, 1],
        "y2": [0.2, 0.8],
        "similarity": [0.5, 0.9],
    }
    return pd.DataFrame(columns).assign(context=PLANTED[0])


def machine() -> tuple[pd.DataFrame, pd.DataFrame]:
    return relation_tables.machine(states(), transitions())


FIGURES = {
    relations.universality: lambda: (relation_tables.correlations(units()),),
    relations.pairs: lambda: (relation_tables.quartiles(two_rows()),),
    relations.logits: lambda: (relation_tables.with_text(units(), ["a", " b"]),),
    relations.contexts: lambda: (contexts(),),
    relations.neighbours: lambda: (neighbours(),),
    splitting.counts: lambda: (counts(),),
    splitting.lineage: lambda: (nodes(), links()),
    splitting.clusters: lambda: (clusters(),),
    splitting.widths: lambda: (relation_tables.widths(latents()),),
    splitting.digits: lambda: (latents(),),
    splitting.automaton: machine,
    splitting.loops: lambda: (relation_tables.loops(samples()),),
}
