"""Fit linear probes for every concept.   python -m pipeline.probes ROW"""

from pipeline.inputs import concepts, language
from superposition.core.stage import Stage, run
from superposition.features import probes
from superposition.features.probes import ProbesConfig


def main(stage: Stage) -> None:
    """How well the neurons together, linearly, can tell each concept."""
    config = stage.config(ProbesConfig)
    table = probes.probe(
        language.transformer(stage, "activations", config.activations),
        language.stream(stage, "held_out"),
        concepts.labels(stage),
        concepts.catalogue(stage),
        config=config,
    )
    stage.store.save_table(table, "probes", stage.row, "probes.parquet")


if __name__ == "__main__":
    run("probes", main, rows="probes")
