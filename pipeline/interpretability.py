"""Match the units of a dictionary with concepts.   python -m pipeline.interpretability ROW"""

from pipeline.inputs import autoencoder, concepts, language
from superposition.core import compute
from superposition.core.stage import Stage, run
from superposition.features import interpretability
from superposition.features.interpretability import InterpretabilityConfig


def main(stage: Stage) -> None:
    """Which concept each unit tells best, which unit each concept, and how well."""
    config = stage.config(InterpretabilityConfig)
    found = interpretability.interpret(
        language.transformer(stage, "activations", config.activations),
        autoencoder.sae(stage, config.sae) if config.sae else None,
        language.stream(stage, "held_out"),
        concepts.labels(stage),
        concepts.catalogue(stage),
        config=config,
        dtype=compute.matmul_dtype(stage.device),
    )
    for name, table in found.tables().items():
        stage.store.save_table(table, "interpretability", stage.row, f"{name}.parquet")
    stage.store.save_json(found.metrics, "interpretability", stage.row, "metrics.json")


if __name__ == "__main__":
    run("interpretability", main, rows="interpretability")
