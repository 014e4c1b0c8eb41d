"""A sweep on a tiny transformer: its tables agree with evaluating each autoencoder alone."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from tests.features.conftest import D_MLP
from tests.saes import rows
from torch import Tensor

from superposition.core.store import schema
from superposition.features import sweep_tables
from superposition.features.evaluation import EvaluationConfig, evaluate
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.sweep import Point, SweepConfig
from superposition.saes.training import FittedSae, fit_many

CONFIG = SweepConfig(
    arch="l1",
    activations="main",
    d_sae=[12, 20],
    level="l1_coefficient",
    levels=[0.01],
    seeds=[0],
    shared={},
    n_tokens=10_000,
    batch_size=7,
    seed=0,
)
CPU = torch.device("cpu")


def trained(model: OneLayerTransformer, *changes: dict[str, Any]) -> list[tuple[Point, FittedSae]]:
    def source(first: int) -> Iterator[Tensor]:
        for number in range(first, 20):
            generator = torch.Generator().manual_seed(number)
            yield model.mlp_acts(torch.randint(1, 30, (2, 8), generator=generator)).flatten(0, 1)

    configs = [rows.row("l1", **one) for one in changes]
    points = [Point(f"{one.d_sae}-0.01-{i}", 0.01, one) for i, one in enumerate(configs)]
    with torch.no_grad():
        batches = [*source(0)]
    found = fit_many(configs, lambda first: iter(batches[first:]), device=CPU)
    return [*zip(points, found, strict=True)]


def tables(
    model: OneLayerTransformer, stream: TokenStream, pairs: list[tuple[Point, FittedSae]]
) -> tuple[sweep_tables.SweepTables, dict[str, Any]]:
    points, fitted = (list(part) for part in zip(*pairs, strict=True))
    found = sweep_tables.evaluate(model, points, fitted, stream, config=CONFIG, dtype=torch.float32)
    made = sweep_tables.tables(points, fitted, found)
    return made, sweep_tables.summary(made.points, found)


def test_a_point_has_the_metrics_of_its_autoencoder_alone(
    model: OneLayerTransformer, stream: TokenStream
) -> None:
    pairs = trained(model, {"d_sae": 12}, {"d_sae": 20})
    found, _ = tables(model, stream, pairs)
    config = EvaluationConfig(n_tokens=10_000, batch_size=7, n_bootstrap=1, seed=0)
    for row, (_, fitted) in zip(found.points.to_dict("records"), pairs, strict=True):
        alone = evaluate(model, fitted.sae, stream, config=config, dtype=torch.float32)
        for name in sweep_tables.MEASURES:
            assert row[name] == pytest.approx(alone.metrics()[name]), name
    assert found.points["n_activations"].tolist() == [320, 320]
    assert len(found.latents) == 32


def test_the_tables_are_as_the_schema_says(model: OneLayerTransformer, stream: TokenStream) -> None:
    found, summary = tables(model, stream, trained(model, {"d_sae": 12}))
    for name, table in found._asdict().items():
        assert list(table.columns) == list(schema()[f"sweep/{name}.parquet"])
    assert (summary["n_points"], summary["n_diverged"], summary["n_collapsed"]) == (1, 0, 0)
    assert summary["d_in"] == D_MLP


@pytest.mark.parametrize("others", [1, 0])
def test_one_that_diverged_keeps_its_row_without_measures(
    model: OneLayerTransformer, stream: TokenStream, others: int
) -> None:
    wild = {"training": rows.training(lr=1e30, warm_up=0.0)}
    found, summary = tables(model, stream, trained(model, wild, *[{}] * others))
    assert found.points["diverged"].tolist() == [True, False][: 1 + others]
    assert found.points["l0"].isna().to_list() == [True, False][: 1 + others]
    assert found.points["n_activations"].iloc[0] == 16
    assert summary["n_diverged"] == 1
    assert len(found.latents) == 12 * others


def test_one_that_collapsed_is_shown_as_dead(
    model: OneLayerTransformer, stream: TokenStream
) -> None:
    ((point, fitted),) = trained(model, {})
    with torch.no_grad():
        fitted.sae.b_enc.fill_(-1e9)
    found, summary = tables(model, stream, [(point, fitted)])
    assert found.points["dead_fraction"].tolist() == [1.0]
    assert found.points["median_encoder_decoder_cosine"].isna().to_list() == [True]
    assert summary["n_collapsed"] == 1
