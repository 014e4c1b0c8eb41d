"""Compare the latents of two autoencoders.   python -m pipeline.universality ROW"""

from pipeline.inputs import autoencoder, concepts, language, sweeps
from superposition.core import compute
from superposition.core.stage import Stage, run
from superposition.features import membership, universality
from superposition.features.universality import Side, UniversalityConfig
from superposition.saes.base import SAE


def main(stage: Stage) -> None:
    """The best match of every unit of the first in the second; contexts; close directions."""
    config = stage.config(UniversalityConfig)
    first, second = (
        Side(language.transformer(stage, "activations", row), _autoencoder(stage, folder, point))
        for folder, point, row in (
            (config.first, config.first_point, config.first_activations),
            (config.second, config.second_point, config.second_activations),
        )
    )
    compared = universality.compare(
        first,
        second,
        language.stream(stage, "held_out"),
        membership.contexts_of(concepts.labels(stage), concepts.catalogue(stage)),
        config=config,
        dtype=compute.matmul_dtype(stage.device),
    )
    for name, table in compared._asdict().items():
        stage.store.save_table(table, "universality", stage.row, f"{name}.parquet")
    metrics = universality.summary(compared, config)
    stage.store.save_json(metrics, "universality", stage.row, "metrics.json")


def _autoencoder(stage: Stage, folder: str, point: str | None) -> SAE:
    """The one in data/<scale>/<folder>, at a point if it is a sweep."""
    _, row = folder.split("/")
    if point is None:
        return autoencoder.sae(stage, row)
    named = {each.name: each for each in sweeps.points(stage, row)}
    if point not in named:
        raise ValueError(f"no point {point!r} in sweep.{row}; have: {', '.join(named)}")
    (sae,) = sweeps.saes(stage, row, [named[point]])
    return sae


if __name__ == "__main__":
    run("universality", main, rows="universality")
