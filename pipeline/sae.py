"""Train the autoencoder of one row on cached activations.   python -m pipeline.sae ROW"""

from dataclasses import asdict

from superposition.core.stage import Stage, run
from superposition.saes import base, distributed, history, training
from superposition.shards import ShardReader


def main(stage: Stage) -> None:
    """An autoencoder's weights, how its training went, and what rebuilds it."""
    arch = stage.params.value("sae", stage.row)["arch"]
    config = stage.config(base.architecture(arch).Config)
    shards = ShardReader(
        stage.store.path("activations", config.activations, "shards"),
        distributed.own_device(stage.device),
    )
    schedule = config.training
    source = shards.source(
        schedule.batch_size, n_epochs=schedule.n_epochs, n_batches=schedule.n_steps
    )
    checkpoint = stage.checkpoint(config, shards.index)
    with distributed.processes(stage.device):
        fitted = training.fit(
            config,
            source,
            device=stage.device,
            checkpoint=checkpoint,
            label=f"sae@{stage.row}",
        )
    stage.store.save_tensors(fitted.sae.state_dict(), "sae", stage.row, "weights.safetensors")
    stage.store.save_table(fitted.history, "sae", stage.row, "history.csv")
    stage.store.save_json(asdict(config), "sae", stage.row, "cfg.json")
    stage.store.save_json(history.summary(fitted.history), "sae", stage.row, "metrics.json")
    checkpoint.remove()


if __name__ == "__main__":
    run("sae", main, rows="sae")
