"""Score single latents and neurons without concepts.   python -m pipeline.consistency ROW"""

from pipeline.inputs import autoencoder, language
from superposition.core import compute
from superposition.core.stage import Stage, run
from superposition.features import consistency
from superposition.language.concepts.labels import halves


def main(stage: Stage) -> None:
    """How well tokens predict each unit, and whether its logit weights fit what follows it."""
    config = stage.config(consistency.ConsistencyConfig)
    stream = language.stream(stage, "held_out")
    table = consistency.score(
        language.transformer(stage, "activations", config.activations),
        autoencoder.sae(stage, config.sae),
        stream,
        fitted=halves(stream),
        config=config,
        dtype=compute.matmul_dtype(stage.device),
    )
    stage.store.save_table(table, "consistency", stage.row, "units.parquet")


if __name__ == "__main__":
    run("consistency", main, rows="consistency")
