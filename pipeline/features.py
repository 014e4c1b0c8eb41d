"""Explore some latents of one autoencoder.   python -m pipeline.features ROW"""

from pipeline.inputs import autoencoder, language
from superposition.core import compute
from superposition.core.stage import Stage, run
from superposition.features import exploration


def main(stage: Stage) -> None:
    """Examples in context, logit effects and neurons of latents that were chosen by rule."""
    config = stage.params.load(exploration.FeaturesConfig, "features")
    sae = autoencoder.sae(stage, stage.row)
    explored = exploration.explore(
        language.transformer(stage, "activations", sae.config.activations),
        sae,
        language.stream(stage, "held_out"),
        stage.store.load_table("text", "documents.parquet", columns=["document", "kind"]),
        config=config,
        dtype=compute.matmul_dtype(stage.device),
    )
    for name, table in explored._asdict().items():
        stage.store.save_table(table, "features", stage.row, f"{name}.parquet")


if __name__ == "__main__":
    run("features", main, rows="sae")
