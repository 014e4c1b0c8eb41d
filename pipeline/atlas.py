"""Describe every unit of one dictionary for the atlas.   python -m pipeline.atlas ROW"""

from pipeline.inputs import autoencoder, language, sweeps
from superposition.atlas import describe
from superposition.atlas.config import AtlasConfig
from superposition.core import compute
from superposition.core.stage import Stage, run


def main(stage: Stage) -> None:
    """Histograms, examples, logit effects, relatives and ablations of all latents or neurons."""
    config = stage.config(AtlasConfig)
    wanted = config.level, config.sweep_seed
    points = sweeps.points(stage, config.sweep)
    chosen = [p for p in points if (p.level, p.config.seed) == wanted]
    wider = sweeps.saes(stage, config.sweep, chosen)
    found = describe.describe(
        language.transformer(stage, "activations", config.activations),
        autoencoder.sae(stage, config.sae) if config.sae else None,
        language.stream(stage, "held_out"),
        {len(sae.W_dec): sae.W_dec.detach().float() for sae in wider},
        config=config,
        dtype=compute.matmul_dtype(stage.device),
    )
    for name, table in found.tables().items():
        stage.store.save_table(table, "atlas", stage.row, f"{name}.parquet")
    stage.store.save_json(found.metrics, "atlas", stage.row, "metrics.json")


if __name__ == "__main__":
    run("atlas", main, rows="atlas")
