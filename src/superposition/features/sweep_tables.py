"""What the autoencoders of a sweep came to: a row for each, for each latent, for each step.

One that diverged keeps its row: nothing was measured of it, and that is said.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import torch

from superposition.features.evaluation import Evaluation, EvaluationConfig, evaluate_many
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.sweep import Point, SweepConfig
from superposition.saes.training import FittedSae

MEASURES = (
    *("l0", "mse", "explained_variance", "loss_sae", "loss_recovered_zero", "loss_recovered_mean"),
    *("dead_fraction", "ultra_low_density_fraction", "over_one_percent"),
    *("density_05", "density_50", "density_95", "median_encoder_decoder_cosine"),
)
"""Metrics of an evaluation that a sweep keeps; NaN where nothing could be measured."""
LATENTS = ["latent", "density", "max_activation", "encoder_decoder_cosine", "encoder_bias"]
"""Columns of an evaluation's latents that a sweep keeps."""
SHARED = (
    *("n_tokens", "n_documents", "d_in", "neuron_l0", "mean_square"),
    *("loss_clean", "loss_zero_ablation", "loss_mean_ablation"),
)
"""Metrics that do not depend on the autoencoder."""


class SweepTables(NamedTuple):
    """The tables of one sweep."""

    points: pd.DataFrame
    """One row per autoencoder. Frame: sweep/points.parquet."""
    latents: pd.DataFrame
    """One row per latent of those that did not diverge. Frame: sweep/latents.parquet."""
    history: pd.DataFrame
    """How training went. Frame: sweep/history.parquet."""


def evaluate(
    model: OneLayerTransformer,
    points: Sequence[Point],
    fitted: Sequence[FittedSae],
    stream: TokenStream,
    *,
    config: SweepConfig,
    dtype: torch.dtype,
) -> dict[str, Evaluation]:
    """What the autoencoders that did not diverge do on held-out text, by point."""
    saes = {
        point.name: one.sae.eval()
        for point, one in zip(points, fitted, strict=True)
        if not one.stopped
    }
    on_text = EvaluationConfig(
        n_tokens=config.n_tokens,
        batch_size=config.batch_size,
        n_bootstrap=1,  # the intervals of a sweep are over its seeds
        seed=config.seed,
    )
    found = evaluate_many(model, [*saes.values()], stream, config=on_text, dtype=dtype)
    return dict(zip(saes, found, strict=True))


def tables(
    points: Sequence[Point],
    fitted: Sequence[FittedSae],
    evaluations: Mapping[str, Evaluation],
) -> SweepTables:
    """The tables; `evaluations`, by point, of those whose training came to its end."""
    pairs = [*zip(points, fitted, strict=True)]
    rows = [_row(point, one, evaluations.get(point.name)) for point, one in pairs]
    return SweepTables(
        points=pd.DataFrame(rows),
        latents=_stacked(
            {name: each.latents[LATENTS] for name, each in evaluations.items()}, columns=LATENTS
        ),
        history=_stacked(
            {point.name: one.history for point, one in pairs}, columns=[*pairs[0][1].history]
        ),
    )


def summary(
    table: pd.DataFrame, evaluations: Mapping[str, Evaluation]
) -> dict[str, int | float | None]:
    """The numbers of metrics.json: how many there are, and what does not depend on them."""
    shared = next((each.metrics() for each in evaluations.values()), {})
    return {
        "n_points": len(table),
        "n_diverged": int(table["diverged"].sum()),
        "n_collapsed": int((table["dead_fraction"] == 1).sum()),
    } | {name: shared.get(name) for name in SHARED}


def _row(point: Point, fitted: FittedSae, evaluation: Evaluation | None) -> dict[str, Any]:
    measured = evaluation.metrics() if evaluation else {}
    keys = {
        "point": point.name,
        "arch": point.config.arch,
        "d_sae": point.config.d_sae,
        "level": float(point.level),
        "seed": point.config.seed,
        "n_activations": fitted.n_steps * point.config.training.batch_size,
        "diverged": bool(fitted.stopped),
    }
    return keys | {name: _number(measured.get(name)) for name in MEASURES}


def _number(value: float | int | None) -> float:
    return float("nan") if value is None else float(value)


def _stacked(parts: Mapping[str, pd.DataFrame], *, columns: list[str]) -> pd.DataFrame:
    """Tables below one another, with a first column that says of which point each is."""
    kept = [table.assign(point=name) for name, table in parts.items() if len(table)]
    together = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame()
    return together.reindex(columns=["point", *columns])
