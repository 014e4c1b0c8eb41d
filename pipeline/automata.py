"""Read the latents of one autoencoder as states of a machine.   python -m pipeline.automata"""

from pipeline.inputs import autoencoder, concepts, language
from superposition.core import compute
from superposition.core.stage import Stage, run
from superposition.features import automata, membership


def main(stage: Stage) -> None:
    """Which latents excite which on the next token, and whether one keeps itself going."""
    config = stage.config(automata.AutomataConfig)
    found = automata.read_automata(
        language.transformer(stage, "activations", config.activations),
        autoencoder.sae(stage, config.sae),
        language.stream(stage, "held_out"),
        membership.contexts_of(concepts.labels(stage), concepts.catalogue(stage)),
        planted=membership.PLANTED,
        config=config,
        dtype=compute.matmul_dtype(stage.device),
    )
    for name, table in found._asdict().items():
        stage.store.save_table(table, "automata", f"{name}.parquet")
    stage.store.save_json(automata.summary(found), "automata", "metrics.json")


if __name__ == "__main__":
    run("automata", main, rows=None)
